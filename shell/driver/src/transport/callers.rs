//! How many connections from outside there are, so that one that floods does not use up the
//! descriptors that others need.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

/// Connections that one address may have at once, those that are closing included: a neighbour needs
/// two at the most.
const PER_ADDRESS_MAX: usize = 16;

/// How many connections from outside each address has, those that are closing included.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    counts: Rc<RefCell<Counts>>,
    /// Connections that all addresses together may have.
    max: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// A connection from outside, counted for as long as this lives.
#[derive(Debug)]
pub(crate) struct Call {
    callers: Callers,
    address: IpAddr,
}

impl Callers {
    /// None yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            counts: Rc::default(),
            max,
        }
    }

    /// Counts one more connection; `None` when the address has enough, or all together have.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Call> {
        let mut counts = self.counts.borrow_mut();
        if counts.all >= self.max {
            return None;
        }
        let count = counts.by_address.entry(address).or_default();
        if *count >= PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        counts.all += 1;
        drop(counts);
        Some(Call {
            callers: self.clone(),
            address,
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut counts = self.callers.counts.borrow_mut();
        counts.all -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Callers, PER_ADDRESS_MAX};

    fn address(n: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    #[test]
    fn an_address_that_floods_leaves_room_for_others() {
        let callers = Callers::new(100);
        let flood: Vec<_> = (0..50).filter_map(|_| callers.admit(address(1))).collect();
        assert_eq!(flood.len(), PER_ADDRESS_MAX);
        assert!(callers.admit(address(2)).is_some());
        drop(flood);
        assert!(callers.admit(address(1)).is_some());
    }

    #[test]
    fn many_addresses_together_are_bounded() {
        let callers = Callers::new(100);
        let flood: Vec<_> = (0..=255)
            .filter_map(|n| callers.admit(address(n)))
            .collect();
        assert_eq!(flood.len(), 100);
    }
}
