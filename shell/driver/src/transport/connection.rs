//! One TCP connection: what waits to be sent on it, and how far its closing has come.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use tokio::time::Instant;

use super::callers::Call;

/// Octets waiting to be sent at which the speaker is asked to pause, and at which to go on.
///
/// The kernel's buffer is in front of them, so that the wire does not fall silent meanwhile. More
/// would cost memory with every slow neighbour, and time until a fresh route is on the wire.
const PAUSE_ABOVE: usize = 512 * 1024;
const RESUME_BELOW: usize = 128 * 1024;
/// Pieces given to the kernel at once; it takes no more than 1024.
const PIECES: usize = 64;

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The other side has not answered yet.
    Connecting,
    /// Both sides may send.
    Open,
    /// The speaker has closed it: what waits is sent, then the other side's end is awaited.
    Closing,
}

/// Whether the speaker should pause or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressure {
    /// Too much waits.
    Rises,
    /// What waited is sent.
    Falls,
}

/// Whether the speaker was asked to pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It was not, or was asked to go on.
    Free,
    /// It was, until little enough waits.
    Full,
    /// It was, and the kernel has taken nothing since.
    Stuck,
}

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) phase: Phase,
    /// Whole pieces, shared with other members of an update group.
    queue: VecDeque<Arc<[u8]>>,
    /// Octets of the first piece that are sent.
    sent: usize,
    /// Octets of the queue that are not.
    waiting: usize,
    flow: Flow,
    /// When to look again: whether the kernel has taken something, or whether it has closed.
    pub(super) deadline: Option<Instant>,
    /// Writing failed: nothing more is sent, but what the other side said last can still be read.
    broken: bool,
    /// Whether the poller waits for it to become writable.
    pub(super) awaits_room: bool,
    /// Counts it, when it came from outside.
    _call: Option<Call>,
}

impl Connection {
    /// Takes a socket over.
    pub(super) const fn new(stream: TcpStream, phase: Phase, call: Option<Call>) -> Self {
        Self {
            stream,
            phase,
            queue: VecDeque::new(),
            sent: 0,
            waiting: 0,
            flow: Flow::Free,
            deadline: None,
            broken: false,
            awaits_room: matches!(phase, Phase::Connecting),
            _call: call,
        }
    }

    /// Appends octets; they leave with the next [`Self::flush`].
    pub(super) fn push(&mut self, bytes: Arc<[u8]>) {
        if !self.broken && !bytes.is_empty() {
            self.waiting += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// Octets that wait to be sent.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Sends as much as the kernel takes.
    pub(super) fn flush(&mut self) {
        while self.waiting > 0 {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slot, piece) in pieces.iter_mut().zip(&self.queue) {
                let skipped = if count == 0 { self.sent } else { 0 };
                *slot = IoSlice::new(&piece[skipped..]);
                count += 1;
            }
            match (&self.stream).write_vectored(&pieces[..count]) {
                Ok(len) => self.advance(len),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.give_up(),
            }
        }
    }

    fn advance(&mut self, len: usize) {
        if self.flow == Flow::Stuck {
            self.flow = Flow::Full;
        }
        if self.phase == Phase::Open {
            self.deadline = None;
        }
        self.waiting -= len;
        self.sent += len;
        while let Some(first) = self.queue.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            self.queue.pop_front();
        }
    }

    fn give_up(&mut self) {
        self.broken = true;
        self.flow = Flow::Free;
        self.queue.clear();
        self.sent = 0;
        self.waiting = 0;
    }

    /// Whether what waits has just passed one of the two marks.
    pub(super) const fn pressure(&mut self) -> Option<Pressure> {
        match self.flow {
            Flow::Free if self.waiting > PAUSE_ABOVE => {
                self.flow = Flow::Full;
                Some(Pressure::Rises)
            }
            Flow::Full if self.waiting < RESUME_BELOW => {
                self.flow = Flow::Free;
                Some(Pressure::Falls)
            }
            Flow::Free | Flow::Full | Flow::Stuck => None,
        }
    }

    /// The kernel has taken nothing for a while, however little waits: the speaker is to pause, and
    /// to count the time (RFC 9687). Whether it has to be told.
    pub(super) fn is_stuck(&mut self) -> bool {
        std::mem::replace(&mut self.flow, Flow::Stuck) == Flow::Free
    }

    /// Reads once; nothing when nothing is there, zero when the other side has closed or the
    /// connection has broken.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match (&self.stream).read(buffer) {
                Ok(len) => return Some(len),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => return Some(0),
            }
        }
    }

    /// Whether the connection that was begun stands, or why not.
    pub(super) fn connected(&self) -> io::Result<()> {
        match self.stream.take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
