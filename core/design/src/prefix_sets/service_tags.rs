//! Azure's service tags, as the file `ServiceTags_Public_….json` has them.

use serde::Deserialize;

use super::Found;
use crate::reader::{At, suggestion};
use crate::report::Report;
use crate::scalars::Text;

/// Reads the prefixes of the tags.
pub(super) fn read(found: &mut Found<'_>, wanted: &[&At<Text>], reports: &mut Vec<Report>) {
    let Some(all) = found.json::<ServiceTags>("a file of Azure's service tags") else {
        return;
    };
    for at in wanted {
        let name = &at.value.0;
        let tag = all.values.iter().find(|tag| tag.name == *name);
        let Some(tag) = tag else {
            let known = all.values.iter().map(|tag| tag.name.as_str());
            let says = format!("there is no service tag `{name}` in the file");
            reports.push(Report::shape(at.span, says).try_this(suggestion(name, known)));
            continue;
        };
        for text in &tag.properties.address_prefixes {
            found.prefix(text, |found| found.quoted(text));
        }
    }
}

#[derive(Deserialize)]
struct ServiceTags {
    values: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    address_prefixes: Vec<String>,
}
