//! What changes at run time: peers, gateways, VNet peerings, settings, maintenance.

use core::net::Ipv4Addr;

use bgp::{DownReason, NeighborId};
use design::plan::{BgpPeerConfig, GatewayConfig, MapPair, PeerMaps};
use inet::{Instant, Net, Prefix};

use super::{Command, Member, Output, PeerRefusal, RouteServer, maps, refusal};

impl RouteServer {
    pub(super) fn command(
        &mut self,
        now: Instant,
        command: Command,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        let done = match command {
            Command::AddPeer(peer) => self.add_peer(now, peer, said),
            Command::RemovePeer(address) => {
                self.config.peers.retain(|peer| peer.address != address);
                self.remove(now, address, false, said);
                Ok(())
            }
            Command::AddGateway(gateway) => self.add_gateway(now, gateway, said),
            Command::RemoveGateway(address) => {
                let gateways = &mut self.config.gateways;
                gateways.retain(|gateway| gateway.address != address);
                self.remove(now, address, true, said);
                Ok(())
            }
            Command::BranchToBranch(on) => {
                self.config.branch_to_branch = on;
                self.update_members(now, said);
                Ok(())
            }
            Command::RoutingPreference(preference) => {
                self.config.routing_preference = preference;
                self.update_members(now, said);
                Ok(())
            }
            Command::Limits {
                routes_per_peer,
                limits,
            } => {
                self.config.routes_per_peer = routes_per_peer;
                self.config.limits = limits;
                self.update_members(now, said);
                Ok(())
            }
            Command::PutPeer { peer, maps } => self.put_peer(now, peer, maps, said),
            Command::RouteMaps(maps) => self.set_route_maps(now, maps, said),
            Command::Choices(choices) => {
                self.config.choices = choices;
                self.update_members(now, said);
                Ok(())
            }
            Command::Vnets { announced, space } => {
                self.set_vnets(now, announced, space, said, out);
                Ok(())
            }
            Command::Maintenance(on) => {
                self.maintain(now, on, said, out);
                Ok(())
            }
        };
        if let Err(refusal) = done {
            out.push(Output::Refused(refusal));
        }
    }

    fn add_peer(
        &mut self,
        now: Instant,
        peer: BgpPeerConfig,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), PeerRefusal> {
        refusal::check(&self.config, &self.config.peers, &peer)?;
        self.config.peers.push(peer.clone());
        self.add(now, Member::Peer(peer), said);
        Ok(())
    }

    /// Sessions stay when address and AS do.
    fn put_peer(
        &mut self,
        now: Instant,
        peer: BgpPeerConfig,
        maps: Option<MapPair>,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), PeerRefusal> {
        let address = peer.address;
        let mut others = self.config.peers.clone();
        others.retain(|old| old.address != address);
        refusal::check(&self.config, &others, &peer)?;
        let mut all = self.wanted_maps().clone();
        let maps = maps.unwrap_or_default();
        if all.of(address) != maps {
            all.peers.retain(|attached| attached.peer != address);
            let attached = Some(maps).filter(|maps| *maps != MapPair::default());
            all.peers.extend(attached.map(|maps| PeerMaps {
                peer: address,
                maps,
            }));
        }
        maps::check(&self.config, &all).map_err(PeerRefusal::RouteMap)?;
        let known = self.config.peers.iter_mut();
        let mut known = known.filter(|old| old.address == address);
        match known.next() {
            Some(old) if old.asn == peer.asn => {
                *old = peer.clone();
                let found = self.peers().find(|(_, old)| old.address == address);
                let (id, _) = found.expect("a configured peer is a member");
                self.members[id.index()] = Some(Member::Peer(peer));
            }
            Some(_) => {
                self.config.peers = others;
                self.remove(now, address, false, said);
                self.add_peer(now, peer, said)?;
            }
            None => self.add_peer(now, peer, said)?,
        }
        self.set_route_maps(now, all, said)?;
        self.update_members(now, said);
        Ok(())
    }

    fn add_gateway(
        &mut self,
        now: Instant,
        gateway: GatewayConfig,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), PeerRefusal> {
        refusal::check_gateway(&self.config, &self.config.gateways, &gateway)?;
        self.config.gateways.push(gateway.clone());
        self.add(now, Member::Gateway(gateway), said);
        Ok(())
    }

    fn add(&mut self, now: Instant, member: Member, said: &mut Vec<bgp::Output>) {
        let mut neighbor = self.with_rules(|rules| rules.neighbor(&member));
        neighbor.start_enabled = self.serving;
        self.members.push(Some(member));
        self.order(now, bgp::Command::AddNeighbor(Box::new(neighbor)), said);
    }

    pub(super) fn remove(
        &mut self,
        now: Instant,
        address: Ipv4Addr,
        gateway: bool,
        said: &mut Vec<bgp::Output>,
    ) {
        let is_meant = |member: &Member| {
            member.address() == address && matches!(member, Member::Gateway(_)) == gateway
        };
        let found = self.members().find(|(_, member)| is_meant(member));
        if let Some((id, _)) = found {
            self.members[id.index()] = None;
            self.order(now, bgp::Command::RemoveNeighbor(id), said);
        }
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
        drop(self.let_misplaced_peers_go(now, said));
        for prefix in self.speaker.loc_rib().into_iter().filter_map(Net::v4) {
            self.program(prefix, out);
        }
        for (id, refreshes) in self.nva_sessions() {
            let command = if refreshes {
                bgp::Command::Refresh(id)
            } else {
                bgp::Command::Reset(id)
            };
            self.order(now, command, said);
        }
    }

    /// The NVAs whose sessions stand, and whether they know route refresh.
    fn nva_sessions(&self) -> Vec<(NeighborId, bool)> {
        let sessions = self.peers().filter_map(|(id, _)| {
            let session = self.speaker.neighbor(id)?.session?;
            let refresh = &bgp::Capability::RouteRefresh;
            Some((id, session.capabilities.contains(refresh)))
        });
        sessions.collect()
    }

    /// Sessions end without a word, and stay down until maintenance is over.
    fn maintain(
        &mut self,
        now: Instant,
        on: bool,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        if self.serving != on {
            return;
        }
        self.serving = !on;
        out.push(Output::Serving(self.serving));
        for conn in core::mem::take(&mut self.connections) {
            let closed = bgp::Input::Closed { conn };
            self.speaker.handle(now, closed, said);
            out.push(Output::Bgp(bgp::Output::Close { conn }));
        }
        let ids: Vec<NeighborId> = self.members().map(|(id, _)| id).collect();
        for id in ids {
            let command = if on {
                bgp::Command::Down(id, DownReason::Admin)
            } else {
                bgp::Command::Up(id)
            };
            self.order(now, command, said);
        }
    }

    /// Gives the speaker the rules anew; sessions stay.
    pub(super) fn update_members(&mut self, now: Instant, said: &mut Vec<bgp::Output>) {
        let neighbors: Vec<_> = self.with_rules(|rules| {
            let all = self.members();
            all.map(|(id, member)| (id, Box::new(rules.neighbor(member))))
                .collect()
        });
        for (id, neighbor) in neighbors {
            self.order(now, bgp::Command::SetNeighbor(id, neighbor), said);
        }
    }

    pub(super) fn originate(
        &mut self,
        now: Instant,
        prefixes: &[Prefix],
        said: &mut Vec<bgp::Output>,
    ) {
        for prefix in prefixes {
            let command = bgp::Command::Originate((*prefix).into(), bgp::Origination::default());
            self.order(now, command, said);
        }
    }

    fn order(&mut self, now: Instant, command: bgp::Command, said: &mut Vec<bgp::Output>) {
        self.speaker.handle(now, bgp::Input::Command(command), said);
    }
}
