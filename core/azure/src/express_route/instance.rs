//! A speaker with members that the platform manages: what gateways and MSEEs have in common.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet};

use bgp::{ConnId, DownReason, Neighbor, NeighborId, Origination, Settings, Speaker};
use inet::{Instant, Prefix};

use super::{ConfigFault, Output};

/// What a configuration makes of a speaker.
#[derive(Debug)]
pub(super) struct Setup<M> {
    pub(super) settings: Settings,
    /// Everybody it speaks with.
    pub(super) members: Vec<(M, Neighbor)>,
    /// What it announces of its own.
    pub(super) originated: BTreeMap<Prefix, Origination>,
}

/// A speaker, who its neighbours are, and its connections.
#[derive(Debug)]
pub(super) struct Instance<M> {
    speaker: Speaker,
    /// By the speaker's numbers; `None` once removed.
    members: Vec<Option<M>>,
    originated: BTreeMap<Prefix, Origination>,
    /// Connections that stand or are being opened.
    connections: BTreeSet<ConnId>,
    /// Not under maintenance.
    serving: bool,
    /// What is to be announced at the first input.
    starts: Option<Instant>,
}

impl<M> Instance<M> {
    pub(super) fn new(setup: Setup<M>, seed: u64, now: Instant) -> Result<Self, ConfigFault> {
        check(&setup.members)?;
        let (members, neighbors) = setup.members.into_iter().unzip::<_, _, Vec<_>, _>();
        let settings = Settings {
            neighbors,
            ..setup.settings
        };
        Ok(Self {
            speaker: Speaker::new(settings, seed, now),
            members: members.into_iter().map(Some).collect(),
            originated: setup.originated,
            connections: BTreeSet::new(),
            serving: true,
            starts: Some(now),
        })
    }

    /// Announces what is its own, once.
    pub(super) fn start(&mut self, now: Instant, said: &mut Vec<bgp::Output>) -> bool {
        let starts = self.starts.take().is_some();
        if starts {
            for (prefix, route) in self.originated.clone() {
                let command = bgp::Command::Originate(prefix.into(), route);
                self.order(now, command, said);
            }
        }
        starts
    }

    pub(super) fn hear(
        &mut self,
        now: Instant,
        input: bgp::Input<'_>,
        said: &mut Vec<bgp::Output>,
    ) {
        match &input {
            bgp::Input::Accepted { conn, .. } => {
                self.connections.insert(*conn);
            }
            bgp::Input::Closed { conn } | bgp::Input::ConnectFailed { conn } => {
                self.connections.remove(conn);
            }
            bgp::Input::Wake
            | bgp::Input::Connected { .. }
            | bgp::Input::Bytes { .. }
            | bgp::Input::Blocked { .. }
            | bgp::Input::Writable { .. }
            | bgp::Input::Command(_) => {}
        }
        self.speaker.handle(now, input, said);
    }

    pub(super) fn order(
        &mut self,
        now: Instant,
        command: bgp::Command,
        said: &mut Vec<bgp::Output>,
    ) {
        self.speaker.handle(now, bgp::Input::Command(command), said);
    }

    /// Hands on what the speaker said; the prefixes that changed are returned.
    pub(super) fn carry(
        &mut self,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) -> Vec<Prefix> {
        let mut changed = Vec::new();
        for output in said.drain(..) {
            match output {
                bgp::Output::Changed { net } => changed.extend(net.v4()),
                bgp::Output::Event(event) => out.push(Output::Event(event)),
                bgp::Output::Connect { conn, .. } => {
                    self.connections.insert(conn);
                    out.push(Output::Bgp(output));
                }
                bgp::Output::Close { conn } => {
                    self.connections.remove(&conn);
                    out.push(Output::Bgp(output));
                }
                bgp::Output::Send { .. } | bgp::Output::Message { .. } => {
                    out.push(Output::Bgp(output));
                }
            }
        }
        changed
    }

    /// Puts another configuration in force: sessions whose terms did not change stay.
    pub(super) fn configure(
        &mut self,
        now: Instant,
        setup: Setup<M>,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), ConfigFault> {
        check(&setup.members)?;
        let settings = bgp::Command::SetSettings(Box::new(setup.settings));
        self.order(now, settings, said);
        let keeps = |address: Ipv4Addr| setup.members.iter().any(|(_, new)| new.address == address);
        let gone: Vec<NeighborId> = self
            .members()
            .filter_map(|(id, _)| Some((id, self.address(id)?)))
            .filter(|(_, address)| !keeps(*address))
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.members[id.index()] = None;
            self.order(now, bgp::Command::RemoveNeighbor(id), said);
        }
        for (member, mut neighbor) in setup.members {
            let known = self.member_at(neighbor.address);
            neighbor.start_enabled = self.serving;
            let neighbor = Box::new(neighbor);
            let command = if let Some(id) = known {
                self.members[id.index()] = Some(member);
                bgp::Command::SetNeighbor(id, neighbor)
            } else {
                self.members.push(Some(member));
                bgp::Command::AddNeighbor(neighbor)
            };
            self.order(now, command, said);
        }
        self.originate(now, setup.originated, said);
        Ok(())
    }

    fn originate(
        &mut self,
        now: Instant,
        next: BTreeMap<Prefix, Origination>,
        said: &mut Vec<bgp::Output>,
    ) {
        let old = core::mem::replace(&mut self.originated, next.clone());
        for prefix in old.keys().filter(|prefix| !next.contains_key(prefix)) {
            self.order(now, bgp::Command::Withdraw((*prefix).into()), said);
        }
        for (prefix, route) in next {
            if old.get(&prefix) != Some(&route) {
                let command = bgp::Command::Originate(prefix.into(), route);
                self.order(now, command, said);
            }
        }
    }

    /// Sessions end without a word, and stay down until maintenance is over.
    pub(super) fn maintain(
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

    pub(super) fn wake(&self) -> Option<Instant> {
        self.starts.or_else(|| self.speaker.wake())
    }

    pub(super) const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    pub(super) const fn is_serving(&self) -> bool {
        self.serving
    }

    pub(super) fn member(&self, id: NeighborId) -> Option<&M> {
        self.members.get(id.index())?.as_ref()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (NeighborId, &M)> {
        (0..)
            .map(NeighborId)
            .zip(&self.members)
            .filter_map(|(id, member)| Some((id, member.as_ref()?)))
    }

    pub(super) fn address(&self, id: NeighborId) -> Option<Ipv4Addr> {
        match self.speaker.neighbor(id)?.settings.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// The member with an address.
    pub(super) fn member_at(&self, address: IpAddr) -> Option<NeighborId> {
        let mut all = self.members().map(|(id, _)| id);
        all.find(|id| self.address(*id).map(IpAddr::V4) == Some(address))
    }
}

/// Each neighbour has an address of its own.
fn check<M>(members: &[(M, Neighbor)]) -> Result<(), ConfigFault> {
    let mut known = BTreeSet::new();
    for (_, neighbor) in members {
        if let IpAddr::V4(address) = neighbor.address
            && !known.insert(address)
        {
            return Err(ConfigFault::Address(address));
        }
    }
    Ok(())
}
