//! ExpressRoute gateways of regions, and budgets of routes.

use super::decided::{Budget, ExpressRoute};
use super::{Platform, RouteServer, Val, Why, pick};
use crate::model::{BudgetText, ExpressRouteSettings, ExpressRouteText, RegionText};
use crate::plan::GatewaySku;
use crate::report::Report;
use crate::scalars::{Count, Loss};

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
