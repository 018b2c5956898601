//! A node's data sockets: the overlay device, one UDP socket per locator, one raw socket per LAN
//! with VRRP.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::task::{Context, Poll};

use design::plan::NodeConfig;
use inet::packet::Ipv4;
use linux::socket::RawSocket;
use linux::{Tun, Watched};
use node::{Input, LanId, LocatorId};
use tokio::net::UdpSocket;

use crate::error::Error;

/// Larger than any datagram or packet that comes without offloads.
const PACKET_MAX: usize = 65_536;
/// The only time to live that a VRRP message may arrive with (RFC 9568 section 5.1.1.3).
const VRRP_TTL: u8 = 255;

/// Where something waits to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Overlay,
    Locator(usize),
    Lan(usize),
}

/// All data sockets of a node.
pub(super) struct Sockets {
    overlay: Watched<Arc<Tun>>,
    locators: Vec<UdpSocket>,
    lans: Vec<(LanId, Watched<RawSocket>)>,
    /// Where the search for something to read begins, so that each has its turn.
    turn: usize,
    /// Room for what is read; lent out while a packet is handled.
    pub(super) buffer: Vec<u8>,
}

impl Sockets {
    /// Opens what the configuration names; the interfaces must be there.
    pub(super) fn open(config: &NodeConfig, overlay: Arc<Tun>) -> Result<Self, Error> {
        let overlay = Watched::new(overlay).map_err(Error::system("the overlay device"))?;
        let mut locators = Vec::new();
        for locator in &config.locators {
            let socket = linux::socket::udp_on_interface(&locator.interface, locator.port)
                .and_then(UdpSocket::from_std)
                .map_err(Error::system(format!(
                    "UDP port {} on {} for {}",
                    locator.port, locator.interface, locator.name
                )))?;
            locators.push(socket);
        }
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
            overlay,
            locators,
            lans,
            turn: 0,
            buffer: vec![0; PACKET_MAX],
        })
    }

    /// Waits until something can be read.
    pub(super) async fn ready(&mut self) -> Ready {
        poll_fn(|context| self.poll_ready(context)).await
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Ready> {
        let count = 1 + self.locators.len() + self.lans.len();
        for offset in 0..count {
            let at = (self.turn + offset) % count;
            if let Some(ready) = self.poll_one(at, context) {
                self.turn = at + 1;
                return Poll::Ready(ready);
            }
        }
        Poll::Pending
    }

    /// An error counts as ready: reading will meet it and clear it.
    fn poll_one(&self, at: usize, context: &mut Context<'_>) -> Option<Ready> {
        let Some(at) = at.checked_sub(1) else {
            return self.overlay.poll_ready(context).then_some(Ready::Overlay);
        };
        if let Some(locator) = self.locators.get(at) {
            let ready = locator.poll_recv_ready(context).is_ready();
            return ready.then_some(Ready::Locator(at));
        }
        let at = at - self.locators.len();
        let (_, socket) = self.lans.get(at)?;
        socket.poll_ready(context).then_some(Ready::Lan(at))
    }

    /// Reads one packet from a socket that was ready; nothing when no more waits.
    pub(super) fn read<'a>(&self, ready: Ready, buffer: &'a mut [u8]) -> Option<Input<'a>> {
        match ready {
            Ready::Overlay => {
                let len = take(&self.overlay, buffer)?;
                Some(Input::Packet {
                    bytes: buffer.get_mut(..len)?,
                })
            }
            Ready::Locator(at) => {
                let socket = self.locators.get(at)?;
                // ICMP errors that came for earlier datagrams are reported here once each.
                let (len, from) = loop {
                    match socket.try_recv_from(buffer) {
                        Ok((len, SocketAddr::V4(from))) => break (len, from),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                        Ok(_) | Err(_) => {}
                    }
                };
                let locator = LocatorId(u16::try_from(at).ok()?);
                Some(Input::Datagram {
                    locator,
                    from,
                    bytes: buffer.get_mut(..len)?,
                })
            }
            Ready::Lan(at) => {
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
        }
    }

    /// Sends a datagram. A full socket drops it, as a full link would.
    pub(super) fn send(&self, locator: LocatorId, to: SocketAddrV4, bytes: &[u8]) {
        if let Some(socket) = self.locators.get(usize::from(locator.0))
            && let Err(error) = socket.try_send_to(bytes, to.into())
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
