//! Strangers who know a node's public key and call it without end, from several addresses.
//!
//! Each message is a whole handshake initiation (WireGuard paper, section 5.4.2) of a key that the
//! node does not know: nothing about it is wrong but its sender.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use tunnel::{Endpoint, Input, Output, Peer, PrivateKey, PublicKey, Settings};

use crate::Error;
use crate::place::Place;
use crate::tunnel::load::on_processor;

/// Messages that are made before the clock starts, and sent over and over.
const MESSAGES: u32 = 1_024;
/// Messages of one call.
const BATCH: usize = 32;

/// A running flood; it ends with the value.
pub(super) struct Strangers {
    sent: Arc<AtomicU64>,
    going: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Strangers {
    /// Starts so many initiations a second to a node, from these addresses of a place in turn.
    pub(super) fn start(
        place: &Place,
        processor: usize,
        addresses: &[Ipv4Addr],
        (target, key): (SocketAddrV4, PublicKey),
        rate: u32,
    ) -> Result<Self, Error> {
        let messages: Vec<Vec<u8>> = (0..MESSAGES)
            .filter_map(|number| initiation(number, key, target))
            .collect();
        let open = || {
            let sockets = addresses.iter().map(|address| {
                let socket = UdpSocket::bind((*address, 0))?;
                socket.connect(target)?;
                Ok(socket)
            });
            sockets.collect::<io::Result<Vec<_>>>()
        };
        let failed = Error::system("sockets for strangers");
        let sockets = place.run(open).map_err(failed)?;
        let (sent, going) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        let (count, goes) = (Arc::clone(&sent), Arc::clone(&going));
        let work = move || call(&sockets, &messages, rate, (&count, &goes));
        Ok(Self {
            sent,
            going,
            thread: Some(on_processor(processor, work)?),
        })
    }

    /// How many messages they have sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.going.store(false, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a stranger of this number says first.
fn initiation(number: u32, key: PublicKey, target: SocketAddrV4) -> Option<Vec<u8>> {
    let name = format!("stranger{number}");
    let private = PrivateKey::derive(&[0x13; 32], &name);
    let mut settings = Settings::new(name, private);
    settings.peers.push(Peer {
        endpoint: Some(target),
        initiate: true,
        ..Peer::new(key)
    });
    let now = inet::Instant::ZERO;
    let mut seed = [0x31; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    let mut endpoint = Endpoint::new(settings, seed, Duration::from_secs(1), now);
    let mut out = Vec::new();
    endpoint.handle(now, Input::Wake, &mut out);
    out.into_iter().find_map(|output| match output {
        Output::Datagram { bytes, .. } => Some(bytes),
        Output::Event(_) => None,
    })
}

/// Sends at a rate until told to end.
fn call(
    sockets: &[UdpSocket],
    messages: &[Vec<u8>],
    rate: u32,
    (sent, going): (&AtomicU64, &AtomicBool),
) {
    let nobody: [Option<SockaddrIn>; BATCH] = [None; BATCH];
    let none: &[ControlMessage<'_>] = &[];
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let mut batches = messages.chunks_exact(BATCH).cycle();
    let mut sockets = sockets.iter().cycle();
    let start = Instant::now();
    let mut done = 0;
    while going.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        if due < done + BATCH as u64 {
            thread::sleep(Duration::from_micros(100));
            continue;
        }
        let (Some(batch), Some(socket)) = (batches.next(), sockets.next()) else {
            return;
        };
        let parts: Vec<_> = batch.iter().map(|one| [IoSlice::new(one)]).collect();
        let flags = MsgFlags::empty();
        let socket = socket.as_raw_fd();
        match sendmmsg(socket, &mut headers, &parts, nobody, none, flags) {
            Ok(results) => {
                let count = results.count() as u64;
                done += count;
                sent.fetch_add(count, Ordering::Relaxed);
            }
            Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ECONNREFUSED) => {}
            Err(_) => return,
        }
    }
}
