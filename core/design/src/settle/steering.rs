//! Application classes, and budgets of routes.

use super::decided::{Application, Budget, ExpressRoute, Underlay};
use super::{Platform, RouteServer, Val, Why, pick, unknown};
use crate::model::{
    ApplicationText, BudgetText, DesignFile, ExpressRouteSettings, ExpressRouteText, OtherwiseText,
    RegionText,
};
use crate::plan::{ClassConfig, ClassMatch, GatewaySku, OtherwiseConfig, SlaConfig};
use crate::reader::At;
use crate::report::Report;
use crate::scalars::{Count, Loss, TimeSpan};

/// Settles the classes, in their order.
pub(super) fn classes(
    file: &DesignFile,
    underlays: &[Underlay],
    reports: &mut Vec<Report>,
) -> Vec<Application> {
    let texts = file.classes.as_ref().map(|at| &at.value.0[..]);
    let texts = texts.unwrap_or_default().iter();
    texts
        .map(|(name, text)| Application {
            name: Val::line(name.value.clone(), name.span),
            config: class(name, text, underlays, reports),
        })
        .collect()
}

fn class(
    name: &At<String>,
    text: &ApplicationText,
    underlays: &[Underlay],
    reports: &mut Vec<Report>,
) -> ClassConfig {
    let dscp = text.dscp.iter().flat_map(|list| &list.value.0);
    let matches = ClassMatch {
        dscp: dscp
            .map(|at| u8::try_from(at.value.0).unwrap_or(0))
            .collect(),
        protocol: text.protocol.as_ref().map(|at| at.value.0),
        ports: text.ports.as_ref().map(|at| (at.value.0, at.value.1)),
        destinations: text
            .destinations
            .iter()
            .flat_map(|list| &list.value)
            .map(|at| at.value)
            .collect(),
        ..ClassMatch::default()
    };
    if matches == ClassMatch::default() {
        let says = format!("nothing says what belongs to class `{}`", name.value);
        let advice = "give it `dscp`, `protocol`, `ports` or `destinations`";
        reports.push(Report::shape(name.span, says).try_this(advice));
    }
    let mut groups = Vec::new();
    for group in text.underlays.iter().flat_map(|list| &list.value) {
        let mut names = Vec::new();
        for at in &group.value.0 {
            let known = || underlays.iter().map(|known| known.name.value.as_str());
            if known().any(|known| known == at.value) {
                names.push(at.value.clone());
            } else {
                reports.push(unknown("underlay", &at.value, at.span, known().collect()));
            }
        }
        groups.push(names);
    }
    ClassConfig {
        name: name.value.clone(),
        matches: vec![matches],
        sla: text.sla.as_ref().map(|at| {
            let micros = |span: &Option<At<TimeSpan>>| {
                let span = span.as_ref().map_or(0, |at| at.value.0.as_micros());
                u32::try_from(span).unwrap_or(u32::MAX)
            };
            SlaConfig {
                rtt_us: micros(&at.value.rtt),
                jitter_us: micros(&at.value.jitter),
                loss_ppm: at.value.loss.as_ref().map_or(1_000_000, |at| at.value.0),
            }
        }),
        underlays: groups,
        otherwise: match text.otherwise.as_ref().map(|at| at.value) {
            Some(OtherwiseText::Best) | None => OtherwiseConfig::Best,
            Some(OtherwiseText::Drop) => OtherwiseConfig::Drop,
        },
        ..ClassConfig::default()
    }
}

/// A region's gateway.
pub(super) fn express_route(text: &RegionText, reports: &mut Vec<Report>) -> Option<ExpressRoute> {
    let at = text.express_route.as_ref()?;
    let settings = match &at.value {
        ExpressRouteText::Switch(false) => return None,
        ExpressRouteText::Switch(true) => ExpressRouteSettings::default(),
        ExpressRouteText::Settings(settings) => settings.clone(),
    };
    let mut sku = pick!(
        [settings.sku],
        GatewaySku::ErGw1Az,
        "the smallest with availability zones",
        |sku: &crate::model::GatewaySkuText| sku.0
    );
    if let Some(units) = &settings.units {
        match &mut sku.value {
            GatewaySku::ErGwScale(count) => *count = u8::try_from(units.value.0).unwrap_or(1),
            GatewaySku::ErGw1Az | GatewaySku::ErGw2Az | GatewaySku::ErGw3Az => {
                let says = "only `ErGwScale` has units";
                reports.push(Report::shape(units.span, says));
            }
        }
    }
    Some(ExpressRoute {
        why: Why::Line(at.span),
        sku,
        summarized: super::lines(settings.summarized.as_ref(), |prefix| *prefix),
        also: super::lines(settings.also.as_ref(), |prefix| *prefix),
    })
}

/// The budget of a region's NVAs, where one is written.
pub(super) fn budget(
    text: &RegionText,
    server: Option<&RouteServer>,
    gateway: bool,
    platform: &Platform,
) -> Option<Budget> {
    let text: &BudgetText = &text.route_budget.as_ref()?.value;
    let taken = server.map_or(0, |server| server.routes_per_peer.value);
    let announced = match gateway {
        true => platform.numbers.express_route.announced,
        false => 0,
    };
    let count = |count: &Count<1, 100_000>| count.0;
    Some(Budget {
        route_server: pick!(
            [text.route_server],
            taken / 5 * 4,
            "four fifths of what Route Server takes from a peer",
            count
        ),
        express_route: pick!(
            [text.express_route],
            announced / 10 * 9,
            "nine tenths of what a gateway announces; none without a gateway",
            count
        ),
        warn_percent: pick!(
            [text.warn],
            80,
            "a fifth before the budget",
            |share: &Loss| { u8::try_from(share.0 / 10_000).unwrap_or(100) }
        ),
        aggregate: Val::pick(&[text.aggregate.as_ref()], true, "on unless said"),
        discard: super::lines(text.discard.as_ref(), |prefix| *prefix),
        priority: super::lines(text.priority.as_ref(), |prefix| *prefix),
    })
}
