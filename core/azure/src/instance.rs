//! A speaker with members that the platform manages: what Route Servers, gateways and MSEEs have in
//! common. Which rules hold among the members is decided by those.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet};

use bgp::{ConnId, DownReason, Neighbor, NeighborId, Origination, Settings, Speaker};
use inet::{Instant, Prefix};

/// What an instance asks for or announces, whatever it is.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Something to do with a connection.
    Bgp(bgp::Output),
    /// Something for the log.
    Event(bgp::Event),
    /// Maintenance begins (false) or is over.
    Serving(bool),
}

/// Two members have this address.
#[derive(Debug)]
pub(crate) struct SameAddress(pub(crate) Ipv4Addr);

/// What a configuration makes of a speaker.
#[derive(Debug)]
pub(crate) struct Setup<M> {
    pub(crate) settings: Settings,
    /// Everybody it speaks with.
    pub(crate) members: Vec<(M, Neighbor)>,
    /// What it announces of its own.
    pub(crate) originated: BTreeMap<Prefix, Origination>,
}

/// A speaker, who its neighbours are, and its connections.
#[derive(Debug)]
pub(crate) struct Instance<M> {
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
    pub(crate) fn new(setup: Setup<M>, seed: u64, now: Instant) -> Result<Self, SameAddress> {
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
    pub(crate) fn start(&mut self, now: Instant, said: &mut Vec<bgp::Output>) -> bool {
        let starts = self.starts.take().is_some();
        if starts {
            for (prefix, route) in self.originated.clone() {
                let command = bgp::Command::Originate(prefix.into(), route);
                self.order(now, command, said);
            }
        }
        starts
    }

    pub(crate) fn hear(
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

    pub(crate) fn order(
        &mut self,
        now: Instant,
        command: bgp::Command,
        said: &mut Vec<bgp::Output>,
    ) {
        self.speaker.handle(now, bgp::Input::Command(command), said);
    }

    /// Hands on what the speaker said; the prefixes that changed are returned.
    pub(crate) fn carry<O: From<Carried>>(
        &mut self,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<O>,
    ) -> Vec<Prefix> {
        let mut changed = Vec::new();
        for output in said.drain(..) {
            match output {
                bgp::Output::Changed { net } => changed.extend(net.v4()),
                bgp::Output::Event(event) => out.push(Carried::Event(event).into()),
                bgp::Output::Connect { conn, .. } => {
                    self.connections.insert(conn);
                    out.push(Carried::Bgp(output).into());
                }
                bgp::Output::Close { conn } => {
                    self.connections.remove(&conn);
                    out.push(Carried::Bgp(output).into());
                }
                bgp::Output::Send { .. } | bgp::Output::Message { .. } => {
                    out.push(Carried::Bgp(output).into());
                }
            }
        }
        changed
    }

    /// Puts another configuration in force: sessions whose terms did not change stay.
    pub(crate) fn configure(
        &mut self,
        now: Instant,
        setup: Setup<M>,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), SameAddress> {
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
            self.remove(now, id, said);
        }
        for (member, neighbor) in setup.members {
            match self.member_at(neighbor.address) {
                Some(id) => self.set(now, id, (member, neighbor), said),
                None => self.add(now, (member, neighbor), said),
            }
        }
        self.originate(now, setup.originated, said);
        Ok(())
    }

    /// Takes another member.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        (member, mut neighbor): (M, Neighbor),
        said: &mut Vec<bgp::Output>,
    ) {
        neighbor.start_enabled = self.serving;
        self.members.push(Some(member));
        let add = bgp::Command::AddNeighbor(Box::new(neighbor));
        self.order(now, add, said);
    }

    /// Gives a member other terms; the session stays where it can.
    pub(crate) fn set(
        &mut self,
        now: Instant,
        id: NeighborId,
        (member, mut neighbor): (M, Neighbor),
        said: &mut Vec<bgp::Output>,
    ) {
        neighbor.start_enabled = self.serving;
        self.members[id.index()] = Some(member);
        let set = bgp::Command::SetNeighbor(id, Box::new(neighbor));
        self.order(now, set, said);
    }

    /// Lets a member go.
    pub(crate) fn remove(&mut self, now: Instant, id: NeighborId, said: &mut Vec<bgp::Output>) {
        self.members[id.index()] = None;
        self.order(now, bgp::Command::RemoveNeighbor(id), said);
    }

    /// Announces these of its own and nothing else.
    pub(crate) fn originate(
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
    pub(crate) fn maintain<O: From<Carried>>(
        &mut self,
        now: Instant,
        on: bool,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<O>,
    ) {
        if self.serving != on {
            return;
        }
        self.serving = !on;
        out.push(Carried::Serving(self.serving).into());
        for conn in core::mem::take(&mut self.connections) {
            let closed = bgp::Input::Closed { conn };
            self.speaker.handle(now, closed, said);
            out.push(Carried::Bgp(bgp::Output::Close { conn }).into());
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

    pub(crate) fn wake(&self) -> Option<Instant> {
        self.starts.or_else(|| self.speaker.wake())
    }

    pub(crate) const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    pub(crate) const fn is_serving(&self) -> bool {
        self.serving
    }

    pub(crate) fn member(&self, id: NeighborId) -> Option<&M> {
        self.members.get(id.index())?.as_ref()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (NeighborId, &M)> {
        (0..)
            .map(NeighborId)
            .zip(&self.members)
            .filter_map(|(id, member)| Some((id, member.as_ref()?)))
    }

    fn address(&self, id: NeighborId) -> Option<Ipv4Addr> {
        match self.speaker.neighbor(id)?.settings.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// The member with an address.
    pub(crate) fn member_at(&self, address: IpAddr) -> Option<NeighborId> {
        let mut all = self.members().map(|(id, _)| id);
        all.find(|id| self.address(*id).map(IpAddr::V4) == Some(address))
    }
}

/// Each neighbour has an address of its own.
fn check<M>(members: &[(M, Neighbor)]) -> Result<(), SameAddress> {
    let mut known = BTreeSet::new();
    for (_, neighbor) in members {
        if let IpAddr::V4(address) = neighbor.address
            && !known.insert(address)
        {
            return Err(SameAddress(address));
        }
    }
    Ok(())
}
