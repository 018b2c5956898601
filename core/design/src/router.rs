//! The file of a plain BGP router: read with every error in one run, and decided.

mod policies;
mod secrets;
mod sessions;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use bgp::{AsPathRule, MedRule, NeighborId, Origin, Origination, Settings};
use inet::Net;

use crate::model::router::{
    BfdText, CompareMed, EqualPaths, MrtText, NeighborBfdText, OriginWord, OriginateText,
    RouterFile,
};
use crate::plan::{BfdConfig, BmpConfig, MrtConfig, RouterConfig, StaticRoute};
use crate::reader::{At, Shape};
use crate::report::{Report, Reports, Sources};
use crate::tree;

use policies::Policies;

/// Reads a router's file. Every error is reported in one run; with one there is no configuration.
pub fn read_router(name: &str, text: &str) -> (Option<RouterConfig>, Reports) {
    let mut sources = Sources::default();
    let mut reports = Vec::new();
    let file = sources.add(name, text);
    let config = tree::parse(file, text, &mut reports).and_then(|mut node| {
        for secret in secrets::refuse(&mut node, &mut reports) {
            sources.blank(secret);
        }
        let file = RouterFile::read(&node, &mut reports)?;
        decide(&file, text, &mut reports)
    });
    let reports = Reports::new(reports, Arc::new(sources));
    (config.filter(|_| !reports.has_errors()), reports)
}

/// A value as the file has it.
fn said<T: Clone>(field: Option<&At<T>>) -> Option<T> {
    field.map(|at| at.value.clone())
}

/// `None` when something that all else needs is missing; that is reported already.
fn decide(file: &RouterFile, text: &str, reports: &mut Vec<Report>) -> Option<RouterConfig> {
    let mut settings = Settings::new(said(file.asn.as_ref())?, said(file.router_id.as_ref())?);
    settings.cluster_id = said(file.cluster_id.as_ref());
    if let Some(multipath) = &file.multipath {
        let paths = multipath.value.paths.as_ref().map_or(1, |at| at.value.0);
        settings.multipath_max = u8::try_from(paths).unwrap_or(u8::MAX);
        settings.multipath_as_path = match said(multipath.value.as_path.as_ref()) {
            Some(EqualPaths::Identical) => AsPathRule::Identical,
            Some(EqualPaths::SameLength) | None => AsPathRule::SameLength,
        };
    }
    settings.med = match said(file.compare_med.as_ref()) {
        Some(CompareMed::Always) => MedRule::Always,
        Some(CompareMed::Never) => MedRule::Never,
        Some(CompareMed::SameNeighborAs) | None => MedRule::SameNeighborAs,
    };
    settings.compare_origin = said(file.compare_origin.as_ref()).unwrap_or(true);
    settings.prefer_external =
        said(file.prefer_external.as_ref()).unwrap_or(settings.prefer_external);
    settings.tap = file.mrt.is_some() || file.bmp.is_some();
    let listen = listen(file);
    let policies = Policies::read(file.policies.as_ref(), text, reports);
    let timers = bfd(file.bfd.as_ref().map(|at| &at.value), &BfdConfig::DEFAULT);
    let auth = sessions::neighbors(file, &policies, &listen, &mut settings, reports);
    Some(RouterConfig {
        name: said(file.name.as_ref())?.0,
        settings,
        originate: originate(file, reports),
        listen,
        control: file.control.as_ref().map(|at| at.value.0.clone()),
        auth,
        kernel: said(file.kernel.as_ref()).unwrap_or(false),
        static_routes: static_routes(file, reports),
        bfd_of_neighbor: own_bfd(file, timers),
        bfd: timers,
        mrt: file.mrt.as_ref().and_then(|at| mrt(&at.value)),
        bmp: bmp(file),
    })
}

/// The well-known port (RFC 4271 §8).
const PORT: u16 = 179;

fn listen(file: &RouterFile) -> Vec<SocketAddr> {
    match &file.listen {
        Some(list) => list.value.iter().map(|at| at.value).collect(),
        None => vec![SocketAddr::from(([0, 0, 0, 0], PORT))],
    }
}

fn originate(file: &RouterFile, reports: &mut Vec<Report>) -> Vec<(Net, Origination)> {
    let mut seen = std::collections::BTreeMap::new();
    let mut all = Vec::new();
    for route in file.originate.iter().flat_map(|list| &list.value) {
        let Some(prefix) = &route.value.prefix else {
            continue;
        };
        if let Some(first) = seen.insert(prefix.value, prefix.span) {
            let says = format!("`{}` is originated twice", prefix.value);
            reports.push(Report::shape(prefix.span, says).also(Some(first), "first here"));
        }
        all.push((prefix.value, origination(&route.value)));
    }
    all
}

fn origination(route: &OriginateText) -> Origination {
    fn list<T, U>(field: Option<&At<Vec<At<T>>>>, value: fn(&T) -> U) -> Vec<U> {
        let items = field.into_iter().flat_map(|list| &list.value);
        items.map(|at| value(&at.value)).collect()
    }
    Origination {
        next_hop: said(route.next_hop.as_ref()),
        origin: match said(route.origin.as_ref()) {
            Some(OriginWord::Igp) | None => Origin::Igp,
            Some(OriginWord::Egp) => Origin::Egp,
            Some(OriginWord::Incomplete) => Origin::Incomplete,
        },
        med: route.med.as_ref().map(|at| at.value.0),
        local_pref: route.local_pref.as_ref().map(|at| at.value.0),
        communities: list(route.communities.as_ref(), |community| community.0),
        ext_communities: list(route.ext_communities.as_ref(), |community| community.0),
        as_path: list(route.as_path.as_ref(), |asn| *asn),
        tunnels: Vec::new(),
    }
}

fn static_routes(file: &RouterFile, reports: &mut Vec<Report>) -> Vec<StaticRoute> {
    let mut seen = std::collections::BTreeMap::new();
    let mut all = Vec::new();
    for At { value: route, .. } in file.static_routes.iter().flat_map(|list| &list.value) {
        let Some(prefix) = &route.prefix else {
            continue;
        };
        if let Some(first) = seen.insert(prefix.value, prefix.span) {
            let says = format!("`{}` has two static routes", prefix.value);
            reports.push(Report::shape(prefix.span, says).also(Some(first), "first here"));
        }
        if let Some(next_hop) = &route.next_hop
            && next_hop.value.is_ipv4() != prefix.value.address().is_ipv4()
        {
            let says = "the next hop is of another family than the prefix";
            reports.push(Report::shape(next_hop.span, says));
        }
        all.push(StaticRoute {
            prefix: prefix.value,
            next_hop: said(route.next_hop.as_ref()),
        });
    }
    all
}

/// Timers as the text has them, over others.
fn bfd(text: Option<&BfdText>, base: &BfdConfig) -> BfdConfig {
    let time = |field: Option<&At<crate::scalars::TimeSpan>>, base| {
        field.map_or(base, |at: &At<crate::scalars::TimeSpan>| at.value.0)
    };
    BfdConfig {
        min_tx: time(text.and_then(|text| text.min_tx.as_ref()), base.min_tx),
        min_rx: time(text.and_then(|text| text.min_rx.as_ref()), base.min_rx),
        multiplier: text
            .and_then(|text| text.multiplier.as_ref())
            .map_or(base.multiplier, |at| {
                u8::try_from(at.value.0).unwrap_or(u8::MAX)
            }),
    }
}

/// The timers of neighbours that have their own, or whose template has.
fn own_bfd(file: &RouterFile, base: BfdConfig) -> Vec<(NeighborId, BfdConfig)> {
    let templates = file.templates.as_ref().map(|at| &at.value);
    let neighbors = file.neighbors.iter().flat_map(|all| &all.value.0);
    let own = neighbors.enumerate().filter_map(|(index, (_, text))| {
        let template = text.template.as_ref().zip(templates);
        let template = template.and_then(|(name, all)| all.get(&name.value));
        let said = text.bfd.as_ref();
        match &said.or(template.and_then(|text| text.bfd.as_ref()))?.value {
            NeighborBfdText::Switch(_) => None,
            NeighborBfdText::Timers(text) => {
                let id = u32::try_from(index).expect("a file has fewer nodes");
                Some((NeighborId(id), bfd(Some(text), &base)))
            }
        }
    });
    own.collect()
}

fn mrt(text: &MrtText) -> Option<MrtConfig> {
    Some(MrtConfig {
        directory: text.directory.as_ref()?.value.0.clone(),
        messages: said(text.messages.as_ref()).unwrap_or(true),
        table_every: text.table_every.as_ref().map(|at| at.value.0),
        rotate_every: text
            .rotate_every
            .as_ref()
            .map_or(Duration::from_secs(900), |at| at.value.0),
    })
}

fn bmp(file: &RouterFile) -> Vec<BmpConfig> {
    let stations = file.bmp.iter().flat_map(|list| &list.value);
    let station = |at: &At<crate::model::router::BmpText>| {
        Some(BmpConfig {
            address: said(at.value.address.as_ref())?,
            statistics_every: at
                .value
                .statistics_every
                .as_ref()
                .map_or(Duration::from_mins(1), |at| at.value.0),
        })
    };
    stations.filter_map(station).collect()
}
