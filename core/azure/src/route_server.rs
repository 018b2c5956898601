//! One instance of a Route Server: the platform's rules around a BGP speaker.
//!
//! What the rules are and where they are kept:
//!
//! - Sessions with NVAs are external and multihop, from either side, with the capabilities seen in
//!   captures: IPv4 and IPv6 unicast, route refresh, four-octet AS numbers. Sessions with the VNet's
//!   gateways are internal, and the instance reflects. Who may peer is in `refusal`.
//! - A path with the instance's own AS is discarded before anything else; the instance's own
//!   subnet is never learned. Everything else is stored as received, next hop included.
//! - The routing preference comes before the length of AS_PATH; equal paths share, up to eight,
//!   whatever their neighbouring AS. MED, ORIGIN and LOCAL_PREF mean nothing.
//! - NVAs are told the VNets' address space with AS_PATH 65515. With branch-to-branch NVAs and
//!   gateways are told each other's best paths, unless tagged no-advertise; `policy` has these rules.
//! - Too many routes of a peer end its session; it may come back at once. Too many prefixes in all
//!   are refused (`overload`).
//! - Whatever is not equal to or inside VNet address space is handed to the fabric for the NICs
//!   (`programming`).
//! - What the operator changes at run time is in `management`, with the platform's maintenance.
//!
//! Where the platform publishes nothing, [`design::plan::PlatformChoices`] says what is done;
//! `docs/route-server.md` lists every behaviour with its source.

mod input;
mod management;
mod maps;
mod member;
mod output;
mod overload;
mod peerings;
mod policy;
mod programming;
mod reconfigure;
mod refusal;
#[cfg(test)]
mod tests;
mod upgrade;

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use bgp::{Attributes, NeighborId, Origination, Speaker};
use design::plan::{BgpPeerConfig, RouteServerConfig};
use inet::{Instant, Prefix, PrefixMap};

pub use input::{Command, Input};
pub use maps::{PLATFORM_COMMUNITIES, RouteMapFault};
pub use member::{Class, Member};
pub use output::Output;
pub use peerings::{Peering, PeeringRefusal, Peerings};
pub use policy::NVA_ROUTE;
pub use reconfigure::Obstacle;
pub use refusal::{PeerRefusal, PlaceFault};

use crate::instance::{Instance, Setup};

use policy::Rules;
use programming::Programmed;
use upgrade::Upgrade;

/// One instance of a Route Server.
#[derive(Debug)]
pub struct RouteServer {
    config: RouteServerConfig,
    instance: Instance<Member>,
    /// What the fabric was told last.
    programmed: PrefixMap<Programmed>,
    /// Known prefixes that are never programmed: those in VNet address space.
    covered: BTreeSet<Prefix>,
    /// Prefixes that stay with the backup although ExpressRoute may be back.
    stuck: BTreeSet<Prefix>,
    /// What ExpressRoute gateways are to be measured by has changed.
    stuck_changed: bool,
    /// Whether route maps can be, or when.
    upgrade: Upgrade,
    /// Sessions that ended because there were too many prefixes in all.
    sessions_shed: u64,
}

/// A route as a member announced it, after the platform's checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedRoute {
    /// Who announced it.
    pub peer: NeighborId,
    /// The prefix.
    pub prefix: Prefix,
    /// As announced.
    pub attributes: Attributes,
}

impl RouteServer {
    /// An instance that has not spoken to anybody. `seed` is for the jitter of its timers.
    pub fn new(config: &RouteServerConfig, seed: u64, now: Instant) -> Result<Self, PeerRefusal> {
        refusal::check_all(config)?;
        let peers = config.peers.iter().cloned().map(Member::Peer);
        let gateways = config.gateways.iter().cloned().map(Member::Gateway);
        let rules = Rules { config, stuck: &[] };
        let members = peers.chain(gateways);
        let setup = Setup {
            settings: rules.settings(),
            members: members
                .map(|member| {
                    let neighbor = rules.neighbor(&member);
                    (member, neighbor)
                })
                .collect(),
            originated: originated(&config.announced),
        };
        let instance = Instance::new(setup, seed, now);
        Ok(Self {
            instance: instance.expect("two members with one address were refused"),
            config: config.clone(),
            programmed: PrefixMap::new(),
            covered: BTreeSet::new(),
            stuck: BTreeSet::new(),
            stuck_changed: false,
            upgrade: Upgrade::of(config),
            sessions_shed: 0,
        })
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        let mut said = Vec::new();
        self.instance.start(now, &mut said);
        let heard = match &input {
            Input::Bgp(bgp::Input::Bytes { conn, .. }) => Some(*conn),
            _ => None,
        };
        self.finish_upgrade(now, &mut said, out);
        match input {
            Input::Wake => self.instance.hear(now, bgp::Input::Wake, &mut said),
            Input::Bgp(input) => self.instance.hear(now, input, &mut said),
            Input::Command(command) => self.command(now, command, &mut said, out),
        }
        self.carry(&mut said, out);
        if let Some(conn) = heard {
            self.shed(now, conn, &mut said);
            self.carry(&mut said, out);
        }
        // Weighing ExpressRoute's prefixes anew frees a prefix or leaves it: it never sticks one.
        while core::mem::take(&mut self.stuck_changed) {
            self.update_members(now, &mut said);
            self.carry(&mut said, out);
        }
    }

    /// Hands on what the speaker said.
    fn carry(&mut self, said: &mut Vec<bgp::Output>, out: &mut Vec<Output>) {
        for prefix in self.instance.carry(said, out) {
            self.program(prefix, out);
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        let instance = self.instance.wake();
        instance.into_iter().chain(self.upgrade.ready()).min()
    }

    /// Its configuration, with later commands applied.
    pub const fn config(&self) -> &RouteServerConfig {
        &self.config
    }

    /// The speaker: sessions, tables, what is announced to whom.
    pub const fn speaker(&self) -> &Speaker {
        self.instance.speaker()
    }

    /// Whether it is not under maintenance.
    pub const fn is_serving(&self) -> bool {
        self.instance.is_serving()
    }

    /// Prefixes that it knows, the VNets' own included.
    pub fn prefixes(&self) -> usize {
        self.programmed.len() + self.covered.len()
    }

    /// The peer or gateway of a session.
    pub fn member(&self, id: NeighborId) -> Option<&Member> {
        self.instance.member(id)
    }

    /// All of them with the speaker's numbers.
    pub fn members(&self) -> impl Iterator<Item = (NeighborId, &Member)> {
        self.instance.members()
    }

    /// The peer of a session; `None` for a gateway.
    pub fn peer(&self, id: NeighborId) -> Option<&BgpPeerConfig> {
        match self.member(id)? {
            Member::Peer(peer) => Some(peer),
            Member::Gateway(_) => None,
        }
    }

    /// The peers with the speaker's numbers for them.
    pub fn peers(&self) -> impl Iterator<Item = (NeighborId, &BgpPeerConfig)> {
        self.members()
            .filter_map(|(id, _)| Some((id, self.peer(id)?)))
    }

    /// Everything learned from peers, by peer and prefix; also what is never programmed.
    pub fn learned(&self) -> impl Iterator<Item = LearnedRoute> {
        self.peers().flat_map(|(peer, _)| self.learned_from(peer))
    }

    /// Everything learned from a peer or gateway, by prefix.
    pub fn learned_from(&self, id: NeighborId) -> impl Iterator<Item = LearnedRoute> + use<> {
        let routes = self.speaker().adj_in(id).into_iter();
        routes.filter_map(move |route| {
            let mut attributes = route.accepted?;
            // The routing preference in the speaker's terms, not the member's.
            attributes.local_pref = route.received.local_pref;
            Some(LearnedRoute {
                peer: id,
                prefix: route.net.v4()?,
                attributes,
            })
        })
    }

    /// What the NICs are to have, by prefix, with next hops in order.
    pub fn programmed(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.programmed
            .iter()
            .map(|(prefix, known)| (prefix, &*known.next_hops))
    }

    /// The rules in force.
    fn with_rules<T>(&self, ask: impl FnOnce(Rules<'_>) -> T) -> T {
        let stuck: Vec<Prefix> = self.stuck.iter().copied().collect();
        ask(Rules {
            config: &self.config,
            stuck: &stuck,
        })
    }
}

/// What is announced of its own: address space of VNets.
fn originated(announced: &[Prefix]) -> BTreeMap<Prefix, Origination> {
    let all = announced.iter();
    all.map(|prefix| (*prefix, Origination::default()))
        .collect()
}
