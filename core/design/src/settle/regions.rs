//! Regions: hubs, spokes, subnets, NVAs, Route Servers, and the backbone between them.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Prefix;

use super::{
    Backbone, ForeignRouter, Nvas, Peering, Region, RouteServer, Subnet, Val, Vnet, Why, pick,
    region_index, unknown,
};
use crate::geography::{self, Atlas};
use crate::model::{
    DefaultsText, NsgRuleText, NvaMode, NvasText, PeeringText, Preference, RegionDefaultsText,
    RegionText, RouteServerSettings, RouteServerText, RuleAction, RuleDirection, RuleProtocol,
    SubnetText, VnetText,
};
use crate::plan;
use crate::reader::{At, Inherit};
use crate::report::Report;
use crate::scalars::{AnyPrefix, Count, Text, TimeSpan};

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

/// Settles all regions, numbered from 1 in the order of the design.
pub(crate) fn settle_all(
    texts: &[(At<String>, RegionText)],
    defaults: &DefaultsText,
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Vec<Region> {
    let shared = defaults
        .region
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let mut regions = Vec::with_capacity(texts.len());
    for (index, (name, text)) in texts.iter().enumerate() {
        let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
        let place = match (&text.coordinates, atlas.region(&name.value)) {
            (Some(at), _) => Val::line(at.value, at.span),
            (None, Some(place)) => Val::default(place, "built in: Azure's published coordinates"),
            (None, None) => {
                let known = geography::regions().map(|(name, _)| name).collect();
                let mut report = unknown("Azure region", &name.value, name.span, known);
                report.says = format!("`{}` is not a region of Azure that is built in", name.value);
                if report.try_this.is_empty() {
                    report.try_this = "give it `coordinates: [latitude, longitude]`".to_owned();
                }
                reports.push(report);
                Val::default(inet::Coordinates::default(), "unknown")
            }
        };
        regions.push(region(name, text, number, place, &shared, reports));
    }
    regions
}

fn region(
    name: &At<String>,
    text: &RegionText,
    number: u16,
    place: Val<inet::Coordinates>,
    shared: &RegionDefaultsText,
    reports: &mut Vec<Report>,
) -> Region {
    let (route_server, route_server_why) = route_server(text, shared);
    let peering = text
        .peering
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let peering = match &shared.peering {
        Some(base) => peering.over(&base.value),
        None => peering,
    };
    let hub_text = text
        .hub
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let site = |short: &str, why| Place {
        region: &name.value,
        short: short.to_owned(),
        number,
        why,
    };
    let hub_why = text
        .hub
        .as_ref()
        .map_or(Why::Line(name.span), |at| Why::Line(at.span));
    let has_server = route_server.is_some();
    let hub = vnet(
        site("hub", hub_why),
        0,
        &hub_text,
        &peering,
        has_server,
        reports,
    );
    let spoke_texts = text
        .spokes
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let spokes = spoke_texts
        .iter()
        .enumerate()
        .map(|(index, (short, text))| {
            let place = site(&short.value, Why::Line(short.span));
            vnet(place, index + 1, text, &peering, has_server, reports)
        });
    let spokes: Vec<Vnet> = spokes.collect();
    let region = Region {
        name: Val::line(name.value.clone(), name.span),
        number,
        place,
        nvas: nvas(text, shared, reports),
        route_server,
        route_server_why,
        nsgs: nsgs(text),
        route_tables: route_tables(text),
        foreign: foreign(text),
        hub,
        spokes,
    };
    check_references(&region, reports);
    region
}

fn nvas(text: &RegionText, shared: &RegionDefaultsText, reports: &mut Vec<Report>) -> Nvas {
    let own = text
        .nvas
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let base = shared
        .nvas
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let NvasText {
        count,
        mode,
        vm_size,
        ..
    } = own.over(&base);
    let count = pick!([count], 2, "two, so that one may fail", |count: &Count<
        1,
        8,
    >| count.0);
    let public = own.public_addresses.map(|at| at.value).unwrap_or_default();
    if let Some(extra) = public.get(count.value as usize) {
        reports.push(Report::shape(
            extra.span,
            format!("there are {} NVAs and more addresses", count.value),
        ));
    }
    Nvas {
        count,
        mode: Val::pick(
            &[mode.as_ref()],
            NvaMode::ActiveActive,
            "all NVAs carry traffic",
        ),
        vm_size: pick!(
            [vm_size],
            "Standard_D8s_v5".to_owned(),
            "12.5 Gbit/s on four interfaces",
            |text: &Text| text.0.clone()
        ),
        public_addresses: public
            .into_iter()
            .map(|at| Val::line(at.value, at.span))
            .collect(),
    }
}

fn route_server(text: &RegionText, shared: &RegionDefaultsText) -> (Option<RouteServer>, Why) {
    let base = match &shared.route_server {
        Some(At {
            value: RouteServerText::Settings(settings),
            ..
        }) => settings.clone(),
        _ => RouteServerSettings::default(),
    };
    let choice = text.route_server.as_ref().or(shared.route_server.as_ref());
    let why = choice.map_or(
        Why::Default("Route Server is what connects the hub to its VNets"),
        |at| Why::Line(at.span),
    );
    let settings = match choice.map(|at| &at.value) {
        Some(RouteServerText::Switch(false)) => return (None, why),
        Some(RouteServerText::Settings(settings)) => settings.over(&base),
        Some(RouteServerText::Switch(true)) | None => base,
    };
    let server = RouteServer {
        branch_to_branch: Val::pick(
            &[settings.branch_to_branch.as_ref()],
            false,
            "the platform's default",
        ),
        preference: Val::pick(
            &[settings.routing_preference.as_ref()],
            Preference::ExpressRoute,
            "the platform's default",
        ),
        hold_time: pick!(
            [settings.hold_time],
            Duration::from_secs(180),
            "the platform's 180 s",
            |span: &TimeSpan| span.0
        ),
        routes_per_peer: pick!(
            [settings.routes_per_peer],
            4_000,
            "the platform's limit since September 2025",
            |count: &Count<1, 100_000>| count.0
        ),
    };
    (Some(server), why)
}

/// Where a VNet stands while it is settled.
struct Place<'a> {
    region: &'a str,
    short: String,
    number: u16,
    why: Why,
}

fn vnet(
    place: Place<'_>,
    index: usize,
    text: &VnetText,
    peering: &PeeringText,
    route_server: bool,
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
        peering: self::peering(&own, route_server),
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

fn peering(text: &PeeringText, route_server: bool) -> Peering {
    let remote_why = match route_server {
        true => "spokes learn their routes from the hub's Route Server",
        false => "the hub has no Route Server to use",
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
            route_server,
            remote_why,
        ),
        remote: Val::pick(
            &[text.spoke_use_remote_gateways.as_ref()],
            route_server,
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

fn nsgs(text: &RegionText) -> Vec<(Val<String>, Vec<plan::NsgRuleConfig>)> {
    let all = text
        .nsgs
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let settled = all.iter().map(|(name, nsg)| {
        let rules = nsg
            .rules
            .as_ref()
            .map(|at| &at.value[..])
            .unwrap_or_default();
        let rules = rules
            .iter()
            .filter_map(|rule| nsg_rule(&rule.value))
            .collect();
        (Val::line(name.value.clone(), name.span), rules)
    });
    settled.collect()
}

fn nsg_rule(rule: &NsgRuleText) -> Option<plan::NsgRuleConfig> {
    let address = |at: &Option<At<crate::model::RuleAddress>>| at.as_ref().map(|at| at.value.0);
    Some(plan::NsgRuleConfig {
        name: rule.name.as_ref()?.value.clone(),
        priority: u16::try_from(rule.priority.as_ref()?.value.0).ok()?,
        direction: match rule.direction.as_ref().map(|at| at.value) {
            Some(RuleDirection::Out) => plan::Direction::Out,
            Some(RuleDirection::In) | None => plan::Direction::In,
        },
        allow: rule
            .action
            .as_ref()
            .is_none_or(|at| at.value == RuleAction::Allow),
        protocol: match rule.protocol.as_ref().map(|at| at.value) {
            None | Some(RuleProtocol::Any) => None,
            Some(RuleProtocol::Icmp) => Some(1),
            Some(RuleProtocol::Tcp) => Some(6),
            Some(RuleProtocol::Udp) => Some(17),
        },
        source: address(&rule.source),
        destination: address(&rule.destination),
        ports: rule.ports.as_ref().map(|at| (at.value.0, at.value.1)),
    })
}

fn route_tables(text: &RegionText) -> Vec<(Val<String>, plan::RouteTableConfig)> {
    let all = text
        .route_tables
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let settled = all.iter().map(|(name, table)| {
        let routes = table
            .routes
            .as_ref()
            .map(|at| &at.value[..])
            .unwrap_or_default();
        let routes = routes.iter().filter_map(|route| {
            let prefix = route.value.prefix.as_ref()?.value;
            Some(plan::UserRouteConfig {
                prefix,
                next_hop: route.value.next_hop.as_ref()?.value.0,
            })
        });
        let config = plan::RouteTableConfig {
            name: name.value.clone(),
            disable_bgp_propagation: table
                .disable_bgp_propagation
                .as_ref()
                .is_some_and(|at| at.value),
            routes: routes.collect(),
        };
        (Val::line(name.value.clone(), name.span), config)
    });
    settled.collect()
}

fn foreign(text: &RegionText) -> Vec<ForeignRouter> {
    let all = text
        .foreign
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let settled = all.iter().filter_map(|(name, router)| {
        let asn = router.asn.as_ref()?;
        Some(ForeignRouter {
            name: Val::line(name.value.clone(), name.span),
            asn: Val::line(asn.value, asn.span),
            address: router
                .address
                .as_ref()
                .map(|at| Val::line(at.value, at.span)),
            peers: Val::pick(
                &[router.route_server.as_ref()],
                true,
                "a router beside ours peers with Route Server",
            ),
        })
    });
    settled.collect()
}

/// NSGs and route tables that subnets name must exist in the region.
fn check_references(region: &Region, reports: &mut Vec<Report>) {
    let nsgs: Vec<&str> = region
        .nsgs
        .iter()
        .map(|(name, _)| name.value.as_str())
        .collect();
    let tables: Vec<&str> = region
        .route_tables
        .iter()
        .map(|(name, _)| name.value.as_str())
        .collect();
    for subnet in region.vnets().flat_map(|vnet| &vnet.subnets) {
        let uses = [
            ("network security group", &subnet.nsg, &nsgs),
            ("route table", &subnet.route_table, &tables),
        ];
        for (what, name, known) in uses {
            if let Some(Val {
                value,
                why: Why::Line(at),
            }) = name
                && !known.contains(&value.as_str())
            {
                reports.push(unknown(what, value, *at, known.clone()));
            }
        }
    }
}

/// The backbone between each pair of regions.
pub(crate) fn backbone(
    texts: &[(At<String>, RegionText)],
    regions: &[Region],
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Vec<Backbone> {
    let mut overrides = std::collections::BTreeMap::new();
    for (from, (_, text)) in texts.iter().enumerate() {
        for (name, rtt) in text
            .rtt
            .as_ref()
            .map(|at| &at.value.0[..])
            .unwrap_or_default()
        {
            if let Some(to) = region_index(name, regions, reports) {
                let us = u32::try_from(rtt.0.0.as_micros()).unwrap_or(u32::MAX);
                overrides.insert((from.min(to), from.max(to)), Val::line(us / 2, name.span));
            }
        }
    }
    let mut all = Vec::new();
    for b in 0..regions.len() {
        for a in 0..b {
            let (near, far) = (&regions[a], &regions[b]);
            let one_way_us = overrides.remove(&(a, b)).unwrap_or_else(|| {
                match atlas.rtt_us(&near.name.value, &far.name.value) {
                    Some(rtt) => Val::default(
                        rtt / 2,
                        "half of Microsoft's published round-trip time, 30 July 2026",
                    ),
                    None => {
                        let distance = geography::distance_m(near.place.value, far.place.value);
                        let us =
                            geography::latency_us(distance, geography::BACKBONE_STRETCH_PERCENT);
                        Val::default(us, "not published; 1.7 times the distance at 200 km/ms")
                    }
                }
            });
            all.push(Backbone { a, b, one_way_us });
        }
    }
    all
}
