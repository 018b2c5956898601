//! Opening a session with the daemon; from then on it is a bare socket.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};

use crate::Error;
use crate::place::Place;
use crate::wire;

/// Where a daemon listens.
pub(crate) const PORT: u16 = 179;
/// Both sides offer it: no run takes as long, so the tester needs no timer.
pub(crate) const HOLD_TIME: u16 = 3600;
/// How long a daemon may take to listen and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// A neighbour that the tester plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neighbor {
    pub(crate) address: Ipv4Addr,
    pub(crate) asn: u32,
}

impl Neighbor {
    /// The daemon's end of the session: the last address but one of the neighbour's /24.
    pub(crate) fn far_end(self) -> Ipv4Addr {
        let [a, b, c, _] = self.address.octets();
        Ipv4Addr::new(a, b, c, 254)
    }
}

/// An established session, and what the daemon sent behind its KEEPALIVE.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: TcpStream,
    pub(crate) received: Vec<u8>,
}

impl Session {
    /// Connects from the neighbour's address, again and again until the daemon is there, and
    /// opens a session. Gives up when the daemon is no longer `alive`.
    pub(crate) fn open(
        place: &Place,
        own: Neighbor,
        alive: impl Fn() -> bool,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let attempt = dial(place, own).and_then(|stream| greet(stream, own));
            match attempt {
                Ok(session) => return Ok(session),
                Err(_) if Instant::now() < deadline && alive() => std::thread::sleep(PAUSE),
                Err(cause) => {
                    let what = format!("a session from {} to {}", own.address, own.far_end());
                    return Err(Error::system(what)(cause));
                }
            }
        }
    }
}

fn dial(place: &Place, own: Neighbor) -> io::Result<TcpStream> {
    place.run(|| {
        let kind = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
        let socket = socket(AddressFamily::Inet, kind.0, kind.1, None)?;
        setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
        let local = SocketAddrV4::new(own.address, 0);
        bind(socket.as_raw_fd(), &SockaddrIn::from(local))?;
        let remote = SocketAddrV4::new(own.far_end(), PORT);
        connect(socket.as_raw_fd(), &SockaddrIn::from(remote))?;
        Ok(TcpStream::from(socket))
    })
}

fn greet(mut stream: TcpStream, own: Neighbor) -> io::Result<Session> {
    let mut hello = Vec::new();
    wire::open(&mut hello, own.asn, HOLD_TIME, own.address);
    wire::message(&mut hello, wire::KEEPALIVE, |_| {});
    stream.write_all(&hello)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut received = Vec::new();
    let mut buffer = [0; wire::MESSAGE_MAX];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        received.extend_from_slice(&buffer[..len]);
        while let Some((len, kind)) = wire::first(&received) {
            let message: Vec<u8> = received.drain(..len).collect();
            match kind {
                wire::OPEN => {}
                wire::KEEPALIVE => {
                    stream.set_read_timeout(None)?;
                    return Ok(Session { stream, received });
                }
                _ => {
                    let said = message.get(wire::HEADER..).unwrap_or_default();
                    return Err(io::Error::other(format!("message {kind}: {said:?}")));
                }
            }
        }
    }
}
