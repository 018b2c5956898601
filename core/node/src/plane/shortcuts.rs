//! Shortcuts as forwarding sees them: who is at the other end of a slot, and which packets go that way.
//!
//! A shortcut changes no route. It stands in for the tunnel to a hub, for packets that the table sends to a hub and
//! whose destination is behind the other site; whenever it cannot take one, the hub has it. What comes out of a
//! shortcut is for this site or for nobody, so that no packet goes round.

use core::net::Ipv4Addr;

use inet::{Prefix, PrefixMap};

use crate::id::LinkId;

/// Who is at the other end of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partner {
    /// Device name.
    pub(crate) name: String,
    /// Its loopback.
    pub(crate) loopback: Ipv4Addr,
    /// What is behind it: sources that are accepted from there.
    pub(crate) prefixes: Vec<Prefix>,
    /// Whether packets to these prefixes go there.
    pub(crate) carries: bool,
}

/// The slots of a node.
#[derive(Clone, Debug)]
pub(crate) struct Shortcuts {
    /// Link of the first slot.
    first: LinkId,
    slots: Vec<Option<Partner>>,
    /// Slots that carry a prefix.
    by_prefix: PrefixMap<Vec<LinkId>>,
}

impl Shortcuts {
    /// Slots with nobody at the other end.
    pub(crate) fn new(first: LinkId, slots: usize) -> Self {
        Self {
            first,
            slots: vec![None; slots],
            by_prefix: PrefixMap::new(),
        }
    }

    /// Puts somebody at the other end of a slot, or nobody.
    pub(crate) fn set(&mut self, link: LinkId, partner: Option<Partner>) {
        let place = link.index() - self.first.index();
        self.slots[place] = partner;
        self.by_prefix = PrefixMap::new();
        for (place, partner) in self.slots.iter().enumerate() {
            let link = LinkId(self.first.0 + place as u32);
            for prefix in partner
                .iter()
                .filter(|one| one.carries)
                .flat_map(|one| &one.prefixes)
            {
                match self.by_prefix.get_mut(*prefix) {
                    Some(links) => links.push(link),
                    None => {
                        self.by_prefix.insert(*prefix, vec![link]);
                    }
                }
            }
        }
    }

    /// Who is at the other end of a link that is a slot.
    pub(crate) fn partner(&self, link: LinkId) -> Option<&Partner> {
        let place = link.index().checked_sub(self.first.index())?;
        self.slots.get(place)?.as_ref()
    }

    /// Slots that carry packets to an address, when they know it at least as exactly as a table that found a prefix
    /// of this length.
    pub(crate) fn towards(&self, address: Ipv4Addr, len: u8) -> &[LinkId] {
        match self.by_prefix.longest_match(address) {
            Some((prefix, links)) if prefix.len() >= len => links,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(prefix: &str, carries: bool) -> Option<Partner> {
        Some(Partner {
            name: "cpe1.lyon".to_owned(),
            loopback: Ipv4Addr::new(172, 16, 0, 2),
            prefixes: vec![prefix.parse().expect("a prefix")],
            carries,
        })
    }

    #[test]
    fn a_slot_carries_what_is_behind_its_partner_and_nothing_that_the_table_knows_better() {
        let mut shortcuts = Shortcuts::new(LinkId(3), 2);
        let host = Ipv4Addr::new(10, 2, 0, 9);
        assert!(shortcuts.towards(host, 0).is_empty());
        shortcuts.set(LinkId(4), partner("10.2.0.0/24", true));
        shortcuts.set(LinkId(3), partner("10.2.0.0/24", false));
        assert_eq!(shortcuts.towards(host, 8), [LinkId(4)]);
        assert_eq!(shortcuts.towards(host, 24), [LinkId(4)]);
        assert!(shortcuts.towards(host, 25).is_empty());
        assert!(shortcuts.towards(Ipv4Addr::new(10, 3, 0, 9), 8).is_empty());
        shortcuts.set(LinkId(4), None);
        assert!(shortcuts.towards(host, 8).is_empty());
        assert!(shortcuts.partner(LinkId(3)).is_some() && shortcuts.partner(LinkId(4)).is_none());
        assert!(shortcuts.partner(LinkId(0)).is_none() && shortcuts.partner(LinkId(9)).is_none());
    }
}
