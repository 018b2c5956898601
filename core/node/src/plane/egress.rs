//! Where packets wait on their way out, and for what.
//!
//! Everything towards an underlay whose bandwidth is known waits at one place, whatever neighbour it is for: the
//! queue is then here, where classes have their shares, and not at the provider, where they have none. Where only the far
//! end's bandwidth is known, packets wait for their path, and where nothing is known, for the cryptography alone.

use core::time::Duration;

use design::plan::ShareConfig;
use inet::packet;
use path::PathId;
use queue::{Class, Share};
use tunnel::OVERHEAD;

use crate::id::{ClassId, LocatorId};
use crate::settings::Settings;

/// A place where packets wait, by its position among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EgressId(u32);

/// All places of a node.
#[derive(Debug)]
pub(crate) struct Egresses {
    all: Vec<Egress>,
    /// By [`PathId`].
    of_path: Vec<EgressId>,
    shares: Vec<Share>,
}

/// A place where packets wait.
#[derive(Clone, Copy, Debug)]
struct Egress {
    locator: LocatorId,
    /// Bits a second.
    rate: Option<u64>,
}

impl EgressId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Egresses {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut all: Vec<Egress> = Vec::new();
        let mut of_locator = vec![None; settings.locators.len()];
        let mut of_path = Vec::with_capacity(settings.paths.len());
        for path in &settings.paths {
            let locator = path.locator;
            let up = known(settings.locators[locator.index()].up_bps);
            let next = EgressId(all.len() as u32);
            let id = match up {
                Some(_) => *of_locator[locator.index()].get_or_insert(next),
                None => next,
            };
            if id == next {
                let rate = up.or(known(path.down_bps)).map(shaped);
                all.push(Egress { locator, rate });
            }
            of_path.push(id);
        }
        let shares = settings.classes.iter().map(|class| share(class.share));
        let around = [Share::Strict, share(ShareConfig::default())];
        Self {
            all,
            of_path,
            shares: around[..1]
                .iter()
                .copied()
                .chain(shares)
                .chain(around[1..].iter().copied())
                .collect(),
        }
    }

    /// How many places there are.
    pub(crate) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Where packets for a path wait.
    pub(crate) fn of(&self, path: PathId) -> EgressId {
        self.of_path[path.0 as usize]
    }

    /// The socket that packets leave by.
    pub(crate) fn locator(&self, id: EgressId) -> LocatorId {
        self.all[id.index()].locator
    }

    /// Bits a second that may leave; `None` when what follows sets the pace.
    pub(crate) fn rate(&self, id: EgressId) -> Option<u64> {
        self.all[id.index()].rate
    }

    /// Octets that may leave in one piece without delaying others noticeably; `None` when all may.
    pub(crate) fn piece(&self, id: EgressId) -> Option<usize> {
        let rate = self.rate(id)?;
        let octets = rate / 8 * PIECE.as_millis() as u64 / 1_000;
        Some(usize::try_from(octets).unwrap_or(usize::MAX))
    }

    /// How the queue at a place works.
    pub(crate) fn queue(&self, id: EgressId) -> queue::Settings {
        let rate = self.rate(id);
        let usual = queue::Settings::default();
        // Two packets of full length must not look like a queue that stands.
        let slow = rate.map_or(Duration::ZERO, |rate| {
            Duration::from_nanos(FULL_BITS * 2 * 1_000_000_000 / rate.max(1))
        });
        queue::Settings {
            rate,
            shares: self.shares.clone(),
            quantum: rate.map_or(usual.quantum, |_| FULL_BITS as usize / 8),
            target: usual.target.max(slow),
            interval: usual.interval.max(slow * 20),
            ..usual
        }
    }

    /// The queue's class for a packet of a class, or of the overlay's own such as BGP.
    pub(crate) fn class(&self, class: Option<ClassId>, is_own: bool) -> Class {
        match class {
            _ if is_own => Class(0),
            Some(class) => Class(1 + class.index()),
            None => Class(self.shares.len() - 1),
        }
    }
}

/// Octets on the wire of so many packets that are `octets` long together: a tunnel's, UDP's and IPv4's headers,
/// and half of the padding.
pub(crate) const fn on_wire(octets: usize, packets: usize) -> usize {
    octets + packets * (OVERHEAD + packet::UDP_HEADERS + 8)
}

fn known(bps: u64) -> Option<u64> {
    (bps > 0).then_some(bps)
}

/// A little is left for what does not wait: probes, handshakes, keepalives.
const fn shaped(bps: u64) -> u64 {
    let rate = bps / 100 * 98;
    if rate > 0 { rate } else { 1 }
}

fn share(config: ShareConfig) -> Share {
    match config {
        ShareConfig::Strict => Share::Strict,
        ShareConfig::Weight(weight) => Share::Weight(weight),
    }
}

/// Bits of a packet of full length.
const FULL_BITS: u64 = 1_500 * 8;
/// How long a piece may take on the wire.
const PIECE: Duration = Duration::from_millis(1);
