//! The least that a tunnel must do, as an upper bound for the others: super-packets from the TUN
//! device, one AEAD call for each segment, batches of datagrams by segmentation offload; the
//! reverse with receive offload and coalescing.
//!
//! Deliberately without handshake, routing, replay window, queues and peers: both ends derive their
//! keys from the suite's name, so it protects nothing. What checksums a correct tunnel has to
//! compute or check is done. A hub passes batches on from one socket to the other.

mod inbound;
mod outbound;
mod relay;
mod seal;
mod wire;

use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsFd as _;
use std::time::Duration;

use linux::TunQueue;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};

use crate::Error;
use inbound::Inbound;
use outbound::Outbound;
pub use seal::Suite;

/// Octets that wait in a socket at most; more would only be delay.
const SOCKET_BUFFER: usize = 1 << 20;
/// Packets and batches taken from one side before the other has its turn.
const TURN: usize = 16;

/// What the process is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// An end of a tunnel.
    End {
        /// The TUN device to make.
        device: String,
        /// Its own address and the other end's.
        wire: Wire,
    },
    /// Between two tunnels.
    Relay {
        /// One of them.
        near: Wire,
        /// The other.
        far: Wire,
    },
}

/// Both addresses of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Our end.
    pub local: SocketAddrV4,
    /// The other end.
    pub remote: SocketAddrV4,
}

impl Bound {
    /// Runs until the process is killed.
    ///
    /// # Errors
    ///
    /// The device cannot be made, an address is not there, or the kernel has no UDP offloads.
    pub fn run(&self, suite: Suite) -> Result<(), Error> {
        let done = match self {
            Self::End { device, wire } => end(device, *wire, suite),
            Self::Relay { near, far } => relay::run(*near, *far, suite),
        };
        done.map_err(Error::system("the bare tunnel"))
    }
}

fn end(device: &str, wire: Wire, suite: Suite) -> io::Result<()> {
    let tun = TunQueue::create(device, 1)?.remove(0);
    let socket = open(wire)?;
    let mut outbound = Outbound::new(suite);
    let mut inbound = Inbound::new(suite);
    loop {
        let mut waits = [
            PollFd::new(tun.as_fd(), PollFlags::POLLIN),
            PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut waits, PollTimeout::NONE)?;
        let [from_device, from_wire] =
            waits.map(|wait| wait.revents().is_some_and(|ready| !ready.is_empty()));
        if from_wire {
            for _ in 0..TURN {
                if !inbound.turn(&socket, &tun)? {
                    break;
                }
            }
        }
        if from_device {
            for _ in 0..TURN {
                if !outbound.take(&tun, &socket)? {
                    break;
                }
            }
            outbound.flush(&socket)?;
        }
    }
}

/// A connected socket with receive offload.
fn open(wire: Wire) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(wire.local)?;
    socket.connect(wire.remote)?;
    socket.set_nonblocking(true)?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BUFFER)?;
    setsockopt(&socket, sockopt::SndBuf, &SOCKET_BUFFER)?;
    setsockopt(&socket, sockopt::UdpGroSegment, &true)?;
    Ok(socket)
}

/// Whether there is nothing now.
fn is_quiet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused
    )
}
