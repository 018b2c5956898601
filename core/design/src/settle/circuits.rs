//! ExpressRoute circuits: places, peerings, customers, connections.

use core::time::Duration;
use std::collections::BTreeMap;

use inet::{Coordinates, Prefix};

use super::decided::{Circuit, CircuitPeering, Connection, Filters, Network, RouterAt, Site};
use super::{Region, Val, Why, pick, places, region_index, unknown};
use crate::geography::Atlas;
use crate::model::{
    CircuitText, ConnectionText, CustomerText, DesignFile, LocationText, MicrosoftPeeringText,
    PrivatePeeringSettings, PrivatePeeringText, RouterName,
};
use crate::platform::CircuitSku;
use crate::reader::At;
use crate::report::Report;
use crate::scalars::{Count, Rate, TimeSpan};

/// The circuits' texts by name.
pub(super) fn texts(file: &DesignFile) -> &[(At<String>, CircuitText)] {
    file.circuits
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default()
}

/// Settles everything but where they end: sites need to know them first.
pub(super) fn circuits(
    file: &DesignFile,
    regions: &[Region],
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Vec<Circuit> {
    texts(file)
        .iter()
        .map(|(name, text)| circuit(name, text, regions, atlas, reports))
        .collect()
}

/// The circuits that end at a router of a site or at a provider edge, by place and router name.
pub(super) fn ending_at(file: &DesignFile) -> BTreeMap<(String, String), Vec<usize>> {
    let mut all: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (index, (_, text)) in texts(file).iter().enumerate() {
        for at in customers(text).into_iter().flatten() {
            let RouterName(router, place) = at.value;
            let there = all.entry((place, router)).or_default();
            if !there.contains(&index) {
                there.push(index);
            }
        }
    }
    all
}

/// The names of the routers at both links.
fn customers(text: &CircuitText) -> [Option<At<RouterName>>; 2] {
    match text.customer.as_ref() {
        None => [None, None],
        Some(At {
            value: CustomerText::One(name),
            span,
        }) => {
            let at = At {
                value: name.clone(),
                span: *span,
            };
            [Some(at.clone()), Some(at)]
        }
        Some(At {
            value: CustomerText::Two(two),
            ..
        }) => [two.primary.clone(), two.secondary.clone()],
    }
}

fn circuit(
    name: &At<String>,
    text: &CircuitText,
    regions: &[Region],
    atlas: &Atlas,
    reports: &mut Vec<Report>,
) -> Circuit {
    let location = match &text.location {
        Some(At {
            value: LocationText::Coordinates(place),
            span,
        }) => Some(Val::line(*place, *span)),
        Some(At {
            value: LocationText::City(city),
            span,
        }) => {
            let at = At {
                value: city.clone(),
                span: *span,
            };
            places::city(atlas, &at, reports)
        }
        None => None,
    };
    let microsoft = text.microsoft_peering.as_ref();
    let private = private_peering(text);
    let prefixes = microsoft.and_then(|at| at.value.customer_prefixes.as_ref());
    let filter = microsoft.and_then(|at| at.value.route_filter.as_ref());
    Circuit {
        name: Val::line(name.value.clone(), name.span),
        location: location.unwrap_or(NOWHERE),
        sku: Val::pick(
            &[text.sku.as_ref()],
            CircuitSku::Standard,
            "the usual circuit",
        ),
        rate_bps: pick!(
            [text.bandwidth],
            1_000_000_000,
            "a usual circuit",
            |rate: &Rate| rate.0
        ),
        customer: [None, None],
        private_peering: private,
        microsoft_peering: microsoft.map(|at| microsoft_peering(&at.value, Why::Line(at.span))),
        customer_prefixes: super::lines(prefixes, |prefix| *prefix),
        route_filter: super::lines(filter, |community| community.0),
        connections: connections(text, regions, reports),
        global_reach: Vec::new(),
    }
}

/// Where a circuit is until its customer is known.
const NOWHERE: Val<Coordinates> = Val::default(
    Coordinates {
        latitude_udeg: 0,
        longitude_udeg: 0,
    },
    CUSTOMERS_PLACE,
);
const CUSTOMERS_PLACE: &str = "where the customer's router is";

fn private_peering(text: &CircuitText) -> Option<CircuitPeering> {
    let (settings, why) = match &text.private_peering {
        None if text.microsoft_peering.is_some() => return None,
        None => (
            PrivatePeeringSettings::default(),
            Why::Default("what a circuit is for, unless it has Microsoft peering"),
        ),
        Some(at) => match &at.value {
            PrivatePeeringText::Switch(false) => return None,
            PrivatePeeringText::Switch(true) => {
                (PrivatePeeringSettings::default(), Why::Line(at.span))
            }
            PrivatePeeringText::Settings(settings) => (settings.clone(), Why::Line(at.span)),
        },
    };
    let links = [&settings.primary, &settings.secondary];
    Some(peering(
        why,
        settings.bfd.as_ref(),
        [settings.keepalive.as_ref(), settings.hold_time.as_ref()],
        links.map(Option::as_ref),
    ))
}

fn microsoft_peering(text: &MicrosoftPeeringText, why: Why) -> CircuitPeering {
    let links = [&text.primary, &text.secondary];
    peering(
        why,
        text.bfd.as_ref(),
        [text.keepalive.as_ref(), text.hold_time.as_ref()],
        links.map(Option::as_ref),
    )
}

fn peering(
    why: Why,
    bfd: Option<&At<bool>>,
    timers: [Option<&At<TimeSpan>>; 2],
    links: [Option<&At<Prefix>>; 2],
) -> CircuitPeering {
    let timer = |at: Option<&At<TimeSpan>>, seconds| match at {
        Some(at) => Val::line(at.value.0, at.span),
        None => Val::default(Duration::from_secs(seconds), "what the platform offers"),
    };
    CircuitPeering {
        why,
        bfd: Val::pick(&[bfd], true, "on for new peerings"),
        keepalive: timer(timers[0], 60),
        hold_time: timer(timers[1], 180),
        links: links.map(|at| at.map(|at| Val::line(at.value, at.span))),
    }
}

fn connections(
    text: &CircuitText,
    regions: &[Region],
    reports: &mut Vec<Report>,
) -> Vec<Connection> {
    let written = text.connections.as_ref().map(|at| &at.value[..]);
    let mut all: Vec<Connection> = Vec::new();
    for At {
        value: ConnectionText(text),
        span,
    } in written.unwrap_or_default()
    {
        let Some(name) = &text.region else { continue };
        let Some(index) = region_index(name, regions, reports) else {
            continue;
        };
        if regions[index].express_route.is_none() {
            let says = format!("region `{}` has no ExpressRoute gateway", name.value);
            let advice = "give the region `express_route: true`";
            reports.push(Report::shape(name.span, says).try_this(advice));
        }
        if all.iter().any(|other| other.region.value == index) {
            let says = format!("the circuit is connected to `{}` twice", name.value);
            reports.push(Report::shape(*span, says));
            continue;
        }
        all.push(Connection {
            region: Val::line(index, name.span),
            weight: pick!(
                [text.weight],
                0,
                "the platform's default",
                |count: &Count<0, 32000>| count.0
            ),
            fast_path: Val::pick(&[text.fast_path.as_ref()], false, "off unless said"),
            remote_vnets: Val::pick(
                &[text.remote_vnets.as_ref()],
                false,
                "the platform's default on new gateways",
            ),
            community: text
                .community
                .as_ref()
                .map(|at| Val::line(at.value.0, at.span)),
        });
    }
    all
}

/// Settles where the circuits end, once the routers are known, and what they are joined with.
pub(super) fn ends(
    file: &DesignFile,
    (networks, sites): (&[Network], &[Site]),
    circuits: &mut [Circuit],
    reports: &mut Vec<Report>,
) {
    let by_name: BTreeMap<&str, usize> = (0..)
        .zip(sites)
        .map(|(index, site)| (site.name.value.as_str(), index))
        .collect();
    let names: Vec<String> = circuits.iter().map(|c| c.name.value.clone()).collect();
    for (index, (_, text)) in texts(file).iter().enumerate() {
        let customer = customers(text);
        let one = customer[0].as_ref().map(|at| at.span) == customer[1].as_ref().map(|at| at.span);
        for (link, at) in customer.into_iter().enumerate() {
            let Some(at) = at else { continue };
            if link == 1 && one {
                circuits[index].customer[1] = circuits[index].customer[0].clone();
                continue;
            }
            let found = router_at(&at, networks, sites, &by_name, reports);
            circuits[index].customer[link] = found.map(|found| Val::line(found, at.span));
        }
        let first = circuits[index].customer.iter().flatten().next();
        let place = first.and_then(|at| place_of(at.value, networks, sites));
        if let (Why::Default(_), Some(place)) = (circuits[index].location.why, place) {
            circuits[index].location.value = place;
        }
        for other in text.global_reach.iter().flat_map(|list| &list.value) {
            let found = names.iter().position(|name| *name == other.value);
            match found.filter(|found| *found != index) {
                Some(found) => circuits[index]
                    .global_reach
                    .push(Val::line(found, other.span)),
                None => {
                    let known = names.iter().map(String::as_str).collect();
                    reports.push(unknown("other circuit", &other.value, other.span, known));
                }
            }
        }
    }
    filters_are_used((networks, sites), circuits, reports);
}

/// Filters are for circuits that end at their router.
fn filters_are_used(
    (networks, sites): (&[Network], &[Site]),
    circuits: &[Circuit],
    reports: &mut Vec<Report>,
) {
    let mut check = |filters: &[(Val<usize>, Filters)], router: RouterAt| {
        for (at, _) in filters {
            let circuit = &circuits[at.value];
            let mut ends = circuit.customer.iter().flatten();
            let known = circuit.customer.iter().all(Option::is_some);
            if let (true, false, Some(span)) =
                (known, ends.any(|end| end.value == router), at.why.span())
            {
                let says = format!("circuit `{}` does not end here", circuit.name.value);
                let customer = circuit.customer[0].as_ref().and_then(|end| end.why.span());
                reports.push(Report::shape(span, says).also(customer, "it ends here"));
            }
        }
    };
    for (network, settled) in networks.iter().enumerate() {
        for (pe, settled) in settled.pes.iter().enumerate() {
            check(&settled.circuits, RouterAt::Provider { network, pe });
        }
    }
    for (site, settled) in sites.iter().enumerate() {
        for (router, settled) in settled.routers.iter().enumerate() {
            check(&settled.circuits, RouterAt::Site { site, router });
        }
    }
}

/// Where a router stands.
pub(crate) fn place_of(at: RouterAt, networks: &[Network], sites: &[Site]) -> Option<Coordinates> {
    match at {
        RouterAt::Site { site, .. } => sites[site].place.as_ref().map(|place| place.value),
        RouterAt::Provider { network, pe } => Some(networks[network].pes[pe].place.value),
    }
}

fn router_at(
    at: &At<RouterName>,
    networks: &[Network],
    sites: &[Site],
    by_name: &BTreeMap<&str, usize>,
    reports: &mut Vec<Report>,
) -> Option<RouterAt> {
    let RouterName(router, place) = &at.value;
    let network = networks
        .iter()
        .position(|network| network.name.value == *place);
    if let (Some(network), Some(pe)) = (network, router.strip_prefix("pe-")) {
        let pes = &networks[network].pes;
        if let Some(pe) = pes.iter().position(|known| known.name.value == pe) {
            return Some(RouterAt::Provider { network, pe });
        }
    }
    if let Some(&site) = by_name.get(place.as_str()) {
        let routers = &sites[site].routers;
        if let Some(router) = routers.iter().position(|known| known.name.value == *router) {
            return Some(RouterAt::Site { site, router });
        }
    }
    let known: Vec<String> = known_routers(networks, sites).collect();
    let name = format!("{router}.{place}");
    let known = known.iter().map(String::as_str).collect();
    reports.push(unknown("router", &name, at.span, known));
    None
}

fn known_routers<'a>(
    networks: &'a [Network],
    sites: &'a [Site],
) -> impl Iterator<Item = String> + 'a {
    let pes = networks.iter().flat_map(|network| {
        let place = &network.name.value;
        let pes = network.pes.iter();
        pes.map(move |pe| format!("pe-{}.{place}", pe.name.value))
    });
    let routers = sites.iter().flat_map(|site| {
        let place = &site.name.value;
        let routers = site.routers.iter();
        routers.map(move |router| format!("{}.{place}", router.name.value))
    });
    pes.chain(routers)
}
