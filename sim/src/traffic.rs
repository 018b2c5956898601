//! Test traffic: a small datagram between every ordered pair of hosts at a fixed interval, and
//! what became of each.
//!
//! All pairs send at the same ticks, so a tick's number is the sequence number of all of them. A
//! phase begins whenever something fails or heals. A run of lost packets counts for the phase that
//! caused it: the one in which it began, or the next if it began with packets that were still
//! under way then.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use inet::{Instant, packet};

use crate::kernel;

/// UDP port of the receivers.
pub(crate) const PORT: u16 = 7_001;
/// First UDP port of the senders. Pairs use different ports, so that flows spread over equal paths.
const SOURCE_PORT: u16 = 20_000;

/// How long a packet may be under way.
const FLIGHT: Duration = Duration::from_millis(500);

/// What became of the traffic between two hosts in one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairLoss {
    /// The sender.
    pub source: String,
    /// The receiver.
    pub destination: String,
    /// Packets sent.
    pub sent: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// The longest time without a packet that arrived, in steps of the interval.
    pub longest_gap: Duration,
}

/// What became of all traffic in one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseLoss {
    /// What began the phase: `start`, `fail nva1.westeurope`, `heal nva1.westeurope`.
    pub name: String,
    /// When it began.
    pub began: Instant,
    /// Packets sent by all pairs.
    pub sent: u64,
    /// Packets lost by all pairs.
    pub lost: u64,
    /// The pairs that lost any, worst first.
    pub pairs: Vec<PairLoss>,
}

impl PhaseLoss {
    /// The longest gap of all pairs.
    pub fn longest_gap(&self) -> Duration {
        let gaps = self.pairs.iter().map(|pair| pair.longest_gap);
        gaps.max().unwrap_or_default()
    }
}

/// Packets between two hosts that were lost, one behind the other.
#[derive(Clone, Debug)]
pub(crate) struct Run<Host = String> {
    pub(crate) source: Host,
    pub(crate) destination: Host,
    /// When the first of them was sent.
    pub(crate) first: Instant,
    /// When the last of them was sent.
    pub(crate) last: Instant,
    pub(crate) packets: u64,
}

#[derive(Debug)]
struct Pair {
    source: u32,
    destination: u32,
    from: SocketAddrV4,
    to: SocketAddrV4,
    /// One bit for each tick that arrived.
    arrived: Vec<u64>,
    /// The highest tick that arrived.
    newest: u64,
}

#[derive(Debug)]
struct Phase {
    name: String,
    began: Instant,
    first_tick: u64,
}

/// The traffic and its accounts.
#[derive(Debug)]
pub(crate) struct Traffic {
    began: Instant,
    interval: Duration,
    pairs: Vec<Pair>,
    phases: Vec<Phase>,
    /// Pairs one of whose packets came behind a later one, and when.
    overtaken: Vec<(Instant, usize)>,
    ticks: u64,
    /// When the next packets leave; `None` when it has been stopped.
    pub(crate) next: Option<Instant>,
}

impl Traffic {
    /// Traffic between all hosts, given by device number and address.
    pub(crate) fn new(now: Instant, hosts: &[(u32, Ipv4Addr)], interval: Duration) -> Self {
        let mut pairs = Vec::new();
        for (source, from) in hosts {
            for (destination, to) in hosts {
                if source != destination {
                    let port = SOURCE_PORT + (pairs.len() % 40_000) as u16;
                    pairs.push(Pair {
                        source: *source,
                        destination: *destination,
                        from: SocketAddrV4::new(*from, port),
                        to: SocketAddrV4::new(*to, PORT),
                        arrived: Vec::new(),
                        newest: 0,
                    });
                }
            }
        }
        let mut traffic = Self {
            began: now,
            interval,
            pairs,
            phases: Vec::new(),
            overtaken: Vec::new(),
            ticks: 0,
            next: Some(now),
        };
        traffic.phase(now, "start".to_owned());
        traffic
    }

    /// Something fails or heals now.
    pub(crate) fn phase(&mut self, now: Instant, name: String) {
        self.phases.push(Phase {
            name,
            began: now,
            first_tick: self.ticks,
        });
    }

    /// The packets of one tick: sender and packet.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<(u32, Vec<u8>)> {
        let tick = self.ticks;
        self.ticks += 1;
        self.next = Some(now + self.interval);
        let packets = self.pairs.iter().enumerate().map(|(index, pair)| {
            let mut payload = [0; 12];
            payload[..4].copy_from_slice(&(index as u32).to_be_bytes());
            payload[4..].copy_from_slice(&tick.to_be_bytes());
            let bytes = packet::udp(pair.from, pair.to, kernel::TTL, &payload);
            (pair.source, bytes)
        });
        packets.collect()
    }

    /// A host received a datagram of the test.
    pub(crate) fn arrived(&mut self, now: Instant, payload: &[u8]) {
        let Some((index, tick)) = payload.split_first_chunk::<4>() else {
            return;
        };
        let Ok(tick) = tick.try_into().map(u64::from_be_bytes) else {
            return;
        };
        let index = u32::from_be_bytes(*index) as usize;
        if let Some(pair) = self.pairs.get_mut(index)
            && tick < self.ticks
        {
            let word = (tick / 64) as usize;
            if pair.arrived.len() <= word {
                pair.arrived.resize(word + 1, 0);
            }
            pair.arrived[word] |= 1 << (tick % 64);
            if tick < pair.newest {
                self.overtaken.push((now, index));
            }
            pair.newest = pair.newest.max(tick);
        }
    }

    /// Packets sent so far.
    pub(crate) const fn sent(&self) -> u64 {
        self.ticks * self.pairs.len() as u64
    }

    /// When packets came behind later ones of their flow, and whose they were.
    pub(crate) fn overtaken(&self) -> impl Iterator<Item = (Instant, u32, u32)> {
        self.overtaken.iter().map(|(at, pair)| {
            let pair = &self.pairs[*pair];
            (*at, pair.source, pair.destination)
        })
    }

    /// All packets that were lost.
    pub(crate) fn runs(&self) -> Vec<Run<u32>> {
        let at = |tick: u64| self.began + self.interval * u32::try_from(tick).unwrap_or(u32::MAX);
        let mut runs = Vec::new();
        for pair in &self.pairs {
            let mut tick = 0;
            while tick < self.ticks {
                let first = tick;
                while tick < self.ticks && !pair.has(tick) {
                    tick += 1;
                }
                if tick > first {
                    runs.push(Run {
                        source: pair.source,
                        destination: pair.destination,
                        first: at(first),
                        last: at(tick - 1),
                        packets: tick - first,
                    });
                }
                tick += 1;
            }
        }
        runs
    }

    /// The accounts, phase by phase.
    pub(crate) fn report(&self, name: impl Fn(u32) -> String) -> Vec<PhaseLoss> {
        let ends = self.phases.iter().skip(1).map(|phase| phase.first_tick);
        let ends = ends.chain([self.ticks]);
        let mut losses: Vec<PhaseLoss> = self
            .phases
            .iter()
            .zip(ends)
            .map(|(phase, end)| PhaseLoss {
                name: phase.name.clone(),
                began: phase.began,
                sent: (end - phase.first_tick) * self.pairs.len() as u64,
                lost: 0,
                pairs: Vec::new(),
            })
            .collect();
        for pair in &self.pairs {
            for (loss, (lost, longest)) in losses.iter_mut().zip(self.losses(pair)) {
                if lost > 0 {
                    loss.lost += lost;
                    loss.pairs.push(PairLoss {
                        source: name(pair.source),
                        destination: name(pair.destination),
                        sent: loss.sent / self.pairs.len() as u64,
                        lost,
                        longest_gap: self.interval * longest,
                    });
                }
            }
        }
        for loss in &mut losses {
            let key = |pair: &PairLoss| core::cmp::Reverse((pair.longest_gap, pair.lost));
            loss.pairs.sort_by_key(key);
        }
        losses
    }

    /// Packets lost and the longest run of them, for each phase.
    fn losses(&self, pair: &Pair) -> Vec<(u64, u32)> {
        let flight = (FLIGHT.as_nanos() / self.interval.as_nanos().max(1)) as u64;
        let mut losses = vec![(0, 0); self.phases.len()];
        let mut tick = 0;
        while tick < self.ticks {
            if pair.has(tick) {
                tick += 1;
                continue;
            }
            let first = tick;
            while tick < self.ticks && !pair.has(tick) {
                tick += 1;
            }
            let cause = (first + flight).min(tick - 1);
            let phase = self
                .phases
                .partition_point(|phase| phase.first_tick <= cause)
                - 1;
            let (lost, longest) = &mut losses[phase];
            *lost += tick - first;
            *longest = (*longest).max((tick - first) as u32);
        }
        losses
    }
}

impl Pair {
    fn has(&self, tick: u64) -> bool {
        let word = self.arrived.get((tick / 64) as usize);
        word.is_some_and(|word| word >> (tick % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_counts_for_the_phase_that_caused_it_also_of_packets_under_way() {
        let hosts = [
            (4, Ipv4Addr::new(10, 0, 0, 1)),
            (9, Ipv4Addr::new(10, 0, 0, 2)),
        ];
        let interval = Duration::from_millis(10);
        let mut traffic = Traffic::new(Instant::ZERO, &hosts, interval);
        for tick in 0..200 {
            let now = Instant::from_millis(tick * 10);
            if tick == 100 {
                traffic.phase(now, "fail x".into());
            }
            for (source, bytes) in traffic.tick(now) {
                let in_cut = (95..125).contains(&tick) || (170..180).contains(&tick);
                let lost = source == 4 && in_cut;
                if !lost {
                    traffic.arrived(now, &bytes[packet::UDP_HEADERS..]);
                }
            }
        }
        let report = traffic.report(|device| device.to_string());
        assert_eq!((report[0].sent, report[0].lost), (200, 0));
        assert_eq!((report[1].sent, report[1].lost), (200, 40));
        assert_eq!(report[1].longest_gap(), Duration::from_millis(300));
        assert_eq!(report[1].pairs[0].source, "4");
    }
}
