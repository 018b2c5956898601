//! Echoes between hosts: who reaches whom, and how long it takes.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Instant, packet};
use view::Verification;

use super::{DeviceIndex, World};
use crate::kernel;

/// How long an answer is waited for; more than any path of the world takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer to one echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The host that asked.
    pub source: String,
    /// The host that was asked.
    pub destination: String,
    /// Round trip; `None` without answer.
    pub round_trip: Option<Duration>,
}

/// The answers of all ordered pairs of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingReport {
    /// One for each pair.
    pub echoes: Vec<Echo>,
}

impl PingReport {
    /// As a part of [`view::Status`].
    pub fn verification(&self) -> Verification {
        let silent = self.echoes.iter().filter(|echo| echo.round_trip.is_none());
        let failures: Vec<String> = silent
            .map(|echo| format!("{} > {}: no reply", echo.source, echo.destination))
            .collect();
        Verification {
            pairs: self.echoes.len() as u32,
            reached: (self.echoes.len() - failures.len()) as u32,
            failures,
            age_ms: None,
        }
    }
}

impl World {
    /// Every host pings every other one once, all at the same time. Takes two seconds of virtual time.
    pub fn ping_all(&mut self) -> PingReport {
        let hosts: Vec<_> = self.hosts().collect();
        let began = self.now;
        self.echoes.clear();
        for (source, from) in &hosts {
            for (_, to) in hosts.iter().filter(|(host, _)| host != source) {
                let ping = packet::echo_request(*from, *to, ID, 1, kernel::TTL, &[0x55; 56]);
                self.originate(*source, ping);
            }
        }
        self.carry();
        self.run_until(began + PATIENCE);
        let mut echoes = Vec::new();
        for (source, _) in &hosts {
            for (destination, to) in hosts.iter().filter(|(host, _)| host != source) {
                let answered = self.echoes.get(&(*source, *to, ID));
                echoes.push(Echo {
                    source: self.host_name(*source),
                    destination: self.host_name(*destination),
                    round_trip: answered.map(|at: &Instant| at.since(began)),
                });
            }
        }
        PingReport { echoes }
    }

    /// A host pings an address once. Takes two seconds of virtual time; the round trip, or `None` without answer.
    pub fn ping(&mut self, host: &str, to: Ipv4Addr) -> Option<Duration> {
        let mut hosts = self.hosts().collect::<Vec<_>>().into_iter();
        let (source, from) = hosts.find(|(index, _)| self.host_name(*index) == host)?;
        let began = self.now;
        self.echoes.clear();
        let ping = packet::echo_request(from, to, ID, 1, kernel::TTL, &[0x55; 56]);
        self.originate(source, ping);
        self.carry();
        self.run_until(began + PATIENCE);
        let answered = self.echoes.get(&(source, to, ID));
        answered.map(|at: &Instant| at.since(began))
    }

    fn host_name(&self, index: DeviceIndex) -> String {
        self.slots[index as usize].name.clone()
    }
}

/// Identifier of the echoes: the one that a trace of `icmp` follows.
const ID: u16 = 1;
