//! UPDATE messages to bytes, each as full as it can be.

use inet::{Net, Prefix};

use crate::wire::attributes::table;
use crate::wire::header::{self, Kind, MESSAGE_MAX};
use crate::wire::{Reader, nlri};

/// A prefix and its path identifier, where one was agreed on.
pub(crate) type Item = (Net, Option<u32>);

/// The most bytes of a message beside its attributes, so that one prefix fits: header, the two
/// lengths, MP_REACH_NLRI around an IPv6 next hop, and the longest prefix with a path identifier.
pub(crate) const OVERHEAD_MAX: usize = header::LEN + 4 + 9 + 16 + 21;
/// The most bytes that a block of attributes can have in a message without RFC 8654.
pub const ATTRIBUTES_MAX: usize = MESSAGE_MAX - OVERHEAD_MAX;

const IPV4: [u8; 3] = [0, 1, 1];
const IPV6: [u8; 3] = [0, 2, 1];

/// Appends messages that withdraw IPv4 prefixes; gives their number.
pub fn write_withdrawals(prefixes: impl IntoIterator<Item = Prefix>, out: &mut Vec<u8>) -> u64 {
    let items = prefixes.into_iter().map(|prefix| (Net::V4(prefix), None));
    withdraw(false, items, MESSAGE_MAX, out)
}

/// Appends messages that announce IPv4 prefixes with one block of at most [`ATTRIBUTES_MAX`] bytes;
/// gives their number.
pub fn write_announcements(
    block: &[u8],
    prefixes: impl IntoIterator<Item = Prefix>,
    out: &mut Vec<u8>,
) -> u64 {
    let items = prefixes.into_iter().map(|prefix| (Net::V4(prefix), None));
    let announcement = Announcement { block, v6: false };
    announcement.write(items, MESSAGE_MAX, out).unwrap_or(0)
}

/// The message that ends a family's routes (RFC 4724 §2).
pub fn end_of_rib(v6: bool, out: &mut Vec<u8>) {
    let start = header::begin(Kind::Update, out);
    out.extend_from_slice(&[0, 0]);
    if v6 {
        out.extend_from_slice(&[0, 6, table::OPTIONAL, table::MP_UNREACH_NLRI, 3]);
        out.extend_from_slice(&IPV6);
    } else {
        out.extend_from_slice(&[0, 0]);
    }
    header::finish(start, &mut out[..]);
}

/// Appends messages of at most `max` bytes that withdraw prefixes of one family; gives their
/// number.
pub(crate) fn withdraw(
    v6: bool,
    items: impl IntoIterator<Item = Item>,
    max: usize,
    out: &mut Vec<u8>,
) -> u64 {
    let mut messages = 0;
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let start = header::begin(Kind::Update, out);
        if v6 {
            out.extend_from_slice(&[0, 0]);
            let block = Length::begin(out);
            out.extend_from_slice(&[table::OPTIONAL | table::EXTENDED, table::MP_UNREACH_NLRI]);
            let value = Length::begin(out);
            out.extend_from_slice(&IPV6);
            fill(start, max, &mut items, out);
            value.finish(out);
            block.finish(out);
        } else {
            let list = Length::begin(out);
            // The empty attribute length still has to fit.
            fill(start, max - 2, &mut items, out);
            list.finish(out);
            out.extend_from_slice(&[0, 0]);
        }
        header::finish(start, &mut out[..]);
        messages += 1;
    }
    messages
}

/// Routes of one family with one set of attributes.
pub(crate) struct Announcement<'a> {
    /// A block with NEXT_HOP, of either family.
    pub(crate) block: &'a [u8],
    pub(crate) v6: bool,
}

impl Announcement<'_> {
    /// Appends messages of at most `max` bytes and gives their number; `None` when the attributes
    /// leave no room for a prefix.
    pub(crate) fn write(
        &self,
        items: impl IntoIterator<Item = Item>,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        if self.block.len() + OVERHEAD_MAX > max {
            return None;
        }
        // Routes whose next hop is of their own family need MP_REACH_NLRI only for IPv6.
        let hop = if self.v6 {
            next_hop(self.block)
        } else {
            next_hop(self.block).filter(|hop| hop.value.len() > 4)
        };
        let mut messages = 0;
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let start = header::begin(Kind::Update, out);
            out.extend_from_slice(&[0, 0]);
            let attributes = Length::begin(out);
            match &hop {
                None => {
                    out.extend_from_slice(self.block);
                    attributes.finish(out);
                    fill(start, max, &mut items, out);
                }
                Some(hop) => {
                    let rest = hop.before.len() + hop.after.len();
                    let family = if self.v6 { IPV6 } else { IPV4 };
                    out.extend_from_slice(&[
                        table::OPTIONAL | table::EXTENDED,
                        table::MP_REACH_NLRI,
                    ]);
                    let value = Length::begin(out);
                    out.extend_from_slice(&family);
                    hop.write(self.v6, out);
                    out.push(0);
                    fill(start, max - rest, &mut items, out);
                    value.finish(out);
                    out.extend_from_slice(hop.before);
                    out.extend_from_slice(hop.after);
                    attributes.finish(out);
                }
            }
            header::finish(start, &mut out[..]);
            messages += 1;
        }
        Some(messages)
    }
}

/// NEXT_HOP in a block, and what stands around it.
struct Hop<'a> {
    before: &'a [u8],
    value: &'a [u8],
    after: &'a [u8],
}

impl Hop<'_> {
    /// Its length and address; an IPv4 one for IPv6 routes is mapped (RFC 4291 §2.5.5.2).
    fn write(&self, v6: bool, out: &mut Vec<u8>) {
        if v6 && self.value.len() == 4 {
            out.push(16);
            out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        } else {
            out.push(self.value.len() as u8);
        }
        out.extend_from_slice(self.value);
    }
}

fn next_hop(block: &[u8]) -> Option<Hop<'_>> {
    let mut reader = Reader(block);
    loop {
        let at = block.len() - reader.0.len();
        let (flags, code) = (reader.u8()?, reader.u8()?);
        let len = if flags & table::EXTENDED != 0 {
            usize::from(reader.u16()?)
        } else {
            usize::from(reader.u8()?)
        };
        let value = reader.take(len)?;
        if code == table::NEXT_HOP {
            return Some(Hop {
                before: &block[..at],
                value,
                after: reader.0,
            });
        }
    }
}

/// Two bytes that say how many follow.
struct Length(usize);

impl Length {
    fn begin(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&[0, 0]);
        Self(out.len())
    }

    fn finish(self, out: &mut [u8]) {
        let len = (out.len() - self.0) as u16;
        out[self.0 - 2..self.0].copy_from_slice(&len.to_be_bytes());
    }
}

/// Appends prefixes while the message that began at `start` stays within `max` bytes.
fn fill<I: Iterator<Item = Item>>(
    start: usize,
    max: usize,
    items: &mut core::iter::Peekable<I>,
    out: &mut Vec<u8>,
) {
    while let Some((net, path)) =
        items.next_if(|(net, path)| out.len() - start + nlri::size(*net, *path) <= max)
    {
        nlri::write(net, path, out);
    }
}
