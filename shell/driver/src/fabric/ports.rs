//! The interfaces: one TUN descriptor for each port of the fabric.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;

use azure::Fabric;
use azure::fabric::PortId;
use linux::Tun;
use linux::epoll::Poller;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Packets taken from one port before the others have their turn.
pub(super) const BUDGET: usize = 32;
/// Larger than any packet that a TUN device without offloads hands over.
const PACKET_MAX: usize = 65_536;

/// What a TUN descriptor on the way to the fabric is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortName {
    /// The device.
    pub device: String,
    /// Its interface.
    pub interface: String,
}

/// All interfaces, by port.
pub(super) struct Ports {
    tuns: BTreeMap<PortId, Tun>,
    buffer: Vec<u8>,
}

impl Ports {
    /// Receives interfaces until every port of the fabric has one.
    pub(super) fn receive(socket: &UnixStream, fabric: &Fabric) -> Result<Self, Error> {
        let missing = fabric.ports().count();
        let mut tuns = BTreeMap::new();
        let mut buffer = vec![0; PACKET_MAX];
        while tuns.len() < missing {
            let (len, descriptors) = linux::receive_descriptors(socket, &mut buffer)
                .map_err(Error::system("receiving interfaces"))?;
            let bytes = buffer.get(..len).unwrap_or_default();
            if bytes.is_empty() {
                return Err(Error::system("receiving interfaces")(io::Error::other(
                    format!("{} of {missing} came", tuns.len()),
                )));
            }
            let names: Vec<PortName> = serde_json::from_slice(bytes)
                .map_err(|error| Error::system("receiving interfaces")(error.into()))?;
            for (name, descriptor) in names.into_iter().zip(descriptors) {
                // Interfaces that the fabric does not know lead nowhere; that is not an error.
                if let Some(port) = fabric.port(&name.device, &name.interface) {
                    tuns.insert(port, Tun::from(descriptor));
                }
            }
        }
        Ok(Self { tuns, buffer })
    }

    /// Waits for packets of all ports.
    pub(super) fn watch(&self, poller: &Poller) -> io::Result<()> {
        self.tuns
            .iter()
            .try_for_each(|(port, tun)| poller.add_readable(tun, port.0.into()))
    }

    /// The next packet that a device has sent, if any waits. IPv6, which the kernel speaks unasked,
    /// is left out.
    pub(super) fn read(&mut self, token: u64) -> Option<(PortId, Vec<u8>)> {
        let port = PortId(u32::try_from(token).ok()?);
        let tun = self.tuns.get(&port)?;
        for _ in 0..BUDGET {
            let len = tun.read(&mut self.buffer).ok()?;
            let packet = self.buffer.get(..len)?;
            if packet.first().is_some_and(|first| first >> 4 == 4) {
                return Some((port, packet.to_vec()));
            }
        }
        None
    }

    /// Gives a packet to a device.
    pub(super) fn write(&self, port: PortId, packet: &[u8]) {
        if let Some(tun) = self.tuns.get(&port)
            && let Err(error) = tun.write(packet)
        {
            // A device that is being taken down has its interfaces down.
            tracing::debug!(%error, ?port, "delivering");
        }
    }
}
