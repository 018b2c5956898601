//! What a migration needs to know of a site, read from the file's values.

use std::collections::{BTreeMap, BTreeSet};

use design::document::Value;

use crate::edit::Section;

/// Keys of a site's router that join it to a provider or to ExpressRoute.
pub(crate) const ATTACHMENTS: [&str; 2] = ["networks", "circuits"];

/// The name of a list's item.
pub(crate) fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::text)
}

/// How many CPEs a site has; one when it does not say.
pub(crate) fn cpes(site: &Value) -> usize {
    let written = site.get("cpes").and_then(Value::text);
    written.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The sites of a design.
pub(crate) fn sites(design: &Value) -> &[Value] {
    design.get("sites").map(Value::items).unwrap_or_default()
}

/// The site of a name.
pub(crate) fn site<'a>(design: &'a Value, wanted: &str) -> Option<&'a Value> {
    sites(design).iter().find(|site| name(site) == Some(wanted))
}

/// Names under a key of the design.
pub(crate) fn names<'a>(design: &'a Value, section: &str) -> impl Iterator<Item = &'a str> {
    let map = design.get(section).and_then(Value::map);
    map.into_iter().flat_map(|map| map.keys())
}

/// Attachments of a site's routers to networks and circuits: router, key and name.
pub(crate) fn attachments(site: &Value) -> BTreeSet<(String, &'static str, String)> {
    let mut all = BTreeSet::new();
    let routers = site.get("routers").and_then(Value::map);
    for (router, settings) in routers.into_iter().flat_map(|map| map.iter()) {
        for key in ATTACHMENTS {
            for joined in joined(settings.get(key)) {
                all.insert((router.to_owned(), key, joined));
            }
        }
    }
    all
}

/// Names in a list of names or of mappings with a name, or the keys of a mapping.
fn joined(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| item.text().or_else(|| name(item)))
            .map(str::to_owned)
            .collect(),
        Some(Value::Map(map)) => map.keys().map(str::to_owned).collect(),
        Some(Value::Scalar { text, .. }) => vec![text.clone()],
        None => Vec::new(),
    }
}

/// Where circuits end: circuit, router and the site or network that has the router.
pub(crate) fn circuit_ends(design: &Value) -> Vec<(String, String, String)> {
    let mut ends = Vec::new();
    let circuits = design.get("circuits").and_then(Value::map);
    for (circuit, settings) in circuits.into_iter().flat_map(|map| map.iter()) {
        let customer = settings.get("customer");
        let both = ["primary", "secondary"].map(|link| customer?.get(link));
        for device in [customer].into_iter().chain(both).flatten() {
            if let Some((router, place)) = device.text().and_then(|text| text.split_once('.')) {
                ends.push((circuit.to_owned(), router.to_owned(), place.to_owned()));
            }
        }
    }
    ends.dedup();
    ends
}

/// Whether a site leaves a provider or a circuit between two designs and has a CPE in the second.
pub(crate) fn leaves(from: &Value, to: &Value) -> bool {
    let after = attachments(to);
    cpes(to) > 0 && attachments(from).iter().any(|one| !after.contains(one))
}

/// Whether Route Server and gateway of a region exchange routes.
pub(crate) fn branch_to_branch(region: &Value) -> bool {
    let flag = region.at(&["route_server", "branch_to_branch"]);
    flag.and_then(Value::text) == Some("true")
}

/// Whether a key is there and not `false`.
pub(crate) fn has(value: &Value, key: &str) -> bool {
    let found = value.get(key);
    found.is_some_and(|value| value.text() != Some("false"))
}

/// A design in an order of keys that two designs of the same meaning share. Names of regions,
/// networks and such keep theirs: addresses are given out in it.
pub(crate) fn canonical(design: &Value) -> Value {
    let Value::Map(map) = design else {
        return design.clone();
    };
    let entries = map.iter().map(|(key, value)| {
        let named = Section::ALL.iter().any(|section| section.key() == key);
        let value = match value {
            Value::Map(names) if named => {
                let names = names
                    .iter()
                    .map(|(name, value)| (name.to_owned(), sorted(value)));
                Value::Map(names.collect())
            }
            other => sorted(other),
        };
        (key.to_owned(), value)
    });
    let entries: BTreeMap<String, Value> = entries.collect();
    Value::Map(entries.into_iter().collect())
}

/// A value with its keys in the order of their letters.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Scalar { .. } => value.clone(),
        Value::List(items) => Value::List(items.iter().map(sorted).collect()),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| (key.to_owned(), sorted(value)));
            let entries: BTreeMap<String, Value> = entries.collect();
            Value::Map(entries.into_iter().collect())
        }
    }
}
