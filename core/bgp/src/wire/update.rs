//! UPDATE messages (RFC 4271 §4.3, §6.3 as revised by RFC 7606).

use inet::Prefix;

use crate::wire::Reader;
use crate::wire::attributes::{Scan, Session};
use crate::wire::error::{AttributeFault, Disposition, Problem};
use crate::wire::header::{self, Kind, MESSAGE_MAX};
use crate::wire::nlri::{self, Prefixes};
use crate::wire::notification::{Notification, code, update as subcode};

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
        let withdrawn = Prefixes::parse(reader.take(len).ok_or_else(list)?).ok_or_else(network)?;
        let len = usize::from(reader.u16().ok_or_else(list)?);
        let attributes = reader.take(len).ok_or_else(list)?;
        let announced = Prefixes::parse(reader.0).ok_or_else(network)?;
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

    /// Withdrawn prefixes, wherever they stand.
    pub fn withdrawn(&self) -> impl Iterator<Item = Prefix> + use<'a> {
        self.withdrawn.chain(self.scan.unreach.unwrap_or_default())
    }

    /// Announced prefixes outside MP_REACH_NLRI; those inside are in `attributes().reach`.
    pub const fn announced(&self) -> Prefixes<'a> {
        self.announced
    }
}

fn reset(fault: Option<AttributeFault>) -> Notification {
    let sub = match fault.map(|fault| fault.problem) {
        Some(Problem::Value | Problem::Length) => subcode::OPTIONAL_ATTRIBUTE,
        _ => subcode::ATTRIBUTE_LIST,
    };
    Notification::new(code::UPDATE, sub, Vec::new())
}

/// The most bytes that a block of attributes can have beside the longest prefix.
pub const ATTRIBUTES_MAX: usize = MESSAGE_MAX - header::LEN - 4 - 5;

/// Appends messages that withdraw prefixes; gives their number.
pub fn write_withdrawals(prefixes: impl IntoIterator<Item = Prefix>, out: &mut Vec<u8>) -> u64 {
    let mut messages = 0;
    let mut prefixes = prefixes.into_iter().peekable();
    while prefixes.peek().is_some() {
        let start = header::begin(Kind::Update, out);
        out.extend_from_slice(&[0, 0]);
        // The empty attribute length still has to fit.
        fill(start, MESSAGE_MAX - 2, &mut prefixes, out);
        let len = out.len() - start - header::LEN - 2;
        out[start + header::LEN..start + header::LEN + 2]
            .copy_from_slice(&(len as u16).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        header::finish(start, &mut out[..]);
        messages += 1;
    }
    messages
}

/// Appends messages that announce prefixes with one block of at most [`ATTRIBUTES_MAX`] bytes;
/// gives their number.
pub fn write_announcements(
    block: &[u8],
    prefixes: impl IntoIterator<Item = Prefix>,
    out: &mut Vec<u8>,
) -> u64 {
    debug_assert!(block.len() <= ATTRIBUTES_MAX, "a prefix fits");
    let mut messages = 0;
    let mut prefixes = prefixes.into_iter().peekable();
    while prefixes.peek().is_some() {
        let start = header::begin(Kind::Update, out);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(block.len() as u16).to_be_bytes());
        out.extend_from_slice(block);
        fill(start, MESSAGE_MAX, &mut prefixes, out);
        header::finish(start, &mut out[..]);
        messages += 1;
    }
    messages
}

/// Appends prefixes while the message that began at `start` stays within `max` bytes.
fn fill<I: Iterator<Item = Prefix>>(
    start: usize,
    max: usize,
    prefixes: &mut core::iter::Peekable<I>,
    out: &mut Vec<u8>,
) {
    while let Some(prefix) = prefixes.next_if(|p| out.len() - start + nlri::size(*p) <= max) {
        nlri::write(prefix, out);
    }
}

#[cfg(test)]
mod tests;
