//! Microsoft 365's endpoints, as <https://endpoints.office.com/endpoints/worldwide> gives them.
//!
//! A list of records, of which `category` and `ips` are read. Ports and names are classes' matter.

use serde::Deserialize;

use super::Found;
use crate::model::CategoryText;

/// Reads the prefixes of the wanted categories; of all when none is named.
pub(super) fn read(found: &mut Found<'_>, wanted: &[CategoryText]) {
    let records: Option<Vec<Endpoint>> = found.json("a list of Microsoft 365 endpoints");
    for record in records.into_iter().flatten() {
        let category = match record.category.as_deref() {
            Some("Optimize") => Some(CategoryText::Optimize),
            Some("Allow") => Some(CategoryText::Allow),
            Some("Default") => Some(CategoryText::Default),
            _ => None,
        };
        if !wanted.is_empty() && !category.is_some_and(|category| wanted.contains(&category)) {
            continue;
        }
        for text in &record.ips {
            found.prefix(text, |found| found.quoted(text));
        }
    }
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(default)]
    category: Option<String>,
    /// Records of names only have none.
    #[serde(default)]
    ips: Vec<String>,
}
