//! What the machine needs so that classes break out at the site: what comes from LANs, and has no route but a
//! default, goes into the overlay device; what comes back from there leaves by an underlay, with that one's
//! address.
//!
//! Two tables beside the main one have nothing but these defaults, and rules look packets up there by the
//! interface that they came in by. What the machine itself sends is not touched. The rules stay when the
//! process ends; without the overlay device they lead nowhere, and the main table is next.

use std::io;

use design::plan::{NodeConfig, NodeRole};
use inet::Prefix;
use linux::{Lookup, Masquerade, Netlink, RouteChange, RouteOwner, RouteTo, Rule};
use node::InterfaceId;

/// The table with the way out, and the priorities of its rules.
const OUT: u8 = 76;
const OUT_PRIORITY: u32 = 7_600;
/// The table with the way into the overlay device, and the priorities of its rules.
const ASK: u8 = 77;
const ASK_PRIORITY: u32 = 7_700;

/// The machine as it lets classes out.
pub(super) struct Breakout {
    /// Goes with it.
    _masquerade: Masquerade,
    /// Names and indices of the interfaces, by their number.
    interfaces: Vec<(String, u32)>,
}

impl Breakout {
    /// Prepares the machine, if any class breaks out here. Interfaces are in the order of the node's file.
    pub(super) fn prepare(
        config: &NodeConfig,
        netlink: &mut Netlink,
        (overlay, overlay_index): (&str, u32),
        interfaces: &[u32],
    ) -> io::Result<Option<Self>> {
        let is_site = matches!(config.role, NodeRole::Cpe { .. });
        if !is_site || !config.classes.iter().any(|class| class.breakout) {
            return Ok(None);
        }
        let out = [
            Lookup::MainWithoutDefault,
            Lookup::Table(OUT),
            Lookup::Unreachable,
        ];
        add_rules(netlink, overlay, (OUT_PRIORITY, &out))?;
        let named = config.interfaces.iter().zip(interfaces);
        let named: Vec<_> = named
            .map(|(one, index)| (one.name.clone(), *index))
            .collect();
        let outside = |name: &String| {
            let mut locators = config.locators.iter();
            locators.any(|locator| locator.internet && locator.interface == *name)
        };
        let used = |name: &String| config.locators.iter().any(|own| own.interface == *name);
        let indices = |wanted: &dyn Fn(&String) -> bool| -> Vec<u32> {
            let those = named.iter().filter(|(name, _)| wanted(name));
            those.map(|(_, index)| *index).collect()
        };
        let ask = [Lookup::MainWithoutDefault, Lookup::Table(ASK)];
        for (name, _) in named.iter().filter(|(name, _)| !used(name)) {
            add_rules(netlink, name, (ASK_PRIORITY, &ask))?;
        }
        let into_overlay = RouteTo {
            interface: overlay_index,
            gateway: None,
        };
        netlink.change_route_in(ASK, &default(into_overlay))?;
        let (out, lans) = (indices(&outside), indices(&|name| !used(name)));
        Ok(Some(Self {
            _masquerade: Masquerade::new(overlay_index, &out, &lans)?,
            interfaces: named,
        }))
    }

    /// Lets classes out by this interface from now on.
    pub(super) fn leave_by(&self, netlink: &mut Netlink, exit: InterfaceId) -> io::Result<()> {
        let Some((name, interface)) = self.interfaces.get(usize::from(exit.0)) else {
            return Ok(());
        };
        let gateway = linux::default_route_by(name)?.and_then(|route| route.gateway);
        let interface = *interface;
        netlink.change_route_in(OUT, &default(RouteTo { interface, gateway }))
    }
}

/// Rules for what comes in by an interface, one after the other.
fn add_rules(
    netlink: &mut Netlink,
    interface: &str,
    (first, lookups): (u32, &[Lookup]),
) -> io::Result<()> {
    for (priority, lookup) in (first..).zip(lookups) {
        netlink.add_rule(&Rule {
            interface: interface.to_owned(),
            priority,
            lookup: *lookup,
        })?;
    }
    Ok(())
}

fn default(to: RouteTo) -> RouteChange {
    RouteChange {
        prefix: Prefix::DEFAULT,
        owner: RouteOwner::Node,
        metric: 0,
        to: Some(vec![to]),
    }
}
