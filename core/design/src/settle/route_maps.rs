//! Decides the route maps of a Route Server: every name that is attached must be there.

use crate::model::{MapPairText, RouteMapRuleText, RouteServerSettings};
use crate::plan::{
    MapPair, RouteMapAction, RouteMapConfig, RouteMapMatch, RouteMapRule, RouteMaps,
};
use crate::reader::{At, suggestion};
use crate::report::Report;
use crate::scalars::Text;

/// The maps with what is attached to connections, and what is attached to NVAs.
pub(super) fn settle(
    settings: &RouteServerSettings,
    reports: &mut Vec<Report>,
) -> (RouteMaps, MapPair) {
    let texts = settings.route_maps.as_ref();
    let texts = texts.map(|at| &at.value.0[..]).unwrap_or_default();
    let maps: Vec<RouteMapConfig> = texts
        .iter()
        .map(|(name, text)| {
            let rules = text.rules.as_ref().map(|at| &at.value[..]);
            RouteMapConfig {
                name: name.value.clone(),
                rules: rules.unwrap_or_default().iter().map(rule).collect(),
            }
        })
        .collect();
    let attach = settings.attach.as_ref().map(|at| at.value.clone());
    let attach = attach.unwrap_or_default();
    let mut pair = |text: &Option<At<MapPairText>>| {
        let text = text.as_ref().map(|at| at.value.clone()).unwrap_or_default();
        MapPair {
            inbound: attached(text.inbound.as_ref(), &maps, reports),
            outbound: attached(text.outbound.as_ref(), &maps, reports),
        }
    };
    let nvas = pair(&attach.nvas);
    let all = RouteMaps {
        express_route: pair(&attach.express_route),
        vpn: pair(&attach.vpn),
        peers: Vec::new(),
        maps,
    };
    (all, nvas)
}

/// The name of a map that is there.
fn attached(
    name: Option<&At<Text>>,
    maps: &[RouteMapConfig],
    reports: &mut Vec<Report>,
) -> Option<String> {
    let at = name?;
    let name = &at.value.0;
    if !maps.iter().any(|map| map.name == *name) {
        let known = maps.iter().map(|map| map.name.as_str());
        let report = Report::shape(at.span, format!("there is no route map `{name}`"));
        reports.push(report.try_this(suggestion(name, known)));
        return None;
    }
    Some(name.clone())
}

fn rule(text: &At<RouteMapRuleText>) -> RouteMapRule {
    let text = &text.value;
    let when = [
        list(&text.prefix_equals).map(RouteMapMatch::PrefixEquals),
        list(&text.prefix_contains).map(RouteMapMatch::PrefixContains),
        list(&text.community_equals).map(RouteMapMatch::CommunityEquals),
        list(&text.community_contains).map(RouteMapMatch::CommunityContains),
        list(&text.as_path_equals).map(RouteMapMatch::AsPathEquals),
        list(&text.as_path_contains).map(RouteMapMatch::AsPathContains),
    ];
    let is_set = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|at| at.value);
    let then = [
        is_set(&text.drop).then_some(RouteMapAction::Drop),
        text.replace_prefix
            .as_ref()
            .map(|at| RouteMapAction::ReplacePrefix(at.value)),
        list(&text.replace_as_path).map(RouteMapAction::ReplaceAsPath),
        list(&text.add_as_path).map(RouteMapAction::AddAsPath),
        list(&text.replace_community).map(RouteMapAction::ReplaceCommunity),
        list(&text.remove_community).map(RouteMapAction::RemoveCommunity),
        list(&text.add_community).map(RouteMapAction::AddCommunity),
    ];
    RouteMapRule {
        when: when.into_iter().flatten().collect(),
        then: then.into_iter().flatten().collect(),
        next: is_set(&text.next),
    }
}

fn list<T: Copy>(text: &Option<At<Vec<At<T>>>>) -> Option<Vec<T>> {
    let items = text.as_ref()?.value.iter();
    Some(items.map(|at| at.value).collect())
}
