//! The JSON Schemas (draft-07) of the files that people write, from the tables that the reader
//! reads by.

use serde_json::{Map, Value, json};

use crate::model::DesignFile;
use crate::model::router::RouterFile;
use crate::reader::Shape;

/// The schema of the design file. Draft-07 because that is what editors' YAML servers support.
pub fn schema() -> Value {
    of::<DesignFile>("DesignFile", "Longhaul design, format version 1")
}

/// The schema as it is written to a file.
pub fn schema_text() -> String {
    text(&schema())
}

/// The schema of a router's file.
pub fn router_schema() -> Value {
    of::<RouterFile>("RouterFile", "Longhaul router, format version 1")
}

/// The schema of a router's file as it is written to a file.
pub fn router_schema_text() -> String {
    text(&router_schema())
}

fn text(schema: &Value) -> String {
    let text = serde_json::to_string_pretty(schema).expect("a JSON value has a text");
    text + "\n"
}

/// The schema of the record that a file as a whole is.
fn of<T: Shape>(root_name: &str, title: &str) -> Value {
    let mut definitions = Map::new();
    T::schema(&mut definitions);
    let root = definitions.remove(root_name);
    let mut root = root.map(renamed).unwrap_or_default();
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, schema)| (public_name(&name).to_owned(), renamed(schema)))
        .collect();
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!(title);
    root["definitions"] = Value::Object(definitions);
    root
}

/// Types that mirror the file end in `Text` or `Settings`; readers of the schema need not know.
fn public_name(name: &str) -> &str {
    name.strip_suffix("Text").unwrap_or(name)
}

fn renamed(schema: Value) -> Value {
    match schema {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(target)) => {
                    (key, Value::String(public_name(&target).to_owned()))
                }
                (_, value) => (key, renamed(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(renamed).collect(),
        other => other,
    }
}
