//! Slots for shortcuts: links and paths that a site has from its start and that lead nowhere yet, so that whatever
//! decides about packets has tables of one size.

use core::time::Duration;

use design::plan::{LinkRole, Liveness};
use tunnel::PublicKey;

use super::check::Checker;
use super::{Link, Path};
use crate::id::{LinkId, LocatorId};

/// Shortcuts as they are configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortcuts {
    /// How many a site has; at a hub, how many of a site it brings about. 0 is none.
    pub(crate) slots: u16,
    /// How much shorter than the relay's the round-trip time must be.
    pub(crate) margin_percent: u8,
    /// How long one stays without traffic.
    pub(crate) idle: Duration,
    /// The first link that is a slot; they are the last ones. Without any, it is one behind the last link.
    pub(crate) first: LinkId,
}

impl Shortcuts {
    /// Whether a link is a slot.
    pub(crate) fn is_slot(&self, link: LinkId) -> bool {
        link >= self.first
    }

    /// All slots.
    pub(crate) fn links(&self) -> impl Iterator<Item = LinkId> + use<> {
        let slots = u32::from(self.slots);
        let first = self.first.0;
        (first..first + slots).map(LinkId)
    }
}

impl Checker<'_> {
    /// Adds the slots of a site behind all links.
    pub(super) fn shortcuts(&mut self, links: &mut Vec<Link>, paths: &mut Vec<Path>) -> Shortcuts {
        let config = self.config.shortcuts;
        self.range("shortcuts.slots", config.slots.into(), 0, SLOTS_MAX);
        let percent = config.margin_percent.into();
        self.range("shortcuts.margin_percent", percent, 0, 100);
        self.range("shortcuts.idle_s", config.idle_s.into(), 1, IDLE_MAX_S);
        let shortcuts = Shortcuts {
            slots: config.slots,
            margin_percent: config.margin_percent,
            idle: Duration::from_secs(config.idle_s.into()),
            first: LinkId(links.len() as u32),
        };
        if !self.is_nva() {
            for (number, link) in shortcuts.links().take(SLOTS_MAX as usize).enumerate() {
                let slot = self.slot(link, number + 1, paths);
                links.push(slot);
            }
        }
        shortcuts
    }

    fn slot(&self, id: LinkId, number: usize, paths: &mut Vec<Path>) -> Link {
        let first_path = paths.len() as u32;
        for (at, locator) in self.config.locators.iter().enumerate() {
            let locator_id = LocatorId(at as u16);
            // What holds for the way to hubs by this locator holds for the way to other sites.
            let like = paths.iter().find(|path| path.locator == locator_id);
            let path = Path {
                link: id,
                locator: locator_id,
                remote: format!("shortcut{number}/{}", locator.underlay),
                underlay: locator.underlay.clone(),
                public_key: PublicKey([0; 32]),
                endpoint: None,
                preference: like.map_or(0, |path| path.preference),
                initiate: true,
                keepalive: like.and_then(|path| path.keepalive),
                liveness: Liveness::Probe,
                mtu: like.and_then(|path| path.mtu),
                down_bps: 0,
                tls: None,
            };
            paths.push(path);
        }
        Link {
            neighbor: format!("shortcut{number}"),
            role: LinkRole::HomeSite,
            loopback: None,
            static_routes: Vec::new(),
            accept: None,
            plain: None,
            shortcuts: false,
            first_path,
            path_count: paths.len() as u32 - first_path,
        }
    }
}

/// As many tunnels more as a site's device carries without noticing.
const SLOTS_MAX: u32 = 256;
/// All that the field can say.
const IDLE_MAX_S: u32 = u16::MAX as u32;
