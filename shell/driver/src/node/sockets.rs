//! A node's sockets: one UDP socket per locator and forwarding thread, one raw socket per LAN with VRRP.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::task::{Context, Poll};

use design::plan::NodeConfig;
use inet::packet::Ipv4;
use linux::Watched;
use linux::batch::{BatchOptions, BatchSocket, steer_by_receiver};
use linux::socket::RawSocket;
use node::{Input, LanId, LocatorId};

use crate::error::Error;

/// Larger than any VRRP message.
const VRRP_MAX: usize = 2048;
/// The only time to live that a VRRP message may arrive with (RFC 9568 section 5.1.1.3).
const VRRP_TTL: u8 = 255;
/// Octets that may wait in a locator's socket, each way: some 15 full batches, 2 ms of 5 Gb/s (the kernel counts double).
/// More would be delay, less would be loss while a thread does not run.
const BATCHES: usize = 1 << 20;

/// The sockets of all locators: by forwarding thread, then by locator.
///
/// # Errors
///
/// No such interface, or the port is taken.
pub(super) fn open_locators(config: &NodeConfig) -> Result<Vec<Vec<BatchSocket>>, Error> {
    let threads = usize::from(config.forwarding.threads.max(1));
    let options = BatchOptions {
        buffer: BATCHES,
        shared: threads > 1,
        probes_mtu: true,
    };
    let mut shards: Vec<Vec<BatchSocket>> = (0..threads).map(|_| Vec::new()).collect();
    for locator in &config.locators {
        let describe = || {
            Error::system(format!(
                "UDP port {} on {} for {}",
                locator.port, locator.interface, locator.name
            ))
        };
        for shard in &mut shards {
            let socket = BatchSocket::open(&locator.interface, locator.port, options);
            shard.push(socket.map_err(describe())?);
        }
        if threads > 1
            && let Some(socket) = shards.first().and_then(|shard| shard.last())
        {
            steer_by_receiver(socket, threads).map_err(describe())?;
        }
    }
    Ok(shards)
}

/// The sockets of the control half.
pub(super) struct Sockets {
    /// By locator: second descriptors of a forwarding thread's, for handshakes.
    locators: Vec<UdpSocket>,
    lans: Vec<(LanId, Watched<RawSocket>)>,
    /// Where the search for something to read begins, so that each has its turn.
    turn: usize,
    /// Room for what is read; lent out while a message is handled.
    pub(super) buffer: Vec<u8>,
}

impl Sockets {
    /// Opens what the configuration names beside the locators, whose sockets there are already.
    pub(super) fn open(config: &NodeConfig, locators: &[BatchSocket]) -> Result<Self, Error> {
        let locators = locators
            .iter()
            .map(BatchSocket::sender)
            .collect::<io::Result<_>>();
        let mut lans = Vec::new();
        for (number, lan) in config
            .lans
            .iter()
            .enumerate()
            .filter(|(_, lan)| lan.vrrp.is_some())
        {
            let address = config.interfaces.iter().find(|i| i.name == lan.interface);
            let address = address.map_or(Ipv4Addr::UNSPECIFIED, |interface| interface.address);
            let socket = linux::socket::vrrp(&lan.interface, address)
                .and_then(Watched::new)
                .map_err(Error::system(format!("VRRP on {}", lan.interface)))?;
            let number = u16::try_from(number).expect("a node has few LANs");
            lans.push((LanId(number), socket));
        }
        Ok(Self {
            locators: locators.map_err(Error::system("the locators' sockets"))?,
            lans,
            turn: 0,
            buffer: vec![0; VRRP_MAX],
        })
    }

    /// Waits until a LAN has a message; its place among them.
    pub(super) async fn ready(&mut self) -> usize {
        poll_fn(|context| self.poll_ready(context)).await
    }

    /// An error counts as ready: reading will meet it and clear it.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        let count = self.lans.len();
        for offset in 0..count {
            let at = (self.turn + offset) % count;
            let ready = self
                .lans
                .get(at)
                .is_some_and(|(_, socket)| socket.poll_ready(context));
            if ready {
                self.turn = at + 1;
                return Poll::Ready(at);
            }
        }
        Poll::Pending
    }

    /// Reads one message from a LAN that was ready; nothing when no more waits.
    pub(super) fn read<'a>(&self, at: usize, buffer: &'a mut [u8]) -> Option<Input<'a>> {
        let (lan, socket) = self.lans.get(at)?;
        let len = loop {
            let len = take(socket, buffer)?;
            let packet = Ipv4::parse(buffer.get(..len)?);
            if packet.is_ok_and(|packet| packet.ttl() == VRRP_TTL) {
                break len;
            }
        };
        let packet = Ipv4::parse(buffer.get(..len)?).ok()?;
        Some(Input::Vrrp {
            lan: *lan,
            from: packet.source(),
            bytes: packet.payload(),
        })
    }

    /// Sends a handshake's datagram. A full socket drops it, as a full link would.
    pub(super) fn send(&self, locator: LocatorId, to: SocketAddrV4, bytes: &[u8]) {
        if let Some(socket) = self.locators.get(usize::from(locator.0))
            && let Err(error) = socket.send_to(bytes, to)
        {
            tracing::debug!(%error, %to, "sending");
        }
    }

    /// Sends a VRRP message.
    pub(super) fn advertise(&self, lan: LanId, bytes: &[u8]) {
        if let Some((_, socket)) = self.lans.iter().find(|(id, _)| *id == lan)
            && let Err(error) = socket.get().send_to_vrrp_group(bytes)
        {
            tracing::debug!(%error, "advertising");
        }
    }
}

/// Reads one packet, if one waits.
fn take<T: linux::PacketSource>(source: &Watched<T>, buffer: &mut [u8]) -> Option<usize> {
    source
        .try_read(buffer)
        .inspect_err(|error| {
            if error.kind() != io::ErrorKind::WouldBlock {
                tracing::debug!(%error, "reading");
            }
        })
        .ok()
}
