//! The router as a whole: a speaker, BFD and the routes.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use bgp::{Command, DownReason, NeighborId, Speaker};
use design::plan::RouterConfig;
use inet::{Instant, Net, Prefix, Rng};

use crate::fib::{Fib, Interface};
use crate::input::Input;
use crate::output::Output;
use crate::watched::{bfd_key, bfd_sessions, on_verdict};

/// A plain BGP router.
#[derive(Debug)]
pub struct Router {
    speaker: Speaker,
    bfd: bfd::Endpoint,
    fib: Fib,
    /// What the first call is still to bring about.
    first: Option<First>,
    bgp_outputs: Vec<bgp::Output>,
    bfd_outputs: Vec<bfd::Output>,
}

/// What a router does when it starts.
#[derive(Debug)]
struct First {
    at: Instant,
    statics: BTreeMap<Prefix, Vec<Ipv4Addr>>,
    sessions: Vec<bfd::Command>,
    originate: Vec<Command>,
}

impl Router {
    /// A router with its interfaces up. It begins with the first input; [`Self::wake`] asks for one at once.
    pub fn new(config: &RouterConfig, interfaces: Vec<Interface>, seed: u64, now: Instant) -> Self {
        let mut chance = Rng::new(seed);
        let sessions = bfd_sessions(config).into_iter();
        let originate = config.originate.iter().cloned();
        Self {
            speaker: Speaker::new(config.settings.clone(), chance.next_u64(), now),
            bfd: bfd::Endpoint::new(chance.next_u64()),
            fib: Fib::new(interfaces),
            first: Some(First {
                at: now,
                statics: statics(config),
                sessions: sessions
                    .map(|(key, settings)| bfd::Command::Set(key, settings))
                    .collect(),
                originate: originate
                    .map(|(net, origination)| Command::Originate(net, origination))
                    .collect(),
            }),
            bgp_outputs: Vec::new(),
            bfd_outputs: Vec::new(),
        }
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        if let Some(first) = self.first.take() {
            let changes = self.fib.set_statics(first.statics);
            out.extend(changes.into_iter().map(Output::from));
            for command in first.sessions {
                self.tell_bfd(now, bfd::Input::Command(command), out);
            }
            for command in first.originate {
                self.tell_speaker(now, bgp::Input::Command(command), out);
            }
        }
        match input {
            Input::Wake => {
                self.tell_bfd(now, bfd::Input::Wake, out);
                self.tell_speaker(now, bgp::Input::Wake, out);
            }
            Input::Bgp(input) => self.tell_speaker(now, input, out),
            Input::Bfd {
                from,
                to,
                ttl,
                bytes,
            } => {
                let datagram = bfd::Input::Datagram {
                    from,
                    to,
                    ttl,
                    bytes,
                };
                self.tell_bfd(now, datagram, out);
            }
            Input::Link { interface, up } => self.link(now, interface, up, out),
        }
    }

    /// When to come back with [`Input::Wake`]. It may be in the past before the first input, and after a datagram.
    pub fn wake(&self) -> Option<Instant> {
        let first = self.first.as_ref().map(|first| first.at);
        let own = first.into_iter().chain(self.speaker.wake());
        own.chain(self.bfd.wake()).min()
    }

    /// Its speaker, to look at.
    pub const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Its routes, to look at.
    pub const fn fib(&self) -> &Fib {
        &self.fib
    }

    /// BFD's view of a neighbour; `None` where BFD does not watch it.
    pub fn bfd(&self, neighbor: NeighborId) -> Option<bfd::SessionView> {
        let settings = self.speaker.neighbor(neighbor)?.settings;
        let key = bfd_key(settings, self.speaker.settings().local_as);
        self.bfd.session(key)
    }

    fn tell_speaker(&mut self, now: Instant, input: bgp::Input<'_>, out: &mut Vec<Output>) {
        let mut outputs = core::mem::take(&mut self.bgp_outputs);
        self.speaker.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            if let bgp::Output::Changed { net } = output {
                let change = self.fib.changed(&self.speaker, net);
                out.extend(change.map(Output::from));
            } else {
                out.push(Output::Bgp(output));
            }
        }
        self.bgp_outputs = outputs;
    }

    fn tell_bfd(&mut self, now: Instant, input: bfd::Input<'_>, out: &mut Vec<Output>) {
        let mut outputs = core::mem::take(&mut self.bfd_outputs);
        self.bfd.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            if let bfd::Output::Client { session, verdict } = output {
                let commands = self
                    .neighbor(session.remote)
                    .map(|neighbor| on_verdict(neighbor, verdict));
                for command in commands.unwrap_or_default() {
                    self.tell_speaker(now, bgp::Input::Command(command), out);
                }
            }
            out.push(Output::Bfd(output));
        }
        self.bfd_outputs = outputs;
    }

    fn link(&mut self, now: Instant, interface: &str, up: bool, out: &mut Vec<Output>) {
        let changes = self.fib.set_link(interface, up);
        out.extend(changes.into_iter().map(Output::from));
        for neighbor in self.neighbors_on(interface) {
            let command = match up {
                true => Command::Up(neighbor),
                false => Command::Down(neighbor, DownReason::Link),
            };
            self.tell_speaker(now, bgp::Input::Command(command), out);
        }
    }

    /// External neighbours on an interface, which are gone when it is down; internal ones may be
    /// reached another way.
    fn neighbors_on(&self, interface: &str) -> Vec<NeighborId> {
        let local_as = self.speaker.settings().local_as;
        let own = self.fib.interfaces().iter();
        let connected: Vec<Prefix> = own
            .filter(|own| own.name == interface)
            .map(|own| own.connected)
            .collect();
        let on_it = |address: IpAddr| match address {
            IpAddr::V4(address) => connected.iter().any(|prefix| prefix.contains(address)),
            IpAddr::V6(_) => false,
        };
        let neighbors = self.speaker.neighbors();
        neighbors
            .filter(|view| view.settings.remote_as != local_as && on_it(view.settings.address))
            .map(|view| view.id)
            .collect()
    }

    fn neighbor(&self, address: IpAddr) -> Option<NeighborId> {
        let mut neighbors = self.speaker.neighbors();
        neighbors
            .find(|view| view.settings.address == address)
            .map(|view| view.id)
    }
}

/// The static routes of a configuration, for [`Fib::set_statics`]: next hops by prefix, none discards.
pub fn statics(config: &RouterConfig) -> BTreeMap<Prefix, Vec<Ipv4Addr>> {
    let mut statics: BTreeMap<Prefix, Vec<Ipv4Addr>> = BTreeMap::new();
    for route in &config.static_routes {
        let Net::V4(prefix) = route.prefix else {
            continue;
        };
        let next_hops = statics.entry(prefix).or_default();
        if let Some(IpAddr::V4(next_hop)) = route.next_hop {
            next_hops.push(next_hop);
        }
    }
    statics
}
