//! A network address translator, classified as RFC 4787 does: mapping, filtering, timeout.
//!
//! The external port equals the internal one while it is free (RFC 4787 §4.2.1, without
//! overloading). Only outbound packets keep a mapping alive (REQ-6). TCP mappings live as long as
//! RFC 5382 wants, ICMP ones as RFC 5508; an echo's identifier takes the place of the port.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use inet::packet::{ICMP, TCP, UDP};
use inet::{FiveTuple, Instant, Rng};

/// First port that is given out when the wanted one is taken.
const PORT_MIN: u16 = 1_024;

/// Remote endpoints that one mapping lets in; a packet to one more is refused until others expire.
const PERMITS_MAX: usize = 4_096;

/// RFC 5382 REQ-5: an established connection stays at least 2 h 4 min.
const TCP_TIMEOUT: Duration = Duration::from_secs(7_440);

/// RFC 5508 REQ-2: an ICMP query stays at least 60 s.
const ICMP_TIMEOUT: Duration = Duration::from_secs(60);

/// What a mapping or a filter looks at (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Nothing of the remote side.
    EndpointIndependent,
    /// The remote address.
    AddressDependent,
    /// The remote address and port.
    AddressAndPortDependent,
}

/// What a translator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatSettings {
    /// The address that all inside hosts share.
    pub public_address: Ipv4Addr,
    /// Which packets share a mapping.
    pub mapping: Behavior,
    /// Which packets are let in through a mapping.
    pub filtering: Behavior,
    /// How long an unused UDP mapping lives.
    pub timeout: Duration,
}

/// Why a packet is not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NatRefusal {
    /// From outside, and the remote side is not one that the mapping lets in.
    Filtered,
    /// From outside, and no mapping has this port.
    NoMapping,
    /// No port, or no room for another remote side.
    TableFull,
    /// Neither TCP nor UDP nor an ICMP query.
    Protocol,
}

/// A translator and its table.
#[derive(Clone, Debug)]
pub struct Nat {
    settings: NatSettings,
    rng: Rng,
    mappings: BTreeMap<Key, Mapping>,
    /// INVARIANT: exactly one entry for each mapping.
    external: BTreeMap<(u8, u16), Key>,
    /// Whether ports are given out at random, whatever is free.
    is_rebound: bool,
}

/// What of a flow selects its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    protocol: u8,
    inside: (Ipv4Addr, u16),
    remote: Remote,
}

/// As much of the remote side as a behaviour looks at; zeros elsewhere.
type Remote = (u32, u16);

#[derive(Clone, Debug)]
struct Mapping {
    port: u16,
    expires: Instant,
    /// Until when each remote side is let in.
    permits: BTreeMap<Remote, Instant>,
}

impl Nat {
    /// A translator with an empty table. `rng` is its own generator.
    pub const fn new(settings: NatSettings, rng: Rng) -> Self {
        Self {
            settings,
            rng,
            mappings: BTreeMap::new(),
            external: BTreeMap::new(),
            is_rebound: false,
        }
    }

    /// Forgets all mappings, as one that has restarted; from then on new ones get other ports.
    pub fn rebind(&mut self) {
        self.mappings.clear();
        self.external.clear();
        self.is_rebound = true;
    }

    /// The address that all inside hosts share.
    pub const fn public_address(&self) -> Ipv4Addr {
        self.settings.public_address
    }

    /// How many mappings there are, expired ones that nobody asked for included.
    pub fn len(&self) -> usize {
        self.mappings.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.mappings.is_empty()
    }

    /// Translates a packet on its way out; makes or refreshes the mapping.
    pub fn outbound(&mut self, now: Instant, flow: FiveTuple) -> Result<FiveTuple, NatRefusal> {
        let key = self.key(flow)?;
        let permit = remote(
            self.settings.filtering,
            flow.destination,
            flow.destination_port,
        );
        let expires = now + self.timeout(flow.protocol);
        if self.live(now, key).is_none() {
            self.remove(key);
            let port = self.free_port(now, flow.protocol, flow.source_port)?;
            self.external.insert((flow.protocol, port), key);
            let mapping = Mapping {
                port,
                expires,
                permits: BTreeMap::new(),
            };
            self.mappings.insert(key, mapping);
        }
        let mapping = self.mappings.get_mut(&key).expect("found or just made");
        mapping.expires = expires;
        if mapping.permits.len() >= PERMITS_MAX && !mapping.permits.contains_key(&permit) {
            mapping.permits.retain(|_, until| *until > now);
            if mapping.permits.len() >= PERMITS_MAX {
                return Err(NatRefusal::TableFull);
            }
        }
        mapping.permits.insert(permit, expires);
        Ok(self.outside(flow, mapping_port(&self.mappings, key)))
    }

    /// What [`Self::outbound`] would answer, without doing it. For a new flow whose port is taken
    /// the port is the one it asks for.
    pub fn explain_outbound(&self, now: Instant, flow: FiveTuple) -> Result<FiveTuple, NatRefusal> {
        let key = self.key(flow)?;
        let port = self.live(now, key).map_or(flow.source_port, |m| m.port);
        Ok(self.outside(flow, port))
    }

    /// Translates a packet on its way in. Changes nothing: inbound packets do not refresh.
    pub fn inbound(&self, now: Instant, flow: FiveTuple) -> Result<FiveTuple, NatRefusal> {
        let (port, remote_port) = match flow.protocol {
            ICMP => (flow.source_port, 0),
            TCP | UDP => (flow.destination_port, flow.source_port),
            _ => return Err(NatRefusal::Protocol),
        };
        let key = self
            .external
            .get(&(flow.protocol, port))
            .ok_or(NatRefusal::NoMapping)?;
        let mapping = self.live(now, *key).ok_or(NatRefusal::NoMapping)?;
        let permit = remote(self.settings.filtering, flow.source, remote_port);
        if mapping
            .permits
            .get(&permit)
            .is_none_or(|until| *until <= now)
        {
            return Err(NatRefusal::Filtered);
        }
        let (inside, inside_port) = key.inside;
        let mut inner = FiveTuple {
            destination: inside,
            ..flow
        };
        if flow.protocol == ICMP {
            inner.source_port = inside_port;
        } else {
            inner.destination_port = inside_port;
        }
        Ok(inner)
    }

    fn key(&self, flow: FiveTuple) -> Result<Key, NatRefusal> {
        if !matches!(flow.protocol, TCP | UDP | ICMP) {
            return Err(NatRefusal::Protocol);
        }
        Ok(Key {
            protocol: flow.protocol,
            inside: (flow.source, flow.source_port),
            remote: remote(
                self.settings.mapping,
                flow.destination,
                flow.destination_port,
            ),
        })
    }

    fn live(&self, now: Instant, key: Key) -> Option<&Mapping> {
        self.mappings
            .get(&key)
            .filter(|mapping| mapping.expires > now)
    }

    fn remove(&mut self, key: Key) {
        if let Some(mapping) = self.mappings.remove(&key) {
            self.external.remove(&(key.protocol, mapping.port));
        }
    }

    /// The wanted port while it is free, else a free one from a random start.
    fn free_port(&mut self, now: Instant, protocol: u8, wanted: u16) -> Result<u16, NatRefusal> {
        if !self.is_rebound && self.take(now, protocol, wanted) {
            return Ok(wanted);
        }
        let span = u32::from(u16::MAX - PORT_MIN) + 1;
        let start = self.rng.below(u64::from(span)) as u32;
        for offset in 0..span {
            let port = PORT_MIN + ((start + offset) % span) as u16;
            if self.take(now, protocol, port) {
                return Ok(port);
            }
        }
        Err(NatRefusal::TableFull)
    }

    /// Whether the port is free, after an expired owner has been removed.
    fn take(&mut self, now: Instant, protocol: u8, port: u16) -> bool {
        match self.external.get(&(protocol, port)).copied() {
            None => true,
            Some(owner) if self.live(now, owner).is_some() => false,
            Some(owner) => {
                self.remove(owner);
                true
            }
        }
    }

    const fn outside(&self, flow: FiveTuple, port: u16) -> FiveTuple {
        FiveTuple {
            source: self.settings.public_address,
            source_port: port,
            ..flow
        }
    }

    fn timeout(&self, protocol: u8) -> Duration {
        match protocol {
            TCP => self.settings.timeout.max(TCP_TIMEOUT),
            ICMP => ICMP_TIMEOUT,
            _ => self.settings.timeout,
        }
    }
}

fn mapping_port(mappings: &BTreeMap<Key, Mapping>, key: Key) -> u16 {
    mappings.get(&key).expect("found or just made").port
}

const fn remote(behavior: Behavior, address: Ipv4Addr, port: u16) -> Remote {
    match behavior {
        Behavior::EndpointIndependent => (0, 0),
        Behavior::AddressDependent => (address.to_bits(), 0),
        Behavior::AddressAndPortDependent => (address.to_bits(), port),
    }
}

#[cfg(test)]
mod tests;
