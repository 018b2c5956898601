//! BGP inside the node: transport, the order of link and session, and from Loc-RIB to the
//! forwarding table.

use core::net::{IpAddr, SocketAddr};

use bgp::{Command, ConnId};
use inet::{Instant, Prefix};

use super::Node;
use crate::fib::{Source, Target};
use crate::id::{LinkId, RouterId};
use crate::output::{Event, Output};
use crate::plane::change::Kind;
use crate::routing::{Learned, policy};
use crate::timers::Part;

/// A connection from a neighbour whose link this node has not yet found to be up.
///
/// The two ends of a link learn that it is up half a round trip apart, so the first connection
/// often comes too early. Refusing it would cost both sides a pause.
#[derive(Debug)]
pub(super) struct Waiting {
    link: LinkId,
    local: SocketAddr,
    remote: SocketAddr,
    bytes: Vec<u8>,
}

impl Node {
    /// Gives the speaker an input and passes on what follows.
    pub(super) fn speak(&mut self, now: Instant, input: bgp::Input<'_>, out: &mut Vec<Output>) {
        let mut followed = core::mem::take(&mut self.scratch.bgp);
        self.speaker.handle(now, input, &mut followed);
        self.timers.set(Part::Speaker, self.speaker.wake());
        for output in followed.drain(..) {
            match output {
                bgp::Output::Connect { .. }
                | bgp::Output::Send { .. }
                | bgp::Output::Close { .. }
                | bgp::Output::Message { .. } => out.push(Output::Bgp(output)),
                bgp::Output::Changed { net } => {
                    if let Some(prefix) = net.v4() {
                        self.follow(prefix, out);
                        self.hear(now, prefix);
                        if !self.is_introduction(prefix) {
                            self.watch(now, prefix);
                        }
                    }
                }
                bgp::Output::Event(event) => out.push(Output::Event(Event::Bgp(event))),
            }
        }
        self.scratch.bgp = followed;
    }

    /// What a BGP connection did.
    pub(super) fn on_bgp_transport(
        &mut self,
        now: Instant,
        input: bgp::Input<'_>,
        out: &mut Vec<Output>,
    ) {
        match input {
            bgp::Input::Accepted {
                conn,
                local,
                remote,
            } => {
                if let Some(link) = self.early(remote) {
                    self.keep_waiting(conn, local, remote, link, out);
                    return;
                }
            }
            bgp::Input::Bytes { conn, bytes } => {
                if self.waiting.contains_key(&conn) {
                    self.buffer(conn, bytes, out);
                    return;
                }
            }
            bgp::Input::Closed { conn } => {
                if self.stop_waiting(conn).is_some() {
                    return;
                }
            }
            bgp::Input::Connected { .. }
            | bgp::Input::ConnectFailed { .. }
            | bgp::Input::Blocked { .. }
            | bgp::Input::Writable { .. } => {}
            bgp::Input::Wake | bgp::Input::Command(_) => return,
        }
        self.speak(now, input, out);
    }

    /// A link is up: a connection that waited for it is let in.
    pub(super) fn admit_waiting(&mut self, now: Instant, link: LinkId, out: &mut Vec<Output>) {
        let Some(conn) = self.links[link.index()].waiting else {
            return;
        };
        let Some(waiting) = self.stop_waiting(conn) else {
            return;
        };
        let Waiting {
            local,
            remote,
            bytes,
            ..
        } = waiting;
        let accepted = bgp::Input::Accepted {
            conn,
            local,
            remote,
        };
        self.speak(now, accepted, out);
        if !bytes.is_empty() {
            let bytes = bgp::Input::Bytes {
                conn,
                bytes: &bytes,
            };
            self.speak(now, bytes, out);
        }
    }

    /// Changes the forwarding table, and tells the kernel where it must know.
    pub(super) fn route(
        &mut self,
        prefix: Prefix,
        source: Source,
        target: Option<Target>,
        out: &mut Vec<Output>,
    ) {
        let changes = self.tables.fib.changes();
        let kernel = self.tables.fib.set(prefix, source, target.clone());
        if self.tables.fib.changes() != changes {
            self.order(Kind::Route {
                prefix,
                source,
                target,
            });
        }
        if let Some(change) = kernel {
            let prefix = change.prefix;
            out.push(match change.via {
                Some(via) => Output::AddRoute { prefix, via },
                None => Output::RemoveRoute { prefix },
            });
        }
    }

    /// The order to leave: every neighbour is told.
    pub(super) fn shut_down(&mut self, now: Instant, text: &str, out: &mut Vec<Output>) {
        for index in 0..self.routing.learned.len() {
            let command = Command::Shutdown {
                neighbor: bgp::NeighborId(index as u32),
                text: text.to_owned(),
            };
            self.speak(now, bgp::Input::Command(command), out);
        }
        self.stop_gateways(out);
    }

    /// Brings the forwarding table in line with the paths in use for a prefix.
    fn follow(&mut self, prefix: Prefix, out: &mut Vec<Output>) {
        let (mut links, mut plain) = (Vec::new(), Vec::new());
        let mut router = None;
        let mut is_platform = false;
        for path in self.speaker.multipath(prefix) {
            // An introduction is no route: what it leads to is for shortcuts to say.
            if policy::is_introduction(&self.settings, &path.attributes) {
                continue;
            }
            let learned = path
                .neighbor
                .and_then(|id| self.routing.learned.get(id.index()));
            match learned {
                Some(Learned::Link(link)) => links.push(*link),
                Some(Learned::Plain(link)) => plain.push(*link),
                Some(Learned::Router(id)) => router = router.or(Some(*id)),
                Some(Learned::RouteServer) => is_platform = true,
                None => {}
            }
        }
        for links in [&mut links, &mut plain] {
            links.sort_unstable();
            links.dedup();
        }
        let target = match router {
            _ if is_platform => Some(Target::Platform),
            Some(router) => Some(self.to_router(router)),
            None if !links.is_empty() => Some(Target::Links(links)),
            None => (!plain.is_empty()).then_some(Target::Plain(plain)),
        };
        self.route(prefix, Source::Bgp, target, out);
    }

    fn to_router(&self, router: RouterId) -> Target {
        let settings = &self.settings.routers[router.index()];
        Target::Router {
            router,
            interface: settings.interface,
            address: settings.address,
        }
    }

    /// The link that a connection came too early for.
    fn early(&self, remote: SocketAddr) -> Option<LinkId> {
        let IpAddr::V4(address) = remote.ip() else {
            return None;
        };
        let link = *self.tables.facts.loopbacks.get(&address)?;
        (!self.links[link.index()].paths.is_up()).then_some(link)
    }

    fn keep_waiting(
        &mut self,
        conn: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
        link: LinkId,
        out: &mut Vec<Output>,
    ) {
        if let Some(older) = self.links[link.index()].waiting {
            self.stop_waiting(older);
            out.push(Output::Bgp(bgp::Output::Close { conn: older }));
        }
        self.links[link.index()].waiting = Some(conn);
        let waiting = Waiting {
            link,
            local,
            remote,
            bytes: Vec::new(),
        };
        self.waiting.insert(conn, waiting);
    }

    fn stop_waiting(&mut self, conn: ConnId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&conn)?;
        self.links[waiting.link.index()].waiting = None;
        Some(waiting)
    }

    fn buffer(&mut self, conn: ConnId, bytes: &[u8], out: &mut Vec<Output>) {
        let Some(waiting) = self.waiting.get_mut(&conn) else {
            return;
        };
        if waiting.bytes.len() + bytes.len() <= WAITING_BYTES_MAX {
            waiting.bytes.extend_from_slice(bytes);
        } else {
            self.stop_waiting(conn);
            out.push(Output::Bgp(bgp::Output::Close { conn }));
        }
    }
}

/// Before our OPEN a neighbour has only its own to send, which is one message of 4096 octets at most
/// (RFC 4271 §4.1). One that sends more is disconnected.
const WAITING_BYTES_MAX: usize = 4_096;
