//! TCP transfers between many hosts at once, all from one loop.
//!
//! The asking host sends a known number of octets and closes its half; the other counts them and
//! sends the count back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use linux::epoll::Poller;
use linux::socket;

use super::{Host, Pair};

/// Where hosts listen.
const PORT: u16 = 7007;
/// Octets of one transfer: several segments, so that the size of packets is put to the test too.
const OCTETS: usize = 16 * 1024;
/// How long all transfers together may take.
const PATIENCE: Duration = Duration::from_secs(15);
const TTL: u8 = 64;

/// One end of a transfer.
enum End {
    /// Asks: octets left to send, then the count that came back.
    Asking {
        pair: Pair,
        stream: TcpStream,
        left: usize,
        reply: Vec<u8>,
    },
    /// Answers: octets counted so far.
    Answering { stream: TcpStream, count: usize },
}

/// What becomes of an end after it was ready.
enum Next {
    /// Waits to read.
    Read,
    /// Waits to write.
    Write,
    /// The transfer came through.
    Whole(Pair),
    /// Nothing more to do.
    Over,
}

/// Transfers between all pairs; those that came through whole. `progress` hears how many have.
pub(super) fn all(
    hosts: &[Host<'_>],
    pairs: &[Pair],
    progress: &mut dyn FnMut(usize),
) -> io::Result<BTreeSet<Pair>> {
    let mut transfers = Transfers::open(hosts, pairs)?;
    let deadline = Instant::now() + PATIENCE;
    let mut ready = Vec::new();
    while transfers.whole.len() < pairs.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        transfers.poller.wait(Some(left), &mut ready)?;
        for token in ready.drain(..) {
            transfers.serve(token)?;
        }
        progress(transfers.whole.len());
    }
    Ok(transfers.whole)
}

struct Transfers {
    poller: Poller,
    /// By token, which counts from 0.
    listeners: Vec<TcpListener>,
    /// By token, which counts from the number of listeners.
    ends: BTreeMap<u64, End>,
    next: u64,
    whole: BTreeSet<Pair>,
}

impl Transfers {
    fn open(hosts: &[Host<'_>], pairs: &[Pair]) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut listeners = Vec::new();
        for (number, host) in hosts.iter().enumerate() {
            let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
            let listener = host.namespace.run(|| socket::tcp_listen(any.into()))?;
            poller.add_readable(&listener, number as u64)?;
            listeners.push(listener);
        }
        let mut transfers = Self {
            poller,
            next: listeners.len() as u64,
            listeners,
            ends: BTreeMap::new(),
            whole: BTreeSet::new(),
        };
        for (number, host) in hosts.iter().enumerate() {
            let targets: Vec<_> = pairs
                .iter()
                .filter(|pair| pair.from == number)
                .filter_map(|pair| {
                    Some((*pair, SocketAddrV4::new(hosts.get(pair.to)?.address, PORT)))
                })
                .collect();
            let connect = |&(pair, to): &(Pair, SocketAddrV4)| {
                let stream = socket::tcp_connect(host.address.into(), to.into(), TTL)?;
                Ok((pair, stream))
            };
            let streams: Vec<(Pair, TcpStream)> = host
                .namespace
                .run(|| targets.iter().map(connect).collect::<io::Result<_>>())?;
            for (pair, stream) in streams {
                let token = transfers.next;
                transfers.next += 1;
                transfers.poller.add_writable(&stream, token)?;
                let reply = Vec::new();
                transfers.ends.insert(
                    token,
                    End::Asking {
                        pair,
                        stream,
                        left: OCTETS,
                        reply,
                    },
                );
            }
        }
        Ok(transfers)
    }

    fn serve(&mut self, token: u64) -> io::Result<()> {
        let listener = usize::try_from(token)
            .ok()
            .and_then(|at| self.listeners.get(at));
        if let Some(listener) = listener {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true)?;
                let token = self.next;
                self.next += 1;
                self.poller.add_readable(&stream, token)?;
                self.ends.insert(token, End::Answering { stream, count: 0 });
            }
            return Ok(());
        }
        let Some(mut end) = self.ends.remove(&token) else {
            return Ok(());
        };
        match end.go_on() {
            Next::Over => {}
            Next::Whole(pair) => drop(self.whole.insert(pair)),
            Next::Write => drop(self.ends.insert(token, end)),
            Next::Read => {
                if let End::Asking { stream, .. } = &end {
                    self.poller.remove(stream)?;
                    self.poller.add_readable(stream, token)?;
                }
                self.ends.insert(token, end);
            }
        }
        Ok(())
    }
}

impl End {
    fn go_on(&mut self) -> Next {
        let done = match self {
            Self::Asking {
                pair,
                stream,
                left,
                reply,
            } if *left == 0 => listen(*pair, stream, reply),
            Self::Asking { stream, left, .. } => speak(stream, left),
            Self::Answering { stream, count } => count_octets(stream, count),
        };
        done.unwrap_or(Next::Over)
    }
}

/// Sends what is left.
fn speak(stream: &mut TcpStream, left: &mut usize) -> io::Result<Next> {
    let octets = [0x5a; 4096];
    while *left > 0 {
        let piece = octets.get(..octets.len().min(*left)).unwrap_or(&octets);
        match stream.write(piece) {
            Ok(len) => *left -= len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Write),
            Err(error) => return Err(error),
        }
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(Next::Read)
}

/// Takes the count that comes back.
fn listen(pair: Pair, stream: &mut TcpStream, reply: &mut Vec<u8>) -> io::Result<Next> {
    let mut buffer = [0; 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) if *reply == (OCTETS as u64).to_be_bytes() => return Ok(Next::Whole(pair)),
            Ok(0) => return Ok(Next::Over),
            Ok(len) => reply.extend(buffer.iter().take(len)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Read),
            Err(error) => return Err(error),
        }
    }
}

/// Counts what arrives and, at its end, says how much it was.
fn count_octets(stream: &mut TcpStream, count: &mut usize) -> io::Result<Next> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => {
                stream.write_all(&(*count as u64).to_be_bytes())?;
                return Ok(Next::Over);
            }
            Ok(len) => *count += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Read),
            Err(error) => return Err(error),
        }
    }
}
