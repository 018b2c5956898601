//! All devices of several Plans in one: the ground on which a lab walks from one Plan to the next.
//!
//! Namespaces, interfaces and the fabric are made once; which daemons run, and from which files,
//! changes from step to step. So an interface must have one address at every step.

use core::fmt;
use core::net::Ipv4Addr;

use design::plan::{FabricConfig, InterfaceConfig, Plan, VnetConfig};

/// An interface that has two addresses on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The device.
    pub device: String,
    /// Its interface.
    pub interface: String,
    /// Its first address.
    pub first: Ipv4Addr,
    /// Another one.
    pub then: Ipv4Addr,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            interface,
            first,
            then,
        } = self;
        write!(
            f,
            "{interface} of {device} has {first} at one step and {then} at another: give it an address in both designs"
        )
    }
}

impl core::error::Error for Clash {}

/// All devices of these Plans. Settings of a device are those of the last Plan that has it.
///
/// # Errors
///
/// An interface changes its address.
pub fn union<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Result<Option<Plan>, Clash> {
    let mut plans = plans.into_iter();
    let Some(mut all) = plans.next().cloned() else {
        return Ok(None);
    };
    for plan in plans {
        add(&mut all, plan)?;
    }
    Ok(Some(all))
}

fn add(all: &mut Plan, plan: &Plan) -> Result<(), Clash> {
    for node in &plan.nodes {
        let known = all.nodes.iter_mut().find(|known| known.name == node.name);
        let Some(known) = known else {
            all.nodes.push(node.clone());
            continue;
        };
        let old = known.clone();
        *known = node.clone();
        known.interfaces = old.interfaces;
        interfaces(&node.name, &mut known.interfaces, &node.interfaces)?;
        merge(&mut known.locators, &old.locators, |one| one.name.clone());
    }
    for router in &plan.routers {
        let known = all
            .routers
            .iter_mut()
            .find(|known| known.name == router.name);
        match known {
            Some(known) => interfaces(&router.name, &mut known.interfaces, &router.interfaces)?,
            None => all.routers.push(router.clone()),
        }
    }
    for msee in &plan.msees {
        match all.msees.iter_mut().find(|known| known.name == msee.name) {
            Some(known) => interfaces(&msee.name, &mut known.interfaces, &msee.interfaces)?,
            None => all.msees.push(msee.clone()),
        }
    }
    merge(&mut all.gateways, &plan.gateways, |one| one.name.clone());
    merge(&mut all.route_servers, &plan.route_servers, |one| {
        one.name.clone()
    });
    merge(&mut all.hosts, &plan.hosts, |one| one.name.clone());
    merge(&mut all.foreign, &plan.foreign, |one| one.name.clone());
    merge(&mut all.regions, &plan.regions, |one| one.name.clone());
    merge(&mut all.sites, &plan.sites, |one| one.name.clone());
    fabric(&mut all.fabric, &plan.fabric);
    Ok(())
}

/// Adds what is not there by its key.
fn merge<T: Clone, K: PartialEq>(all: &mut Vec<T>, more: &[T], key: impl Fn(&T) -> K) {
    for one in more {
        if !all.iter().any(|known| key(known) == key(one)) {
            all.push(one.clone());
        }
    }
}

fn interfaces(
    device: &str,
    all: &mut Vec<InterfaceConfig>,
    more: &[InterfaceConfig],
) -> Result<(), Clash> {
    for one in more {
        match all.iter().find(|known| known.name == one.name) {
            Some(known) if known.address != one.address => {
                return Err(Clash {
                    device: device.to_owned(),
                    interface: one.name.clone(),
                    first: known.address,
                    then: one.address,
                });
            }
            Some(_) => {}
            None => all.push(one.clone()),
        }
    }
    Ok(())
}

fn fabric(all: &mut FabricConfig, more: &FabricConfig) {
    merge(&mut all.regions, &more.regions, |one| one.name.clone());
    merge(&mut all.backbone, &more.backbone, |one| {
        (one.a.clone(), one.b.clone())
    });
    for vnet in &more.vnets {
        match all.vnets.iter_mut().find(|known| known.name == vnet.name) {
            Some(known) => grow(known, vnet),
            None => all.vnets.push(vnet.clone()),
        }
    }
    merge(&mut all.nics, &more.nics, |one| {
        (one.device.clone(), one.interface.clone())
    });
    merge(&mut all.nsgs, &more.nsgs, |one| one.name.clone());
    merge(&mut all.route_tables, &more.route_tables, |one| {
        one.name.clone()
    });
    merge(&mut all.clouds, &more.clouds, |one| one.name.clone());
    merge(&mut all.attachments, &more.attachments, |one| {
        (one.device.clone(), one.interface.clone())
    });
    for lan in &more.lans {
        let known = all
            .lans
            .iter_mut()
            .find(|known| known.site == lan.site && known.prefix == lan.prefix);
        match known {
            Some(known) => merge(&mut known.ports, &lan.ports, |one| {
                (one.device.clone(), one.interface.clone())
            }),
            None => all.lans.push(lan.clone()),
        }
    }
    merge(&mut all.wires, &more.wires, |one| {
        (one.a.device.clone(), one.a.interface.clone())
    });
    merge(&mut all.forwarders, &more.forwarders, |one| {
        one.device.clone()
    });
}

fn grow(all: &mut VnetConfig, more: &VnetConfig) {
    merge(&mut all.subnets, &more.subnets, |one| one.name.clone());
    merge(&mut all.peerings, &more.peerings, |one| one.remote.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sites: &str) -> Plan {
        let text = format!(
            "longhaul: 1\nname: x\noverlay: {{asn: 65010, summaries: [10.0.0.0/8]}}\n\
             regions: {{westeurope: {{hub: {{address_space: 10.1.0.0/20}}}}}}\nsites: [{sites}]\n"
        );
        let (design, reports) = design::read("test", &text, &design::NoFiles);
        let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
        design::resolve(&design, &|locator| locator.to_owned())
            .unwrap_or_else(|reports| panic!("{}", reports.render(false)))
    }

    #[test]
    fn devices_of_all_plans_are_there_once() {
        let paris = plan("{name: paris, city: Paris, lans: [10.200.1.0/24]}");
        let both = plan(
            "{name: paris, city: Paris, lans: [10.200.1.0/24]}, {name: lyon, city: Lyon, lans: [10.200.2.0/24]}",
        );
        let all = union([&paris, &both]).expect("no clash").expect("a Plan");
        let names = |plan: &Plan| -> Vec<String> {
            plan.nodes.iter().map(|node| node.name.clone()).collect()
        };
        assert_eq!(names(&all), names(&both));
        assert_eq!(all.fabric.attachments.len(), both.fabric.attachments.len());
    }

    #[test]
    fn an_interface_with_two_addresses_is_refused() {
        let first = plan("{name: paris, city: Paris, lans: [10.200.1.0/24]}");
        let then = plan("{name: paris, city: Paris, lans: [10.200.2.0/24]}");
        let clash = union([&first, &then]).expect_err("a clash");
        assert_eq!(
            (clash.device.as_str(), clash.interface.as_str()),
            ("cpe1.paris", "lan0")
        );
    }
}
