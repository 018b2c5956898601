//! Capabilities (RFC 5492): what each side can do beyond RFC 4271.

use inet::Asn;

use crate::settings::Role;
use crate::wire::Reader;

/// An address family and what its routes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// Address family identifier.
    pub afi: u16,
    /// Subsequent address family identifier.
    pub safi: u8,
}

impl Family {
    /// IPv4 unicast.
    pub const IPV4_UNICAST: Self = Self { afi: 1, safi: 1 };
    /// IPv6 unicast.
    pub const IPV6_UNICAST: Self = Self { afi: 2, safi: 1 };
}

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Code 1 (RFC 4760).
    Multiprotocol(Family),
    /// Code 2 (RFC 2918).
    RouteRefresh,
    /// Code 5 (RFC 8950): families that take next hops of another address family.
    ExtendedNextHop(Vec<(Family, u16)>),
    /// Code 6 (RFC 8654).
    ExtendedMessage,
    /// Code 9 (RFC 9234): what the sender is. `None` is a number without a meaning.
    Role(Option<Role>),
    /// Code 64 (RFC 4724).
    GracefulRestart(RestartOffer),
    /// Code 65 (RFC 6793).
    FourOctetAs(Asn),
    /// Code 69 (RFC 7911).
    AddPath(Vec<(Family, PathDirection)>),
    /// Code 70 (RFC 7313).
    EnhancedRefresh,
    /// Code 71 (RFC 9494).
    LongLived(Vec<LongLivedFamily>),
    /// Any other.
    Other {
        /// Its code.
        code: u8,
        /// Its value.
        value: Vec<u8>,
    },
}

/// What a graceful restart capability says (RFC 4724 §3, RFC 8538 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartOffer {
    /// R: the sender has restarted, and waits for no End-of-RIB of ours that we would wait for.
    pub restarted: bool,
    /// N: routes survive NOTIFICATIONs too.
    pub notification: bool,
    /// How long its routes are to be kept while it is away, in seconds; at most 4,095.
    pub restart_time_s: u16,
    /// Its families, each with F: the forwarding state was kept.
    pub families: Vec<(Family, bool)>,
}

/// A family in a long-lived graceful restart capability (RFC 9494 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongLivedFamily {
    /// Which.
    pub family: Family,
    /// F: the forwarding state was kept.
    pub forwarding: bool,
    /// How long its routes are to be kept as stale, in seconds; at most 2²⁴ − 1.
    pub stale_time_s: u32,
}

/// Which way several paths may go (RFC 7911 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathDirection {
    /// The sender takes several.
    Receive,
    /// The sender tells several.
    Send,
    /// Both.
    Both,
}

impl PathDirection {
    /// From whether the sender takes and tells several; `None` for neither.
    pub const fn new(receive: bool, send: bool) -> Option<Self> {
        match (receive, send) {
            (true, false) => Some(Self::Receive),
            (false, true) => Some(Self::Send),
            (true, true) => Some(Self::Both),
            (false, false) => None,
        }
    }

    /// Whether the sender takes several.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Receive | Self::Both)
    }

    /// Whether the sender tells several.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Send | Self::Both)
    }
}

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const EXTENDED_NEXT_HOP: u8 = 5;
const EXTENDED_MESSAGE: u8 = 6;
const ROLE: u8 = 9;
const GRACEFUL_RESTART: u8 = 64;
const FOUR_OCTET_AS: u8 = 65;
const ADD_PATH: u8 = 69;
const ENHANCED_REFRESH: u8 = 70;
const LONG_LIVED: u8 = 71;
/// The address family number of IPv6.
pub(crate) const AFI_IPV6: u16 = 2;
/// R and N among the flags of graceful restart, and F among those of a family.
const RESTARTED: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const FORWARDING: u8 = 0x80;

impl Capability {
    /// The number on the wire.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => MULTIPROTOCOL,
            Self::RouteRefresh => ROUTE_REFRESH,
            Self::ExtendedNextHop(_) => EXTENDED_NEXT_HOP,
            Self::ExtendedMessage => EXTENDED_MESSAGE,
            Self::Role(_) => ROLE,
            Self::GracefulRestart(_) => GRACEFUL_RESTART,
            Self::FourOctetAs(_) => FOUR_OCTET_AS,
            Self::AddPath(_) => ADD_PATH,
            Self::EnhancedRefresh => ENHANCED_REFRESH,
            Self::LongLived(_) => LONG_LIVED,
            Self::Other { code, .. } => *code,
        }
    }

    /// Reads one capability. `None` when it is cut off, or one that decides how UPDATEs are read
    /// has a wrong length. A wrong length elsewhere makes it one that we do not know.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let code = reader.u8()?;
        let len = usize::from(reader.u8()?);
        let value = reader.take(len)?;
        let mut fields = Reader(value);
        Some(match code {
            MULTIPROTOCOL if len == 4 => {
                let (afi, _reserved, safi) = (fields.u16()?, fields.u8()?, fields.u8()?);
                Self::Multiprotocol(Family { afi, safi })
            }
            ROUTE_REFRESH if len == 0 => Self::RouteRefresh,
            FOUR_OCTET_AS if len == 4 => Self::FourOctetAs(Asn(fields.u32()?)),
            MULTIPROTOCOL | ROUTE_REFRESH | FOUR_OCTET_AS => return None,
            _ => Self::optional(code, value).unwrap_or_else(|| Self::Other {
                code,
                value: value.to_vec(),
            }),
        })
    }

    /// Capabilities that a session can do without. `None` for unknown ones and wrong lengths.
    fn optional(code: u8, value: &[u8]) -> Option<Self> {
        Some(match code {
            EXTENDED_MESSAGE if value.is_empty() => Self::ExtendedMessage,
            ENHANCED_REFRESH if value.is_empty() => Self::EnhancedRefresh,
            ROLE if value.len() == 1 => Self::Role(Role::from_number(value[0])),
            EXTENDED_NEXT_HOP => Self::ExtendedNextHop(list(value, |fields| {
                let (afi, safi) = (fields.u16()?, fields.u16()?);
                let family = u8::try_from(safi).ok().map(|safi| Family { afi, safi });
                Some((family?, fields.u16()?))
            })?),
            GRACEFUL_RESTART => {
                let (head, families) = value.split_first_chunk()?;
                let flags = u16::from_be_bytes(*head);
                Self::GracefulRestart(RestartOffer {
                    restarted: flags & RESTARTED != 0,
                    notification: flags & NOTIFICATION != 0,
                    restart_time_s: flags & RESTART_TIME_MAX_S,
                    families: list(families, |fields| {
                        Some((family(fields)?, fields.u8()? & FORWARDING != 0))
                    })?,
                })
            }
            ADD_PATH => {
                let families = list(value, |fields| {
                    let family = family(fields)?;
                    // RFC 7911 §4: another value is ignored with its family.
                    Some(match fields.u8()? {
                        1 => Some((family, PathDirection::Receive)),
                        2 => Some((family, PathDirection::Send)),
                        3 => Some((family, PathDirection::Both)),
                        _ => None,
                    })
                })?;
                Self::AddPath(families.into_iter().flatten().collect())
            }
            LONG_LIVED => Self::LongLived(list(value, |fields| {
                let (family, flags) = (family(fields)?, fields.u8()?);
                let time = [0, fields.u8()?, fields.u8()?, fields.u8()?];
                Some(LongLivedFamily {
                    family,
                    forwarding: flags & FORWARDING != 0,
                    stale_time_s: u32::from_be_bytes(time),
                })
            })?),
            _ => return None,
        })
    }

    /// Appends the capability; values over 255 bytes are cut.
    pub fn write(&self, out: &mut Vec<u8>) {
        let value = match self {
            Self::Multiprotocol(family) => {
                let [high, low] = family.afi.to_be_bytes();
                vec![high, low, 0, family.safi]
            }
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRefresh => Vec::new(),
            Self::ExtendedNextHop(families) => {
                let fields = |(family, afi): &(Family, u16)| {
                    [family.afi, u16::from(family.safi), *afi].map(u16::to_be_bytes)
                };
                families.iter().flat_map(fields).flatten().collect()
            }
            Self::Role(role) => vec![role.map_or(u8::MAX, Role::number)],
            Self::GracefulRestart(offer) => offer.value(),
            Self::AddPath(families) => {
                let fields = |(family, direction): &(Family, PathDirection)| {
                    let [high, low] = family.afi.to_be_bytes();
                    let number = match direction {
                        PathDirection::Receive => 1,
                        PathDirection::Send => 2,
                        PathDirection::Both => 3,
                    };
                    [high, low, family.safi, number]
                };
                families.iter().flat_map(fields).collect()
            }
            Self::LongLived(families) => {
                let fields = |one: &LongLivedFamily| {
                    let [high, low] = one.family.afi.to_be_bytes();
                    let [_, a, b, c] = one.stale_time_s.to_be_bytes();
                    let flags = if one.forwarding { FORWARDING } else { 0 };
                    [high, low, one.family.safi, flags, a, b, c]
                };
                families.iter().flat_map(fields).collect()
            }
            Self::FourOctetAs(asn) => asn.0.to_be_bytes().to_vec(),
            Self::Other { value, .. } => value[..value.len().min(255)].to_vec(),
        };
        out.push(self.code());
        out.push(value.len() as u8);
        out.extend_from_slice(&value);
    }
}

impl RestartOffer {
    fn value(&self) -> Vec<u8> {
        let mut flags = self.restart_time_s.min(RESTART_TIME_MAX_S);
        if self.restarted {
            flags |= RESTARTED;
        }
        if self.notification {
            flags |= NOTIFICATION;
        }
        let mut value = flags.to_be_bytes().to_vec();
        for (family, forwarding) in &self.families {
            value.extend_from_slice(&family.afi.to_be_bytes());
            value.extend_from_slice(&[family.safi, if *forwarding { FORWARDING } else { 0 }]);
        }
        value
    }
}

/// The longest restart time (RFC 4724 §3).
pub(crate) const RESTART_TIME_MAX_S: u16 = 0x0fff;

fn family(fields: &mut Reader<'_>) -> Option<Family> {
    let (afi, safi) = (fields.u16()?, fields.u8()?);
    Some(Family { afi, safi })
}

/// Reads a value to its end; `None` when something is left that is no whole item.
fn list<T>(value: &[u8], item: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut fields = Reader(value);
    let mut items = Vec::new();
    while !fields.is_empty() {
        items.push(item(&mut fields)?);
    }
    Some(items)
}

#[cfg(test)]
mod tests;
