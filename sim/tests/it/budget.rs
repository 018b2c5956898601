//! The route budget against the platform's limits, with every device in its place: a site's router
//! brings more prefixes than a gateway may tell its circuit.

use core::time::Duration;

use design::plan::Plan;
use sim::{Options, World};
use tunnel::Suite;
use view::{Answer, Query, Session};

use super::{after, nobody_is_silent, plan_of};

const DESIGN: &str = "
longhaul: 1
name: budget
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes:
      spoke1: {address_space: 10.1.16.0/20, vms: 1}
    nvas: {count: 2}
    route_server: {branch_to_branch: true}
    express_route: true
    BUDGET
networks:
  mpls:
    asn: 64900
    pes: {ams: {city: Amsterdam}}
circuits:
  ams: {location: Amsterdam, customer: pe-ams.mpls, connections: [westeurope]}
sites:
  - name: paris
    city: Paris
    lans: [10.200.1.0/24]
    routers:
      core: {asn: 65050}
";

/// As many as the two VNets, the summary and the LAN leave of 1,001.
const FURTHER: u32 = 997;

/// The design with a router that brings further prefixes of its own, which its design would not let it announce,
/// every second /24 so that none can be joined with another.
fn plan(budget: &str) -> Plan {
    let mut plan = plan_of(&DESIGN.replace("BUDGET", budget));
    for neighbor in plan.nodes.iter_mut().flat_map(|node| &mut node.neighbors) {
        neighbor.accept = None;
    }
    for link in plan.nodes.iter_mut().flat_map(|node| &mut node.links) {
        link.accept = None;
    }
    let router = plan.routers.iter_mut().find(|one| one.name == "core.paris");
    let file = &mut router.expect("the router").config;
    *file = file.replace("export: lans", "export: accept");
    let further: String = (0..FURTHER)
        .map(|number| {
            let (second, third) = (100 + number / 128, number % 128 * 2);
            format!("  - {{prefix: 10.{second}.{third}.0/24}}\n")
        })
        .collect();
    *file = file.replacen("originate:\n", &format!("originate:\n{further}"), 1);
    plan
}

/// The sessions of a gateway's instance with both MSEEs after five minutes.
fn after_a_while(budget: &str) -> (World, Vec<Session>) {
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan(budget), options).unwrap_or_else(|error| panic!("{error}"));
    world.run_until(after(&world, Duration::from_secs(300)));
    let answer = world.ask("ergw0.westeurope", &Query::Sessions);
    let Ok(Answer::Sessions(sessions)) = answer else {
        panic!("{answer:?}");
    };
    let with_msee = |session: &Session| session.neighbor.starts_with("msee");
    let sessions = sessions.sessions.into_iter().filter(with_msee).collect();
    (world, sessions)
}

/// Whether a session has stood for minutes.
fn stands(session: &Session) -> bool {
    session.is_established() && session.uptime_ms.is_some_and(|uptime| uptime > 200_000)
}

#[test]
fn azure_1_4_1001_prefixes_end_the_gateways_sessions_without_a_budget() {
    let (_, sessions) = after_a_while("");
    assert_eq!(sessions.len(), 2);
    assert!(!sessions.iter().any(stands), "{sessions:#?}");
}

#[test]
fn azure_1_4_with_a_budget_1001_prefixes_keep_them() {
    let (mut world, sessions) = after_a_while("route_budget: {express_route: 900}");
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(stands), "{sessions:#?}");
    assert!(
        sessions.iter().all(|session| session.sent == 900),
        "{sessions:#?}"
    );
    nobody_is_silent(&mut world);
    let Ok(Answer::Budgets(shown)) = world.ask("nva1.westeurope", &Query::Budget) else {
        panic!("an NVA has an answer");
    };
    let [budget] = shown.budgets.as_slice() else {
        panic!("{shown:?}");
    };
    let mut attachments = budget.attachments.iter();
    let used = attachments.find(|used| used.attachment == "express-route");
    let used = used.unwrap_or_else(|| panic!("{budget:?}"));
    assert_eq!(
        (used.told, used.limit, used.level.as_str()),
        (900, 900, "over")
    );
    assert!(used.wanted > FURTHER, "{used:?}");
    // Nothing can be joined: what does not fit the circuits is told to the VNets only.
    assert!(budget.aggregates.is_empty() && budget.left_out.is_empty());
    assert_eq!(budget.vnets_only.len() as u32, used.wanted - used.told);
}
