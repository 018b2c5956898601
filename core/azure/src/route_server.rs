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
use std::collections::BTreeSet;

use bgp::{Attributes, ConnId, NeighborId, Speaker};
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

use policy::Rules;
use programming::Programmed;
use upgrade::Upgrade;

/// One instance of a Route Server.
#[derive(Debug)]
pub struct RouteServer {
    config: RouteServerConfig,
    speaker: Speaker,
    /// Peers and gateways, by the speaker's numbers; `None` once removed.
    members: Vec<Option<Member>>,
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
    /// Connections that stand or are being opened.
    connections: BTreeSet<ConnId>,
    /// Sessions that ended because there were too many prefixes in all.
    sessions_shed: u64,
    /// Not under maintenance.
    serving: bool,
    /// When it was made; `None` once it has announced the VNets' address space.
    starts: Option<Instant>,
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
        let members: Vec<Member> = peers.chain(gateways).collect();
        let rules = Rules { config, stuck: &[] };
        Ok(Self {
            speaker: Speaker::new(rules.settings(&members), seed, now),
            members: members.into_iter().map(Some).collect(),
            config: config.clone(),
            programmed: PrefixMap::new(),
            covered: BTreeSet::new(),
            stuck: BTreeSet::new(),
            stuck_changed: false,
            upgrade: Upgrade::of(config),
            connections: BTreeSet::new(),
            sessions_shed: 0,
            serving: true,
            starts: Some(now),
        })
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        let mut said = Vec::new();
        if self.starts.take().is_some() {
            let announced = self.config.announced.clone();
            self.originate(now, &announced, &mut said);
        }
        let heard = match &input {
            Input::Bgp(bgp::Input::Bytes { conn, .. }) => Some(*conn),
            _ => None,
        };
        self.finish_upgrade(now, &mut said, out);
        match input {
            Input::Wake => self.speaker.handle(now, bgp::Input::Wake, &mut said),
            Input::Bgp(input) => {
                self.keep(&input);
                self.speaker.handle(now, input, &mut said);
            }
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
        for output in said.drain(..) {
            match output {
                bgp::Output::Changed { net } => {
                    if let Some(prefix) = net.v4() {
                        self.program(prefix, out);
                    }
                }
                bgp::Output::Event(event) => out.push(Output::Event(event)),
                transport @ (bgp::Output::Connect { .. }
                | bgp::Output::Send { .. }
                | bgp::Output::Close { .. }
                | bgp::Output::Message { .. }) => {
                    match transport {
                        bgp::Output::Connect { conn, .. } => self.connections.insert(conn),
                        bgp::Output::Close { conn } => self.connections.remove(&conn),
                        _ => false,
                    };
                    out.push(Output::Bgp(transport));
                }
            }
        }
    }

    /// Keeps which connections there are.
    fn keep(&mut self, input: &bgp::Input<'_>) {
        match input {
            bgp::Input::Accepted { conn, .. } => self.connections.insert(*conn),
            bgp::Input::Closed { conn } | bgp::Input::ConnectFailed { conn } => {
                self.connections.remove(conn)
            }
            bgp::Input::Wake
            | bgp::Input::Connected { .. }
            | bgp::Input::Bytes { .. }
            | bgp::Input::Blocked { .. }
            | bgp::Input::Writable { .. }
            | bgp::Input::Command(_) => false,
        };
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        let speaker = self.speaker.wake();
        self.starts
            .or_else(|| speaker.into_iter().chain(self.upgrade.ready()).min())
    }

    /// Its configuration, with later commands applied.
    pub const fn config(&self) -> &RouteServerConfig {
        &self.config
    }

    /// The speaker: sessions, tables, what is announced to whom.
    pub const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Whether it is not under maintenance.
    pub const fn is_serving(&self) -> bool {
        self.serving
    }

    /// Prefixes that it knows, the VNets' own included.
    pub fn prefixes(&self) -> usize {
        self.programmed.len() + self.covered.len()
    }

    /// The peer or gateway of a session.
    pub fn member(&self, id: NeighborId) -> Option<&Member> {
        self.members.get(id.index())?.as_ref()
    }

    /// All of them with the speaker's numbers.
    pub fn members(&self) -> impl Iterator<Item = (NeighborId, &Member)> {
        (0..)
            .map(NeighborId)
            .zip(&self.members)
            .filter_map(|(id, member)| Some((id, member.as_ref()?)))
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
        let routes = self.speaker.adj_in(id).into_iter();
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
