//! Designs of any size: they check, they resolve, and the same seed gives the same one.

use design::NoFiles;

fn resolve(text: &str) -> design::plan::Plan {
    let (design, reports) = design::read("generated.yaml", text, &NoFiles);
    assert!(reports.is_empty(), "{}", reports.render(false));
    let design = design.expect("a design without findings");
    let reports = design::check(&design);
    assert!(!reports.has_faults(), "{}", reports.render(false));
    design::resolve(&design, &|name| name.to_owned()).expect("a plan")
}

#[test]
fn a_thousand_sites_in_ten_regions_resolve() {
    let plan = resolve(&design::generate(10, 1_000, 1));
    assert_eq!((plan.regions.len(), plan.sites.len()), (10, 1_000));
    assert!(plan.sites.iter().all(|site| site.backup.is_some()));
}

#[test]
fn all_regions_and_no_sites_resolve_too() {
    let plan = resolve(&design::generate(100, 0, 1));
    assert_eq!((plan.regions.len(), plan.sites.len()), (58, 0));
}

#[test]
fn the_seed_decides_and_more_sites_leave_the_first_ones_alone() {
    let short = design::generate(3, 10, 7);
    assert_eq!(short, design::generate(3, 10, 7));
    assert_ne!(short, design::generate(3, 10, 8));
    let site = |text: &str| {
        text.lines()
            .find(|line| line.contains("site9,"))
            .map(str::to_owned)
    };
    assert_eq!(site(&short), site(&design::generate(5, 20, 7)));
}

#[test]
#[ignore = "a measurement: run it in release"]
fn five_thousand_sites_in_thirty_regions() {
    let text = design::generate(30, 5_000, 1);
    #[expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "a measurement"
    )]
    let start = std::time::Instant::now();
    let plan = resolve(&text);
    eprintln!(
        "read, checked and resolved {} nodes in {:?}",
        plan.nodes.len(),
        start.elapsed()
    );
}

#[test]
#[ignore = "a measurement: run it in release"]
fn two_thousand_circuits_that_carry_tunnels() {
    let mut text = String::from(
        "longhaul: 1\nname: d\nregions: {westeurope: {express_route: true, spokes: {spoke1: {vms: 1}}}}\nunderlays: {er: {kind: private-peering}}\n",
    );
    let (mut circuits, mut sites) = (String::from("circuits:\n"), String::from("sites:\n"));
    for index in 0..2_000 {
        circuits.push_str(&format!(
            "  c{index}: {{customer: core.s{index}, connections: [westeurope]}}\n"
        ));
        sites.push_str(&format!(
            "- {{name: s{index}, city: Paris, routers: {{core: {{asn: 65050}}}}, underlays: [{{name: er, via: core}}]}}\n"
        ));
    }
    text.push_str(&circuits);
    text.push_str(&sites);
    let (design, reports) = design::read("design.yaml", &text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    #[expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "a measurement"
    )]
    let start = std::time::Instant::now();
    let reports = design::check(&design);
    eprintln!("{} findings in {:?}", reports.len(), start.elapsed());
}
