//! Random small designs with circuits and networks: what passes `check` has no loop and no black hole, and a
//! failure makes no loop.

use core::fmt::Write as _;
use core::time::Duration;

use design::NoFiles;
use inet::Rng;
use sim::{Options, World};
use tunnel::Suite;

use super::{converge, fail};

const REGIONS: [&str; 2] = ["westeurope", "northeurope"];
const CITIES: [(&str, &str); 4] = [
    ("berlin", "Berlin"),
    ("lyon", "Lyon"),
    ("manchester", "Manchester"),
    ("paris", "Paris"),
];
/// Designs that are made.
const DESIGNS: u64 = 24;

/// A design with one or two regions on one or two circuits of a provider, and sites of every kind.
fn random(seed: u64) -> String {
    let mut rng = Rng::new(seed).named("design");
    let regions = 1 + rng.below(2) as usize;
    let circuits = 1 + rng.below(2) as usize;
    let mut text = format!("longhaul: 1\nname: random{seed}\nregions:\n");
    for (number, region) in REGIONS.iter().take(regions).enumerate() {
        let nvas = 1 + rng.below(2);
        let base = number + 1;
        writeln!(
            text,
            "  {region}:\n    hub: {{address_space: 10.{base}.0.0/20}}\n    spokes: {{spoke1: {{address_space: 10.{base}.16.0/20, vms: 2}}}}\n    nvas: {{count: {nvas}}}\n    route_server: {{branch_to_branch: true}}\n    express_route: {{sku: ErGw2AZ}}"
        )
        .expect("a string takes everything");
    }
    text.push_str("networks:\n  mpls: {asn: 64900, pes: {ams: {city: Amsterdam}, lon: {city: London}}}\ncircuits:\n");
    for (circuit, city) in [("ams", "Amsterdam"), ("lon", "London")]
        .iter()
        .take(circuits)
    {
        let connected = match rng.below(3) {
            0 => REGIONS[..1].join(", "),
            _ => REGIONS[..regions].join(", "),
        };
        writeln!(
            text,
            "  {circuit}: {{location: {city}, customer: pe-{circuit}.mpls, connections: [{connected}]}}"
        )
        .expect("a string takes everything");
    }
    text.push_str("sites:\n");
    for (number, (site, city)) in CITIES.iter().enumerate() {
        let pe = if rng.below(2) == 0 { "ams" } else { "lon" };
        let router = format!(
            "routers: {{core: {{asn: {}, networks: [{{name: mpls, pe: {pe}}}]}}}}",
            65101 + number
        );
        let kind = match (number, rng.below(3)) {
            // One site of either kind in any case.
            (0, _) | (_, 0) => String::new(),
            (1, _) | (_, 1) => format!(", cpes: 0, {router}"),
            _ => format!(", {router}"),
        };
        writeln!(
            text,
            "  - {{name: {site}, city: {city}, lans: [10.200.{number}.0/24]{kind}}}"
        )
        .expect("a string takes everything");
    }
    text
}

/// The network of a text, converged; `None` when `check` refuses it.
fn accepted(text: &str) -> Option<World> {
    let (design, reports) = design::read("random.yaml", text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{reports:?}\n{text}"));
    if design::check(&design).has_errors() {
        return None;
    }
    let plan = design::resolve(&design, &sim::public_key).ok()?;
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan, options).unwrap_or_else(|error| panic!("{error}\n{text}"));
    converge(&mut world);
    Some(world)
}

#[test]
fn what_passes_check_has_no_loop_and_no_black_hole() {
    let mut checked = 0;
    for seed in 0..DESIGNS {
        let text = random(seed);
        let Some(world) = accepted(&text) else {
            continue;
        };
        checked += 1;
        let said = world.reachability(4);
        assert!(
            said.is_complete(),
            "{:#?}\n{text}",
            said.lost.first().map(ToString::to_string)
        );
    }
    assert!(checked >= DESIGNS / 2, "check refused all but {checked}");
}

#[test]
fn no_single_failure_makes_a_loop_that_stays() {
    for seed in 0..DESIGNS / 4 {
        let text = random(seed);
        let Some(mut world) = accepted(&text) else {
            continue;
        };
        let mut rng = Rng::new(seed).named("failure");
        let names: Vec<String> = world.devices().map(str::to_owned).collect();
        let victim = &names[rng.below(names.len() as u64) as usize];
        fail(&mut world, victim);
        converge(&mut world);
        let said = world.reachability(2);
        let first = said.loops().next().map(ToString::to_string);
        assert_eq!(first, None, "{victim} failed\n{text}");
    }
}

#[test]
fn the_same_seed_gives_the_same_packets_with_circuits_and_routers() {
    let run = || {
        let mut world = accepted(&random(3)).expect("check takes it");
        fail(&mut world, "circuit:ams");
        world.run_until(world.now() + Duration::from_secs(3));
        world.ping_all();
        (world.trace_hash(), world.events())
    };
    assert_eq!(run(), run());
}
