//! Regions: hubs, spokes, subnets, NVAs, Route Servers, and the backbone between them.

use core::time::Duration;

use super::vnets::{NVA_SUBNET, Place, vnet};
use super::{
    Backbone, ForeignRouter, Nvas, Platform, Region, RouteServer, Val, Vnet, Why, forwarding, pick,
    region_index, steering, unknown,
};
use crate::geography::{self, Atlas};
use crate::model::{
    DefaultsText, DesignFile, ForwardingText, NsgRuleText, NvaMode, NvasText, PeeringText,
    Preference, RegionDefaultsText, RegionText, RouteServerSettings, RouteServerText, RuleAction,
    RuleDirection, RuleProtocol,
};
use crate::plan;
use crate::reader::{At, Inherit};
use crate::report::Report;
use crate::scalars::{Count, Text, TimeSpan};

/// Settles all regions, numbered from 1 in the order of the design.
pub(crate) fn settle_all(
    file: &DesignFile,
    defaults: &DefaultsText,
    platform: &Platform,
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Vec<Region> {
    let shared = defaults
        .region
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let texts = file.regions.as_ref().map(|at| &at.value.0[..]);
    let texts = texts.unwrap_or_default();
    let overlay = file.overlay.as_ref();
    let everywhere = overlay.and_then(|at| at.value.forwarding.as_ref());
    let mut regions = Vec::with_capacity(texts.len());
    for (index, (name, text)) in texts.iter().enumerate() {
        let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
        let azure = text.region.as_ref().unwrap_or(name);
        let place = match (&text.coordinates, atlas.region(&azure.value)) {
            (Some(at), _) => Val::line(at.value, at.span),
            (None, Some(place)) => Val::default(place, "built in: Azure's published coordinates"),
            (None, None) => {
                let known = geography::regions().map(|(name, _)| name).collect();
                let mut report = unknown("Azure region", &azure.value, azure.span, known);
                report.says = format!(
                    "`{}` is not a region of Azure that is built in",
                    azure.value
                );
                if report.try_this.is_empty() {
                    report.try_this = "give it `coordinates: [latitude, longitude]`".to_owned();
                }
                reports.push(report);
                Val::default(inet::Coordinates::default(), "unknown")
            }
        };
        regions.push(region(
            (name, text),
            number,
            place,
            (&shared, everywhere),
            platform,
            reports,
        ));
    }
    regions
}

fn region(
    (name, text): (&At<String>, &RegionText),
    number: u16,
    place: Val<inet::Coordinates>,
    (shared, everywhere): (&RegionDefaultsText, Option<&At<ForwardingText>>),
    platform: &Platform,
    reports: &mut Vec<Report>,
) -> Region {
    let (route_server, route_server_why) = route_server(text, shared, platform, reports);
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
    let express_route = steering::express_route(text, reports);
    let has_server = route_server.is_some();
    let lends = has_server || express_route.is_some();
    let hub = vnet(
        site("hub", hub_why),
        0,
        &hub_text,
        &peering,
        (has_server, lends),
        reports,
    );
    let spokes = spokes(text, &site, &peering, (has_server, lends), reports);
    let region = Region {
        name: Val::line(name.value.clone(), name.span),
        number,
        place,
        azure: match &text.region {
            Some(at) => Val::line(at.value.clone(), at.span),
            None => Val::default(name.value.clone(), "the key is Azure's name"),
        },
        nvas: nvas(text, shared, everywhere, reports),
        budget: steering::budget(
            text,
            route_server.as_ref(),
            express_route.is_some(),
            platform,
        ),
        express_route,
        route_server,
        route_server_why,
        nsgs: nsgs(text),
        route_tables: route_tables(text),
        foreign: foreign(text),
        as_built: text.as_built.clone().map(|at| at.value).unwrap_or_default(),
        hub,
        spokes,
    };
    check_references(&region, reports);
    region
}

/// The spokes of a region; `place` is where one stands by its short name.
fn spokes<'a>(
    text: &RegionText,
    place: &dyn Fn(&str, Why) -> Place<'a>,
    peering: &PeeringText,
    lent: (bool, bool),
    reports: &mut Vec<Report>,
) -> Vec<Vnet> {
    let spoke_texts = text
        .spokes
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let spokes = spoke_texts
        .iter()
        .enumerate()
        .map(|(index, (short, text))| {
            let place = place(&short.value, Why::Line(short.span));
            vnet(place, index + 1, text, peering, lent, reports)
        });
    spokes.collect()
}

fn nvas(
    text: &RegionText,
    shared: &RegionDefaultsText,
    everywhere: Option<&At<ForwardingText>>,
    reports: &mut Vec<Report>,
) -> Nvas {
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
    let public = own.public_addresses.as_ref();
    let public = public.map(|at| at.value.clone()).unwrap_or_default();
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
        originate: super::lines(own.originate.as_ref(), |prefix| *prefix),
        route_server_instances: pick!(
            [own.route_server_instances, base.route_server_instances],
            vec![0, 1],
            "both instances, so that all NICs are programmed",
            |list: &Vec<At<Count<0, 1>>>| list.iter().map(|at| at.value.0 as u8).collect()
        ),
        guards_origin: Val::pick(
            &[own.guards_origin.as_ref(), base.guards_origin.as_ref()],
            true,
            "no route comes back to where it came from",
        ),
        forwarding: forwarding::forwarding(&[
            own.forwarding.as_ref(),
            base.forwarding.as_ref(),
            everywhere,
        ]),
    }
}

fn route_server(
    text: &RegionText,
    shared: &RegionDefaultsText,
    platform: &Platform,
    reports: &mut Vec<Report>,
) -> (Option<RouteServer>, Why) {
    let base = match &shared.route_server {
        Some(At {
            value: RouteServerText::Settings(settings),
            ..
        }) => (**settings).clone(),
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
    let (route_maps, nva_maps) = super::route_maps::settle(&settings, reports);
    let server = RouteServer {
        route_maps,
        nva_maps,
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
        routes_per_peer: match &settings.routes_per_peer {
            Some(at) => Val::line(at.value.0, at.span),
            None => platform.routes_per_peer.clone(),
        },
        units: pick!(
            [settings.units],
            platform.numbers.route_server.units,
            "what every Route Server has",
            |count: &Count<2, 48>| count.0
        ),
    };
    (Some(server), why)
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
    foreign_addresses(region, reports);
}

/// Routers of other make stand in the NVA subnet.
fn foreign_addresses(region: &Region, reports: &mut Vec<Report>) {
    for router in &region.foreign {
        let subnet = region
            .hub
            .subnets
            .iter()
            .find(|subnet| subnet.name.value == NVA_SUBNET);
        if let (Some(address), Some(subnet)) = (&router.address, subnet)
            && !subnet.prefix.value.contains(address.value)
            && let Some(at) = address.why.span()
        {
            let says = format!(
                "{} is not in the NVA subnet {}",
                address.value, subnet.prefix.value
            );
            reports.push(Report::shape(at, says));
        }
    }
}

/// One way between hub-and-spoke networks of one Azure region: 0.9 ms round trip measured inside a
/// zone, rounded down.
const SAME_REGION_US: u32 = 400;

/// The backbone between each pair of regions.
pub(crate) fn backbone(
    file: &DesignFile,
    regions: &[Region],
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Vec<Backbone> {
    let texts = file.regions.as_ref().map(|at| &at.value.0[..]);
    let texts = texts.unwrap_or_default();
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
                match atlas.rtt_us(&near.azure.value, &far.azure.value) {
                    _ if near.azure.value == far.azure.value => {
                        Val::default(SAME_REGION_US, "inside one Azure region")
                    }
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
