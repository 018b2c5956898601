//! What a node changes in the machine: the overlay device, routes, virtual addresses, forwarding.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use design::plan::NodeConfig;
use inet::Prefix;
use linux::batch::BATCH_OCTETS_MAX;
use linux::{DefaultRoute, Netlink, RouteChange, RouteOwner, RouteTo, TunQueue, sysctl};
use node::{InterfaceId, LanId, RouteVia};
use offload::Offload;

use super::breakout::Breakout;
use crate::error::Error;

/// The overlay device.
const OVERLAY: &str = "lh0";
/// Packets and super-packets that may wait at the overlay device for a forwarding thread. Their queues, which are managed,
/// are behind it.
const OVERLAY_QUEUE: u32 = 128;
/// Octets of the headers of a TCP segment without options.
const HEADERS: usize = 40;
/// What the kernel takes off the size of a super-packet for headers (`MAX_TCP_HEADER`), and some.
const KERNEL_RESERVE: usize = 400;
/// Least and most octets of a super-packet that interfaces take.
const LEAST: u32 = 16 * 1024;
const MOST: u32 = 65_535;
/// Metric of the node's routes: behind what the machine itself or its operator sets up.
const METRIC: u32 = 76;

/// The machine's network as far as the node changes it. The overlay device, with its routes and the
/// node's address, goes when the process goes.
pub(super) struct Kernel {
    netlink: Netlink,
    overlay: Vec<Arc<TunQueue>>,
    overlay_index: u32,
    /// Indices of the interfaces in the node's file, by their number.
    interfaces: Vec<u32>,
    /// Interfaces of the LANs, by their number: name and index.
    lans: Vec<(String, u32)>,
    /// `None` where no class breaks out.
    breakout: Option<Breakout>,
    /// Route changes not made yet.
    changes: Vec<RouteChange>,
}

impl Kernel {
    /// Makes the overlay device and lets the machine forward.
    pub(super) fn prepare(config: &NodeConfig) -> Result<Self, Error> {
        let threads = usize::from(config.forwarding.threads);
        let overlay = TunQueue::create(OVERLAY, threads).map_err(Error::system(format!(
            "making the overlay device {OVERLAY}"
        )))?;
        let mut netlink = Netlink::open().map_err(Error::system("route netlink"))?;
        let system = |cause| Error::system(format!("setting {OVERLAY} up"))(cause);
        let overlay_index = netlink.interface(OVERLAY).map_err(system)?;
        netlink
            .set_queue_len(overlay_index, OVERLAY_QUEUE)
            .and_then(|()| netlink.set_up(overlay_index, Some(config.mtu)))
            .and_then(|()| netlink.add_address(overlay_index, config.loopback, 32))
            .map_err(system)?;
        let lans = config
            .lans
            .iter()
            .map(|lan| Ok((lan.interface.clone(), netlink.interface(&lan.interface)?)))
            .collect::<io::Result<_>>()
            .map_err(Error::system("looking for the LANs"))?;
        let interfaces: Vec<u32> = config
            .interfaces
            .iter()
            .map(|interface| netlink.interface(&interface.name))
            .collect::<io::Result<_>>()
            .map_err(Error::system("looking for the interfaces"))?;
        let from = (OVERLAY, overlay_index);
        let breakout = Breakout::prepare(config, &mut netlink, from, &interfaces)
            .map_err(Error::system("letting classes out to the internet"))?;
        shape_super_packets(&mut netlink, config.mtu, overlay_index, &interfaces)
            .map_err(system)?;
        let settings = [
            ("net.ipv4.ip_forward", "1"),
            // Replies may come another way than packets went, so the strict check must be off.
            ("net.ipv4.conf.all.rp_filter", "2"),
            ("net.ipv4.conf.all.send_redirects", "0"),
            // The node's own ICMP errors come out of the overlay device, on their way to hosts.
            (&format!("net.ipv4.conf.{OVERLAY}.accept_local"), "1"),
        ];
        for (name, value) in settings {
            sysctl::write(name, value).map_err(Error::system("letting the machine forward"))?;
        }
        Ok(Self {
            netlink,
            overlay: overlay.into_iter().map(Arc::new).collect(),
            overlay_index,
            interfaces,
            lans,
            breakout,
            changes: Vec::new(),
        })
    }

    /// The overlay device's queues, one for each forwarding thread.
    pub(super) fn overlay(&self) -> &[Arc<TunQueue>] {
        &self.overlay
    }

    /// Gives a packet to the kernel, which delivers or forwards it.
    pub(super) fn deliver(&self, packet: &[u8]) {
        if let Some(queue) = self.overlay.first()
            && let Err(error) = queue.write(&Offload::NONE.to_bytes(), &[packet])
        {
            tracing::debug!(%error, "delivering to the kernel");
        }
    }

    /// Notes a route to be made.
    pub(super) fn add_route(&mut self, prefix: Prefix, via: RouteVia) {
        let to = match via {
            RouteVia::Overlay => Some(RouteTo {
                interface: self.overlay_index,
                gateway: None,
            }),
            RouteVia::Underlay => self.underlay(),
            RouteVia::Router { interface, address } => {
                let index = self.interfaces.get(usize::from(interface.0));
                index.map(|index| RouteTo {
                    interface: *index,
                    gateway: Some(address),
                })
            }
        };
        if to.is_none() {
            tracing::warn!(%prefix, "no default route to send it by");
        }
        self.changes.push(RouteChange {
            prefix,
            owner: RouteOwner::Node,
            metric: METRIC,
            to: to.map(|to| vec![to]),
        });
    }

    /// Notes a route to be removed.
    pub(super) fn remove_route(&mut self, prefix: Prefix) {
        self.changes.push(RouteChange {
            prefix,
            owner: RouteOwner::Node,
            metric: METRIC,
            to: None,
        });
    }

    /// Makes the route changes that were noted.
    pub(super) fn flush(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        if let Err(error) = self.netlink.change_routes(&self.changes) {
            tracing::error!(%error, "changing routes");
        }
        self.changes.clear();
    }

    /// Lets classes out by this interface from now on.
    pub(super) fn leave_by(&mut self, exit: InterfaceId) {
        let breakout = self.breakout.as_ref();
        let result = breakout.map_or(Ok(()), |one| one.leave_by(&mut self.netlink, exit));
        if let Err(error) = result {
            tracing::error!(%error, "letting classes out to the internet");
        }
    }

    /// Puts a virtual address on a LAN's interface or takes it away.
    pub(super) fn virtual_address(&mut self, lan: LanId, address: Ipv4Addr, acquire: bool) {
        let Some((name, interface)) = self.lans.get(usize::from(lan.0)) else {
            return;
        };
        let result = if acquire {
            self.netlink
                .add_address(*interface, address, 32)
                .and_then(|()| linux::announce_address(name, address))
        } else {
            self.netlink.remove_address(*interface, address, 32)
        };
        if let Err(error) = result {
            tracing::error!(%error, "virtual address");
        }
    }

    /// Where the best default route leads.
    fn underlay(&mut self) -> Option<RouteTo> {
        let DefaultRoute { interface, gateway } = linux::default_route()
            .inspect_err(|error| tracing::error!(%error, "reading the default route"))
            .ok()??;
        let interface = self.netlink.interface(&interface).ok()?;
        Some(RouteTo { interface, gateway })
    }
}

/// Makes one super-packet as much as one batch of datagrams carries: with a segment or two more, each would take two
/// system calls, the second one for next to nothing. What the machine forwards comes in as large as it may go out.
fn shape_super_packets(
    netlink: &mut Netlink,
    mtu: u16,
    overlay: u32,
    interfaces: &[u32],
) -> io::Result<()> {
    let datagram = usize::from(mtu) + tunnel::OVERHEAD;
    let segments = BATCH_OCTETS_MAX / datagram;
    let octets = segments * usize::from(mtu).saturating_sub(HEADERS) + KERNEL_RESERVE;
    let octets = u32::try_from(octets).unwrap_or(u32::MAX).clamp(LEAST, MOST);
    netlink.set_super_packet(overlay, octets)?;
    for interface in interfaces {
        // An older kernel cuts what is larger, which costs time only.
        if let Err(error) = netlink.set_received_super_packet(*interface, octets) {
            tracing::debug!(%error, "shaping super-packets");
        }
    }
    Ok(())
}
