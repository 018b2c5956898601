//! What changes at run time: peers, gateways, VNet peerings, settings, maintenance.

use core::net::Ipv4Addr;

use bgp::NeighborId;
use design::plan::{BgpPeerConfig, GatewayConfig, MapPair, PeerMaps};
use inet::{Instant, Net, Prefix};

use super::{Command, Member, Output, PeerRefusal, RouteServer, maps, originated, refusal};

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
                self.instance.maintain(now, on, said, out);
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
                let member = Member::Peer(peer);
                let neighbor = self.with_rules(|rules| rules.neighbor(&member));
                self.instance.set(now, id, (member, neighbor), said);
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
        let neighbor = self.with_rules(|rules| rules.neighbor(&member));
        self.instance.add(now, (member, neighbor), said);
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
            self.instance.remove(now, id, said);
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
        self.instance.originate(now, originated(&announced), said);
        self.config.announced = announced;
        self.config.vnet_space = space;
        drop(self.let_misplaced_peers_go(now, said));
        for prefix in self.speaker().loc_rib().into_iter().filter_map(Net::v4) {
            self.program(prefix, out);
        }
        for (id, refreshes) in self.nva_sessions() {
            let command = if refreshes {
                bgp::Command::Refresh(id)
            } else {
                bgp::Command::Reset(id)
            };
            self.instance.order(now, command, said);
        }
    }

    /// The NVAs whose sessions stand, and whether they know route refresh.
    fn nva_sessions(&self) -> Vec<(NeighborId, bool)> {
        let sessions = self.peers().filter_map(|(id, _)| {
            let session = self.speaker().neighbor(id)?.session?;
            let refresh = &bgp::Capability::RouteRefresh;
            Some((id, session.capabilities.contains(refresh)))
        });
        sessions.collect()
    }

    /// Gives the speaker the rules anew; sessions stay.
    pub(super) fn update_members(&mut self, now: Instant, said: &mut Vec<bgp::Output>) {
        let members: Vec<_> = self.with_rules(|rules| {
            let all = self.members();
            all.map(|(id, member)| (id, (member.clone(), rules.neighbor(member))))
                .collect()
        });
        for (id, member) in members {
            self.instance.set(now, id, member, said);
        }
    }
}
