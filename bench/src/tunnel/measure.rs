//! One turn of one implementation.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::arena::Arena;
use super::crowd;
use super::figure::{Figure, Measure};
use super::implementation::{self, Implementation, Setup};
use super::load::packets;
use super::load::ping::{answered, ping};
use super::load::tcp::Transfer;
use crate::Error;
use crate::daemon::Daemon;
use crate::usage::Usage;

/// How long the nodes may take to find each other.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between pings while waiting for that.
const RETRY: Duration = Duration::from_millis(20);
/// Before a transfer is measured: TCP has found its window.
const WARM_UP: Duration = Duration::from_secs(1);
const IDLE_PINGS: u16 = 500;
const IDLE_INTERVAL: Duration = Duration::from_millis(2);
const LOADED_INTERVAL: Duration = Duration::from_millis(20);

/// What all turns have in common.
pub(super) struct Conditions<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) directory: &'a Path,
    pub(super) processors: [usize; 2],
    /// How long a transfer is measured.
    pub(super) time: Duration,
}

/// What came of a turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turn {
    pub(super) figures: Figures,
    pub(super) failures: Vec<String>,
}

type Figures = Vec<(Figure, f64)>;

/// Measures an implementation once.
pub(super) fn measure(
    implementation: Implementation,
    wanted: &[Measure],
    conditions: &Conditions<'_>,
) -> Turn {
    let mut turn = Turn::default();
    let is_pair = |measure: &Measure| !matches!(measure, Measure::Relay | Measure::Tunnels);
    if wanted.iter().any(is_pair)
        && let Err(error) = turn.pair(implementation, wanted, conditions)
    {
        turn.failures.push(error.to_string());
    }
    if wanted.contains(&Measure::Relay)
        && let Err(error) = turn.relay(implementation, conditions)
    {
        turn.failures.push(error.to_string());
    }
    if wanted.contains(&Measure::Tunnels) {
        match crowd(implementation, conditions) {
            Ok(figures) => turn.figures.extend(figures),
            Err(error) => turn.failures.push(error.to_string()),
        }
    }
    turn
}

impl Turn {
    /// Between two nodes.
    fn pair(
        &mut self,
        implementation: Implementation,
        wanted: &[Measure],
        conditions: &Conditions<'_>,
    ) -> Result<(), Error> {
        let arena = Arena::pair(conditions.processors, conditions.directory)?;
        let mut bench = Bench::start(implementation, arena, conditions)?;
        let figures = &mut self.figures;
        for &measure in wanted {
            let done = match measure {
                Measure::Ping => bench.idle_ping(figures),
                Measure::Tcp => bench.tcp(figures),
                Measure::Tcp4 => bench.tcp4(figures),
                Measure::Packets => bench.packets(Figure::Packets, figures),
                Measure::Restart => bench.restart(figures),
                Measure::Relay | Measure::Tunnels => Ok(()),
            };
            if let Err(error) = done {
                self.failures.push(bench.explain(&error).to_string());
            }
        }
        Ok(())
    }

    /// Between two nodes that reach each other through a hub.
    fn relay(
        &mut self,
        implementation: Implementation,
        conditions: &Conditions<'_>,
    ) -> Result<(), Error> {
        if implementation == Implementation::Nebula {
            return Ok(());
        }
        let arena = Arena::relay(conditions.processors, conditions.directory)?;
        let bench = Bench::start(implementation, arena, conditions)?;
        let done = bench
            .relayed(&mut self.figures)
            .and_then(|()| bench.packets(Figure::RelayPackets, &mut self.figures));
        done.map_err(|error| bench.explain(&error))
    }
}

/// Thousands of tunnels on one hub; of ours only, and with the cipher that both ends prefer.
fn crowd(implementation: Implementation, conditions: &Conditions<'_>) -> Result<Figures, Error> {
    if implementation != Implementation::Longhaul {
        return Ok(Figures::new());
    }
    crowd::measure(
        &conditions.setup,
        conditions.processors,
        conditions.directory,
    )
}

/// Nodes that reach each other.
pub(super) struct Bench<'a> {
    implementation: Implementation,
    conditions: &'a Conditions<'a>,
    pub(super) arena: Arena,
    /// As the sites are; none without a tunnel.
    nodes: Vec<Option<Daemon>>,
}

impl<'a> Bench<'a> {
    /// Starts them, and waits until they do.
    pub(super) fn start(
        implementation: Implementation,
        arena: Arena,
        conditions: &'a Conditions<'a>,
    ) -> Result<Self, Error> {
        let nodes = implementation.start(&arena, &conditions.setup)?;
        let nodes = nodes.into_iter().map(Some).collect();
        let bench = Self {
            implementation,
            conditions,
            arena,
            nodes,
        };
        bench.await_answer(PATIENCE)?;
        // Both ways are open, and what the start has cost is over.
        thread::sleep(Duration::from_millis(200));
        Ok(bench)
    }

    fn await_answer(&self, patience: Duration) -> Result<(), Error> {
        let (near, far) = (self.arena.near(), self.arena.far());
        if answered(near.end(), far.address(), patience, RETRY)? {
            return Ok(());
        }
        let lost = Error::Daemon("the nodes do not reach each other".to_owned());
        Err(self.explain(&lost))
    }

    /// The same complaint with what the nodes have said.
    pub(super) fn explain(&self, error: &Error) -> Error {
        let nodes = self.nodes.iter().flatten();
        let said: Vec<String> = nodes.map(|node| node.explain(error).to_string()).collect();
        Error::Daemon(if said.is_empty() {
            error.to_string()
        } else {
            said.join("\n")
        })
    }

    /// What a site's node has used.
    pub(super) fn usage(&self, site: usize) -> Usage {
        let node = self.nodes.get(site).and_then(Option::as_ref);
        node.map(Daemon::usage).unwrap_or_default()
    }

    fn idle_ping(&self, figures: &mut Figures) -> Result<(), Error> {
        let (near, far) = (self.arena.near(), self.arena.far());
        let pings = ping(near.end(), far.address(), IDLE_PINGS, IDLE_INTERVAL)?;
        for (figure, hundredths) in [(Figure::PingP50, 50), (Figure::PingP99, 99)] {
            let time = pings.percentile(hundredths);
            figures.extend(time.map(|time| (figure, time.as_secs_f64() * 1e6)));
        }
        Ok(())
    }

    /// One stream, its cost at the given sites, and pings meanwhile.
    fn stream(&self, sites: [usize; 2]) -> Result<Stream, Error> {
        let (near, far) = (self.arena.near(), self.arena.far());
        let transfer = Transfer::start(near.end(), far.end(), 1)?;
        thread::sleep(WARM_UP);
        let before = (transfer.received(), sites.map(|site| self.usage(site).cpu));
        let start = Instant::now();
        let count = self.conditions.time.as_millis() / LOADED_INTERVAL.as_millis();
        let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
        let pings = ping(near.end(), far.address(), count, LOADED_INTERVAL)?;
        let (octets, time) = (transfer.received() - before.0, start.elapsed());
        let after = sites.map(|site| self.usage(site).cpu);
        let cost = |at: usize| {
            let used = after[at].saturating_sub(before.1[at]);
            used.as_secs_f64() / (octets as f64 / 1e9)
        };
        Ok(Stream {
            rate: octets as f64 * 8.0 / time.as_secs_f64() / 1e9,
            costs: [cost(0), cost(1)],
            ping: pings.percentile(50).map(|time| time.as_secs_f64() * 1e3),
        })
    }

    fn tcp(&self, figures: &mut Figures) -> Result<(), Error> {
        let stream = self.stream([0, 1])?;
        figures.push((Figure::Tcp, stream.rate));
        figures.extend(stream.ping.map(|ping| (Figure::PingLoaded, ping)));
        if self.implementation != Implementation::Wire {
            figures.push((Figure::SenderCpu, stream.costs[0]));
            figures.push((Figure::ReceiverCpu, stream.costs[1]));
            let most = self.usage(0).peak_rss.max(self.usage(1).peak_rss);
            figures.push((Figure::Memory, most as f64 / f64::from(1 << 20)));
        }
        Ok(())
    }

    fn relayed(&self, figures: &mut Figures) -> Result<(), Error> {
        let stream = self.stream([2, 2])?;
        figures.push((Figure::Relay, stream.rate));
        if self.implementation != Implementation::Wire {
            figures.push((Figure::HubCpu, stream.costs[0]));
        }
        Ok(())
    }

    fn tcp4(&self, figures: &mut Figures) -> Result<(), Error> {
        let (near, far) = (self.arena.near(), self.arena.far());
        let transfer = Transfer::start(near.end(), far.end(), 4)?;
        thread::sleep(WARM_UP);
        let (before, start) = (transfer.received(), Instant::now());
        thread::sleep(self.conditions.time);
        let octets = transfer.received() - before;
        let rate = octets as f64 * 8.0 / start.elapsed().as_secs_f64() / 1e9;
        figures.push((Figure::Tcp4, rate));
        Ok(())
    }

    fn packets(&self, figure: Figure, figures: &mut Figures) -> Result<(), Error> {
        let rate = packets::most(self.arena.near().end(), self.arena.far().end())?;
        figures.push((figure, rate / 1e3));
        Ok(())
    }

    /// Kills the near node while a stream goes the other way, so that the far node has things to send.
    fn restart(&mut self, figures: &mut Figures) -> Result<(), Error> {
        let Some(node) = self.nodes.first_mut().and_then(Option::take) else {
            return Ok(());
        };
        let transfer = Transfer::start(self.arena.far().end(), self.arena.near().end(), 1)?;
        thread::sleep(WARM_UP);
        node.kill();
        let start = Instant::now();
        let (near, setup) = (self.arena.near(), &self.conditions.setup);
        let started = self.implementation.restart(&self.arena, near, setup)?;
        self.nodes[0] = started;
        self.await_answer(PATIENCE)?;
        figures.push((Figure::Restart, start.elapsed().as_secs_f64()));
        drop(transfer);
        Ok(())
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        self.nodes.clear();
        implementation::tidy(&self.arena);
    }
}

/// A measured stream.
struct Stream {
    /// Gb/s.
    rate: f64,
    /// CPU-seconds per GB at the sites asked for.
    costs: [f64; 2],
    /// Milliseconds.
    ping: Option<f64>,
}
