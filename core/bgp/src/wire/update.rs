//! UPDATE messages (RFC 4271 §4.3, §6.3 as revised by RFC 7606; RFC 4760, RFC 7911).

mod write;

use inet::Net;

use crate::wire::Reader;
use crate::wire::attributes::{Scan, Session};
use crate::wire::capability::Family;
use crate::wire::error::{AttributeFault, Disposition, Problem};
use crate::wire::nlri::{Form, Prefixes};
use crate::wire::notification::{Notification, code, update as subcode};

pub use write::{ATTRIBUTES_MAX, end_of_rib, write_announcements, write_withdrawals};
pub(crate) use write::{Announcement, OVERHEAD_MAX, withdraw};

/// A checked UPDATE.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    withdrawn: Prefixes<'a>,
    announced: Prefixes<'a>,
    scan: Scan<'a>,
}

impl<'a> Update<'a> {
    /// Checks a message body. The error is the NOTIFICATION that ends the session.
    pub fn parse(body: &'a [u8], session: &Session) -> Result<Self, Notification> {
        let malformed = |sub| Notification::new(code::UPDATE, sub, Vec::new());
        let list = || malformed(subcode::ATTRIBUTE_LIST);
        let network = || malformed(subcode::NETWORK_FIELD);
        let mut reader = Reader(body);
        let len = usize::from(reader.u16().ok_or_else(list)?);
        let form = Form {
            v6: false,
            paths: session.add_path[0],
        };
        let withdrawn =
            Prefixes::parse(reader.take(len).ok_or_else(list)?, form).ok_or_else(network)?;
        let len = usize::from(reader.u16().ok_or_else(list)?);
        let attributes = reader.take(len).ok_or_else(list)?;
        let announced = Prefixes::parse(reader.0, form).ok_or_else(network)?;
        let mut scan = Scan::new(attributes, session);
        let has_reach = scan.reach.is_some_and(|reach| !reach.prefixes.is_empty());
        if !announced.is_empty() || has_reach {
            scan.require(!announced.is_empty());
        }
        let worst = scan.fault();
        match worst.map(|fault| fault.disposition) {
            Some(Disposition::Reset) => return Err(reset(worst)),
            // RFC 7606 §5.2: with no routes to withdraw in sight, the error may hide some.
            Some(Disposition::Withdraw) if announced.is_empty() && !has_reach => {
                return Err(list());
            }
            _ => {}
        }
        Ok(Self {
            withdrawn,
            announced,
            scan,
        })
    }

    /// What was wrong and survived.
    pub const fn fault(&self) -> Option<AttributeFault> {
        self.scan.fault()
    }

    /// Whether the announced routes count as withdrawn (RFC 7606 §2).
    pub fn treat_as_withdraw(&self) -> bool {
        self.fault()
            .is_some_and(|fault| fault.disposition >= Disposition::Withdraw)
    }

    /// The attributes.
    pub const fn attributes(&self) -> &Scan<'a> {
        &self.scan
    }

    /// Withdrawn prefixes and their path identifiers, wherever they stand.
    pub fn withdrawn(&self) -> impl Iterator<Item = (Net, u32)> + use<'a> {
        let unreach = self.scan.unreach.map(|(_, prefixes)| prefixes);
        self.withdrawn.chain(unreach.unwrap_or_default())
    }

    /// Announced prefixes outside MP_REACH_NLRI; those inside are in `attributes().reach`.
    pub const fn announced(&self) -> Prefixes<'a> {
        self.announced
    }

    /// The family whose end this marks (RFC 4724 §2): an UPDATE that does nothing.
    pub fn end_of_rib(&self) -> Option<Family> {
        if !self.withdrawn.is_empty() || !self.announced.is_empty() {
            return None;
        }
        if self.scan.is_empty() {
            return Some(Family::IPV4_UNICAST);
        }
        self.scan.end_of_rib()
    }
}

fn reset(fault: Option<AttributeFault>) -> Notification {
    let sub = match fault.map(|fault| fault.problem) {
        Some(Problem::Value | Problem::Length) => subcode::OPTIONAL_ATTRIBUTE,
        _ => subcode::ATTRIBUTE_LIST,
    };
    Notification::new(code::UPDATE, sub, Vec::new())
}

#[cfg(test)]
mod tests;
