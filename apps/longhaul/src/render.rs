//! Answers as tables for people. Programs take `--format json`.

mod paths;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use view::{
    Budgets, Counters, Forwarding, Leg, Ordeals, PathClass, PhaseLoss, Routes, Sessions,
    Simulation, Status, Totals, Trace, Tunnels,
};

pub(crate) use paths::paths;

/// A table without lines: columns are told apart by space, so that `awk` and `grep` work on it.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table as text, without the blanks at the ends of lines.
pub(crate) fn text(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn up(is_up: bool) -> &'static str {
    if is_up { "up" } else { "down" }
}

/// Milliseconds as `3m12s`.
fn span(ms: Option<u64>) -> String {
    let Some(ms) = ms else { return "-".to_owned() };
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Microseconds as milliseconds with two digits.
pub(crate) fn milliseconds(us: u64) -> String {
    format!("{}.{:02}", us / 1000, us % 1000 / 10)
}

/// `show sessions`.
pub(crate) fn sessions(answer: &Sessions) -> String {
    let mut out = table(&[
        "DEVICE", "NEIGHBOR", "AS", "STATE", "UP", "HOLD", "RECEIVED", "SENT",
    ]);
    for session in &answer.sessions {
        out.add_row([
            session.device.clone(),
            session.neighbor.clone(),
            session.remote_as.to_string(),
            session.state.clone(),
            span(session.uptime_ms),
            span(session.hold_time_ms),
            session.received.to_string(),
            session.sent.to_string(),
        ]);
    }
    right(&mut out, &[2, 4, 5, 6, 7]);
    text(&out)
}

/// `show routes`.
pub(crate) fn routes(answer: &Routes) -> String {
    let mut out = table(&[
        "DEVICE", "", "PREFIX", "FROM", "NEXT HOP", "PREF", "MED", "AS PATH", "WHY",
    ]);
    for route in &answer.routes {
        let mark = match (route.best, route.used) {
            (true, _) => "*>",
            (false, true) => "*=",
            (false, false) => "*",
        };
        out.add_row([
            route.device.clone(),
            mark.to_owned(),
            route.prefix.to_string(),
            route
                .neighbor
                .clone()
                .unwrap_or_else(|| "itself".to_owned()),
            route.next_hop.to_string(),
            or_dash(route.local_pref),
            or_dash(route.med),
            route.as_path.clone(),
            route.why.clone(),
        ]);
    }
    right(&mut out, &[5, 6]);
    text(&out)
}

/// `show tunnels`.
pub(crate) fn tunnels(answer: &Tunnels) -> String {
    let mut out = table(&[
        "DEVICE",
        "NEIGHBOR",
        "ROLE",
        "PATH",
        "ENDPOINT",
        "STATE",
        "CIPHER",
        "LANES",
        "MTU",
        "RTT ms",
        "JITTER ms",
        "LOSS %",
        "CLASSES",
    ]);
    for tunnel in &answer.tunnels {
        for path in &tunnel.paths {
            let state = if path.used { "up, used" } else { up(path.up) };
            out.add_row([
                tunnel.device.clone(),
                tunnel.neighbor.clone(),
                tunnel.role.clone(),
                path.local
                    .rsplit('/')
                    .next()
                    .unwrap_or(&path.local)
                    .to_owned(),
                match (path.endpoint, path.carrier.as_str()) {
                    (Some(endpoint), "tls") => format!("{endpoint}/tls"),
                    (endpoint, _) => or_dash(endpoint),
                },
                state.to_owned(),
                or_dash(path.cipher.as_deref()),
                or_dash(path.lanes),
                path.mtu.to_string(),
                or_dash(path.rtt_us.map(milliseconds)),
                or_dash(path.jitter_us.map(milliseconds)),
                or_dash(
                    path.loss_ppm
                        .map(|ppm| format!("{}.{}", ppm / 10_000, ppm % 10_000 / 1000)),
                ),
                if path.up {
                    classes(&path.classes)
                } else {
                    String::new()
                },
            ]);
        }
    }
    right(&mut out, &[7, 8, 9, 10, 11]);
    text(&out)
}

/// The classes that a path carries, and those whose demands it does not keep.
fn classes(classes: &[PathClass]) -> String {
    let told = classes.iter().filter_map(|class| {
        let standing = match class.standing.as_str() {
            "keeps" => "",
            standing => &format!(" ({standing})"),
        };
        (class.carries || !standing.is_empty()).then(|| {
            let carries = if class.carries { "*" } else { "" };
            format!("{}{carries}{standing}", class.name)
        })
    });
    told.collect::<Vec<_>>().join(", ")
}

/// `show budget`: how far each is used, then what does not fit.
pub(crate) fn budgets(answer: &Budgets) -> String {
    let mut uses = table(&["DEVICE", "TOWARDS", "WANTED", "TOLD", "BUDGET", "LEVEL"]);
    let mut rest = table(&["DEVICE", "PREFIX", ""]);
    for budget in &answer.budgets {
        for used in &budget.attachments {
            uses.add_row([
                budget.device.clone(),
                used.attachment.clone(),
                used.wanted.to_string(),
                used.told.to_string(),
                used.limit.to_string(),
                used.level.clone(),
            ]);
        }
        let mut note = |prefix: inet::Prefix, what: String| {
            rest.add_row([budget.device.clone(), prefix.to_string(), what]);
        };
        for aggregate in &budget.aggregates {
            let parts: Vec<String> = aggregate.parts.iter().map(ToString::to_string).collect();
            note(aggregate.prefix, format!("for {}", parts.join(" ")));
        }
        for prefix in &budget.vnets_only {
            note(*prefix, "told to the VNets only".to_owned());
        }
        for prefix in &budget.left_out {
            note(*prefix, "left out".to_owned());
        }
    }
    right(&mut uses, &[2, 3, 4]);
    match rest.is_empty() {
        true => text(&uses),
        false => format!("{}\n{}", text(&uses), text(&rest)),
    }
}

/// `show counters`.
pub(crate) fn counters(answer: &Counters) -> String {
    let mut out = table(&["DEVICE", "COUNTER", "REASON", "VALUE"]);
    for counter in &answer.counters {
        out.add_row([
            counter.device.clone(),
            counter.group.clone(),
            counter.name.clone(),
            counter.value.to_string(),
        ]);
    }
    right(&mut out, &[3]);
    text(&out)
}

/// `show forwarding`.
pub(crate) fn forwarding(answer: &Forwarding) -> String {
    let mut out = table(&["DEVICE", "PREFIX", "NEXT HOPS"]);
    for device in &answer.devices {
        for route in &device.routes {
            out.add_row([
                device.device.clone(),
                route.prefix.to_string(),
                route.next_hops.join(", "),
            ]);
        }
    }
    text(&out)
}

fn ratio(up: u32, all: u32) -> String {
    format!("{up}/{all}")
}

fn totals(totals: &Totals) -> [String; 5] {
    [
        ratio(totals.running, totals.devices),
        ratio(totals.sessions_up, totals.sessions),
        ratio(totals.tunnels_up, totals.tunnels),
        ratio(totals.paths_up, totals.paths),
        totals.routes.to_string(),
    ]
}

/// `status`, and what `up` shows live.
pub(crate) fn status(answer: &Status) -> String {
    let mut out = table(&["", "", "DEVICES", "SESSIONS", "TUNNELS", "PATHS", "ROUTES"]);
    let mut row = |kind: &str, name: &str, sums: &Totals| {
        let mut cells = vec![kind.to_owned(), name.to_owned()];
        cells.extend(totals(sums));
        out.add_row(cells);
    };
    for region in &answer.regions {
        row("region", &region.name, &region.totals);
    }
    for site in &answer.sites {
        row("site", &site.name, &site.totals);
    }
    row("all", &answer.name, &answer.totals);
    right(&mut out, &[2, 3, 4, 5, 6]);
    let mut text = text(&out);
    if let Some(verification) = &answer.verification {
        let when = match verification.age_ms {
            Some(age @ 60_000..) => format!("verification {} ago", span(Some(age))),
            _ => "verification".to_owned(),
        };
        let (reached, pairs) = (verification.reached, verification.pairs);
        text.push_str(&format!(
            "\n{when}: {reached} of {pairs} ordered pairs of hosts reach each other\n"
        ));
        for failure in &verification.failures {
            text.push_str(&format!("  {failure}\n"));
        }
    }
    text
}

/// `trace`.
pub(crate) fn trace(trace: &Trace) -> String {
    let mut text = leg("there", &trace.forward);
    if let Some(reverse) = &trace.reverse {
        text.push('\n');
        text.push_str(&leg("back", reverse));
    }
    text.push('\n');
    match trace.round_trip_us {
        Some(us) => text.push_str(&format!("round trip {} ms\n", milliseconds(us))),
        None => text.push_str("no round trip\n"),
    }
    if !trace.other_nvas.is_empty() {
        text.push_str(&format!(
            "asymmetric: {} on one way only\n",
            trace.other_nvas.join(", ")
        ));
    }
    text
}

fn leg(direction: &str, leg: &Leg) -> String {
    let mut text = format!("{direction}: {}\n", leg.flow);
    for (number, hop) in leg.hops.iter().enumerate() {
        let place = hop.region.as_ref().or(hop.site.as_ref());
        let place = place.map_or_else(String::new, |place| format!(" [{place}]"));
        text.push_str(&format!(
            "{:>3}  {:>8} ms  {}{place}: {}\n",
            number + 1,
            milliseconds(hop.latency_us),
            hop.device,
            hop.action
        ));
        for reason in &hop.reasons {
            text.push_str(&format!("                      {reason}\n"));
        }
        if !hop.alternatives.is_empty() {
            let others = hop.alternatives.join(", ");
            text.push_str(&format!("                      other flows: {others}\n"));
        }
        if let Some(underlay) = &hop.underlay {
            text.push_str(&format!("                      over {underlay}\n"));
        }
    }
    if let Some(first) = leg.cycle.first() {
        let round = leg.cycle.join(" > ");
        text.push_str(&format!("               goes round: {round} > {first}\n"));
    }
    let end = if leg.delivered {
        "delivered"
    } else {
        "not delivered"
    };
    text.push_str(&format!(
        "     {:>8} ms  {end}\n",
        milliseconds(leg.latency_us)
    ));
    text
}

/// `sim`.
pub(crate) fn simulation(simulation: &Simulation) -> String {
    let mut out = table(&["STEP", "AT s", "CONVERGED AFTER s", "SESSIONS", "PROBLEM"]);
    for step in &simulation.steps {
        out.add_row([
            step.name.clone(),
            seconds(step.at_ms),
            or_dash(step.converged_after_ms.map(seconds)),
            format!("{}/{}", step.sessions_up, step.sessions),
            step.problem.clone().unwrap_or_default(),
        ]);
    }
    right(&mut out, &[1, 2, 3]);
    let mut text = text(&out);
    if !simulation.loss.is_empty() {
        text.push('\n');
        text.push_str(&loss(&simulation.loss));
    }
    text.push_str(&format!(
        "\nseed {}, trace hash {}\n",
        simulation.seed, simulation.trace_hash
    ));
    text
}

/// What random failures did.
pub(crate) fn ordeals(ordeals: &Ordeals) -> String {
    let mut out = table(&[
        "SEED",
        "FAULTS",
        "SENT",
        "LOST",
        "DARK s",
        "WITH VNETS s",
        "REORDERED",
        "WRONG",
    ]);
    for one in &ordeals.ordeals {
        out.add_row([
            one.seed.to_string(),
            one.faults.to_string(),
            one.sent.to_string(),
            one.lost.to_string(),
            seconds(one.longest_site_ms),
            seconds(one.longest_vnet_ms),
            one.reordered.to_string(),
            one.wrong.to_string(),
        ]);
    }
    right(&mut out, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let mut text = text(&out);
    for one in &ordeals.ordeals {
        for violation in &one.violations {
            text.push_str(&format!("\nseed {}, {violation}", one.seed));
        }
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn loss(phases: &[PhaseLoss]) -> String {
    let mut out = table(&["PHASE", "SENT", "LOST", "LONGEST GAP ms", "WORST PAIR"]);
    for phase in phases {
        let worst = phase.pairs.first();
        out.add_row([
            phase.name.clone(),
            phase.sent.to_string(),
            phase.lost.to_string(),
            phase.longest_gap_ms.to_string(),
            worst.map_or_else(String::new, |pair| {
                format!("{} > {}", pair.source, pair.destination)
            }),
        ]);
    }
    right(&mut out, &[1, 2, 3]);
    text(&out)
}
