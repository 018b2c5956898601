//! Each accident of scenario 13 is found by the rule that looks for it, at a line of the file.

#![expect(clippy::disallowed_methods, reason = "examples are files")]

const ACCIDENTS: [(&str, &str); 5] = [
    ("two-regions-on-a-circuit", "circuit-loop"),
    ("default-into-own-subnet", "default-route-loop"),
    ("hub-to-hub-plain", "hub-to-hub-plain"),
    ("one-route-server-instance", "one-route-server-instance"),
    ("route-over-route-server-subnet", "gateway-subnet-route"),
];

#[test]
fn every_accident_is_found_before_it_happens() {
    let folder = format!("{}/../../examples/13-accidents", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(&folder).expect("the folder of accidents");
    assert_eq!(files.count(), ACCIDENTS.len());
    for (name, rule) in ACCIDENTS {
        let file = format!("{folder}/{name}.yaml");
        let text = std::fs::read_to_string(&file).expect("an example");
        let (design, reports) = design::read(&file, &text, &design::NoFiles);
        let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
        let found = design::check(&design);
        let found = found.iter().find(|report| report.rule == rule);
        let at = found
            .unwrap_or_else(|| panic!("{name} has no finding {rule}"))
            .at;
        assert!(at.is_some(), "{rule} points nowhere in {name}");
    }
}
