//! Every value of a design decided, each with the line or the default that it came from.
//!
//! Between the file, where most values are absent, and the Plan, where devices are made of them:
//! here each value is present once, and rules and explanations look here. Addresses of single
//! devices are given out later, in [`build`](crate::build).

mod access;
pub(crate) mod circuits;
mod classes;
mod decided;
pub(crate) mod forwarding;
mod networks;
mod overlay;
mod paths;
mod places;
mod platform;
pub(crate) mod policies;
pub(crate) mod regions;
mod route_maps;
mod routers;
mod sites;
mod steering;
mod underlays;
pub(crate) mod vnets;

pub(crate) use access::CIRCUIT_STRETCH;
pub(crate) use decided::{
    Access, Application, Backbone, Budget, Circuit, CircuitPeering, ExpressRoute, Filters,
    ForeignRouter, Forwarding, Lan, Nat, Network, Nvas, Overlay, Peering, Pools, PrefixList, Probe,
    Region, RouteServer, Router, RouterAt, Settled, Shortcuts, Site, SiteUnderlay, Subnet,
    Underlay, Via, Vnet, Wireguard,
};
pub(crate) use platform::Platform;

use std::collections::BTreeMap;
use std::sync::Arc;

use core::time::Duration;

use crate::geography::Atlas;
use crate::model::DesignFile;
use crate::reader::At;
use crate::report::{Report, Sources, Span};
use crate::scalars::TimeSpan;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Written here.
    Line(Span),
    /// Not written; the sentence says why it is this.
    Default(&'static str),
}

impl Why {
    /// The place, when it is written.
    pub(crate) const fn span(self) -> Option<Span> {
        match self {
            Self::Line(span) => Some(span),
            Self::Default(_) => None,
        }
    }
}

/// A decided value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Val<T> {
    pub(crate) value: T,
    pub(crate) why: Why,
}

impl<T> Val<T> {
    pub(crate) const fn default(value: T, why: &'static str) -> Self {
        Self {
            value,
            why: Why::Default(why),
        }
    }

    pub(crate) const fn line(value: T, span: Span) -> Self {
        Self {
            value,
            why: Why::Line(span),
        }
    }
}

impl<T: Clone> Val<T> {
    /// The first of the candidates that is written, or the default.
    pub(crate) fn pick(candidates: &[Option<&At<T>>], default: T, why: &'static str) -> Self {
        match candidates.iter().flatten().next() {
            Some(at) => Self::line(at.value.clone(), at.span),
            None => Self::default(default, why),
        }
    }
}

/// Picks a value through a wrapper type of the file.
macro_rules! pick {
    ([$($candidate:expr),+ $(,)?], $default:expr, $why:expr, $($unwrap:tt)+) => {{
        let found = None$(.or_else(|| $candidate.as_ref()))+;
        match found {
            Some(at) => $crate::settle::Val::line(($($unwrap)+)(&at.value), at.span),
            None => $crate::settle::Val::default($default, $why),
        }
    }};
}
pub(crate) use pick;

/// A design as it was read: its file and the texts.
#[derive(Clone, Debug)]
pub struct Design {
    pub(crate) file: DesignFile,
    pub(crate) sites: Vec<At<crate::model::SiteText>>,
    pub(crate) prefix_sets: Vec<PrefixList>,
    pub(crate) sources: Arc<Sources>,
}

/// Decides every value. What refers to something that is not there is reported.
pub(crate) fn settle(design: &Design, reports: &mut Vec<Report>) -> Settled {
    let atlas = Atlas::load();
    let file = &design.file;
    let defaults = file.defaults.as_ref().map(|at| at.value.clone());
    let defaults = defaults.unwrap_or_default();
    let platform = platform::platform(file.platform.as_ref());
    let regions = regions::settle_all(file, &defaults, &platform, &atlas, reports);
    let backbone = regions::backbone(file, &regions, &atlas, reports);
    let mut overlay = overlay::overlay(file, reports);
    let underlays = underlays::underlays(file, &regions, (&overlay, &platform), reports);
    let mut circuits = circuits::circuits(file, &regions, &atlas, reports);
    let policies = policies::Library::read(file, &design.sources, reports);
    let filters = (&circuits[..], &policies);
    let networks = networks::networks(file, &regions, &atlas, filters, reports);
    let around = routers::Around {
        networks: &networks,
        circuits: &circuits,
        policies: &policies,
        numbered: 0,
    };
    let places = sites::Places {
        regions: &regions,
        underlays: &underlays,
        atlas: &atlas,
    };
    let sites = sites::Settler::new(design, &defaults, places, around, &overlay).all(reports);
    circuits::ends(file, (&networks, &sites), &mut circuits, reports);
    let classes = classes::classes(design, &underlays, &overlay.mtu, reports);
    if overlay.summaries.value.is_empty() && matches!(overlay.summaries.why, Why::Default(_)) {
        overlay.summaries.value = overlay::summaries(&regions, &sites);
    }
    Settled {
        format: pick!(
            [file.longhaul],
            1,
            "every design says its format",
            |version: &crate::scalars::Count<1, 1>| version.0
        ),
        name: pick!(
            [file.name],
            String::new(),
            "every design has a name",
            |name: &String| name.clone()
        ),
        overlay,
        region_latency: time(
            &defaults.region_latency,
            400,
            "0.9 ms round trip measured inside a zone, rounded down",
        ),
        programming_delay: time(
            &defaults.programming_delay,
            0,
            "the platform publishes none",
        ),
        programming_delay_max: time(
            &defaults.programming_delay_max,
            0,
            "every route takes the least time",
        ),
        platform,
        regions,
        backbone,
        underlays,
        networks,
        circuits,
        classes,
        prefix_sets: design.prefix_sets.clone(),
        policies: file.policies.as_ref().map(|at| at.value.0.clone()),
        sites,
    }
}

/// A time that is written, or the default.
fn time(at: &Option<At<TimeSpan>>, default_us: u64, why: &'static str) -> Val<Duration> {
    match at {
        Some(at) => Val::line(at.value.0, at.span),
        None => Val::default(Duration::from_micros(default_us), why),
    }
}

/// The items of a list that is written, each with its line.
pub(crate) fn lines<T, U>(list: Option<&At<Vec<At<T>>>>, value: impl Fn(&T) -> U) -> Vec<Val<U>> {
    let items = list.into_iter().flat_map(|list| &list.value);
    items
        .map(|at| Val::line(value(&at.value), at.span))
        .collect()
}

/// The index of a region that the design names, or a report.
pub(crate) fn region_index(
    name: &At<String>,
    regions: &[Region],
    reports: &mut Vec<Report>,
) -> Option<usize> {
    let found = regions
        .iter()
        .position(|region| region.name.value == name.value);
    if found.is_none() {
        let known: Vec<&str> = regions
            .iter()
            .map(|region| region.name.value.as_str())
            .collect();
        reports.push(unknown("region", &name.value, name.span, known));
    }
    found
}

/// The report for a name that nothing has.
pub(crate) fn unknown(what: &str, name: &str, at: Span, known: Vec<&str>) -> Report {
    Report {
        rule: "unknown-name",
        ..Report::shape(at, format!("there is no {what} `{name}` in this design"))
    }
    .try_this(crate::reader::suggestion(name, known))
}

/// Reports names that are used twice; the first stays.
pub(crate) fn unique<'a>(
    what: &str,
    names: impl Iterator<Item = &'a At<String>>,
    reports: &mut Vec<Report>,
) {
    let mut seen = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.value.as_str()) {
            let says = format!("two {what}s have the name `{}`", name.value);
            let report = Report {
                rule: "duplicate-name",
                ..Report::shape(name.span, says)
            };
            reports.push(report.also(Some(*first), "first here"));
        } else {
            seen.insert(name.value.as_str(), name.span);
        }
    }
}
