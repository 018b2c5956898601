//! Speakers joined by in-memory streams with latency. Nothing is ever lost or reordered, unless a
//! stream is cut or told to stall.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bgp::{
    Command, ConnId, Event, Input, Neighbor, NeighborId, Origination, Output, Policy, Settings,
    Speaker,
};
use inet::{Asn, Instant, Prefix};

const LATENCY: Duration = Duration::from_millis(5);

enum Happening {
    Accept(ConnId, usize, ConnId),
    Connected,
    Failed,
    Bytes(Arc<[u8]>),
    Closed,
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) speakers: Vec<Speaker>,
    pub(crate) log: Vec<(usize, Output)>,
    /// Speakers whose bytes vanish on the way.
    pub(crate) silent: BTreeSet<usize>,
    happenings: BTreeMap<(Instant, u64), (usize, ConnId, Happening)>,
    far: BTreeMap<(usize, ConnId), (usize, ConnId)>,
    next: u64,
}

pub(crate) fn ip(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(n + 1).expect("few speakers"))
}

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

/// Speaker `from`'s neighbour `to` with policies that take and tell everything.
pub(crate) fn neighbor(from: usize, to: usize, asn: u32) -> Neighbor {
    let mut neighbor = Neighbor::new(format!("n{to}"), ip(from), ip(to), Asn(asn));
    neighbor.import = Some(Policy::accept_all());
    neighbor.export = Some(Policy::accept_all());
    neighbor
}

impl Net {
    pub(crate) fn new(settings: Vec<Settings>) -> Self {
        let speakers = settings
            .into_iter()
            .zip(1..)
            .map(|(settings, seed)| Speaker::new(settings, seed, Instant::ZERO))
            .collect();
        Self {
            now: Instant::ZERO,
            speakers,
            log: Vec::new(),
            silent: BTreeSet::new(),
            happenings: BTreeMap::new(),
            far: BTreeMap::new(),
            next: 0,
        }
    }

    /// Speakers of these ASes with sessions between those named.
    pub(crate) fn of(
        asns: &[u32],
        links: &[(usize, usize)],
        change: impl Fn(usize, &mut Settings),
    ) -> Self {
        let settings = asns.iter().enumerate().map(|(at, asn)| {
            let mut settings = Settings::new(Asn(*asn), ip(at));
            for (a, b) in links {
                if *a == at {
                    settings.neighbors.push(neighbor(at, *b, asns[*b]));
                } else if *b == at {
                    settings.neighbors.push(neighbor(at, *a, asns[*a]));
                }
            }
            change(at, &mut settings);
            settings
        });
        Self::new(settings.collect())
    }

    pub(crate) fn give(&mut self, at: usize, input: Input<'_>) {
        let mut out = Vec::new();
        let judges = matches!(input, Input::Wake);
        self.speakers[at].handle(self.now, input, &mut out);
        let wake = self.speakers[at].wake();
        assert!(
            !judges || wake.is_none_or(|wake| wake > self.now),
            "progress"
        );
        for output in out {
            self.act(at, &output);
            self.log.push((at, output));
        }
    }

    pub(crate) fn command(&mut self, at: usize, command: Command) {
        self.give(at, Input::Command(command));
    }

    pub(crate) fn originate(&mut self, at: usize, text: &str) {
        let command = Command::Originate(prefix(text).into(), Origination::default());
        self.command(at, command);
    }

    fn later(&mut self, at: usize, conn: ConnId, happening: Happening) {
        self.next += 1;
        let key = (self.now + LATENCY, self.next);
        self.happenings.insert(key, (at, conn, happening));
    }

    fn act(&mut self, at: usize, output: &Output) {
        match output {
            Output::Connect { conn, remote, .. } => {
                let IpAddr::V4(remote) = remote.ip() else {
                    unreachable!("all speakers have IPv4 addresses")
                };
                let to = usize::from(remote.octets()[3]) - 1;
                self.next += 1;
                let theirs = ConnId::accepted(self.next);
                if to < self.speakers.len() {
                    self.far.insert((at, *conn), (to, theirs));
                    self.later(to, theirs, Happening::Accept(theirs, at, *conn));
                } else {
                    self.later(at, *conn, Happening::Failed);
                }
            }
            Output::Send { conn, bytes } if !self.silent.contains(&at) => {
                if let Some((to, theirs)) = self.far.get(&(at, *conn)).copied() {
                    self.later(to, theirs, Happening::Bytes(Arc::clone(bytes)));
                }
            }
            Output::Close { conn } => {
                if let Some((to, theirs)) = self.far.remove(&(at, *conn)) {
                    self.later(to, theirs, Happening::Closed);
                }
            }
            Output::Send { .. }
            | Output::Changed { .. }
            | Output::Message { .. }
            | Output::Event(_) => {}
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let wake = self.speakers.iter().enumerate();
            let wake = wake.filter_map(|(at, s)| Some((s.wake()?, at))).min();
            let next = self.happenings.keys().next().copied();
            match (wake, next) {
                (Some((at, speaker)), next)
                    if at <= end && next.is_none_or(|(other, _)| at < other) =>
                {
                    self.now = self.now.max(at);
                    self.give(speaker, Input::Wake);
                }
                (_, Some(key)) if key.0 <= end => {
                    self.now = key.0;
                    if let Some((at, conn, happening)) = self.happenings.remove(&key) {
                        self.happen(at, conn, happening);
                    }
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn happen(&mut self, at: usize, conn: ConnId, happening: Happening) {
        let open = self.far.contains_key(&(at, conn));
        match happening {
            Happening::Accept(conn, from, theirs) => {
                if !self.far.contains_key(&(from, theirs)) {
                    return;
                }
                self.far.insert((at, conn), (from, theirs));
                self.later(from, theirs, Happening::Connected);
                let (local, remote) = (
                    SocketAddr::from((ip(at), 179)),
                    SocketAddr::from((ip(from), 40_000)),
                );
                self.give(
                    at,
                    Input::Accepted {
                        conn,
                        local,
                        remote,
                    },
                );
            }
            Happening::Connected if open => {
                let local = SocketAddr::from((ip(at), 40_000));
                self.give(at, Input::Connected { conn, local });
            }
            Happening::Failed => self.give(at, Input::ConnectFailed { conn }),
            Happening::Bytes(bytes) if open => self.give(
                at,
                Input::Bytes {
                    conn,
                    bytes: &bytes,
                },
            ),
            Happening::Closed if open => {
                self.far.remove(&(at, conn));
                self.give(at, Input::Closed { conn });
            }
            Happening::Connected | Happening::Bytes(_) | Happening::Closed => {}
        }
    }

    /// Breaks the established connection without a word, at both ends.
    pub(crate) fn cut(&mut self, at: usize, neighbor: u32) {
        let conn = self.conn(at, neighbor);
        let (to, theirs) = self.far.remove(&(at, conn)).expect("connected");
        self.far.remove(&(to, theirs));
        self.give(at, Input::Closed { conn });
        self.give(to, Input::Closed { conn: theirs });
    }

    /// One end loses a connection, as a crash does; the other end does not hear of it.
    pub(crate) fn forget(&mut self, at: usize, conn: ConnId) {
        let far = self.far.remove(&(at, conn)).expect("connected");
        self.far.remove(&far);
        self.give(at, Input::Closed { conn });
    }

    pub(crate) fn up(&self, at: usize, neighbor: u32) -> bool {
        self.speakers[at].is_established(NeighborId(neighbor))
    }

    pub(crate) fn conn(&self, at: usize, neighbor: u32) -> ConnId {
        let view = self.speakers[at]
            .neighbor(NeighborId(neighbor))
            .expect("a neighbour");
        view.session.expect("an established session").conn
    }

    pub(crate) fn routes(&self, at: usize) -> Vec<String> {
        let prefixes = self.speakers[at].loc_rib();
        prefixes.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn path(&self, at: usize, text: &str) -> bgp::Attributes {
        let mut paths = self.speakers[at].multipath(prefix(text));
        assert!(!paths.is_empty(), "speaker {at} has no path to {text}");
        paths.swap_remove(0).attributes
    }

    pub(crate) fn events(&self, at: usize) -> impl Iterator<Item = &Event> {
        self.log
            .iter()
            .filter_map(move |(who, output)| match output {
                Output::Event(event) if *who == at => Some(event),
                _ => None,
            })
    }
}
