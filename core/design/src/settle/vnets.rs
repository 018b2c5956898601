//! Virtual networks: address space, subnets, peering.

use core::net::Ipv4Addr;

use inet::Prefix;

use super::{Peering, Subnet, Val, Vnet, Why, pick};
use crate::model::{PeeringText, SubnetText, VnetText};
use crate::reader::{At, Inherit};
use crate::report::Report;
use crate::scalars::{AnyPrefix, Count};

/// The subnet of the NVAs.
pub(crate) const NVA_SUBNET: &str = "nva";
/// The platform's name for Route Server's subnet.
pub(crate) const ROUTE_SERVER_SUBNET: &str = "RouteServerSubnet";
/// The platform's name for the gateways' subnet.
pub(crate) const GATEWAY_SUBNET: &str = "GatewaySubnet";

const NVA_NEED: (&str, &str) = (NVA_SUBNET, "a hub has a subnet for its NVAs");
const ROUTE_SERVER_NEED: (&str, &str) = (
    ROUTE_SERVER_SUBNET,
    "Route Server stands in a subnet of this name",
);
const GATEWAY_NEED: (&str, &str) = (GATEWAY_SUBNET, "room for an ExpressRoute gateway");

/// Where a VNet stands while it is settled.
pub(super) struct Place<'a> {
    pub(super) region: &'a str,
    pub(super) short: String,
    pub(super) number: u16,
    pub(super) why: Why,
}

pub(super) fn vnet(
    place: Place<'_>,
    index: usize,
    text: &VnetText,
    peering: &PeeringText,
    (route_server, lends): (bool, bool),
    reports: &mut Vec<Report>,
) -> Vnet {
    let is_hub = index == 0;
    let (space, space_v6) = space(&place, index, text, reports);
    let name = format!("{}-{}", place.short, place.region);
    let own = text
        .peering
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default()
        .over(peering);
    let mut vnet = Vnet {
        name: Val {
            value: name,
            why: place.why,
        },
        short: place.short,
        space,
        space_v6,
        subnets: Vec::new(),
        vms: pick!([text.vms], 0, "no VM unless said", |count: &Count<
            0,
            200,
        >| count.0),
        peering: self::peering(&own, route_server, lends),
    };
    vnet.subnets = subnets(&vnet, text, is_hub, route_server, reports);
    if vnet.vms.value > 0 && workload_subnet(&vnet).is_none() {
        let at = vnet.vms.why.span().or(place.why.span());
        if let Some(at) = at {
            reports.push(Report::shape(
                at,
                format!("{} has no subnet for its VMs", vnet.name.value),
            ));
        }
    }
    vnet
}

/// The subnet that VMs stand in: the first that is not the platform's or the NVAs'.
pub(crate) fn workload_subnet(vnet: &Vnet) -> Option<&Subnet> {
    let reserved = [NVA_SUBNET, ROUTE_SERVER_SUBNET, GATEWAY_SUBNET];
    vnet.subnets
        .iter()
        .find(|subnet| !(vnet.short == "hub" && reserved.contains(&subnet.name.value.as_str())))
}

fn space(
    place: &Place<'_>,
    index: usize,
    text: &VnetText,
    reports: &mut Vec<Report>,
) -> (Val<Vec<Prefix>>, Vec<At<String>>) {
    if let Some(written) = &text.address_space {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for at in &written.value.0 {
            match &at.value {
                AnyPrefix::V4(prefix) => v4.push(*prefix),
                AnyPrefix::V6(text) => v6.push(At {
                    value: text.clone(),
                    span: at.span,
                }),
            }
        }
        if v4.is_empty() {
            reports.push(Report::shape(
                written.span,
                "a VNet has at least one IPv4 prefix",
            ));
        }
        return (Val::line(v4, written.span), v6);
    }
    let why = "10.N.0.0/16 for region N of the design: a /20 for the hub, then one for each spoke";
    let octets = u8::try_from(place.number)
        .ok()
        .zip(u8::try_from(index * 16).ok());
    let prefix = octets
        .filter(|(number, _)| *number < 128)
        .and_then(|(number, third)| Prefix::new(Ipv4Addr::new(10, number, third, 0), 20));
    if prefix.is_none()
        && let Some(at) = place.why.span()
    {
        let says = format!("`{}` needs an address_space of its own", place.short);
        let because = "the built-in plan has room for 127 regions with 15 spokes each";
        reports.push(Report::shape(at, says).because(because));
    }
    (Val::default(prefix.into_iter().collect(), why), Vec::new())
}

fn peering(text: &PeeringText, route_server: bool, lends: bool) -> Peering {
    let remote_why = match (route_server, lends) {
        (true, _) => "spokes learn their routes from the hub's Route Server",
        (false, true) => "spokes learn their routes from the hub's gateway",
        (false, false) => "the hub has no Route Server to use",
    };
    Peering {
        access: Val::pick(
            &[text.allow_virtual_network_access.as_ref()],
            true,
            "the VNets are one network",
        ),
        forwarded: Val::pick(
            &[text.allow_forwarded_traffic.as_ref()],
            true,
            "packets from sites come forwarded by the NVAs",
        ),
        transit: Val::pick(
            &[text.hub_allow_gateway_transit.as_ref()],
            lends,
            remote_why,
        ),
        remote: Val::pick(
            &[text.spoke_use_remote_gateways.as_ref()],
            lends,
            remote_why,
        ),
    }
}

/// The subnets as written, and in a hub those that it must have.
fn subnets(
    vnet: &Vnet,
    text: &VnetText,
    is_hub: bool,
    route_server: bool,
    reports: &mut Vec<Report>,
) -> Vec<Subnet> {
    let written = text
        .subnets
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let mut wanted: Vec<(Val<String>, SubnetText)> = written
        .iter()
        .map(|(name, text)| (Val::line(name.value.clone(), name.span), text.clone()))
        .collect();
    let needed: &[(&str, &'static str)] = match (is_hub, route_server) {
        (true, true) => &[NVA_NEED, ROUTE_SERVER_NEED, GATEWAY_NEED],
        (true, false) => &[NVA_NEED, GATEWAY_NEED],
        (false, _) if wanted.is_empty() => &[("default", "a spoke has at least one subnet")],
        (false, _) => &[],
    };
    for (name, why) in needed {
        if !wanted
            .iter()
            .any(|(known, _)| known.value.eq_ignore_ascii_case(name))
        {
            wanted.push((Val::default((*name).to_owned(), why), SubnetText::default()));
        }
    }
    let mut taken: Vec<Prefix> = wanted
        .iter()
        .filter_map(|(_, text)| Some(text.prefix.as_ref()?.value))
        .collect();
    let mut subnets = Vec::with_capacity(wanted.len());
    for (name, text) in wanted {
        let prefix = match &text.prefix {
            Some(at) => Some(Val::line(at.value, at.span)),
            None => derived(&name.value, vnet, &mut taken),
        };
        let Some(prefix) = prefix else {
            if let Some(at) = name
                .why
                .span()
                .or(vnet.space.why.span())
                .or(vnet.name.why.span())
            {
                let says = format!(
                    "the address space of {} has no room for its subnet {}",
                    vnet.name.value, name.value
                );
                reports.push(Report {
                    rule: "subnet-size",
                    ..Report::shape(at, says)
                });
            }
            continue;
        };
        let line = |at: At<String>| Val::line(at.value, at.span);
        subnets.push(Subnet {
            name,
            prefix,
            nsg: text.nsg.map(line),
            route_table: text.route_table.map(line),
        });
    }
    subnets
}

/// The first free part of the address space that is large enough.
fn derived(name: &str, vnet: &Vnet, taken: &mut Vec<Prefix>) -> Option<Val<Prefix>> {
    let (len, why) = match name {
        NVA_SUBNET => (
            26,
            "a /26, the first free one: 8 NVAs and as many load balancers",
        ),
        ROUTE_SERVER_SUBNET => (26, "a /26, the first free one: the platform's smallest"),
        GATEWAY_SUBNET => (27, "a /27, the first free one: the platform's advice"),
        _ => (24, "a /24, the first free one"),
    };
    let free = |space: &Prefix, taken: &[Prefix]| {
        let len = len.max(space.len());
        let all =
            (0..1u64 << (len - space.len()).min(16)).filter_map(|index| space.subnet(len, index));
        all.into_iter()
            .find(|part| !taken.iter().any(|other| other.overlaps(*part)))
    };
    let prefix = vnet
        .space
        .value
        .iter()
        .find_map(|space| free(space, taken))?;
    taken.push(prefix);
    Some(Val::default(prefix, why))
}
