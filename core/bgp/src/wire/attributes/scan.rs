//! The one checking pass over the path attributes of an UPDATE (RFC 7606 §3 to §7).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use inet::Asn;

use super::as_path::{self, AsPath};
use super::table::{self, EXTENDED, OPTIONAL, PARTIAL, ROWS, TRANSITIVE};
use super::{Attributes, Origin, Unknown, tunnel_encapsulation};
use crate::rank::values;
use crate::wire::Reader;
use crate::wire::capability::Family;
use crate::wire::error::{AttributeFault, Disposition, Problem};
use crate::wire::nlri::{Form, Prefixes};

/// What the checks need to know of the session that the bytes came by.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an extension or a setting of its own"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The neighbour is in another AS.
    pub external: bool,
    /// AS numbers have four octets (RFC 6793).
    pub four_octet: bool,
    /// The AS that must stand first in AS_PATH, if one must (RFC 4271 §6.3).
    pub first_as: Option<Asn>,
    /// Our address on the session, which is no next hop for us (RFC 4271 §6.3).
    pub local_address: Ipv4Addr,
    /// Our IPv6 address, likewise.
    pub local_address_v6: Option<Ipv6Addr>,
    /// Whether prefixes of IPv4 and of IPv6 come with path identifiers (RFC 7911).
    pub add_path: [bool; 2],
    /// Whether IPv4 routes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// The block was checked before and is our own form: NEXT_HOP may be of either family.
    pub inside: bool,
}

impl Session {
    /// For blocks that were checked before.
    pub const INSIDE: Self = Self {
        external: false,
        four_octet: true,
        first_as: None,
        local_address: Ipv4Addr::UNSPECIFIED,
        local_address_v6: None,
        add_path: [false; 2],
        extended_next_hop: true,
        inside: true,
    };
}

/// MP_REACH_NLRI of a family that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach<'a> {
    /// Its next hop.
    pub next_hop: IpAddr,
    /// Its prefixes.
    pub prefixes: Prefixes<'a>,
}

/// Path attributes after the pass: where each is, and the worst fault.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    raw: &'a [u8],
    four_octet: bool,
    values: [Option<&'a [u8]>; ROWS.len()],
    partial: u64,
    canonical: bool,
    fault: Option<AttributeFault>,
    /// Routes in MP_REACH_NLRI.
    pub reach: Option<Reach<'a>>,
    /// Routes in MP_UNREACH_NLRI.
    pub unreach: Option<(Family, Prefixes<'a>)>,
}

/// One attribute as it stands on the wire.
struct Attribute<'a> {
    flags: u8,
    code: u8,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let (flags, code) = (reader.u8()?, reader.u8()?);
        let len = if flags & EXTENDED != 0 {
            usize::from(reader.u16()?)
        } else {
            usize::from(reader.u8()?)
        };
        let value = reader.take(len)?;
        Some(Self { flags, code, value })
    }
}

impl<'a> Scan<'a> {
    /// Checks a block of attributes. Never fails: [`Self::fault`] says what it is worth.
    pub fn new(raw: &'a [u8], session: &Session) -> Self {
        let mut scan = Self {
            raw,
            four_octet: session.four_octet,
            values: [None; ROWS.len()],
            partial: 0,
            canonical: session.four_octet,
            fault: None,
            reach: None,
            unreach: None,
        };
        let mut reader = Reader(raw);
        let mut seen = [0_u64; 4];
        let mut last = 0;
        while !reader.is_empty() {
            let Some(attribute) = Attribute::read(&mut reader) else {
                scan.found(0, Problem::Overrun, Disposition::Withdraw);
                break;
            };
            let code = attribute.code;
            let (word, bit) = (usize::from(code >> 6), 1_u64 << (code & 63));
            let again = seen[word] & bit != 0;
            seen[word] |= bit;
            let long = attribute.flags & EXTENDED != 0;
            scan.canonical &= code > last && long == (attribute.value.len() > 255);
            last = code;
            match table::place(code) {
                _ if again => scan.duplicate(code),
                Some(place) => scan.known(place, &attribute, session),
                None => scan.unknown(&attribute),
            }
        }
        scan
    }

    /// The worst fault, if any.
    pub const fn fault(&self) -> Option<AttributeFault> {
        self.fault
    }

    /// The block itself, when it is canonical already.
    pub fn canonical(&self) -> Option<&'a [u8]> {
        self.canonical.then_some(self.raw)
    }

    /// NEXT_HOP; unspecified when there is none.
    pub fn next_hop(&self) -> IpAddr {
        let value = self.value(table::NEXT_HOP).unwrap_or_default();
        match (<[u8; 4]>::try_from(value), <[u8; 16]>::try_from(value)) {
            (Ok(octets), _) => octets.into(),
            (_, Ok(octets)) => octets.into(),
            _ => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    pub(crate) fn value(&self, code: u8) -> Option<&'a [u8]> {
        self.values[table::place(code)?]
    }

    pub(crate) fn number(&self, code: u8) -> Option<u32> {
        Reader(self.value(code)?).u32()
    }

    /// RFC 7606 §3 d: what announcements need. `next_hop` when there are some outside MP_REACH_NLRI.
    pub(crate) fn require(&mut self, next_hop: bool) {
        let mut codes = [table::ORIGIN, table::AS_PATH].to_vec();
        codes.extend(next_hop.then_some(table::NEXT_HOP));
        for code in codes {
            if self.value(code).is_none() {
                self.found(code, Problem::Missing, Disposition::Withdraw);
            }
        }
    }

    fn found(&mut self, code: u8, problem: Problem, disposition: Disposition) {
        self.canonical = false;
        if self
            .fault
            .is_none_or(|worst| worst.disposition < disposition)
        {
            self.fault = Some(AttributeFault {
                code,
                problem,
                disposition,
            });
        }
    }

    /// RFC 7606 §3 g.
    fn duplicate(&mut self, code: u8) {
        let cost = match code {
            table::MP_REACH_NLRI | table::MP_UNREACH_NLRI => Disposition::Reset,
            _ => Disposition::Discard,
        };
        self.found(code, Problem::Duplicate, cost);
    }

    fn unknown(&mut self, attribute: &Attribute<'a>) {
        if attribute.flags & OPTIONAL == 0 {
            self.found(
                attribute.code,
                Problem::UnknownWellKnown,
                Disposition::Withdraw,
            );
        }
        self.canonical &= attribute.flags & !EXTENDED == OPTIONAL | TRANSITIVE | PARTIAL;
    }

    fn known(&mut self, place: usize, attribute: &Attribute<'a>, session: &Session) {
        let row = &ROWS[place];
        let cost = if session.external {
            row.external
        } else {
            Some(row.internal)
        };
        let Some(cost) = cost else {
            self.canonical = false;
            return;
        };
        if attribute.flags & (OPTIONAL | TRANSITIVE) != row.flags {
            if tunnel_encapsulation::is_discarded_for_flags(row.code) {
                return self.found(row.code, Problem::Flags, Disposition::Discard);
            }
            self.found(row.code, Problem::Flags, Disposition::Withdraw);
        }
        if session.inside {
            if attribute.flags & PARTIAL != 0 {
                self.partial |= 1 << row.code;
            }
            self.values[place] = Some(attribute.value);
            return;
        }
        if !row.length.fits(attribute.value.len(), session.four_octet) {
            return self.found(row.code, Problem::Length, cost);
        }
        match row.code {
            table::MP_REACH_NLRI => return self.reach(attribute.value, session),
            table::MP_UNREACH_NLRI => return self.unreach(attribute.value, session),
            table::AS4_PATH | table::AS4_AGGREGATOR => self.canonical = false,
            table::TUNNEL_ENCAPSULATION => {
                if let Some(cost) = tunnel_encapsulation::fault(attribute.value) {
                    return self.found(row.code, Problem::Value, cost);
                }
            }
            _ => {}
        }
        if session.four_octet && matches!(row.code, table::AS4_PATH | table::AS4_AGGREGATOR) {
            return self.found(row.code, Problem::Misplaced, Disposition::Discard);
        }
        if !value_fits(row.code, attribute.value, session) {
            return self.found(row.code, Problem::Value, cost);
        }
        if attribute.flags & PARTIAL != 0 {
            if row.flags == OPTIONAL | TRANSITIVE {
                self.partial |= 1 << row.code;
            } else {
                self.canonical = false;
            }
        }
        self.canonical &= attribute.flags & 0x0f == 0;
        self.values[place] = Some(attribute.value);
    }

    /// RFC 4760 §3, RFC 8950 §3. Routes of families that we do not know are dropped.
    fn reach(&mut self, value: &'a [u8], session: &Session) {
        self.canonical = false;
        let code = table::MP_REACH_NLRI;
        let parsed = (|| {
            let mut reader = Reader(value);
            let family = Family {
                afi: reader.u16()?,
                safi: reader.u8()?,
            };
            let len = usize::from(reader.u8()?);
            let next_hop = reader.take(len)?;
            reader.u8()?;
            Some((family, next_hop, reader.0))
        })();
        let Some((family, next_hop, rest)) = parsed else {
            return self.found(code, Problem::Value, Disposition::Reset);
        };
        let Some(form) = form(family, session) else {
            return;
        };
        let next_hop = mp_next_hop(next_hop, form.v6, session.extended_next_hop);
        match (next_hop, Prefixes::parse(rest, form)) {
            (Some(next_hop), Some(prefixes)) => {
                if !is_unicast(next_hop, session) {
                    self.found(code, Problem::Value, Disposition::Withdraw);
                }
                self.reach = Some(Reach { next_hop, prefixes });
            }
            _ => self.found(code, Problem::Value, Disposition::Reset),
        }
    }

    /// RFC 4760 §4.
    fn unreach(&mut self, value: &'a [u8], session: &Session) {
        self.canonical = false;
        let mut reader = Reader(value);
        let family = (|| {
            Some(Family {
                afi: reader.u16()?,
                safi: reader.u8()?,
            })
        })();
        let Some(family) = family else {
            return self.found(table::MP_UNREACH_NLRI, Problem::Value, Disposition::Reset);
        };
        let Some(form) = form(family, session) else {
            return;
        };
        match Prefixes::parse(reader.0, form) {
            Some(prefixes) => self.unreach = Some((family, prefixes)),
            None => self.found(table::MP_UNREACH_NLRI, Problem::Value, Disposition::Reset),
        }
    }

    /// Whether there are no attributes at all.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The family of an MP_UNREACH_NLRI that is empty and stands alone (RFC 4724 §2).
    pub fn end_of_rib(&self) -> Option<Family> {
        let (family, prefixes) = self.unreach?;
        let alone = values(self.raw).all(|(code, _)| code == table::MP_UNREACH_NLRI);
        (alone && prefixes.is_empty()).then_some(family)
    }

    /// The owned form, with this next hop.
    pub fn attributes(&self, next_hop: IpAddr) -> Attributes {
        let mut owned = Attributes::new(next_hop);
        owned.partial = self.partial;
        owned.origin = self
            .value(table::ORIGIN)
            .and_then(|value| Origin::from_number(*value.first()?))
            .unwrap_or_default();
        let path = self.value(table::AS_PATH).unwrap_or_default();
        owned.as_path = AsPath::read(path, self.four_octet);
        owned.med = self.number(table::MULTI_EXIT_DISC);
        owned.local_pref = self.number(table::LOCAL_PREF);
        owned.atomic_aggregate = self.value(table::ATOMIC_AGGREGATE).is_some();
        owned.aggregator = self.aggregator(table::AGGREGATOR, self.four_octet);
        owned.communities = self.words(table::COMMUNITIES);
        owned.originator_id = self.number(table::ORIGINATOR_ID).map(Ipv4Addr::from_bits);
        let clusters = self.words(table::CLUSTER_LIST).into_iter();
        owned.cluster_list = clusters.map(Ipv4Addr::from_bits).collect();
        let pairs = self.words(table::EXT_COMMUNITIES);
        owned.ext_communities = pairs
            .chunks_exact(2)
            .map(|pair| u64::from(pair[0]) << 32 | u64::from(pair[1]))
            .collect();
        owned.tunnel_encapsulation = self
            .value(table::TUNNEL_ENCAPSULATION)
            .unwrap_or_default()
            .to_vec();
        let triples = self.words(table::LARGE_COMMUNITIES);
        owned.large_communities = triples
            .chunks_exact(3)
            .map(|t| [t[0], t[1], t[2]])
            .collect();
        owned.only_to_customer = self.number(table::ONLY_TO_CUSTOMER).map(Asn);
        owned.unknown = self.unknown_values();
        self.merge_four_octet(&mut owned);
        owned
    }

    /// RFC 6793 §4.2.3.
    fn merge_four_octet(&self, owned: &mut Attributes) {
        owned.partial &= !(1 << table::AS4_PATH | 1 << table::AS4_AGGREGATOR);
        if owned.aggregator.is_some_and(|(asn, _)| asn != Asn::TRANS) && !self.four_octet {
            return;
        }
        if owned.aggregator.is_some()
            && let Some(four) = self.aggregator(table::AS4_AGGREGATOR, true)
        {
            owned.aggregator = Some(four);
        }
        if let Some(path) = self.value(table::AS4_PATH) {
            owned.as_path.merge(AsPath::read(path, true));
        }
    }

    fn aggregator(&self, code: u8, four_octet: bool) -> Option<(Asn, Ipv4Addr)> {
        let mut reader = Reader(self.value(code)?);
        let asn = if four_octet {
            reader.u32()?
        } else {
            u32::from(reader.u16()?)
        };
        Some((Asn(asn), Ipv4Addr::from_bits(reader.u32()?)))
    }

    fn words(&self, code: u8) -> Vec<u32> {
        let mut reader = Reader(self.value(code).unwrap_or_default());
        core::iter::from_fn(|| reader.u32()).collect()
    }

    fn unknown_values(&self) -> Vec<Unknown> {
        let mut found: Vec<Unknown> = Vec::new();
        let mut reader = Reader(self.raw);
        while let Some(attribute) = Attribute::read(&mut reader) {
            let carried = attribute.flags & (OPTIONAL | TRANSITIVE) == OPTIONAL | TRANSITIVE;
            if carried && table::place(attribute.code).is_none() {
                found.push(Unknown {
                    code: attribute.code,
                    value: attribute.value.to_vec(),
                });
            }
        }
        // Stable: of the same code the first stays (RFC 7606 §3 g).
        found.sort_by_key(|unknown| unknown.code);
        found.dedup_by_key(|unknown| unknown.code);
        found
    }
}

fn value_fits(code: u8, value: &[u8], session: &Session) -> bool {
    match code {
        table::ORIGIN => value.first().is_some_and(|n| *n <= 2),
        table::AS_PATH => as_path::check(value, session.four_octet, session.first_as),
        table::AS4_PATH => as_path::check(value, true, None),
        table::NEXT_HOP => Reader(value)
            .u32()
            .is_some_and(|bits| is_host(Ipv4Addr::from_bits(bits), session.local_address)),
        // RFC 7607 §2.
        table::AGGREGATOR if !session.four_octet => value.first_chunk() != Some(&[0; 2]),
        table::AGGREGATOR | table::AS4_AGGREGATOR | table::ONLY_TO_CUSTOMER => {
            value.first_chunk() != Some(&[0; 4])
        }
        _ => true,
    }
}

/// How prefixes of a family are written; `None` for families that we do not know.
const fn form(family: Family, session: &Session) -> Option<Form> {
    let v6 = match (family.afi, family.safi) {
        (1, 1) => false,
        (2, 1) => true,
        _ => return None,
    };
    Some(Form {
        v6,
        paths: session.add_path[v6 as usize],
    })
}

/// The address in MP_REACH_NLRI: of two IPv6 addresses the global one (RFC 2545 §3), or an IPv4 one.
fn mp_next_hop(bytes: &[u8], v6: bool, extended: bool) -> Option<IpAddr> {
    match bytes.len() {
        16 | 32 if v6 || extended => bytes
            .first_chunk::<16>()
            .map(|octets| IpAddr::from(*octets)),
        4 if !v6 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn is_unicast(address: IpAddr, session: &Session) -> bool {
    match address {
        IpAddr::V4(address) => is_host(address, session.local_address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_host(mapped, session.local_address),
            None => {
                let unusable =
                    address.is_unspecified() || address.is_loopback() || address.is_multicast();
                !unusable && Some(address) != session.local_address_v6
            }
        },
    }
}

/// Whether an address can be the next hop that a neighbour names (RFC 4271 §6.3): a unicast
/// address of a host, and not our own.
fn is_host(address: Ipv4Addr, local: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    !matches!(first, 0 | 127 | 224..) && address != local
}
