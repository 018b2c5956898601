//! What the tests of the platform's devices run in: Route Servers, gateways, MSEEs, NVAs and customers'
//! routers, connected without delay.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bgp::{Attributes, ConnId, Event, Origination, Speaker};
use inet::{Instant, Prefix};

use crate::express_route::{Gateway, GatewayCommand, Input, Msee, MseeCommand, Output};
use crate::route_server::{self, PeerRefusal, RouteServer};

/// One device.
pub(crate) enum Device {
    Server(RouteServer),
    Gateway(Gateway),
    Msee(Msee),
    Router(Router),
}

/// An NVA or a customer's router.
pub(crate) struct Router {
    pub(crate) speaker: Speaker,
    pub(crate) bfd: bfd::Endpoint,
}

/// What a device is told.
enum Owned {
    Wake,
    Accepted(ConnId, SocketAddrV4, SocketAddrV4),
    Connected(ConnId, SocketAddrV4),
    ConnectFailed(ConnId),
    Bytes(ConnId, Vec<u8>),
    Closed(ConnId),
    Bgp(bgp::Command),
    Datagram(Ipv4Addr, Ipv4Addr, u8, Vec<u8>),
    Bfd(bfd::Command),
    Server(route_server::Command),
    Gateway(GatewayCommand),
    Msee(MseeCommand),
}

pub(crate) struct Net {
    pub(crate) devices: BTreeMap<String, Device>,
    addresses: BTreeMap<Ipv4Addr, String>,
    pub(crate) now: Instant,
    /// The other end of each connection.
    ends: BTreeMap<(String, ConnId), (String, ConnId)>,
    accepted: u64,
    silent: BTreeSet<String>,
    queue: VecDeque<(String, Owned)>,
    events: Vec<(Instant, String, Event)>,
    /// What the NICs were told last, by the device that told it.
    nics: BTreeMap<(String, Prefix), Vec<Ipv4Addr>>,
    /// What a device's own packets follow.
    forwards: BTreeMap<(String, Prefix), Vec<Ipv4Addr>>,
    /// When maintenance began (false) and ended (true), by device.
    pub(crate) serving: Vec<(String, bool)>,
    /// What a Route Server refused.
    pub(crate) refused: Vec<PeerRefusal>,
}

impl Net {
    pub(crate) fn new(devices: Vec<(String, Vec<Ipv4Addr>, Device)>) -> Self {
        let mut addresses = BTreeMap::new();
        for (name, of, _) in &devices {
            addresses.extend(of.iter().map(|address| (*address, name.clone())));
        }
        let devices = devices.into_iter().map(|(name, _, device)| (name, device));
        Self {
            devices: devices.collect(),
            addresses,
            now: Instant::ZERO,
            ends: BTreeMap::new(),
            accepted: 0,
            silent: BTreeSet::new(),
            queue: VecDeque::new(),
            events: Vec::new(),
            nics: BTreeMap::new(),
            forwards: BTreeMap::new(),
            serving: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Until everybody is established.
    pub(crate) fn settle(&mut self) {
        self.pass(Duration::from_secs(120));
        for (name, device) in &self.devices {
            for neighbor in device.speaker().neighbors() {
                let other = &neighbor.settings.name;
                assert!(neighbor.session.is_some(), "{name} without {other}");
            }
        }
        self.events.clear();
    }

    /// Lets time pass, with everybody woken when they asked to be.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain();
            let wakes = self.devices.iter();
            let wakes = wakes.filter_map(|(name, device)| Some((device.wake()?, name.clone())));
            let Some((at, name)) = wakes.filter(|(at, _)| *at <= until).min() else {
                break;
            };
            self.now = self.now.max(at);
            self.queue.push_back((name, Owned::Wake));
        }
        self.now = until;
    }

    pub(crate) fn announce(&mut self, router: &str, prefix: &str) {
        self.announce_with(router, prefix, |_| {});
    }

    /// Announces several at once.
    pub(crate) fn announce_all(&mut self, router: &str, all: impl IntoIterator<Item = String>) {
        for text in all {
            let route = Origination::default();
            let command = bgp::Command::Originate(prefix(&text).into(), route);
            let announce = Owned::Bgp(command);
            self.queue.push_back((router.to_owned(), announce));
        }
        self.drain();
    }

    pub(crate) fn announce_with(
        &mut self,
        router: &str,
        text: &str,
        change: impl Fn(&mut Origination),
    ) {
        let mut route = Origination::default();
        change(&mut route);
        self.bgp(router, bgp::Command::Originate(prefix(text).into(), route));
    }

    pub(crate) fn withdraw(&mut self, router: &str, text: &str) {
        self.bgp(router, bgp::Command::Withdraw(prefix(text).into()));
    }

    pub(crate) fn bgp(&mut self, router: &str, command: bgp::Command) {
        self.tell(router, Owned::Bgp(command));
    }

    pub(crate) fn server(&mut self, name: &str, command: route_server::Command) {
        self.tell(name, Owned::Server(command));
    }

    pub(crate) fn msee(&mut self, name: &str, command: MseeCommand) {
        self.tell(name, Owned::Msee(command));
    }

    pub(crate) fn gateway(&mut self, name: &str, command: GatewayCommand) {
        self.tell(name, Owned::Gateway(command));
    }

    pub(crate) fn watch(&mut self, router: &str, session: bfd::SessionKey) {
        let set = bfd::Command::Set(session, bfd::Settings::default());
        self.tell(router, Owned::Bfd(set));
    }

    /// Whatever a device sends is lost from now on, and nobody is told.
    pub(crate) fn silence(&mut self, device: &str) {
        self.silent.insert(device.to_owned());
    }

    /// The session between two devices as `device` sees it.
    pub(crate) fn neighbor(&self, device: &str, other: &str) -> bgp::NeighborView<'_> {
        let speaker = self.devices[device].speaker();
        let mut all = speaker.neighbors();
        let found = all.find(|neighbor| neighbor.settings.name == other);
        found.unwrap_or_else(|| panic!("{device} has no neighbour {other}"))
    }

    /// What one told another of a prefix, if it was taken.
    pub(crate) fn told(&self, device: &str, by: &str, text: &str) -> Option<Attributes> {
        let id = self.neighbor(device, by).id;
        let routes = self.devices[device].speaker().adj_in(id);
        let wanted = prefix(text);
        let found = routes.into_iter().find(|route| route.net == wanted);
        let taken = found.filter(|route| route.accepted.is_some());
        taken.map(|route| route.received)
    }

    /// The AS_PATH with which one told another of a prefix.
    pub(crate) fn path(&self, device: &str, by: &str, text: &str) -> Option<String> {
        self.told(device, by, text)
            .map(|told| told.as_path.to_string())
    }

    /// Whether a device has a way to a prefix that somebody told.
    pub(crate) fn knows(&self, device: &str, text: &str) -> bool {
        let paths = self.devices[device].speaker().paths(prefix(text));
        paths.iter().any(|path| path.neighbor.is_some())
    }

    /// What the NICs were told of a prefix by one device.
    pub(crate) fn nics(&self, by: &str, text: &str) -> Vec<Ipv4Addr> {
        let told = self.nics.get(&(by.to_owned(), prefix(text)));
        told.cloned().unwrap_or_default()
    }

    /// Where a device's own packets to a prefix go.
    pub(crate) fn forwards(&self, device: &str, text: &str) -> Vec<Ipv4Addr> {
        let told = self.forwards.get(&(device.to_owned(), prefix(text)));
        told.cloned().unwrap_or_default()
    }

    /// When a device lost an established session with another one, since all were settled.
    pub(crate) fn ended(&self, device: &str, other: &str) -> Vec<Instant> {
        let id = self.neighbor(device, other).id;
        let ended = self.events.iter().filter(|(_, name, event)| {
            name == device
                && matches!(event, Event::Ended { neighbor, established: true, .. } if *neighbor == id)
        });
        ended.map(|(at, ..)| *at).collect()
    }

    /// What happened to a device's sessions since all were settled.
    pub(crate) fn events_of(&self, device: &str) -> Vec<&Event> {
        let events = self.events.iter();
        let own = events.filter(|(_, name, _)| name == device);
        own.map(|(.., event)| event).collect()
    }

    /// What the NICs were told by one device, by prefix.
    pub(crate) fn nics_of(&self, by: &str) -> BTreeMap<Prefix, Vec<Ipv4Addr>> {
        let told = self.nics.iter().filter(|((name, _), _)| name == by);
        told.map(|((_, prefix), hops)| (*prefix, hops.clone()))
            .collect()
    }

    pub(crate) fn established(&self, device: &str, other: &str) -> bool {
        self.neighbor(device, other).session.is_some()
    }

    fn tell(&mut self, device: &str, what: Owned) {
        self.queue.push_back((device.to_owned(), what));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some((name, what)) = self.queue.pop_front() {
            let mut device = self.devices.remove(&name).expect("a device");
            let out = device.handle(self.now, &what, &mut self.refused);
            self.devices.insert(name.clone(), device);
            for output in out {
                self.carry(&name, output);
            }
        }
    }

    fn carry(&mut self, name: &str, output: Output) {
        match output {
            Output::Bgp(output) => self.carry_bgp(name, output),
            Output::Bfd(bfd::Output::Send {
                session,
                ttl,
                bytes,
            }) => {
                let (IpAddr::V4(from), IpAddr::V4(to)) = (session.local, session.remote) else {
                    return;
                };
                if let Some(other) = self.addresses.get(&to)
                    && !self.silent.contains(name)
                {
                    let datagram = Owned::Datagram(from, to, ttl, bytes.to_vec());
                    self.queue.push_back((other.clone(), datagram));
                }
            }
            Output::Forward { prefix, next_hops } => {
                self.forwards.insert((name.to_owned(), prefix), next_hops);
            }
            Output::Program { prefix, next_hops } => {
                self.nics.insert((name.to_owned(), prefix), next_hops);
            }
            Output::Event(event) => self.events.push((self.now, name.to_owned(), event)),
            Output::Serving(serving) => self.serving.push((name.to_owned(), serving)),
            Output::Bfd(_) => {}
        }
    }

    fn carry_bgp(&mut self, name: &str, output: bgp::Output) {
        match output {
            bgp::Output::Connect {
                conn,
                local: IpAddr::V4(local),
                remote: SocketAddr::V4(remote),
                ..
            } => self.connect(name, conn, local, remote),
            bgp::Output::Send { conn, bytes } if !self.silent.contains(name) => {
                if let Some((other, end)) = self.ends.get(&(name.to_owned(), conn)) {
                    let bytes = Owned::Bytes(*end, bytes.to_vec());
                    self.queue.push_back((other.clone(), bytes));
                }
            }
            bgp::Output::Close { conn } => {
                if let Some((other, end)) = self.ends.remove(&(name.to_owned(), conn)) {
                    self.ends.remove(&(other.clone(), end));
                    if !self.silent.contains(name) {
                        self.queue.push_back((other, Owned::Closed(end)));
                    }
                }
            }
            bgp::Output::Event(event) => self.events.push((self.now, name.to_owned(), event)),
            bgp::Output::Connect { .. }
            | bgp::Output::Send { .. }
            | bgp::Output::Changed { .. }
            | bgp::Output::Message { .. } => {}
        }
    }

    fn connect(&mut self, name: &str, conn: ConnId, local: Ipv4Addr, remote: SocketAddrV4) {
        let other = self.addresses.get(remote.ip()).cloned();
        let other =
            other.filter(|other| !self.silent.contains(name) && !self.silent.contains(other));
        let Some(other) = other else {
            let failed = Owned::ConnectFailed(conn);
            self.queue.push_back((name.to_owned(), failed));
            return;
        };
        let local = SocketAddrV4::new(local, 40_000);
        let end = ConnId::accepted(self.accepted);
        self.accepted += 1;
        let (here, there) = ((name.to_owned(), conn), (other.clone(), end));
        self.ends.insert(here.clone(), there.clone());
        self.ends.insert(there, here);
        let accepted = Owned::Accepted(end, remote, local);
        self.queue.push_back((other, accepted));
        let connected = Owned::Connected(conn, local);
        self.queue.push_back((name.to_owned(), connected));
    }
}

impl Device {
    pub(crate) fn speaker(&self) -> &Speaker {
        match self {
            Self::Server(server) => server.speaker(),
            Self::Gateway(gateway) => gateway.speaker(),
            Self::Msee(msee) => msee.speaker(),
            Self::Router(router) => &router.speaker,
        }
    }

    fn wake(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.wake(),
            Self::Gateway(gateway) => gateway.wake(),
            Self::Msee(msee) => msee.wake(),
            Self::Router(router) => {
                let wakes = router.speaker.wake().into_iter().chain(router.bfd.wake());
                wakes.min()
            }
        }
    }

    fn handle(
        &mut self,
        now: Instant,
        what: &Owned,
        refused: &mut Vec<PeerRefusal>,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        match self {
            Self::Server(server) => out = serve(server, now, what, refused),
            Self::Gateway(gateway) => {
                let input = match what {
                    Owned::Wake => Input::Wake,
                    Owned::Gateway(command) => Input::Command(command.clone()),
                    _ => Input::Bgp(borrowed(what).expect("of a gateway")),
                };
                gateway.handle(now, input, &mut out);
            }
            Self::Msee(msee) => {
                let input = match what {
                    Owned::Wake => Input::Wake,
                    Owned::Msee(command) => Input::Command(command.clone()),
                    Owned::Datagram(from, to, ttl, bytes) => {
                        Input::Bfd(datagram(*from, *to, *ttl, bytes))
                    }
                    _ => Input::Bgp(borrowed(what).expect("of an MSEE")),
                };
                msee.handle(now, input, &mut out);
            }
            Self::Router(router) => out = router.handle(now, what),
        }
        out
    }
}

impl Router {
    fn handle(&mut self, now: Instant, what: &Owned) -> Vec<Output> {
        let (mut said, mut seen) = (Vec::new(), Vec::new());
        match what {
            Owned::Datagram(from, to, ttl, bytes) => {
                let input = datagram(*from, *to, *ttl, bytes);
                self.bfd.handle(now, input, &mut seen);
            }
            Owned::Bfd(command) => {
                let command = bfd::Input::Command(command.clone());
                self.bfd.handle(now, command, &mut seen);
            }
            _ => {
                if matches!(what, Owned::Wake) {
                    self.bfd.handle(now, bfd::Input::Wake, &mut seen);
                }
                let input = borrowed(what).expect("of a router");
                self.speaker.handle(now, input, &mut said);
            }
        }
        let said = said.into_iter().map(Output::Bgp);
        said.chain(seen.into_iter().map(Output::Bfd)).collect()
    }
}

fn serve(
    server: &mut RouteServer,
    now: Instant,
    what: &Owned,
    refused: &mut Vec<PeerRefusal>,
) -> Vec<Output> {
    let mut out = Vec::new();
    let input = match what {
        Owned::Wake => route_server::Input::Wake,
        Owned::Server(command) => route_server::Input::Command(command.clone()),
        _ => route_server::Input::Bgp(borrowed(what).expect("of a Route Server")),
    };
    server.handle(now, input, &mut out);
    let same = |output| {
        Some(match output {
            route_server::Output::Bgp(output) => Output::Bgp(output),
            route_server::Output::Program { prefix, next_hops } => {
                Output::Program { prefix, next_hops }
            }
            route_server::Output::Serving(serving) => Output::Serving(serving),
            route_server::Output::Event(event) => Output::Event(event),
            route_server::Output::Refused(refusal) => {
                refused.push(refusal);
                return None;
            }
        })
    };
    out.into_iter().filter_map(same).collect()
}

fn datagram(from: Ipv4Addr, to: Ipv4Addr, ttl: u8, bytes: &[u8]) -> bfd::Input<'_> {
    bfd::Input::Datagram {
        from: SocketAddrV4::new(from, bfd::SOURCE_PORT_MIN).into(),
        to: SocketAddrV4::new(to, bfd::PORT_SINGLE_HOP).into(),
        ttl,
        bytes,
    }
}

fn borrowed(what: &Owned) -> Option<bgp::Input<'_>> {
    Some(match what {
        Owned::Wake => bgp::Input::Wake,
        Owned::Accepted(conn, local, remote) => bgp::Input::Accepted {
            conn: *conn,
            local: (*local).into(),
            remote: (*remote).into(),
        },
        Owned::Connected(conn, local) => bgp::Input::Connected {
            conn: *conn,
            local: (*local).into(),
        },
        Owned::ConnectFailed(conn) => bgp::Input::ConnectFailed { conn: *conn },
        Owned::Bytes(conn, bytes) => bgp::Input::Bytes { conn: *conn, bytes },
        Owned::Closed(conn) => bgp::Input::Closed { conn: *conn },
        Owned::Bgp(command) => bgp::Input::Command(command.clone()),
        Owned::Datagram(..)
        | Owned::Bfd(_)
        | Owned::Server(_)
        | Owned::Gateway(_)
        | Owned::Msee(_) => return None,
    })
}

pub(crate) fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}
