//! Neighbours: the file's values over those of their template, as settings of the speaker.

mod check;
mod extensions;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bgp::policy::{Side, Surroundings, Use};
use bgp::{
    ConnectMode, Counting, DynamicNeighbors, Neighbor, NeighborId, NextHopRule, OnExceed,
    PrefixLimit, Settings,
};

use inet::{Asn, Net};

use super::policies::Policies;
use super::said;
use crate::model::router::{
    Connect, CountedRoutes, DynamicText, LimitAction, NeighborBfdText, NeighborText, NextHop,
    PrefixLimitText, RouterFile,
};
use crate::plan::AuthConfig;
use crate::reader::{At, Inherit, suggestion};
use crate::report::{Report, Span};
use crate::scalars::Text;

/// Adds the neighbours to the settings; gives the key files of those that have one.
pub(super) fn neighbors(
    file: &RouterFile,
    policies: &Policies<'_>,
    listen: &[SocketAddr],
    settings: &mut Settings,
    reports: &mut Vec<Report>,
) -> Vec<(NeighborId, AuthConfig)> {
    let mut keys = Vec::new();
    let names: Vec<&str> = file
        .neighbors
        .iter()
        .flat_map(|all| &all.value.0)
        .map(|(name, _)| name.value.as_str())
        .collect();
    let surroundings = Surroundings {
        local_as: settings.local_as,
        neighbors: &names,
    };
    let mut addresses = std::collections::BTreeMap::new();
    for (name, text) in file.neighbors.iter().flat_map(|all| &all.value.0) {
        let text = inherited(file, text, reports);
        let Some(mut neighbor) = neighbor(name, &text, listen, reports) else {
            continue;
        };
        filters(&text, &mut neighbor, policies, surroundings, reports);
        if let Some(first) = addresses.insert(neighbor.address, name.span) {
            let says = format!("`{}` has the address of another", name.value);
            reports.push(Report::shape(name.span, says).also(Some(first), "this one"));
        }
        check::check(settings, &neighbor, &text, reports);
        let place = u32::try_from(settings.neighbors.len()).expect("a file has fewer nodes");
        if let Some(key) = extensions::auth(&text, reports) {
            keys.push((NeighborId(place), key));
        }
        settings.neighbors.push(neighbor);
    }
    for (name, range) in file.dynamic.iter().flat_map(|all| &all.value.0) {
        let range = dynamic(file, name, range, reports);
        if let Some((text, mut range)) = range {
            filters(&text, &mut range.template, policies, surroundings, reports);
            check::check(settings, &range.template, &text, reports);
            settings.dynamic.push(range);
        }
    }
    keys
}

/// A neighbour's policies.
fn filters(
    text: &NeighborText,
    neighbor: &mut Neighbor,
    policies: &Policies<'_>,
    surroundings: Surroundings<'_>,
    reports: &mut Vec<Report>,
) {
    let mut policy = |name: Option<&At<Text>>, side| {
        let neighbor = &*neighbor;
        let place = Use { side, neighbor };
        policies.policy(name?, place, surroundings, reports)
    };
    let import = policy(text.import.as_ref(), Side::Import);
    let export = policy(text.export.as_ref(), Side::Export);
    (neighbor.import, neighbor.export) = (import, export);
}

/// A range of neighbours; their addresses are known when they connect.
fn dynamic(
    file: &RouterFile,
    name: &At<String>,
    range: &DynamicText,
    reports: &mut Vec<Report>,
) -> Option<(NeighborText, DynamicNeighbors)> {
    let prefix = said(range.prefix.as_ref())?;
    let asns = range.asns.iter().flat_map(|list| &list.value);
    let remote_as: Vec<Asn> = asns.map(|at| at.value).collect();
    let text = NeighborText {
        template: range.template.clone(),
        ..NeighborText::default()
    };
    let mut text = inherited(file, &text, reports);
    if text.asn.is_none()
        && let Some(asns) = &range.asns
    {
        text.asn = asns.value.first().cloned();
    }
    let unspecified = match prefix {
        Net::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Net::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let at = |value| At {
        value,
        span: name.span,
    };
    text.address = Some(at(prefix.address()));
    text.local_address = Some(at(unspecified));
    if let Some(password) = text
        .password_file
        .as_ref()
        .map(|at| at.span)
        .or(text.tcp_ao.as_ref().map(|at| at.span))
    {
        let says = "keys are for neighbours with an address of their own";
        let report = Report::shape(name.span, says).also(Some(password), "from the template");
        reports.push(report.try_this("name the neighbours one by one under `neighbors`"));
    }
    let template = neighbor(name, &text, &[], reports)?;
    let limit = range.limit.as_ref().map_or(DYNAMIC_LIMIT, |at| at.value.0);
    Some((
        text,
        DynamicNeighbors {
            prefix,
            limit,
            remote_as,
            template,
        },
    ))
}

/// How many neighbours a range makes when the file does not say.
const DYNAMIC_LIMIT: u32 = 100;

/// A neighbour's values over those of its template.
fn inherited(file: &RouterFile, text: &NeighborText, reports: &mut Vec<Report>) -> NeighborText {
    let Some(name) = &text.template else {
        return text.clone();
    };
    let templates = file.templates.as_ref().map(|at| &at.value);
    let Some(template) = templates.and_then(|all| all.get(&name.value)) else {
        let known = templates.into_iter().flat_map(|all| &all.0);
        let known: Vec<&str> = known.map(|(name, _)| name.value.as_str()).collect();
        let says = format!("there is no template `{}`", name.value);
        let advice = suggestion(&name.value, known.iter().copied());
        reports.push(Report::shape(name.span, says).try_this(advice));
        return text.clone();
    };
    if let Some(nested) = &template.template {
        reports.push(Report::shape(
            nested.span,
            "a template has no template itself",
        ));
    }
    text.over(template)
}

fn missing(at: Span, what: &str) -> Report {
    Report::shape(at, format!("`{what}` is missing for this neighbour"))
}

fn neighbor(
    name: &At<String>,
    text: &NeighborText,
    listen: &[SocketAddr],
    reports: &mut Vec<Report>,
) -> Option<Neighbor> {
    if text.address.is_none() {
        reports.push(missing(name.span, "address"));
    }
    if text.asn.is_none() {
        reports.push(missing(name.span, "asn"));
    }
    let (address, asn) = (said(text.address.as_ref())?, said(text.asn.as_ref())?);
    let Some(local) = said(text.local_address.as_ref()).or_else(|| ours(listen, address)) else {
        let advice = "name our end of the session, or a single address in `listen`";
        reports.push(missing(name.span, "local_address").try_this(advice));
        return None;
    };
    let mut neighbor = Neighbor::new(name.value.clone(), local, address, asn);
    switches(text, &mut neighbor);
    times(text, &mut neighbor);
    numbers(text, &mut neighbor);
    neighbor.connect = match said(text.connect.as_ref()) {
        Some(Connect::Both) | None => ConnectMode::Both,
        Some(Connect::Active) => ConnectMode::Active,
        Some(Connect::Passive) => ConnectMode::Passive,
    };
    neighbor.prefix_limit = text.prefix_limit.as_ref().and_then(|at| limit(&at.value));
    neighbor.next_hop = match said(text.next_hop.as_ref()) {
        Some(NextHop::Standard) | None => NextHopRule::Standard,
        Some(NextHop::Ourselves) => NextHopRule::Ourselves,
        Some(NextHop::Unchanged) => NextHopRule::Unchanged,
    };
    extensions::set_all(text, &mut neighbor);
    Some(neighbor)
}

/// Sets a value that the file has.
fn set<T: Clone, U>(field: Option<&At<T>>, target: &mut U, value: impl Fn(T) -> U) {
    if let Some(at) = field {
        *target = value(at.value.clone());
    }
}

fn switches(text: &NeighborText, neighbor: &mut Neighbor) {
    let on = |field: &Option<At<bool>>, target: &mut bool| set(field.as_ref(), target, |on| on);
    on(&text.enabled, &mut neighbor.start_enabled);
    on(
        &text.route_reflector_client,
        &mut neighbor.route_reflector_client,
    );
    on(&text.as_override, &mut neighbor.as_override);
    on(&text.enforce_first_as, &mut neighbor.enforce_first_as);
    set(text.bfd.as_ref(), &mut neighbor.bfd, |bfd| match bfd {
        NeighborBfdText::Switch(on) => on,
        NeighborBfdText::Timers(_) => true,
    });
    on(&text.require_policy, &mut neighbor.require_policy);
    on(&text.graceful_shutdown, &mut neighbor.graceful_shutdown);
    on(&text.four_octet_as, &mut neighbor.four_octet_as);
    on(&text.route_refresh, &mut neighbor.route_refresh);
    on(&text.enhanced_refresh, &mut neighbor.enhanced_refresh);
    on(&text.extended_messages, &mut neighbor.extended_messages);
    on(&text.extended_next_hop, &mut neighbor.extended_next_hop);
    on(&text.role_strict, &mut neighbor.role_strict);
}

fn times(text: &NeighborText, neighbor: &mut Neighbor) {
    set(text.hold_time.as_ref(), &mut neighbor.hold_time, |t| t.0);
    set(text.keepalive.as_ref(), &mut neighbor.keepalive, |t| {
        Some(t.0)
    });
    set(
        text.send_hold_time.as_ref(),
        &mut neighbor.send_hold_time,
        |t| t.0,
    );
    set(
        text.connect_retry.as_ref(),
        &mut neighbor.connect_retry,
        |t| t.0,
    );
    set(text.idle_hold.as_ref(), &mut neighbor.idle_hold, |t| t.0);
}

fn numbers(text: &NeighborText, neighbor: &mut Neighbor) {
    let octet = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    set(text.port.as_ref(), &mut neighbor.port, |n| {
        u16::try_from(n.0).unwrap_or(u16::MAX)
    });
    set(
        text.interior_cost.as_ref(),
        &mut neighbor.interior_cost,
        |n| n.0,
    );
    set(
        text.own_as_allowed.as_ref(),
        &mut neighbor.own_as_allowed,
        |n| octet(n.0),
    );
    set(
        text.multihop.as_ref(),
        &mut neighbor.ebgp_multihop_ttl,
        |n| octet(n.0),
    );
    set(
        text.ttl_security.as_ref(),
        &mut neighbor.ttl_security,
        |n| Some(octet(n.0)),
    );
    set(
        text.local_address_v4.as_ref(),
        &mut neighbor.local_address_v4,
        Some,
    );
    set(
        text.local_address_v6.as_ref(),
        &mut neighbor.local_address_v6,
        Some,
    );
}

/// The first listening address of the family, when it is one address and not all of them.
fn ours(listen: &[SocketAddr], neighbor: IpAddr) -> Option<IpAddr> {
    let mut own = listen.iter().map(SocketAddr::ip);
    own.find(|own| own.is_ipv4() == neighbor.is_ipv4() && !own.is_unspecified() && *own != neighbor)
}

fn limit(text: &PrefixLimitText) -> Option<PrefixLimit> {
    let count = match said(text.count.as_ref()) {
        Some(CountedRoutes::Held) | None => Counting::Held,
        Some(CountedRoutes::HeldPlusIncoming) => Counting::HeldPlusIncoming {
            gap: Counting::BURST_GAP,
        },
    };
    let mut limit = PrefixLimit::new(text.max.as_ref()?.value.0, count);
    set(
        text.warning_percent.as_ref(),
        &mut limit.warning_percent,
        |n| u8::try_from(n.0).unwrap_or(u8::MAX),
    );
    limit.on_exceed = match said(text.on_exceed.as_ref()) {
        Some(LimitAction::Teardown) | None => OnExceed::Teardown {
            restart_after: text.restart_after.as_ref().map(|at| at.value.0),
        },
        Some(LimitAction::Warn) => OnExceed::Warn,
    };
    Some(limit)
}
