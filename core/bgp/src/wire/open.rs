//! OPEN messages (RFC 4271 §4.2, §6.2; RFC 5492, 6286, 6793, 7607, 9072).

use core::net::Ipv4Addr;

use inet::Asn;

use crate::settings::Role;
use crate::wire::Reader;
use crate::wire::capability::{
    AFI_IPV6, Capability, Family, LongLivedFamily, PathDirection, RestartOffer,
};
use crate::wire::header::{Kind, message};
use crate::wire::notification::{Notification, code, open as subcode};

const VERSION: u8 = 4;
const CAPABILITIES: u8 = 2;
/// Marks optional parameters with two-octet lengths (RFC 9072 §2).
const EXTENDED: u8 = 255;

/// An OPEN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// My Autonomous System; `AS_TRANS` when the number needs four octets.
    pub my_as: u16,
    /// Offered hold time in seconds: zero, or three and more.
    pub hold_time_s: u16,
    /// BGP identifier, not zero.
    pub router_id: Ipv4Addr,
    /// In the order sent.
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// The sender's AS (RFC 6793 §4.1).
    pub fn asn(&self) -> Asn {
        self.four_octet_as().unwrap_or(Asn(u32::from(self.my_as)))
    }

    /// The AS in the four-octet capability.
    pub fn four_octet_as(&self) -> Option<Asn> {
        self.capabilities.iter().find_map(|c| match c {
            Capability::FourOctetAs(asn) => Some(*asn),
            _ => None,
        })
    }

    /// Whether the sender takes routes of the family. Without any multiprotocol capability it
    /// speaks IPv4 unicast (RFC 4760 §8).
    pub fn speaks(&self, family: Family) -> bool {
        let mut any = false;
        for capability in &self.capabilities {
            if let Capability::Multiprotocol(offered) = capability {
                if *offered == family {
                    return true;
                }
                any = true;
            }
        }
        !any && family == Family::IPV4_UNICAST
    }

    /// The role that the sender says it has (RFC 9234 §4.1): the outer `None` is no role, the
    /// inner one a number without a meaning. The error is two different roles.
    pub(crate) fn role(&self) -> Result<Option<Option<Role>>, Contradiction> {
        let mut said = None;
        for capability in &self.capabilities {
            if let Capability::Role(role) = capability {
                if said.is_some_and(|said| said != *role) {
                    return Err(Contradiction);
                }
                said = Some(*role);
            }
        }
        Ok(said)
    }

    /// Which way the sender offers several paths for a family (RFC 7911 §4).
    pub(crate) fn add_path(&self, family: Family) -> Option<PathDirection> {
        let mut offered = self.capabilities.iter().filter_map(|c| match c {
            Capability::AddPath(families) => families.iter().find(|(of, _)| *of == family),
            _ => None,
        });
        offered.next().map(|(_, direction)| *direction)
    }

    /// What the sender offers of graceful restart; the last offer counts (RFC 4724 §3).
    pub(crate) fn graceful_restart(&self) -> Option<&RestartOffer> {
        self.capabilities.iter().rev().find_map(|c| match c {
            Capability::GracefulRestart(offer) => Some(offer),
            _ => None,
        })
    }

    /// What the sender offers of long-lived graceful restart (RFC 9494 §3.1).
    pub(crate) fn long_lived(&self) -> &[LongLivedFamily] {
        let offered = self.capabilities.iter().rev().find_map(|c| match c {
            Capability::LongLived(families) => Some(&families[..]),
            _ => None,
        });
        offered.unwrap_or_default()
    }

    /// Whether the sender takes IPv4 routes with IPv6 next hops (RFC 8950 §4).
    pub(crate) fn extended_next_hop(&self) -> bool {
        self.capabilities.iter().any(|c| match c {
            Capability::ExtendedNextHop(families) => {
                families.contains(&(Family::IPV4_UNICAST, AFI_IPV6))
            }
            _ => false,
        })
    }

    /// Whether the sender answers ROUTE-REFRESH.
    pub fn refreshes(&self) -> bool {
        self.capabilities.contains(&Capability::RouteRefresh)
    }

    /// From a message body; the error is the NOTIFICATION to answer with.
    pub fn parse(body: &[u8]) -> Result<Self, Notification> {
        let error = |sub, data: &[u8]| Notification::new(code::OPEN, sub, data.to_vec());
        let malformed = || error(subcode::UNSPECIFIC, &[]);
        let mut reader = Reader(body);
        let version = reader.u8().ok_or_else(malformed)?;
        if version != VERSION {
            return Err(error(subcode::VERSION, &[0, VERSION]));
        }
        let my_as = reader.u16().ok_or_else(malformed)?;
        let hold_time_s = reader.u16().ok_or_else(malformed)?;
        let router_id = Ipv4Addr::from_bits(reader.u32().ok_or_else(malformed)?);
        let mut parsed = Self {
            my_as,
            hold_time_s,
            router_id,
            capabilities: Vec::new(),
        };
        parsed.read_parameters(reader)?;
        if parsed.asn() == Asn(0) || my_as == 0 {
            return Err(error(subcode::PEER_AS, &[]));
        }
        if router_id.is_unspecified() {
            return Err(error(subcode::IDENTIFIER, &[]));
        }
        if matches!(hold_time_s, 1 | 2) {
            return Err(error(subcode::HOLD_TIME, &hold_time_s.to_be_bytes()));
        }
        Ok(parsed)
    }

    fn read_parameters(&mut self, mut reader: Reader<'_>) -> Result<(), Notification> {
        let malformed = || Notification::new(code::OPEN, subcode::UNSPECIFIC, Vec::new());
        let mut len = usize::from(reader.u8().ok_or_else(malformed)?);
        let extended = reader.0.first() == Some(&EXTENDED) && len != 0;
        if extended {
            reader.u8().ok_or_else(malformed)?;
            len = usize::from(reader.u16().ok_or_else(malformed)?);
        }
        if reader.0.len() != len {
            return Err(malformed());
        }
        while let Some(kind) = reader.u8() {
            let len = if extended {
                usize::from(reader.u16().ok_or_else(malformed)?)
            } else {
                usize::from(reader.u8().ok_or_else(malformed)?)
            };
            let mut value = Reader(reader.take(len).ok_or_else(malformed)?);
            if kind != CAPABILITIES {
                return Err(Notification::new(
                    code::OPEN,
                    subcode::PARAMETER,
                    Vec::new(),
                ));
            }
            while !value.is_empty() {
                let capability = Capability::read(&mut value).ok_or_else(malformed)?;
                if !self.capabilities.contains(&capability) {
                    self.capabilities.push(capability);
                }
            }
        }
        Ok(())
    }

    /// As a whole message, all capabilities in one parameter (RFC 5492 §4), extended when they
    /// need it.
    pub fn encode(&self) -> Vec<u8> {
        let mut capabilities = Vec::new();
        for capability in &self.capabilities {
            capability.write(&mut capabilities);
        }
        let mut body = vec![VERSION];
        body.extend_from_slice(&self.my_as.to_be_bytes());
        body.extend_from_slice(&self.hold_time_s.to_be_bytes());
        body.extend_from_slice(&self.router_id.octets());
        match (capabilities.len(), u8::try_from(capabilities.len() + 2)) {
            (0, _) => body.push(0),
            (len, Ok(total)) if total != EXTENDED => {
                body.extend_from_slice(&[total, CAPABILITIES, len as u8]);
            }
            (len, _) => {
                body.extend_from_slice(&[EXTENDED, EXTENDED]);
                body.extend_from_slice(&(len as u16 + 3).to_be_bytes());
                body.push(CAPABILITIES);
                body.extend_from_slice(&(len as u16).to_be_bytes());
            }
        }
        body.extend_from_slice(&capabilities);
        message(Kind::Open, &body)
    }
}

/// One OPEN says two things that exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

#[cfg(test)]
mod tests;
