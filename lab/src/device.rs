//! A device as the kernel has it: a network namespace with its interfaces.

use std::collections::BTreeMap;
use std::io;

use design::plan::{InterfaceConfig, Plan};
use driver::PortName;
use inet::Prefix;
use linux::{NetNamespace, Netlink, RouteChange, RouteOwner, RouteTo, Tun, sysctl};

use crate::Error;

/// MTU of all interfaces, as on the platform and its underlays.
const MTU: u16 = 1500;
/// Metric of a host's only default route.
const HOST_METRIC: u32 = 0;

/// What a device needs of the kernel.
struct Description<'a> {
    name: &'a str,
    interfaces: &'a [InterfaceConfig],
    /// Foreign software finds forwarding as the design says; our own daemons see to it themselves.
    forwards: bool,
    /// Whether the only interface leads everywhere.
    host: bool,
}

impl<'a> Description<'a> {
    /// A device that sees to its routes itself.
    const fn of(name: &'a str, interfaces: &'a [InterfaceConfig]) -> Self {
        Self {
            name,
            interfaces,
            forwards: false,
            host: false,
        }
    }

    /// A device whose only interface leads everywhere.
    const fn with_one(name: &'a str, interface: &'a InterfaceConfig) -> Self {
        Self {
            host: true,
            ..Self::of(name, std::slice::from_ref(interface))
        }
    }
}

/// The namespaces of all devices, by name.
pub(crate) type Namespaces = BTreeMap<String, NetNamespace>;

/// An interface's wire, on its way to the fabric.
pub(crate) struct Wire {
    pub(crate) port: PortName,
    pub(crate) tun: Tun,
}

/// Makes the namespaces of all devices; `made` hears of each.
pub(crate) fn make_all(
    plan: &Plan,
    mut made: impl FnMut(usize, usize),
) -> Result<(Namespaces, Vec<Wire>), Error> {
    let descriptions = descriptions(plan);
    let total = descriptions.len();
    let mut namespaces = Namespaces::new();
    let mut wires = Vec::new();
    made(0, total);
    for (count, description) in descriptions.iter().enumerate() {
        let (namespace, tuns) = make(description).map_err(|cause| Error::Missing {
            what: format!("making the network namespace of {}", description.name),
            cause,
        })?;
        namespaces.insert(description.name.to_owned(), namespace);
        for (interface, tun) in description.interfaces.iter().zip(tuns) {
            let port = PortName {
                device: description.name.to_owned(),
                interface: interface.name.clone(),
            };
            wires.push(Wire { port, tun });
        }
        made(count + 1, total);
    }
    Ok((namespaces, wires))
}

fn descriptions(plan: &Plan) -> Vec<Description<'_>> {
    let nodes = plan.nodes.iter();
    let nodes = nodes.map(|it| Description::of(&it.name, &it.interfaces));
    let msees = plan.msees.iter();
    let msees = msees.map(|it| Description::of(&it.name, &it.interfaces));
    let servers = plan.route_servers.iter();
    let servers = servers.map(|it| Description::with_one(&it.name, &it.interface));
    let gateways = plan.gateways.iter();
    let gateways = gateways.map(|it| Description::with_one(&it.name, &it.interface));
    let hosts = plan.hosts.iter();
    let hosts = hosts.map(|it| Description::with_one(&it.name, &it.interface));
    let routers = plan.routers.iter().map(|router| Description {
        forwards: router.foreign,
        ..Description::of(&router.name, &router.interfaces)
    });
    let foreign = plan.foreign.iter().map(|foreign| Description {
        forwards: foreign.ip_forward,
        ..Description::of(&foreign.name, &foreign.interfaces)
    });
    nodes
        .chain(servers)
        .chain(gateways)
        .chain(msees)
        .chain(routers)
        .chain(hosts)
        .chain(foreign)
        .collect()
}

fn make(description: &Description<'_>) -> io::Result<(NetNamespace, Vec<Tun>)> {
    let namespace = NetNamespace::create()?;
    let tuns = namespace.run(|| {
        // The kernel would announce itself on every new interface. A kernel without IPv6 is fine.
        drop(sysctl::write("net.ipv6.conf.all.disable_ipv6", "1"));
        drop(sysctl::write("net.ipv6.conf.default.disable_ipv6", "1"));
        if description.forwards {
            sysctl::write("net.ipv4.ip_forward", "1")?;
            sysctl::write("net.ipv4.conf.all.rp_filter", "2")?;
        }
        let mut netlink = Netlink::open()?;
        let loopback = netlink.interface("lo")?;
        netlink.set_up(loopback, None)?;
        let interfaces = description.interfaces.iter();
        interfaces
            .map(|interface| attach(&mut netlink, interface, description.host))
            .collect()
    })?;
    Ok((namespace, tuns))
}

/// Makes an interface with its address and default route.
fn attach(netlink: &mut Netlink, interface: &InterfaceConfig, host: bool) -> io::Result<Tun> {
    // Persistent, so that closing it at the end takes no time: it goes with its namespace.
    let tun = Tun::create(&interface.name, true)?;
    let index = netlink.interface(&interface.name)?;
    netlink.set_up(index, Some(MTU))?;
    netlink.add_address(index, interface.address, interface.prefix_len)?;
    let metric = interface.default_route_metric;
    if let Some(metric) = metric.or(host.then_some(HOST_METRIC)) {
        let to = RouteTo {
            interface: index,
            gateway: None,
        };
        netlink.change_routes(&[RouteChange {
            prefix: Prefix::DEFAULT,
            owner: RouteOwner::Node,
            metric,
            to: Some(vec![to]),
        }])?;
    }
    Ok(tun)
}
