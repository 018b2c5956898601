//! A router's routes in the kernel, so that the machine forwards as the router decides.
//!
//! They carry the router's own number (`ip route show proto 77`) and a metric behind what the
//! machine's operator sets up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use ::router::{Change, Interface};
use inet::Prefix;
use linux::{LinkChanges, Netlink, RouteChange, RouteOwner, RouteTo, sysctl};

use crate::error::Error;

/// Metric of the router's routes: behind connected ones and the operator's, and an SD-WAN node's.
const METRIC: u32 = 77;

/// Changes made in one go: about a tenth of a second, in which neighbours are not heard.
const AT_ONCE: usize = 16_384;

/// The machine's routes as far as the router changes them.
pub(super) struct Kernel {
    netlink: Netlink,
    links: LinkChanges,
    /// Index of each interface with an address, by name.
    interfaces: BTreeMap<String, u32>,
    /// Route changes not made yet.
    changes: VecDeque<RouteChange>,
}

impl Kernel {
    /// Lets the machine forward.
    pub(super) fn prepare() -> Result<Self, Error> {
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
        Ok(Self {
            netlink: Netlink::open().map_err(Error::system("route netlink"))?,
            // Before interfaces are read, so that no change is missed.
            links: LinkChanges::open().map_err(Error::system("hearing of interfaces"))?,
            interfaces: BTreeMap::new(),
            changes: VecDeque::new(),
        })
    }

    /// The machine's interfaces as they are now; changes are noted with them from now on.
    pub(super) fn read_interfaces(&mut self) -> io::Result<Vec<Interface>> {
        let addresses = self.netlink.addresses()?;
        let indices = addresses.iter().map(|it| (it.name.clone(), it.interface));
        self.interfaces = indices.collect();
        // What is connected to the loopback interface leads nowhere else.
        let elsewhere = addresses.iter().filter(|it| !it.address.is_loopback());
        let interfaces = elsewhere.filter_map(|it| {
            let up = it.up;
            let interface = Interface::new(&it.name, it.address, it.len)?;
            Some(Interface { up, ..interface })
        });
        Ok(interfaces.collect())
    }

    /// Waits until an interface or an address came, went or changed.
    pub(super) async fn links(&self) {
        if let Err(error) = self.links.changed().await {
            tracing::error!(%error, "changes of interfaces are not heard any more");
            std::future::pending::<()>().await;
        }
    }

    /// Forgets the changes that [`Self::links`] has waited for.
    pub(super) fn heard_links(&self) {
        self.links.forget();
    }

    /// The prefixes of the router's routes that the kernel has.
    pub(super) fn routes(&mut self) -> io::Result<BTreeSet<Prefix>> {
        let found = self.netlink.routes(RouteOwner::Router)?.into_iter();
        Ok(found
            .filter(|(_, metric)| *metric == METRIC)
            .map(|(prefix, _)| prefix)
            .collect())
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
                let to: Vec<RouteTo> = to.collect();
                // Only a route that is meant to discard may do so.
                let leads = !to.is_empty() || next_hops.is_empty();
                (*prefix, leads.then_some(to))
            }
            Change::Remove { prefix } => (*prefix, None),
        };
        self.changes.push_back(RouteChange {
            prefix,
            owner: RouteOwner::Router,
            metric: METRIC,
            to,
        });
    }

    /// Makes the first of the route changes that were noted. When one failed, the prefixes of all of them are in
    /// the error.
    pub(super) fn flush(&mut self) -> Result<(), Unsure> {
        let count = self.changes.len().min(AT_ONCE);
        let changes: Vec<RouteChange> = self.changes.drain(..count).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let made = self.netlink.change_routes(&changes);
        made.map_err(|error| Unsure {
            prefixes: changes.iter().map(|change| change.prefix).collect(),
            error,
        })
    }

    /// Whether changes were noted that [`Self::flush`] has not made yet.
    pub(super) fn has_more(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes all routes away.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.netlink.remove_routes(RouteOwner::Router)
    }
}

/// Route changes of which one failed.
pub(super) struct Unsure {
    /// Of which prefixes.
    pub(super) prefixes: Vec<Prefix>,
    /// What the kernel said.
    pub(super) error: io::Error,
}
