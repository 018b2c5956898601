//! BMP version 3 messages (RFC 7854), with Adj-RIB-Out (RFC 8671) and Loc-RIB (RFC 9069).

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use inet::{Asn, Net};

pub use crate::attributes::Family;
use crate::attributes::{announcement, end_of_rib, withdrawal};

const VERSION: u8 = 3;

const ROUTE_MONITORING: u8 = 0;
const STATISTICS_REPORT: u8 = 1;
const PEER_DOWN: u8 = 2;
const PEER_UP: u8 = 3;
const INITIATION: u8 = 4;
const TERMINATION: u8 = 5;

const SYS_DESCR: u16 = 1;
const SYS_NAME: u16 = 2;
const TABLE_NAME: u16 = 3;
const TERMINATION_REASON: u16 = 1;

const IPV6: u8 = 0x80;
const POST_POLICY: u8 = 0x40;
const TWO_OCTET_AS: u8 = 0x20;
const ADJ_RIB_OUT: u8 = 0x10;

const GLOBAL_INSTANCE: u8 = 0;
const LOC_RIB: u8 = 3;

/// Which table of which neighbour a message is about (RFC 7854 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which table.
    pub table: Table,
    /// The neighbour's address; unspecified for the Loc-RIB.
    pub address: IpAddr,
    /// The neighbour's AS; ours for the Loc-RIB.
    pub asn: Asn,
    /// The neighbour's BGP identifier; ours for the Loc-RIB.
    pub router_id: Ipv4Addr,
    /// Whether AS numbers in its messages have two octets.
    pub two_octet_as: bool,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Adj-RIB-In before import policy.
    In,
    /// Adj-RIB-In after import policy.
    InPolicy,
    /// Adj-RIB-Out after export policy (RFC 8671).
    OutPolicy,
    /// Loc-RIB (RFC 9069).
    Loc,
}

/// Why a session ended (RFC 7854 §4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down<'a> {
    /// We ended it with this NOTIFICATION, header included.
    Sent(&'a [u8]),
    /// We ended it without one, at this event of RFC 4271 §8.1; zero when there is none that fits.
    Silent(u16),
    /// The neighbour ended it with this NOTIFICATION, header included.
    Received(&'a [u8]),
    /// The connection ended without one.
    Closed,
    /// The neighbour is no longer watched.
    Deconfigured,
}

/// A number of a statistics report (RFC 7854 §4.8, RFC 8671 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Prefixes that inbound policy refused.
    Rejected(u32),
    /// Routes in Adj-RIB-In.
    AdjRibIn(u64),
    /// Routes in Loc-RIB.
    LocRib(u64),
    /// UPDATEs treated as withdrawals.
    TreatedAsWithdraw(u32),
    /// Routes in Adj-RIB-Out after policy.
    AdjRibOut(u64),
}

/// Why we hang up (RFC 7854 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// An operator stopped us.
    Administrative = 0,
    /// No reason is given.
    Unspecified = 1,
    /// We cannot keep up.
    OutOfResources = 2,
}

/// Who speaks: the first message (§4.3).
pub fn initiation(name: &str, description: &str, out: &mut Vec<u8>) {
    message(INITIATION, out, |out| {
        information(SYS_DESCR, description, out);
        information(SYS_NAME, name, out);
    });
}

/// The last message (§4.5).
pub fn termination(reason: Termination, out: &mut Vec<u8>) {
    message(TERMINATION, out, |out| {
        out.extend_from_slice(&TERMINATION_REASON.to_be_bytes());
        out.extend_from_slice(&[0, 2, 0, reason as u8]);
    });
}

/// A session stands: our end, the ports, and both OPENs with their headers (§4.10).
pub fn peer_up(
    now: Duration,
    peer: &Peer,
    local: IpAddr,
    ports: (u16, u16),
    opens: (&[u8], &[u8]),
    out: &mut Vec<u8>,
) {
    message(PEER_UP, out, |out| {
        header(now, peer, out);
        address(local, out);
        out.extend_from_slice(&ports.0.to_be_bytes());
        out.extend_from_slice(&ports.1.to_be_bytes());
        out.extend_from_slice(opens.0);
        out.extend_from_slice(opens.1);
        if peer.table == Table::Loc {
            information(TABLE_NAME, "global", out);
        }
    });
}

/// A session ended (§4.9).
pub fn peer_down(now: Duration, peer: &Peer, why: Down<'_>, out: &mut Vec<u8>) {
    message(PEER_DOWN, out, |out| {
        header(now, peer, out);
        match why {
            Down::Sent(notification) => {
                out.push(1);
                out.extend_from_slice(notification);
            }
            Down::Silent(event) => {
                out.push(2);
                out.extend_from_slice(&event.to_be_bytes());
            }
            Down::Received(notification) => {
                out.push(3);
                out.extend_from_slice(notification);
            }
            Down::Closed => out.push(4),
            Down::Deconfigured => out.push(5),
        }
    });
}

/// An UPDATE as the neighbour sent it, or as we sent it (§4.6).
pub fn mirrored(now: Duration, peer: &Peer, update: &[u8], out: &mut Vec<u8>) {
    message(ROUTE_MONITORING, out, |out| {
        header(now, peer, out);
        out.extend_from_slice(update);
    });
}

/// A table has this path to the prefix, with these attributes as a block; `None`: it has none (§4.6).
pub fn route(now: Duration, peer: &Peer, net: Net, attributes: Option<&[u8]>, out: &mut Vec<u8>) {
    message(ROUTE_MONITORING, out, |out| {
        header(now, peer, out);
        match attributes {
            Some(attributes) => announcement(attributes, net, out),
            None => withdrawal(net, out),
        }
    });
}

/// All routes of a family that a table has were told (§4.6).
pub fn end_of_table(now: Duration, peer: &Peer, family: Family, out: &mut Vec<u8>) {
    message(ROUTE_MONITORING, out, |out| {
        header(now, peer, out);
        end_of_rib(family, out);
    });
}

/// Numbers about a session (§4.8).
pub fn statistics(now: Duration, peer: &Peer, statistics: &[Statistic], out: &mut Vec<u8>) {
    message(STATISTICS_REPORT, out, |out| {
        header(now, peer, out);
        let count = u32::try_from(statistics.len()).expect("there are few kinds");
        out.extend_from_slice(&count.to_be_bytes());
        for statistic in statistics {
            match *statistic {
                Statistic::Rejected(count) => counter(0, count, out),
                Statistic::AdjRibIn(count) => gauge(7, count, out),
                Statistic::LocRib(count) => gauge(8, count, out),
                Statistic::TreatedAsWithdraw(count) => counter(11, count, out),
                Statistic::AdjRibOut(count) => gauge(15, count, out),
            }
        }
    });
}

/// Common header and body (§4.1).
fn message(kind: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION, 0, 0, 0, 0, kind]);
    body(out);
    let len = u32::try_from(out.len() - start).expect("a message is far below 4 GiB");
    out[start + 1..start + 5].copy_from_slice(&len.to_be_bytes());
}

/// Per-peer header (§4.2, RFC 8671 §4, RFC 9069 §4.1).
fn header(now: Duration, peer: &Peer, out: &mut Vec<u8>) {
    let mut flags = match peer.table {
        Table::In | Table::Loc => 0,
        Table::InPolicy => POST_POLICY,
        Table::OutPolicy => ADJ_RIB_OUT | POST_POLICY,
    };
    let kind = match peer.table {
        Table::Loc => LOC_RIB,
        Table::In | Table::InPolicy | Table::OutPolicy => {
            flags |= if peer.address.is_ipv6() { IPV6 } else { 0 };
            flags |= if peer.two_octet_as { TWO_OCTET_AS } else { 0 };
            GLOBAL_INSTANCE
        }
    };
    out.extend_from_slice(&[kind, flags]);
    // The peer distinguisher: there are no VPNs.
    out.extend_from_slice(&[0; 8]);
    match peer.table {
        Table::Loc => out.extend_from_slice(&[0; 16]),
        Table::In | Table::InPolicy | Table::OutPolicy => address(peer.address, out),
    }
    out.extend_from_slice(&peer.asn.0.to_be_bytes());
    out.extend_from_slice(&peer.router_id.octets());
    let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    out.extend_from_slice(&seconds.to_be_bytes());
    out.extend_from_slice(&now.subsec_micros().to_be_bytes());
}

/// 16 octets, IPv4 in the last four.
fn address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            out.extend_from_slice(&[0; 12]);
            out.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

fn information(kind: u16, text: &str, out: &mut Vec<u8>) {
    let text = &text.as_bytes()[..text.len().min(255)];
    let len = u16::try_from(text.len()).expect("cut above");
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text);
}

fn counter(kind: u16, count: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 4]);
    out.extend_from_slice(&count.to_be_bytes());
}

fn gauge(kind: u16, count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 8]);
    out.extend_from_slice(&count.to_be_bytes());
}
