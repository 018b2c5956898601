//! MRT records (RFC 6396): tables with TABLE_DUMP_V2, messages and states with BGP4MP_ET; paths with identifiers by
//! RFC 8050.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use inet::{Asn, Net};

use crate::Ends;
use crate::attributes::{in_table, prefix};

const TABLE_DUMP_V2: u16 = 13;
const BGP4MP_ET: u16 = 17;

const PEER_INDEX_TABLE: u16 = 1;
const RIB_IPV4_UNICAST: u16 = 2;
const RIB_IPV6_UNICAST: u16 = 4;
const RIB_IPV4_UNICAST_ADDPATH: u16 = 8;
const RIB_IPV6_UNICAST_ADDPATH: u16 = 10;

const STATE_CHANGE_AS4: u16 = 5;

/// Peer type: an IPv6 address, a four-octet AS number (RFC 6396 §4.3.1).
const PEER_IPV6: u8 = 1;
const PEER_AS4: u8 = 2;

/// A neighbour in the table of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its BGP identifier.
    pub router_id: Ipv4Addr,
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
}

/// A path in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Place of the neighbour in the table of peers.
    pub peer: u16,
    /// When the path was learned, since 1970.
    pub originated: Duration,
    /// Its identifier (RFC 7911). All or no entries of a record have one.
    pub path_id: Option<u32>,
    /// Its attributes as a block.
    pub attributes: &'a [u8],
}

/// What the messages of a session look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// AS numbers have four octets (RFC 6793).
    pub four_octet_as: bool,
    /// Prefixes have path identifiers (RFC 7911).
    pub add_path: bool,
}

/// The states of a session, as numbered in RFC 6396 §4.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Idle.
    Idle = 1,
    /// Connect.
    Connect = 2,
    /// Active.
    Active = 3,
    /// OpenSent.
    OpenSent = 4,
    /// OpenConfirm.
    OpenConfirm = 5,
    /// Established.
    Established = 6,
}

/// The table of peers, which the entries of a dump count in (§4.3.1). At most 65,535 peers are written.
pub fn peer_index_table(
    now: Duration,
    collector: Ipv4Addr,
    view: &str,
    peers: &[Peer],
    out: &mut Vec<u8>,
) {
    let peers = &peers[..peers.len().min(usize::from(u16::MAX))];
    record(now, TABLE_DUMP_V2, PEER_INDEX_TABLE, out, |out| {
        out.extend_from_slice(&collector.octets());
        let view = &view.as_bytes()[..view.len().min(255)];
        out.extend_from_slice(&count(view.len()));
        out.extend_from_slice(view);
        out.extend_from_slice(&count(peers.len()));
        for peer in peers {
            let family = if peer.address.is_ipv6() { PEER_IPV6 } else { 0 };
            out.push(PEER_AS4 | family);
            out.extend_from_slice(&peer.router_id.octets());
            address(peer.address, out);
            out.extend_from_slice(&peer.asn.0.to_be_bytes());
        }
    });
}

/// All paths to a prefix (§4.3.2, RFC 8050 §4).
pub fn rib(now: Duration, sequence: u32, net: Net, entries: &[Entry<'_>], out: &mut Vec<u8>) {
    let add_path = entries.iter().any(|entry| entry.path_id.is_some());
    let subtype = match (net.v4().is_some(), add_path) {
        (true, false) => RIB_IPV4_UNICAST,
        (true, true) => RIB_IPV4_UNICAST_ADDPATH,
        (false, false) => RIB_IPV6_UNICAST,
        (false, true) => RIB_IPV6_UNICAST_ADDPATH,
    };
    record(now, TABLE_DUMP_V2, subtype, out, |out| {
        out.extend_from_slice(&sequence.to_be_bytes());
        prefix(net, out);
        out.extend_from_slice(&count(entries.len()));
        for entry in entries.iter().take(usize::from(u16::MAX)) {
            out.extend_from_slice(&entry.peer.to_be_bytes());
            out.extend_from_slice(&seconds(entry.originated).to_be_bytes());
            if add_path {
                out.extend_from_slice(&entry.path_id.unwrap_or(0).to_be_bytes());
            }
            let len_at = out.len();
            out.extend_from_slice(&[0; 2]);
            in_table(entry.attributes, out);
            let len = count(out.len() - len_at - 2);
            out[len_at..len_at + 2].copy_from_slice(&len);
        }
    });
}

/// A whole BGP message that came, or that we sent (`ours`) (§4.4.2, §4.4.3, RFC 8050 §3).
pub fn message(
    now: Duration,
    ends: Ends,
    encoding: Encoding,
    ours: bool,
    bytes: &[u8],
    out: &mut Vec<u8>,
) {
    let subtype = match (encoding.four_octet_as, encoding.add_path, ours) {
        (false, false, false) => 1,
        (true, false, false) => 4,
        (false, false, true) => 6,
        (true, false, true) => 7,
        (false, true, false) => 8,
        (true, true, false) => 9,
        (false, true, true) => 10,
        (true, true, true) => 11,
    };
    record(now, BGP4MP_ET, subtype, out, |out| {
        session(ends, encoding.four_octet_as, out);
        out.extend_from_slice(bytes);
    });
}

/// A session went from one state to another (§4.4.4).
pub fn state_change(now: Duration, ends: Ends, from: State, to: State, out: &mut Vec<u8>) {
    record(now, BGP4MP_ET, STATE_CHANGE_AS4, out, |out| {
        session(ends, true, out);
        out.extend_from_slice(&[0, from as u8, 0, to as u8]);
    });
}

/// Header and body; BGP4MP_ET has microseconds in front of the body, which count to its length (§3).
fn record(
    now: Duration,
    kind: u16,
    subtype: u16,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&seconds(now).to_be_bytes());
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&subtype.to_be_bytes());
    let len_at = out.len();
    out.extend_from_slice(&[0; 4]);
    if kind == BGP4MP_ET {
        out.extend_from_slice(&now.subsec_micros().to_be_bytes());
    }
    body(out);
    let len = u32::try_from(out.len() - len_at - 4).expect("a record is far below 4 GiB");
    out[len_at..len_at + 4].copy_from_slice(&len.to_be_bytes());
}

fn session(ends: Ends, four_octet_as: bool, out: &mut Vec<u8>) {
    for asn in [ends.remote_as, ends.local_as] {
        match four_octet_as {
            true => out.extend_from_slice(&asn.0.to_be_bytes()),
            false => out.extend_from_slice(&u16::try_from(asn.0).unwrap_or(AS_TRANS).to_be_bytes()),
        }
    }
    // The interface is not known.
    out.extend_from_slice(&[0; 2]);
    let family: u16 = if ends.remote.is_ipv6() { 2 } else { 1 };
    out.extend_from_slice(&family.to_be_bytes());
    address(ends.remote, out);
    address(ends.local, out);
}

/// Stands for numbers that need four octets (RFC 6793 §9).
const AS_TRANS: u16 = 23_456;

fn address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

/// Seconds since 1970; they end in 2106.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

fn count(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes()
}
