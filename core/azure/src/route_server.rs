//! One instance of a Route Server: the platform's rules around a BGP speaker.
//!
//! What the rules are and where they are kept:
//!
//! - Sessions are external and multihop, from either side, with the capabilities seen in captures:
//!   IPv4 and IPv6 unicast, route refresh, four-octet AS numbers. Hold times follow the smaller
//!   offer (a choice: nothing is documented for peers that offer less than 180 s).
//! - A path with the instance's own AS is discarded before anything else; the instance's own
//!   subnet is never learned. Everything else is stored as received, next hop included.
//! - The shortest AS_PATH wins; equal ones share, up to eight, whatever their neighbouring AS.
//!   MED, ORIGIN and LOCAL_PREF mean nothing.
//! - NVAs are told the VNets' address space with AS_PATH 65515. With branch-to-branch they are told
//!   the other NVAs' best paths too, with the instance as next hop, unless tagged no-advertise.
//! - Routes per peer are counted as held plus incoming; too many end the session with Cease,
//!   Maximum Number of Prefixes, and the peer may come back at once (a choice, as is the code).
//! - Whatever is not equal to or inside VNet address space is handed to the fabric for the NICs.
//!
//! `policy` writes these rules in the speaker's terms.

mod input;
mod output;
mod policy;
mod refusal;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv4Addr};

use bgp::{Attributes, NeighborId, Speaker};
use design::plan::{BgpPeerConfig, RouteServerConfig};
use inet::{Instant, Net, Prefix, PrefixMap};

pub use input::{Command, Input};
pub use output::Output;
pub use refusal::{PeerRefusal, PlaceFault};

/// One instance of a Route Server.
#[derive(Debug)]
pub struct RouteServer {
    config: RouteServerConfig,
    speaker: Speaker,
    /// Names of the peers, by the speaker's numbers; `None` once removed.
    peers: Vec<Option<BgpPeerConfig>>,
    /// What the fabric was told last.
    programmed: PrefixMap<Vec<Ipv4Addr>>,
    /// When it was made; `None` once it has announced the VNets' address space.
    starts: Option<Instant>,
}

/// A route as an NVA announced it, after the platform's checks.
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
        for (index, peer) in config.peers.iter().enumerate() {
            refusal::check(config, &config.peers[..index], peer)?;
        }
        Ok(Self {
            speaker: Speaker::new(policy::settings(config), seed, now),
            peers: config.peers.iter().cloned().map(Some).collect(),
            config: config.clone(),
            programmed: PrefixMap::new(),
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
        match input {
            Input::Wake => self.speaker.handle(now, bgp::Input::Wake, &mut said),
            Input::Bgp(input) => self.speaker.handle(now, input, &mut said),
            Input::Command(command) => self.command(now, command, &mut said, out),
        }
        for output in said {
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
                | bgp::Output::Message { .. }) => out.push(Output::Bgp(transport)),
            }
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.starts.or_else(|| self.speaker.wake())
    }

    /// Its configuration, with later commands applied.
    pub const fn config(&self) -> &RouteServerConfig {
        &self.config
    }

    /// The speaker: sessions, tables, what is announced to whom.
    pub const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// The peer of a session.
    pub fn peer(&self, id: NeighborId) -> Option<&BgpPeerConfig> {
        self.peers.get(id.index())?.as_ref()
    }

    /// The peers with the speaker's numbers for them.
    pub fn peers(&self) -> impl Iterator<Item = (NeighborId, &BgpPeerConfig)> {
        (0..)
            .map(NeighborId)
            .zip(&self.peers)
            .filter_map(|(id, peer)| Some((id, peer.as_ref()?)))
    }

    /// Everything learned, by peer and prefix; also what is never programmed.
    pub fn learned(&self) -> impl Iterator<Item = LearnedRoute> {
        self.peers().flat_map(|(peer, _)| {
            let routes = self.speaker.adj_in(peer).into_iter();
            routes.filter_map(move |route| {
                Some(LearnedRoute {
                    peer,
                    prefix: route.net.v4()?,
                    attributes: route.accepted?,
                })
            })
        })
    }

    /// What the NICs are to have, by prefix, with next hops in order.
    pub fn programmed(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.programmed
            .iter()
            .map(|(prefix, hops)| (prefix, hops.as_slice()))
    }

    /// Tells the fabric where a prefix goes, when that changed.
    fn program(&mut self, prefix: Prefix, out: &mut Vec<Output>) {
        let space = &self.config.vnet_space;
        let mut next_hops: Vec<Ipv4Addr> = if space.iter().any(|space| space.covers(prefix)) {
            Vec::new()
        } else {
            let paths = self.speaker.multipath(prefix).into_iter();
            paths
                .filter(|path| path.neighbor.is_some())
                .filter_map(|path| match path.attributes.next_hop {
                    IpAddr::V4(next_hop) => Some(next_hop),
                    IpAddr::V6(_) => None,
                })
                .collect()
        };
        next_hops.sort_unstable();
        next_hops.dedup();
        let old = self.programmed.get(prefix);
        if old.map_or(&[][..], Vec::as_slice) == next_hops {
            return;
        }
        if next_hops.is_empty() {
            self.programmed.remove(prefix);
        } else {
            self.programmed.insert(prefix, next_hops.clone());
        }
        out.push(Output::Program { prefix, next_hops });
    }

    fn command(
        &mut self,
        now: Instant,
        command: Command,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        match command {
            Command::AddPeer(peer) => match self.add_peer(now, peer, said) {
                Ok(()) => {}
                Err(refusal) => out.push(Output::Refused(refusal)),
            },
            Command::RemovePeer(address) => self.remove_peer(now, address, said),
            Command::BranchToBranch(on) => {
                self.config.branch_to_branch = on;
                self.update_peers(now, said);
            }
            Command::Vnets { announced, space } => self.set_vnets(now, announced, space, said, out),
        }
    }

    fn add_peer(
        &mut self,
        now: Instant,
        peer: BgpPeerConfig,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), PeerRefusal> {
        refusal::check(&self.config, &self.config.peers, &peer)?;
        let neighbor = policy::neighbor(&self.config, &peer);
        self.config.peers.push(peer.clone());
        self.peers.push(Some(peer));
        self.order(now, bgp::Command::AddNeighbor(Box::new(neighbor)), said);
        Ok(())
    }

    fn remove_peer(&mut self, now: Instant, address: Ipv4Addr, said: &mut Vec<bgp::Output>) {
        self.config.peers.retain(|peer| peer.address != address);
        let found = self.peers().find(|(_, peer)| peer.address == address);
        let Some((id, _)) = found else {
            return;
        };
        self.peers[id.index()] = None;
        self.order(now, bgp::Command::RemoveNeighbor(id), said);
    }

    /// VNet peerings changed: announces and withdraws address space, asks every NVA for its routes
    /// again as the platform does, and programs what the new address space lets through.
    fn set_vnets(
        &mut self,
        now: Instant,
        announced: Vec<Prefix>,
        space: Vec<Prefix>,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        let old = core::mem::replace(&mut self.config.announced, announced.clone());
        for prefix in old.iter().filter(|prefix| !announced.contains(prefix)) {
            self.order(now, bgp::Command::Withdraw((*prefix).into()), said);
        }
        let new: Vec<Prefix> = announced
            .into_iter()
            .filter(|prefix| !old.contains(prefix))
            .collect();
        self.originate(now, &new, said);
        self.config.vnet_space = space;
        for prefix in self.speaker.loc_rib().into_iter().filter_map(Net::v4) {
            self.program(prefix, out);
        }
        let sessions: Vec<(NeighborId, bool)> = self
            .speaker
            .neighbors()
            .filter_map(|neighbor| {
                let session = neighbor.session?;
                let refreshes = session
                    .capabilities
                    .contains(&bgp::Capability::RouteRefresh);
                Some((neighbor.id, refreshes))
            })
            .collect();
        for (id, refreshes) in sessions {
            let command = if refreshes {
                bgp::Command::Refresh(id)
            } else {
                bgp::Command::Reset(id)
            };
            self.order(now, command, said);
        }
    }

    fn update_peers(&mut self, now: Instant, said: &mut Vec<bgp::Output>) {
        let neighbors: Vec<_> = self
            .peers()
            .map(|(id, peer)| (id, Box::new(policy::neighbor(&self.config, peer))))
            .collect();
        for (id, neighbor) in neighbors {
            self.order(now, bgp::Command::SetNeighbor(id, neighbor), said);
        }
    }

    fn originate(&mut self, now: Instant, prefixes: &[Prefix], said: &mut Vec<bgp::Output>) {
        for prefix in prefixes {
            let command = bgp::Command::Originate((*prefix).into(), bgp::Origination::default());
            self.order(now, command, said);
        }
    }

    fn order(&mut self, now: Instant, command: bgp::Command, said: &mut Vec<bgp::Output>) {
        self.speaker.handle(now, bgp::Input::Command(command), said);
    }
}
