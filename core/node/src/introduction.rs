//! What a hub tells a site about another one, so that the two can make a shortcut: where it is seen, with which keys,
//! and what is behind it.
//!
//! It travels by BGP, as tunnels (RFC 9012) of the route to the other's loopback. For each endpoint there is one
//! tunnel with egress endpoint and UDP port, and with two sub-TLVs of the range for experiments:
//!
//! ```text
//!  126  key (32 octets) | name of the underlay
//!  253  attempt (2) | microseconds between hub and site and back (4) | length of the name (1) | name |
//!       prefixes, each as length (1) and address (4)            in the first tunnel only
//! ```

use core::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use bgp::Tunnel;
use carrier::Connection;
use inet::Prefix;
use tunnel::PublicKey;

/// A site as its hub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// Counts how often sites were asked to try.
    pub(crate) attempt: u16,
    /// Round-trip time between the hub and the site.
    pub(crate) leg: Duration,
    /// Device name.
    pub(crate) name: String,
    /// What is behind it.
    pub(crate) prefixes: Vec<Prefix>,
    /// Its endpoints, one for each underlay.
    pub(crate) doors: Vec<Door>,
}

/// An endpoint of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// Who can reach it: those on the same underlay.
    pub(crate) underlay: String,
    /// Where its packets come from, as seen from the hub.
    pub(crate) endpoint: SocketAddrV4,
    /// Its key.
    pub(crate) key: PublicKey,
}

impl Introduction {
    /// Prefixes of one site; what is more stays with the relay.
    pub(crate) const PREFIXES_MAX: usize = 64;

    /// The tunnels that say it; none without an endpoint.
    pub(crate) fn tunnels(&self) -> Vec<Tunnel> {
        let doors = self.doors.iter().take(DOORS_MAX);
        let mut tunnels: Vec<Tunnel> = doors.map(tunnel).collect();
        if let Some(first) = tunnels.first_mut() {
            first.others.push((SITE, self.site()));
        }
        tunnels
    }

    /// What tunnels say; `None` when they are no introduction.
    pub(crate) fn read(tunnels: &[Tunnel]) -> Option<Self> {
        let own = || tunnels.iter().filter(|tunnel| tunnel.kind == WIREGUARD);
        let mut introduction = read_site(own().find_map(|tunnel| tunnel.other(SITE))?)?;
        introduction.doors = own().filter_map(door).take(DOORS_MAX).collect();
        Some(introduction)
    }

    fn site(&self) -> Vec<u8> {
        let name = &self.name.as_bytes()[..self.name.len().min(NAME_MAX)];
        let micros = u32::try_from(self.leg.as_micros()).unwrap_or(u32::MAX);
        let mut out = self.attempt.to_be_bytes().to_vec();
        out.extend_from_slice(&micros.to_be_bytes());
        out.push(name.len() as u8);
        out.extend_from_slice(name);
        for prefix in self.prefixes.iter().take(Self::PREFIXES_MAX) {
            out.push(prefix.len());
            out.extend_from_slice(&prefix.address().octets());
        }
        out
    }
}

fn tunnel(door: &Door) -> Tunnel {
    let mut value = door.key.0.to_vec();
    value.extend(door.underlay.bytes().take(NAME_MAX));
    Tunnel {
        kind: WIREGUARD,
        egress: (*door.endpoint.ip()).into(),
        udp_port: Some(door.endpoint.port()),
        others: vec![(KEY, value)],
    }
}

fn door(tunnel: &Tunnel) -> Option<Door> {
    let (key, underlay) = tunnel.other(KEY)?.split_first_chunk()?;
    let IpAddr::V4(address) = tunnel.egress else {
        return None;
    };
    let endpoint = SocketAddrV4::new(address, tunnel.udp_port?);
    let is_udp = Connection::of(endpoint).is_none();
    is_udp.then_some(Door {
        underlay: str::from_utf8(underlay).ok()?.to_owned(),
        endpoint,
        key: PublicKey(*key),
    })
}

fn read_site(value: &[u8]) -> Option<Introduction> {
    let (attempt, value) = value.split_first_chunk()?;
    let (micros, value) = value.split_first_chunk()?;
    let (len, value) = value.split_first()?;
    let (name, prefixes) = value.split_at_checked(usize::from(*len))?;
    let prefix = |octets: &[u8; 5]| {
        let [len, address @ ..] = *octets;
        Prefix::new(Ipv4Addr::from(address), len)
    };
    let prefixes = prefixes.as_chunks().0.iter().filter_map(prefix);
    Some(Introduction {
        attempt: u16::from_be_bytes(*attempt),
        leg: Duration::from_micros(u64::from(u32::from_be_bytes(*micros))),
        name: str::from_utf8(name).ok()?.to_owned(),
        // Nobody stands for everything.
        prefixes: prefixes
            .filter(|prefix| prefix.len() > 0)
            .take(Introduction::PREFIXES_MAX)
            .collect(),
        doors: Vec::new(),
    })
}

/// Tunnel type. IANA has none for WireGuard; this one it has not given away, and it does not leave the AS.
const WIREGUARD: u16 = 0xfe4c;
/// Sub-TLV with key and underlay.
const KEY: u8 = 126;
/// Sub-TLV with all that is not about one endpoint.
const SITE: u8 = 253;
/// Endpoints of one site.
const DOORS_MAX: usize = 8;
/// Octets of a name.
const NAME_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Introduction {
        let door = |underlay: &str, port| Door {
            underlay: underlay.to_owned(),
            endpoint: SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), port),
            key: PublicKey([port as u8; 32]),
        };
        Introduction {
            attempt: 3,
            leg: Duration::from_micros(12_345),
            name: "cpe1.lyon".to_owned(),
            prefixes: vec!["10.2.0.0/24".parse().expect("a prefix")],
            doors: vec![door("internet", 51_820), door("mpls", 4_000)],
        }
    }

    #[test]
    fn what_is_said_is_understood() {
        assert_eq!(Introduction::read(&sample().tunnels()), Some(sample()));
        assert_eq!(Introduction::read(&[]), None);
    }

    #[test]
    fn cut_and_foreign_tunnels_are_no_introduction() {
        let mut tunnels = sample().tunnels();
        let (_, site) = tunnels[0].others.pop().expect("the site");
        for len in 0..site.len() {
            tunnels[0].others.push((SITE, site[..len].to_vec()));
            let read = Introduction::read(&tunnels);
            assert!(read.is_none_or(|read| read.prefixes.is_empty()), "{len}");
            tunnels[0].others.pop();
        }
        let mut foreign = sample().tunnels();
        foreign.iter_mut().for_each(|tunnel| tunnel.kind = 8);
        assert_eq!(Introduction::read(&foreign), None);
    }

    #[test]
    fn nobody_stands_for_everything() {
        let mut all = sample();
        all.prefixes.push(Prefix::DEFAULT);
        assert_eq!(Introduction::read(&all.tunnels()), Some(sample()));
    }
}
