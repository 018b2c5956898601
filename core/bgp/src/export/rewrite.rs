//! The attributes that others are told: what RFC 4271 §5 and its kin change on the way out, done on
//! the bytes of a canonical block. Policies with actions take the long way over
//! [`crate::Attributes`].

use core::net::IpAddr;

use inet::Asn;

use crate::wire::Reader;
use crate::wire::attributes::{Attributes, table};

/// What changes on the way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// To another AS: LOCAL_PREF, the reflection attributes and tunnels (RFC 9012 §11) go.
    pub(super) external: bool,
    /// The AS that goes in front.
    pub(super) prepend: Option<Asn>,
    /// The next hop in place of the one received.
    pub(super) next_hop: Option<IpAddr>,
    /// MULTI_EXIT_DISC of another AS goes no further (RFC 4271 §5.1.4).
    pub(super) drops_med: bool,
}

const SEQUENCE: u8 = 2;

/// Appends the block as it goes out.
pub(super) fn rewrite(block: &[u8], plan: Plan, out: &mut Vec<u8>) {
    let mut rest = block;
    let mut has_preference = plan.external;
    while let Some((flags, code, value, whole)) = split(&mut rest) {
        if code > table::LOCAL_PREF && !has_preference {
            has_preference = true;
            preference(out);
        }
        match code {
            table::AS_PATH if plan.prepend.is_some() => as_path(flags, value, plan.prepend, out),
            table::NEXT_HOP if plan.next_hop.is_some() => next_hop(flags, plan.next_hop, out),
            table::MULTI_EXIT_DISC if plan.drops_med => {}
            table::LOCAL_PREF
            | table::ORIGINATOR_ID
            | table::CLUSTER_LIST
            | table::TUNNEL_ENCAPSULATION
                if plan.external => {}
            _ => {
                has_preference |= code == table::LOCAL_PREF;
                out.extend_from_slice(whole);
            }
        }
    }
    if !has_preference {
        preference(out);
    }
}

/// Takes an attribute off the front: flags, code, value, and all of it.
fn split<'a>(rest: &mut &'a [u8]) -> Option<(u8, u8, &'a [u8], &'a [u8])> {
    let mut reader = Reader(rest);
    let (flags, code) = (reader.u8()?, reader.u8()?);
    let len = if flags & table::EXTENDED != 0 {
        usize::from(reader.u16()?)
    } else {
        usize::from(reader.u8()?)
    };
    let value = reader.take(len)?;
    let whole = &rest[..rest.len() - reader.0.len()];
    *rest = reader.0;
    Some((flags, code, value, whole))
}

fn preference(out: &mut Vec<u8>) {
    out.extend_from_slice(&[table::TRANSITIVE, table::LOCAL_PREF, 4]);
    out.extend_from_slice(&Attributes::LOCAL_PREF.to_be_bytes());
}

fn head(flags: u8, code: u8, len: usize, out: &mut Vec<u8>) {
    let flags = flags & !table::EXTENDED;
    match u8::try_from(len) {
        Ok(len) => out.extend_from_slice(&[flags, code, len]),
        Err(_) => {
            out.extend_from_slice(&[flags | table::EXTENDED, code]);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
}

fn next_hop(flags: u8, address: Option<IpAddr>, out: &mut Vec<u8>) {
    match address {
        Some(IpAddr::V4(address)) => {
            head(flags, table::NEXT_HOP, 4, out);
            out.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            head(flags, table::NEXT_HOP, 16, out);
            out.extend_from_slice(&address.octets());
        }
        None => {}
    }
}

/// RFC 4271 §5.1.2 b: into the first sequence, or in front as a sequence of its own.
fn as_path(flags: u8, value: &[u8], prepend: Option<Asn>, out: &mut Vec<u8>) {
    let Some(asn) = prepend else { return };
    let number = asn.0.to_be_bytes();
    match value {
        [SEQUENCE, count, rest @ ..] if *count < u8::MAX => {
            head(flags, table::AS_PATH, value.len() + 4, out);
            out.extend_from_slice(&[SEQUENCE, count + 1]);
            out.extend_from_slice(&number);
            out.extend_from_slice(rest);
        }
        _ => {
            head(flags, table::AS_PATH, value.len() + 6, out);
            out.extend_from_slice(&[SEQUENCE, 1]);
            out.extend_from_slice(&number);
            out.extend_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::wire::attributes::{AsPath, Segment};

    /// The same on the decoded attributes.
    fn reference(mut attributes: Attributes, plan: Plan) -> Attributes {
        if let Some(address) = plan.next_hop {
            attributes.next_hop = address;
        }
        if plan.drops_med {
            attributes.med = None;
        }
        if plan.external {
            attributes.local_pref = None;
            attributes.originator_id = None;
            attributes.cluster_list.clear();
            attributes.tunnel_encapsulation.clear();
        } else {
            attributes.local_pref.get_or_insert(Attributes::LOCAL_PREF);
        }
        if let Some(asn) = plan.prepend {
            attributes.as_path.prepend(asn, 1);
        }
        attributes
    }

    #[test]
    fn bytes_and_decoded_attributes_are_rewritten_alike() {
        let mut full = Attributes::new(Ipv4Addr::new(10, 0, 0, 1));
        full.med = Some(5);
        full.local_pref = Some(200);
        full.communities = vec![1, 2];
        full.originator_id = Some(Ipv4Addr::new(1, 1, 1, 1));
        full.cluster_list = vec![Ipv4Addr::new(2, 2, 2, 2)];
        full.tunnel_encapsulation = vec![0, 20, 0, 3, 126, 1, 7];
        full.large_communities = vec![[1, 2, 3]];
        full.as_path = AsPath::sequence([Asn(1), Asn(2)]);
        let mut bare = Attributes::new(Ipv4Addr::new(10, 0, 0, 1));
        bare.as_path = AsPath(vec![Segment::Set(vec![Asn(7)])]);
        let mut long = full.clone();
        long.as_path = AsPath::sequence((1..=255).map(Asn));
        let mut longer = full.clone();
        longer.as_path = AsPath::sequence((1..=63).map(Asn));
        let empty = Attributes::new(Ipv4Addr::new(10, 0, 0, 1));
        let v6: IpAddr = "2001:db8::1".parse().expect("an address");
        for attributes in [full, bare, long, longer, empty] {
            for external in [true, false] {
                for next_hop in [None, Some(Ipv4Addr::new(10, 0, 0, 9).into()), Some(v6)] {
                    let plan = Plan {
                        external,
                        prepend: external.then_some(Asn(65_000)),
                        next_hop,
                        drops_med: external,
                    };
                    let mut out = Vec::new();
                    rewrite(&attributes.encode(true), plan, &mut out);
                    assert_eq!(out, reference(attributes.clone(), plan).encode(true));
                }
            }
        }
    }
}
