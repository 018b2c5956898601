//! The committed schema is the one that the code makes, and the starter follows it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read and rewrite committed files"
)]

use design::NoFiles;

fn path(name: &str) -> String {
    format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_schemas_have_not_drifted() {
    drifted("longhaul-1", &design::schema_text());
    drifted("router-1", &design::router_schema_text());
}

fn drifted(name: &str, now: &str) {
    let file = path(&format!("docs/schema/{name}.schema.json"));
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&file, now).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == now,
        "{file} has drifted: run the test with UPDATE=1 and commit it"
    );
}

#[test]
fn every_key_has_a_description_and_an_example_that_the_reader_takes() {
    let schema = design::schema();
    let definitions = schema["definitions"].as_object().expect("definitions");
    assert!(definitions.len() > 20);
    for (name, definition) in definitions {
        for (key, property) in definition["properties"].as_object().expect("a record") {
            assert!(
                property["description"].is_string(),
                "{name}.{key} has no description"
            );
            assert!(
                property["examples"][0] != serde_json::Value::Null,
                "{name}.{key} has no example"
            );
        }
    }
    let root = &schema["properties"];
    for (key, property) in root.as_object().expect("a record") {
        let mut text = String::from("{");
        for (name, value) in [
            ("longhaul", "1"),
            ("name", "d"),
            ("regions", "{westeurope: {}}"),
        ] {
            if name != key {
                text.push_str(&format!("{name}: {value}, "));
            }
        }
        text.push_str(&format!("{key}: {}}}", property["examples"][0]));
        let files = std::collections::BTreeMap::from([(
            "sites.csv".to_owned(),
            "name,city\nparis,Paris\n".to_owned(),
        )]);
        let (design, reports) = design::read("example.yaml", &text, &files);
        assert!(design.is_some(), "{key}: {}", reports.render(false));
    }
}

#[test]
fn the_starter_checks_without_findings_and_names_the_schema() {
    let text = design::starter();
    assert!(text.starts_with("# yaml-language-server: $schema="));
    let (design, reports) = design::read("design.yaml", &text, &NoFiles);
    assert!(reports.is_empty(), "{}", reports.render(false));
    let design = design.expect("a design");
    let reports = design::check(&design);
    assert!(reports.is_empty(), "{}", reports.render(false));
    assert!(design::resolve(&design, &|name| name.to_owned()).is_ok());
}
