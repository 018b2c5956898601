//! Every value of a design can be explained.

use design::{EXAMPLE_GLOBAL, NoFiles, Origin};

fn example() -> design::Design {
    design::read("global.yaml", EXAMPLE_GLOBAL, &NoFiles)
        .0
        .expect("a design")
}

fn one(path: &str) -> String {
    let found = design::explain(&example(), path).unwrap_or_else(|near| panic!("{path}: {near:?}"));
    found[0].to_string()
}

#[test]
fn a_written_value_names_its_line_and_a_default_its_reason() {
    assert_eq!(
        one("sites.tokyo.backup"),
        "sites.tokyo.backup = eastus\n  from global.yaml:86:13\n  |     backup: eastus"
    );
    assert_eq!(
        one("regions.westeurope.hub.address_space"),
        "regions.westeurope.hub.address_space = [10.1.0.0/20]\n  from global.yaml:20:26\n  |     hub: {address_space: 10.1.0.0/20}"
    );
    assert_eq!(
        one("sites.paris.home"),
        "sites.paris.home = westeurope\n  by default: the closest by modelled latency"
    );
    assert!(
        one("nodes.nva1.westeurope.loopback")
            .starts_with("nodes.nva1.westeurope.loopback = 10.255.1.1\n  derived: ")
    );
}

#[test]
fn a_value_of_a_class_names_the_line_of_the_class() {
    assert!(one("sites.paris.lans.0.hosts").contains("by default: as for the site"));
    assert!(one("sites.paris.underlays.internet.preference").contains("underlays: [internet]"));
}

#[test]
fn a_mistyped_name_gets_suggestions() {
    let near =
        design::explain(&example(), "regions.westeurop.nvas.count").expect_err("no such value");
    assert_eq!(near[0], "regions.westeurope.nvas.count");
}

#[test]
fn names_are_unique_and_every_origin_says_something() {
    let design = example();
    let mut names = design::explainable(&design);
    for name in &names {
        for value in design::explain(&design, name).expect("an explainable value") {
            let words = match value.origin {
                Origin::Line { text, .. } => text,
                Origin::Default(why) => why,
                Origin::Derived(how) => how,
            };
            assert!(!words.is_empty(), "{name}");
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 300, "{count}");
}
