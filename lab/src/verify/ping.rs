//! Pings between many hosts, all from one loop: their sockets stay in the hosts' namespaces.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use inet::packet::{self, Ipv4};
use linux::epoll::Poller;
use linux::socket::{self, RawSocket};

use super::{Host, Pair};

/// The identifier in all echo requests. Flows are told apart by addresses; a trace of the same
/// identifier takes the same way.
pub(super) const ECHO_ID: u16 = 1;
/// How long a reply is waited for.
const REPLY_PATIENCE: Duration = Duration::from_millis(1500);
/// Rounds in which a round trip may come out as predicted; the busier the machine, the later.
const ROUNDS: usize = 8;
/// Pause between two requests of a round, so that they do not queue behind each other.
const SPACING: Duration = Duration::from_millis(1);
/// ICMP types (RFC 792).
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// Measures round trips between pairs of hosts.
pub(super) struct Pinger<'a> {
    hosts: &'a [Host<'a>],
    pairs: &'a [Pair],
    /// One per host.
    sockets: Vec<RawSocket>,
    poller: Poller,
    /// By pair.
    shortest: BTreeMap<Pair, Duration>,
    /// By position of the pair: when its last request went.
    sent: BTreeMap<usize, Instant>,
    /// Tells late replies to an earlier round from those of this one.
    round: u16,
}

impl<'a> Pinger<'a> {
    /// Opens a socket in each host.
    pub(super) fn open(hosts: &'a [Host<'a>], pairs: &'a [Pair]) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut sockets = Vec::new();
        for (number, host) in hosts.iter().enumerate() {
            let socket = host.namespace.run(socket::icmp)?;
            poller.add_readable(&socket, number as u64)?;
            sockets.push(socket);
        }
        Ok(Self {
            hosts,
            pairs,
            sockets,
            poller,
            shortest: BTreeMap::new(),
            sent: BTreeMap::new(),
            round: 0,
        })
    }

    /// Pings until every pair has had a reply, or patience ends. `progress` hears how many have.
    pub(super) fn until_answered(
        &mut self,
        patience: Duration,
        progress: &mut dyn FnMut(usize),
    ) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let pairs = self.pairs;
            let silent =
                |pair: &Pair, shortest: &BTreeMap<Pair, Duration>| !shortest.contains_key(pair);
            let missing: Vec<usize> = (0..pairs.len())
                .filter(|at| {
                    pairs
                        .get(*at)
                        .is_some_and(|pair| silent(pair, &self.shortest))
                })
                .collect();
            progress(pairs.len() - missing.len());
            if missing.is_empty() || Instant::now() > deadline {
                return Ok(());
            }
            self.round(&missing)?;
        }
    }

    /// Pings until the shortest round trip of every pair that answers is `right`, microseconds, or
    /// the rounds are over.
    pub(super) fn until(&mut self, right: impl Fn(&Pair, u64) -> bool) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let pairs = self.pairs.iter().enumerate();
            let wrong: Vec<usize> = pairs
                .filter(|(_, pair)| self.shortest(**pair).is_some_and(|took| !right(pair, took)))
                .map(|(at, _)| at)
                .collect();
            if wrong.is_empty() {
                break;
            }
            self.round(&wrong)?;
        }
        Ok(())
    }

    /// The shortest round trip of a pair so far, microseconds.
    pub(super) fn shortest(&self, pair: Pair) -> Option<u64> {
        let shortest = self.shortest.get(&pair)?;
        u64::try_from(shortest.as_micros()).ok()
    }

    /// Sends a request for each of these pairs and waits for the replies.
    fn round(&mut self, pairs: &[usize]) -> io::Result<()> {
        self.round = self.round.wrapping_add(1);
        self.sent.clear();
        for at in pairs {
            self.request(*at)?;
            self.wait(SPACING, usize::MAX)?;
        }
        self.wait(REPLY_PATIENCE, self.sent.len())
    }

    fn request(&mut self, at: usize) -> io::Result<()> {
        let Some(pair) = self.pairs.get(at) else {
            return Ok(());
        };
        let (Some(socket), Some(to)) = (self.sockets.get(pair.from), self.hosts.get(pair.to))
        else {
            return Ok(());
        };
        let mut message = vec![ECHO_REQUEST, 0, 0, 0];
        message.extend(ECHO_ID.to_be_bytes());
        message.extend(self.round.to_be_bytes());
        message.extend((at as u64).to_be_bytes());
        let checksum = packet::checksum(&message);
        message.splice(2..4, checksum.to_be_bytes());
        self.sent.insert(at, Instant::now());
        match socket.send_to(&message, to.address) {
            // A host without a way there will not get a reply, which is all that matters here.
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes replies for a time, or until none of `outstanding` is missing.
    fn wait(&mut self, patience: Duration, mut outstanding: usize) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        let mut ready = Vec::new();
        while outstanding > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.poller.wait(Some(left), &mut ready)?;
            for token in ready.drain(..) {
                let host = usize::try_from(token).unwrap_or(usize::MAX);
                outstanding = outstanding.saturating_sub(self.replies(host));
            }
            if self.sent.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Takes the replies that wait at a host; how many there were.
    fn replies(&mut self, host: usize) -> usize {
        let mut buffer = [0; 2048];
        let mut count = 0;
        let Some(socket) = self.sockets.get(host) else {
            return 0;
        };
        while let Ok(len) = socket.receive(&mut buffer) {
            let arrived = Instant::now();
            let Some(at) = reply(buffer.get(..len).unwrap_or_default(), self.round) else {
                continue;
            };
            let pair = self.pairs.get(at).filter(|pair| pair.from == host);
            if let (Some(pair), Some(sent)) = (pair, self.sent.remove(&at)) {
                let took = arrived - sent;
                let shortest = self.shortest.entry(*pair).or_insert(took);
                *shortest = took.min(*shortest);
                count += 1;
            }
        }
        count
    }
}

/// The position of the pair that a packet is the reply of, if it is one of this round.
fn reply(bytes: &[u8], round: u16) -> Option<usize> {
    let packet = Ipv4::parse(bytes).ok()?;
    let message = packet.payload();
    let fits = packet.protocol() == packet::ICMP
        && message.first() == Some(&ECHO_REPLY)
        && message.get(4..6)? == ECHO_ID.to_be_bytes()
        && message.get(6..8)? == round.to_be_bytes();
    if !fits {
        return None;
    }
    usize::try_from(u64::from_be_bytes(message.get(8..16)?.try_into().ok()?)).ok()
}
