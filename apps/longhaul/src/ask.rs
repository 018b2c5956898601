//! `show`, `trace`, `fail`, `heal`: the same questions to a running lab and to a simulation.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use design::plan::{NodeRole, Plan};
use serde::Serialize;
use serde_json::json;
use view::{
    Answer, Budgets, Counters, FABRIC, FlowSpec, Forwarding, Paths, Query, Routes, Sessions, Trace,
    Tunnels,
};

use crate::args::{Format, Show, Target, Trace as TraceArguments, What, Where};
use crate::output::{Ended, Failure, Outcome, result};
use crate::{lab_commands, platform, render, simulate};

/// How long a daemon may think about a question.
const PATIENCE: Duration = Duration::from_secs(60);

/// A network that can be asked: running, or simulated.
pub(crate) trait Network {
    /// What it was made from.
    fn plan(&self) -> &Plan;

    /// Puts a query to a device, or to the fabric under its name.
    fn ask(&mut self, device: &str, query: &Query) -> anyhow::Result<Answer>;

    /// Breaks or mends a target, and waits until the network has settled.
    fn change(&mut self, target: &view::Target, change: Change) -> anyhow::Result<()>;
}

/// What to do with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Break it.
    Fail,
    /// Mend it.
    Heal,
}

/// The network that the options name.
fn network(place: &Where) -> Result<Box<dyn Network>, Failure> {
    Ok(match &place.sim {
        Some(file) => Box::new(simulate::converged(file, place)?),
        None => Box::new(lab_commands::running(&place.lab)?),
    })
}

/// The part of an answer, if it is of the kind that was asked for.
macro_rules! part {
    ($kind:ident) => {
        |answer| match answer {
            Answer::$kind(part) => Some(part),
            _ => None,
        }
    };
}

/// `show`.
pub(crate) fn show(format: Format, options: &Show) -> Outcome {
    let is_platform = is_platform(options.what);
    if !matches!(options.what, What::LearnedRoutes | What::AdvertisedRoutes)
        && let Some(extra) = &options.peer
    {
        return Err(Failure::usage(format!(
            "error: {extra:?} is one argument too many: only learned and advertised routes have a peer"
        )));
    }
    match &options.control {
        Some(control) if is_platform => return platform::show_daemon(format, options, control),
        Some(control) => return show_daemon(format, options.what, control),
        None => {}
    }
    let mut network = network(&options.place)?;
    let network = network.as_mut();
    if is_platform {
        return platform::show(format, options, network);
    }
    let devices = devices(network.plan(), options.what, options.device.as_deref())?;
    let query = query_of(options.what);
    let asked = Asked {
        format,
        network,
        devices: &devices,
        query: &query,
    };
    match options.what {
        What::Sessions => asked.shown(part!(Sessions), Sessions::merge, render::sessions),
        What::Routes => asked.shown(part!(Routes), Routes::merge, render::routes),
        What::Tunnels => asked.shown(part!(Tunnels), Tunnels::merge, render::tunnels),
        What::Paths => asked.shown(part!(Paths), Paths::merge, render::paths),
        What::Budget => asked.shown(part!(Budgets), Budgets::merge, render::budgets),
        What::Counters => asked.shown(part!(Counters), Counters::merge, render::counters),
        What::Forwarding => {
            let (mut all, ended) = forwarding(asked.network, &devices)?;
            if let Some(device) = &options.device {
                let nic = format!("{device}/");
                all.devices
                    .retain(|table| table.device == *device || table.device.starts_with(&nic));
            }
            result(format, &all, render::forwarding)?;
            Ok(ended)
        }
        What::EffectiveRoutes
        | What::Peerings
        | What::LearnedRoutes
        | What::AdvertisedRoutes
        | What::RouteTable
        | What::RouteTableSummary => {
            unreachable!("shown by the platform's tables above")
        }
    }
}

/// A question to several devices.
struct Asked<'a> {
    format: Format,
    network: &'a mut dyn Network,
    devices: &'a [String],
    query: &'a Query,
}

impl Asked<'_> {
    /// Asks, and writes what the devices answer as one answer.
    fn shown<T: Serialize>(
        self,
        part: impl Fn(Answer) -> Option<T>,
        merge: impl FnOnce(Vec<T>) -> T,
        text: impl FnOnce(&T) -> String,
    ) -> Outcome {
        let parts = each(self.network, self.devices, self.query, part)?;
        let ended = completeness(parts.len(), self.devices.len());
        result(self.format, &merge(parts), text)?;
        Ok(ended)
    }
}

/// The question that answers `show`, for what devices answer themselves.
const fn query_of(what: What) -> Query {
    match what {
        What::Routes => Query::Routes { prefix: None },
        What::Tunnels => Query::Tunnels,
        What::Paths => Query::Paths,
        What::Budget => Query::Budget,
        What::Counters => Query::Counters,
        What::Forwarding => Query::Forwarding,
        _ => Query::Sessions,
    }
}

/// Whether the platform shows it too, in tables of its own.
const fn is_platform(what: What) -> bool {
    matches!(
        what,
        What::LearnedRoutes
            | What::AdvertisedRoutes
            | What::Peerings
            | What::EffectiveRoutes
            | What::RouteTable
            | What::RouteTableSummary
    )
}

/// `show --control`: asks one daemon, whatever it is.
fn show_daemon(format: Format, what: What, control: &Path) -> Outcome {
    match ask_daemon(control, &query_of(what))? {
        Answer::Sessions(sessions) => result(format, &sessions, render::sessions),
        Answer::Routes(routes) => result(format, &routes, render::routes),
        Answer::Tunnels(tunnels) => result(format, &tunnels, render::tunnels),
        Answer::Paths(paths) => result(format, &paths, render::paths),
        Answer::Budgets(budgets) => result(format, &budgets, render::budgets),
        Answer::Counters(counters) => result(format, &counters, render::counters),
        Answer::Forwarding(forwarding) => result(format, &forwarding, render::forwarding),
        Answer::Refused { reason } => Err(anyhow::anyhow!(reason).into()),
        _ => Err(anyhow::anyhow!("the daemon answered another question").into()),
    }
}

/// Asks the daemon behind a control socket.
pub(crate) fn ask_daemon(control: &Path, query: &Query) -> anyhow::Result<Answer> {
    driver::ask(control, query, PATIENCE).with_context(|| format!("asking {}", control.display()))
}

/// The forwarding tables of all given devices, and whether that is all. A device that is down has none.
pub(crate) fn forwarding(
    network: &mut dyn Network,
    devices: &[String],
) -> anyhow::Result<(Forwarding, Ended)> {
    let parts = each(
        network,
        devices,
        &Query::Forwarding,
        |answer| match answer {
            Answer::Forwarding(part) => Some(part),
            _ => None,
        },
    )?;
    let ended = completeness(parts.len(), devices.len());
    Ok((Forwarding::merge(parts), ended))
}

/// Ends a command whose answer has `parts` of the devices that were asked.
const fn completeness(parts: usize, devices: usize) -> Ended {
    if parts < devices {
        Ended::Findings
    } else {
        Ended::Clean
    }
}

/// Asks every device; one that is down is left out and noted.
fn each<T>(
    network: &mut dyn Network,
    devices: &[String],
    query: &Query,
    part: impl Fn(Answer) -> Option<T>,
) -> anyhow::Result<Vec<T>> {
    let mut parts = Vec::new();
    for device in devices {
        match network.ask(device, query) {
            Ok(Answer::Refused { reason }) => bail!("{device} refuses: {reason}"),
            Ok(answer) => {
                parts.push(
                    part(answer).with_context(|| format!("{device} answered another question"))?,
                );
            }
            Err(error) if devices.len() > 1 => crate::output::note(&format!("{error:#}")),
            Err(error) => return Err(error),
        }
    }
    Ok(parts)
}

/// The devices that a question goes to.
fn devices(plan: &Plan, what: What, only: Option<&str>) -> Result<Vec<String>, Failure> {
    let nodes = plan.nodes.iter().map(|node| node.name.clone());
    // Those of other make have tables of their own, and are asked by their own commands.
    let routers = plan.routers.iter().filter(|router| !router.foreign);
    let routers = routers.map(|router| router.name.clone());
    let instances = plan.route_servers.iter().map(|it| it.name.clone());
    let gateways = plan.gateways.iter().map(|it| it.name.clone());
    let msees = plan.msees.iter().map(|it| it.name.clone());
    let fabric = FABRIC.to_owned();
    let all: Vec<String> = match what {
        What::Sessions | What::Routes => nodes
            .chain(instances)
            .chain(gateways)
            .chain(msees)
            .chain(routers)
            .collect(),
        What::Tunnels | What::Paths | What::Counters => nodes.collect(),
        What::Budget => {
            let all = plan.nodes.iter();
            let nvas = all.filter(|node| matches!(node.role, NodeRole::Nva { .. }));
            nvas.map(|node| node.name.clone()).collect()
        }
        What::Forwarding => nodes.chain(routers).chain([fabric]).collect(),
        What::EffectiveRoutes => vec![fabric],
        What::Peerings | What::LearnedRoutes | What::AdvertisedRoutes => {
            instances.chain(gateways).collect()
        }
        What::RouteTable | What::RouteTableSummary => msees.collect(),
    };
    match only {
        None => Ok(all),
        Some(name)
            if matches!(what, What::Forwarding | What::EffectiveRoutes)
                && has_table(plan, name) =>
        {
            Ok(all)
        }
        Some(name) if all.iter().any(|device| device == name) => Ok(vec![name.to_owned()]),
        Some(name) => Err(Failure::usage(format!(
            "{name:?} is not a device that has this; there are: {}",
            all.join(" ")
        ))),
    }
}

/// Whether a device has a forwarding table or an interface in a VNet.
fn has_table(plan: &Plan, name: &str) -> bool {
    plan.nodes.iter().any(|node| node.name == name)
        || plan.fabric.nics.iter().any(|nic| nic.device == name)
}

/// `trace`.
pub(crate) fn trace(format: Format, options: &TraceArguments) -> Outcome {
    let flow: FlowSpec = options
        .flow
        .parse()
        .map_err(|error| Failure::usage(format!("{error}")))?;
    let mut network = network(&options.place)?;
    let trace = trace_between(
        network.as_mut(),
        &options.source,
        &options.destination,
        flow,
    )?;
    let arrived = trace.round_trip_us.is_some();
    result(format, &trace, render::trace)?;
    Ok(if arrived {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// Follows a flow there and back.
pub(crate) fn trace_between(
    network: &mut dyn Network,
    source: &str,
    destination: &str,
    flow: FlowSpec,
) -> Result<Trace, Failure> {
    let plan = network.plan().clone();
    let asked = view::trace(&plan, source, destination, flow, |device, query| {
        network.ask(device, query)
    });
    asked.map_err(|error| match error {
        view::TraceError::Host(_) => {
            let names: Vec<&str> = plan.hosts.iter().map(|host| host.name.as_str()).collect();
            Failure::usage(format!("{error}; there are: {}", names.join(" ")))
        }
        other => Failure::Runtime(anyhow::anyhow!("{other}")),
    })
}

/// `fail` and `heal`.
pub(crate) fn change(format: Format, options: &Target, change: Change) -> Outcome {
    let mut network = network(&options.place)?;
    let network = network.as_mut();
    let target = view::Target::parse(&options.target, network.plan())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let devices = devices(network.plan(), What::Forwarding, None)?;
    let (before, _) = forwarding(network, &devices)?;
    network.change(&target, change)?;
    let (after, _) = forwarding(network, &devices)?;
    let differences = before.differences(&after);
    let answer = json!({ "format_version": 1, "changed": differences });
    result(format, &answer, |_| {
        if differences.is_empty() {
            return "no forwarding table has changed yet\n".to_owned();
        }
        let mut text = String::from("changed so far (device prefix: before, after):\n");
        for line in &differences {
            text.push_str(&format!("  {line}\n"));
        }
        text
    })
}
