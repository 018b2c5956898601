//! The JSON Schema (draft-07) of the design file, from the tables that the reader reads by.

use serde_json::{Map, Value, json};

use crate::model::DesignFile;
use crate::reader::Shape;

/// The schema. Draft-07 because that is what editors' YAML servers support.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    DesignFile::schema(&mut definitions);
    let mut root = definitions.remove(ROOT).map(renamed).unwrap_or_default();
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, schema)| (public_name(&name).to_owned(), renamed(schema)))
        .collect();
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("Longhaul design, format version 1");
    root["definitions"] = Value::Object(definitions);
    root
}

/// The record that a file as a whole is.
const ROOT: &str = "DesignFile";

/// The schema as it is written to a file.
pub fn schema_text() -> String {
    let text = serde_json::to_string_pretty(&schema()).expect("a JSON value has a text");
    text + "\n"
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
