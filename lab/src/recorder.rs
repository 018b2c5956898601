//! A traffic recorder: packets at a steady pace between all pairs of hosts, and what became of them.
//!
//! One packet goes each interval, in turns there and back, so that both directions of a pair are
//! watched at half the pace. What is reported is what a user would miss: the longest run of packets
//! that did not arrive, as time.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use design::plan::Plan;
use linux::epoll::Poller;
use linux::socket;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::device::Namespaces;

/// Where hosts send from and to.
const PORT: u16 = 7008;
/// How long the last packets may be on their way.
const DRAIN: Duration = Duration::from_millis(1500);

/// What became of the packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Microseconds between the packets of a pair.
    pub interval_us: u64,
    /// Every unordered pair of hosts.
    pub pairs: Vec<PairLoss>,
}

/// What became of the packets between two hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLoss {
    /// One host.
    pub a: String,
    /// The other.
    pub b: String,
    /// Packets sent, both ways.
    pub sent: u64,
    /// Of these, packets that did not arrive.
    pub lost: u64,
    /// The longest time in one direction without a packet that arrived, microseconds: the packets
    /// of one unbroken run of losses times the time between two packets of the direction.
    pub longest_gap_us: u64,
}

impl Recording {
    /// The longest gap of all pairs.
    #[must_use]
    pub fn longest_gap(&self) -> Duration {
        let longest = self.pairs.iter().map(|pair| pair.longest_gap_us).max();
        Duration::from_micros(longest.unwrap_or(0))
    }
}

/// A recording that goes on.
pub(crate) struct Recorder {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Recording>>,
}

impl Recorder {
    /// Begins to send.
    pub(crate) fn start(
        plan: &Plan,
        namespaces: &Namespaces,
        interval: Duration,
    ) -> Result<Self, Error> {
        let system = |cause| Error::system("recording traffic")(cause);
        let traffic = Traffic::open(plan, namespaces, interval).map_err(system)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || traffic.run(&asked))
            .map_err(system)?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends it, waits for the last packets and reports.
    pub(crate) fn stop(mut self) -> Recording {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Host {
    name: String,
    address: Ipv4Addr,
    socket: UdpSocket,
}

/// Which packets of one direction of a pair have arrived, by their number.
#[derive(Default)]
struct Arrivals(Vec<bool>);

struct Traffic {
    hosts: Vec<Host>,
    pairs: Vec<(usize, usize)>,
    interval: Duration,
    poller: Poller,
    /// By sender and receiver.
    arrivals: BTreeMap<(usize, usize), Arrivals>,
}

impl Traffic {
    fn open(plan: &Plan, namespaces: &Namespaces, interval: Duration) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut hosts = Vec::new();
        for host in &plan.hosts {
            let namespace = namespaces.get(&host.name).ok_or(io::ErrorKind::NotFound)?;
            let interface = &host.interface;
            let socket = namespace.run(|| socket::udp_on_interface(&interface.name, PORT))?;
            poller.add_readable(&socket, hosts.len() as u64)?;
            hosts.push(Host {
                name: host.name.clone(),
                address: interface.address,
                socket,
            });
        }
        let pairs = (0..hosts.len())
            .flat_map(|a| (0..a).map(move |b| (b, a)))
            .collect();
        Ok(Self {
            hosts,
            pairs,
            interval,
            poller,
            arrivals: BTreeMap::new(),
        })
    }

    fn run(mut self, stop: &AtomicBool) -> Recording {
        let begun = Instant::now();
        let count = u32::try_from(self.pairs.len().max(1)).unwrap_or(u32::MAX);
        // The packets of an interval are spread over it, so that they do not queue behind each other.
        let step = self.interval / count;
        let mut sent: u32 = 0;
        while !stop.load(Ordering::Relaxed) {
            let due = begun + step * sent;
            if due <= Instant::now() {
                self.send(sent % count, sent / count);
                sent += 1;
                // Behind a busy machine's back, receive now and then all the same.
                if !sent.is_multiple_of(16) {
                    continue;
                }
            }
            self.receive_until(due);
        }
        self.receive_until(Instant::now() + DRAIN);
        self.report()
    }

    /// Sends the packet of a pair in a round.
    fn send(&mut self, pair: u32, round: u32) {
        let Some(&(a, b)) = self.pairs.get(pair as usize) else {
            return;
        };
        let (from, to) = if round.is_multiple_of(2) {
            (a, b)
        } else {
            (b, a)
        };
        let arrivals = self.arrivals.entry((from, to)).or_default();
        let number = arrivals.0.len() as u32;
        arrivals.0.push(false);
        if let (Some(from), Some(to)) = (self.hosts.get(from), self.hosts.get(to)) {
            let to = SocketAddrV4::new(to.address, PORT);
            // A packet that cannot be sent has not arrived.
            drop(from.socket.send_to(&number.to_be_bytes(), to));
        }
    }

    /// Receives until a moment, at least once.
    fn receive_until(&mut self, deadline: Instant) {
        let mut ready = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.poller.wait(Some(left), &mut ready).is_err() {
                return;
            }
            for token in ready.drain(..) {
                self.receive(usize::try_from(token).unwrap_or(usize::MAX));
            }
            if left.is_zero() {
                return;
            }
        }
    }

    fn receive(&mut self, to: usize) {
        let mut number = [0; 4];
        let Some(host) = self.hosts.get(to) else {
            return;
        };
        while let Ok((4, from)) = host.socket.recv_from(&mut number) {
            let from = self.hosts.iter().position(|host| from.ip() == host.address);
            let arrivals = from.and_then(|from| self.arrivals.get_mut(&(from, to)));
            let number = u32::from_be_bytes(number) as usize;
            if let Some(arrived) = arrivals.and_then(|arrivals| arrivals.0.get_mut(number)) {
                *arrived = true;
            }
        }
    }

    fn report(&self) -> Recording {
        let name = |at: usize| {
            self.hosts
                .get(at)
                .map_or_else(String::new, |host| host.name.clone())
        };
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let between = micros(self.interval) * 2;
        let pairs = self.pairs.iter().map(|&(a, b)| {
            let directions = [(a, b), (b, a)];
            let directions = directions.iter().filter_map(|way| self.arrivals.get(way));
            let (mut sent, mut lost, mut longest) = (0, 0, 0);
            for arrivals in directions {
                sent += arrivals.0.len() as u64;
                lost += arrivals.0.iter().filter(|arrived| !**arrived).count() as u64;
                longest = longest.max(arrivals.longest_run_of_losses());
            }
            PairLoss {
                a: name(a),
                b: name(b),
                sent,
                lost,
                longest_gap_us: longest * between,
            }
        });
        Recording {
            interval_us: micros(self.interval),
            pairs: pairs.collect(),
        }
    }
}

impl Arrivals {
    fn longest_run_of_losses(&self) -> u64 {
        let runs = self.0.split(|arrived| *arrived).map(<[bool]>::len);
        runs.max().unwrap_or(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;

    #[test]
    fn the_longest_run_of_losses_is_found_at_either_end_and_between() {
        let run =
            |text: &str| Arrivals(text.chars().map(|c| c == '+').collect()).longest_run_of_losses();
        assert_eq!(run(""), 0);
        assert_eq!(run("+++"), 0);
        assert_eq!(run("--+-"), 2);
        assert_eq!(run("+-+---+"), 3);
        assert_eq!(run("+-----"), 5);
    }
}
