//! A router's routes in the kernel, so that the machine forwards as the router decides.
//!
//! They carry the router's own number (`ip route show proto 77`) and a metric behind what the
//! machine's operator sets up. They are all removed at the start, when an earlier run may have left
//! some, and at the end.

use std::collections::BTreeMap;

use ::router::{Change, Interface};
use linux::{Netlink, RouteChange, RouteOwner, RouteTo, sysctl};

use crate::error::Error;

/// Metric of the router's routes: behind connected ones and the operator's, and an SD-WAN node's.
const METRIC: u32 = 77;

/// The machine's routes as far as the router changes them.
pub(super) struct Kernel {
    netlink: Netlink,
    /// Index of each interface with an address, by name.
    interfaces: BTreeMap<String, u32>,
    /// Route changes not made yet.
    changes: Vec<RouteChange>,
}

impl Kernel {
    /// Clears what an earlier run left and lets the machine forward.
    pub(super) fn prepare() -> Result<(Self, Vec<Interface>), Error> {
        let mut netlink = Netlink::open().map_err(Error::system("route netlink"))?;
        let addresses = netlink
            .addresses()
            .map_err(Error::system("looking for interfaces"))?;
        netlink
            .remove_routes(RouteOwner::Router)
            .map_err(Error::system("removing routes that an earlier run left"))?;
        let settings = [
            ("net.ipv4.ip_forward", "1"),
            // Replies may come another way than packets went, so the strict check must be off.
            ("net.ipv4.conf.all.rp_filter", "2"),
            ("net.ipv4.conf.all.send_redirects", "0"),
            // Flows, not only pairs of hosts, share several next hops.
            ("net.ipv4.fib_multipath_hash_policy", "1"),
        ];
        for (name, value) in settings {
            sysctl::write(name, value).map_err(Error::system("letting the machine forward"))?;
        }
        let kernel = Self {
            netlink,
            interfaces: addresses
                .iter()
                .map(|it| (it.name.clone(), it.interface))
                .collect(),
            changes: Vec::new(),
        };
        // What is connected to the loopback interface leads nowhere else.
        let interfaces = addresses
            .iter()
            .filter(|it| !it.address.is_loopback())
            .filter_map(|it| Interface::new(&it.name, it.address, it.len));
        Ok((kernel, interfaces.collect()))
    }

    /// Notes a change to be made.
    pub(super) fn note(&mut self, change: &Change) {
        let (prefix, to) = match change {
            Change::Add { prefix, next_hops } => {
                let to = next_hops.iter().filter_map(|next_hop| {
                    Some(RouteTo {
                        interface: *self.interfaces.get(&next_hop.interface)?,
                        gateway: Some(next_hop.address),
                    })
                });
                (*prefix, Some(to.collect()))
            }
            Change::Remove { prefix } => (*prefix, None),
        };
        self.changes.push(RouteChange {
            prefix,
            owner: RouteOwner::Router,
            metric: METRIC,
            to,
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

    /// Takes all routes away.
    pub(super) fn finish(&mut self) {
        if let Err(error) = self.netlink.remove_routes(RouteOwner::Router) {
            tracing::error!(%error, "removing routes");
        }
    }
}
