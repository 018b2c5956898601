//! Two endpoints and the wire between them, in virtual time.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use inet::{Instant, packet};
use tunnel::{Endpoint, Event, Input, Output, Peer, PeerId, PrivateKey, Settings, Suite};

/// The only peer of an endpoint of a [`Net`].
pub(crate) const PEER: PeerId = PeerId(0);
/// Names of the two ends.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

/// What a test decides about a pair before it is made.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) suite: Suite,
    pub(crate) initiate: [bool; 2],
    pub(crate) keepalive: [Option<Duration>; 2],
    pub(crate) first_retry: Duration,
    pub(crate) preshared_keys: [Option<[u8; 32]>; 2],
    pub(crate) latency: Duration,
    pub(crate) extended: [bool; 2],
    pub(crate) roams: [bool; 2],
    pub(crate) shards: [u8; 2],
    pub(crate) aes: [bool; 2],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            suite: Suite::WireGuard,
            initiate: [true, false],
            keepalive: [None, None],
            first_retry: Duration::from_secs(1),
            preshared_keys: [None, None],
            latency: Duration::from_millis(10),
            extended: [false; 2],
            roams: [true; 2],
            shards: [1; 2],
            aes: [false; 2],
        }
    }
}

/// A pair of endpoints.
pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) ends: [Endpoint; 2],
    pub(crate) addresses: [SocketAddrV4; 2],
    /// What arrived inside, by end.
    pub(crate) inbox: [Vec<Vec<u8>>; 2],
    pub(crate) events: Vec<(Instant, usize, Event)>,
    /// Every datagram sent: when, by whom, what.
    pub(crate) sent: Vec<(Instant, usize, Vec<u8>)>,
    /// Whether datagrams from this end are lost.
    pub(crate) cut: [bool; 2],
    options: Options,
    /// On the wire, by arrival and order of sending: to whom, from where, what.
    wire: BTreeMap<(Instant, usize), (usize, SocketAddrV4, Vec<u8>)>,
}

impl Net {
    pub(crate) fn new(options: Options) -> Self {
        let now = Instant::from_secs(1);
        Self {
            now,
            ends: [endpoint(options, A, 0, now), endpoint(options, B, 0, now)],
            addresses: [address(A), address(B)],
            inbox: [Vec::new(), Vec::new()],
            events: Vec::new(),
            sent: Vec::new(),
            cut: [false; 2],
            options,
            wire: BTreeMap::new(),
        }
    }

    /// A pair with a session.
    pub(crate) fn joined(options: Options) -> Self {
        let mut net = Self::new(options);
        net.run(Duration::from_millis(100));
        assert!(net.is_up(A) && net.is_up(B), "the handshake is done");
        net
    }

    /// The end loses its memory and starts anew.
    pub(crate) fn restart(&mut self, end: usize) {
        let run = self.now.as_nanos() as u8 | 1;
        self.ends[end] = endpoint(self.options, end, run, self.now);
    }

    pub(crate) fn send(&mut self, end: usize, packet: &[u8]) {
        let mut out = Vec::new();
        self.ends[end].seal(self.now, PEER, packet, &mut out);
        self.take(end, out);
    }

    pub(crate) fn tell(&mut self, end: usize, input: Input) {
        let mut out = Vec::new();
        self.ends[end].handle(self.now, input, &mut out);
        let wake = self.ends[end].wake();
        assert!(
            wake.is_none_or(|wake| wake > self.now),
            "drained: the next wake-up is later"
        );
        self.take(end, out);
    }

    /// Hands a datagram to an end as if it came from the other.
    pub(crate) fn deliver(&mut self, end: usize, from: SocketAddrV4, mut datagram: Vec<u8>) {
        let mut out = Vec::new();
        if let Some((peer, range)) = self.ends[end].open(self.now, from, &mut datagram, &mut out) {
            assert_eq!(peer, PEER);
            self.inbox[end].push(datagram[range].to_vec());
        }
        self.take(end, out);
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some((at, what)) = self.next().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            match what {
                Next::Wake(end) => self.tell(end, Input::Wake),
                Next::Arrival(key) => {
                    let (to, from, bytes) = self.wire.remove(&key).expect("it is on the wire");
                    self.deliver(to, from, bytes);
                }
            }
        }
        self.now = end;
    }

    pub(crate) fn is_up(&self, end: usize) -> bool {
        self.ends[end].peer(self.now, PEER).expect("a peer").is_up
    }

    /// When this event happened, all times.
    pub(crate) fn times(&self, end: usize, event: Event) -> Vec<Instant> {
        self.events
            .iter()
            .filter(|(_, who, what)| (*who, *what) == (end, event))
            .map(|(at, ..)| *at)
            .collect()
    }

    /// How many messages of a type an end sent.
    pub(crate) fn count(&self, end: usize, kind: u8) -> usize {
        self.sent
            .iter()
            .filter(|(_, who, bytes)| *who == end && bytes[0] == kind)
            .count()
    }

    fn take(&mut self, end: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Event(event) => self.events.push((self.now, end, event)),
                Output::Datagram { to, bytes } => {
                    self.sent.push((self.now, end, bytes.clone()));
                    let target = self.addresses.iter().position(|address| *address == to);
                    if let Some(target) = target.filter(|_| !self.cut[end]) {
                        let key = (self.now + self.options.latency, self.sent.len());
                        self.wire.insert(key, (target, self.addresses[end], bytes));
                    }
                }
            }
        }
    }

    fn next(&self) -> Option<(Instant, Next)> {
        let arrival = self
            .wire
            .keys()
            .next()
            .map(|key| (key.0, Next::Arrival(*key)));
        let wake = |end: usize| self.ends[end].wake().map(|at| (at, Next::Wake(end)));
        [arrival, wake(A), wake(B)]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }
}

enum Next {
    Arrival((Instant, usize)),
    Wake(usize),
}

/// The key of an end.
pub(crate) fn key(end: usize) -> PrivateKey {
    PrivateKey::derive(&[7; 32], ["a", "b"][end])
}

/// A test's inner packet: well-formed, with this payload.
pub(crate) fn inner(payload: &[u8]) -> Vec<u8> {
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 1000);
    let to = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 2000);
    packet::udp(from, to, 64, payload)
}

pub(crate) fn address(end: usize) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, end as u8 + 1), 51_820)
}

pub(crate) fn endpoint(options: Options, end: usize, run: u8, now: Instant) -> Endpoint {
    let mut settings = Settings::new(["a", "b"][end], key(end));
    settings.suite = options.suite;
    settings.shards = options.shards[end];
    settings.aes = options.aes[end];
    let mut peer = Peer::new(key(1 - end).public_key());
    peer.endpoint = Some(address(1 - end));
    peer.initiate = options.initiate[end];
    peer.keepalive = options.keepalive[end];
    peer.first_retry = options.first_retry;
    peer.extended = options.extended[end];
    peer.roams = options.roams[end];
    peer.preshared_key = options.preshared_keys[end].map(Into::into);
    settings.peers = vec![peer];
    Endpoint::new(settings, [run; 32], Duration::from_secs(1_800_000_000), now)
}
