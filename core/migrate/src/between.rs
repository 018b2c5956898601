//! What lies between two designs: the edits, in the order in which people do them.
//!
//! First everything is added that others will need, Azure before the sites; then the sites go one
//! after the other, each through all of its stages; then goes what nothing needs any more, from the
//! outside in: circuits, gateways, networks.

use core::fmt;
use std::collections::BTreeSet;

use design::document::Value;

use crate::compose::{self, Site};
use crate::edit::{Change, Edit, Section, Stage};
use crate::{flat, shape};

/// Two designs and what changes between them.
#[derive(Clone, Debug)]
pub struct Migration {
    pub(crate) from: Value,
    pub(crate) to: Value,
    /// As it was written, for the last step.
    pub(crate) to_written: Value,
    pub(crate) edits: Vec<Edit>,
}

/// Why two designs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Sites are in a table.
    Table,
    /// A site names no LAN, and would get another one when sites move.
    Lans(String),
    /// Two designs of other networks.
    Names(String, String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str(
                "the sites are in a table; write them into both designs, since steps differ in single sites",
            ),
            Self::Lans(site) => write!(
                f,
                "site {site} names no `lans` and would get others in another order; write them down"
            ),
            Self::Names(a, b) => write!(
                f,
                "the designs are of two networks, {a} and {b}: give both the same `name`"
            ),
        }
    }
}

impl core::error::Error for Refused {}

/// Sections whose names do nothing until somebody uses them.
pub(crate) const DEFINITIONS: [&str; 4] = ["policies", "classes", "site_classes", "underlays"];
/// Keys of a region in the order in which they are built.
const REGION_ORDER: [&str; 7] = [
    "region",
    "hub",
    "spokes",
    "peering",
    "nvas",
    "express_route",
    "route_server",
];

impl Migration {
    /// Compares two designs.
    ///
    /// # Errors
    ///
    /// They are of two networks, or written in a way that does not allow steps in between.
    pub fn between(from: &Value, to: &Value) -> Result<Self, Refused> {
        let name = |design: &Value| {
            let name = design.get("name").and_then(Value::text);
            name.unwrap_or_default().to_owned()
        };
        if name(from) != name(to) {
            return Err(Refused::Names(name(from), name(to)));
        }
        let (mut flat_from, mut flat_to) = (from.clone(), to.clone());
        flat::flatten(&mut flat_from, &mut flat_to)?;
        lans_are_named(&flat_from)?;
        lans_are_named(&flat_to)?;
        let mut migration = Self {
            from: flat_from,
            to: flat_to,
            to_written: to.clone(),
            edits: Vec::new(),
        };
        let mut edits = Vec::new();
        migration.whole(&mut edits);
        migration.coming(&mut edits);
        migration.sites(&mut edits);
        migration.going(&mut edits);
        migration.edits = edits;
        let all: Vec<usize> = (0..migration.edits.len()).collect();
        if shape::canonical(&migration.compose(&all)) != shape::canonical(&migration.to) {
            migration.edits.push(Edit::Finish);
        }
        Ok(migration)
    }

    /// The edits, in the order in which people would do them.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The first design.
    pub const fn from(&self) -> &Value {
        &self.from
    }

    /// The design after some edits, given by their numbers in the order in which they are done.
    pub fn compose(&self, done: &[usize]) -> Value {
        compose::compose(self, done)
    }

    /// Whether sites change sides, so that both sides must reach each other meanwhile.
    fn mixes(&self) -> bool {
        let migrating = |site: &Value| {
            let after = shape::name(site).and_then(|name| shape::site(&self.to, name));
            after.is_some_and(|after| shape::leaves(site, after))
        };
        shape::sites(&self.from).iter().any(migrating)
    }

    /// Definitions and keys of the whole design.
    fn whole(&self, edits: &mut Vec<Edit>) {
        let missing = |section: &str| {
            let known: BTreeSet<&str> = shape::names(&self.from, section).collect();
            shape::names(&self.to, section).any(|name| !known.contains(name))
        };
        if DEFINITIONS.iter().any(|section| missing(section)) {
            edits.push(Edit::Definitions);
        }
        let named = |key: &str| {
            DEFINITIONS.contains(&key)
                || key == "sites"
                || Section::ALL.iter().any(|section| section.key() == key)
        };
        let keys = self.to.map().into_iter().flat_map(|map| map.keys());
        for key in keys.filter(|key| !named(key)) {
            if self.from.get(key) != self.to.get(key) {
                edits.push(Edit::Setting {
                    key: key.to_owned(),
                });
            }
        }
        for section in ["policies", "classes", "site_classes"] {
            let changed = shape::names(&self.to, section).any(|name| {
                let before = self.from.at(&[section, name]);
                before.is_some() && before != self.to.at(&[section, name])
            });
            if changed {
                edits.push(Edit::Setting {
                    key: section.to_owned(),
                });
            }
        }
    }

    /// What is added to the platform and the providers, or changed there.
    fn coming(&self, edits: &mut Vec<Edit>) {
        for section in Section::ALL {
            for name in shape::names(&self.to, section.key()) {
                let before = self.from.at(&[section.key(), name]);
                let after = self.to.at(&[section.key(), name]);
                let defined = section == Section::Underlays;
                match before {
                    None if defined
                        || shape::names(&self.from, section.key()).any(|n| n == name) => {}
                    None => edits.push(item(section, name, Change::Add)),
                    Some(_) if section == Section::Regions => self.region_coming(name, edits),
                    Some(before) if Some(before) != after => {
                        edits.push(item(section, name, Change::Alter));
                    }
                    Some(_) => {}
                }
            }
        }
        self.exchanges(edits);
    }

    /// Regions in which Route Server and gateway exchange routes while sites move.
    fn exchanges(&self, edits: &mut Vec<Edit>) {
        if !self.mixes() {
            return;
        }
        for name in shape::names(&self.from, "regions") {
            let region = &self.from.at(&["regions", name]);
            let open = region.is_some_and(shape::branch_to_branch);
            let gateway = region.is_some_and(|region| shape::has(region, "express_route"));
            let stays = self.to.at(&["regions", name]);
            let gateway =
                gateway || stays.is_some_and(|region| shape::has(region, "express_route"));
            if gateway && !open && stays.is_some() {
                edits.push(Edit::Exchange {
                    region: name.to_owned(),
                });
            }
        }
    }

    /// Keys of a region that come or change before the sites.
    fn region_coming(&self, name: &str, edits: &mut Vec<Edit>) {
        for (key, change) in self.region_changes(name) {
            if change != Change::Remove && !self.waits(name, &key) {
                edits.push(Edit::Region {
                    region: name.to_owned(),
                    key,
                    change,
                });
            }
        }
    }

    /// Keys of a region that differ, in the order in which they are built.
    fn region_changes(&self, name: &str) -> Vec<(String, Change)> {
        let empty = Value::empty();
        let before = self.from.at(&["regions", name]).unwrap_or(&empty);
        let after = self.to.at(&["regions", name]).unwrap_or(&empty);
        let keys = |value: &Value| -> Vec<String> {
            let map = value.map().into_iter();
            map.flat_map(|map| map.keys()).map(str::to_owned).collect()
        };
        let mut all: Vec<String> = REGION_ORDER.iter().map(|key| (*key).to_owned()).collect();
        for key in keys(before).into_iter().chain(keys(after)) {
            if !all.contains(&key) {
                all.push(key);
            }
        }
        let change = |key: String| {
            let change = match (before.get(&key), after.get(&key)) {
                (a, b) if a == b => return None,
                _ if shape::has(after, &key) && !shape::has(before, &key) => Change::Add,
                _ if shape::has(before, &key) && !shape::has(after, &key) => Change::Remove,
                _ => Change::Alter,
            };
            Some((key, change))
        };
        all.into_iter().filter_map(change).collect()
    }

    /// Whether a change of a region's key waits until the sites have moved: what narrows.
    fn waits(&self, region: &str, key: &str) -> bool {
        let value = |design: &Value| design.at(&["regions", region]).cloned();
        let (Some(before), Some(after)) = (value(&self.from), value(&self.to)) else {
            return false;
        };
        match key {
            // While sites move it is open; afterwards it is as it shall be.
            "route_server" => self.mixes() || shape::branch_to_branch(&before),
            "nvas" => {
                let count = |region: &Value| {
                    let count = region.at(&["nvas", "count"]).and_then(Value::text);
                    count.and_then(|text| text.parse::<usize>().ok())
                };
                matches!((count(&before), count(&after)), (Some(a), Some(b)) if b < a)
            }
            _ => false,
        }
    }

    /// The sites: those that move or change in the order of the second design, then new ones.
    fn sites(&self, edits: &mut Vec<Edit>) {
        let mut fresh = Vec::new();
        for after in shape::sites(&self.to) {
            let Some(name) = shape::name(after) else {
                continue;
            };
            let Some(before) = shape::site(&self.from, name) else {
                fresh.push(site(name, Stage::New));
                continue;
            };
            let mut last = before.clone();
            for stage in [Stage::Beside, Stage::Moved, Stage::Done] {
                if stage != Stage::Done && !shape::leaves(before, after) {
                    continue;
                }
                let next = Site { before, after }.at(stage);
                if stage == Stage::Done {
                    self.circuits_of(name, edits);
                }
                if next != last {
                    edits.push(site(name, stage));
                    last = next;
                }
            }
        }
        edits.append(&mut fresh);
    }

    /// Circuits that end at a site and go: before the site forgets what it kept from them.
    fn circuits_of(&self, site: &str, edits: &mut Vec<Edit>) {
        let ends = shape::circuit_ends(&self.from);
        let own = |circuit: &str| {
            let mut places = ends.iter().filter(|(name, _, _)| name == circuit);
            places.clone().next().is_some() && places.all(|(_, _, place)| place == site)
        };
        for circuit in shape::names(&self.from, Section::Circuits.key()) {
            if own(circuit) && self.to.at(&[Section::Circuits.key(), circuit]).is_none() {
                edits.push(item(Section::Circuits, circuit, Change::Remove));
            }
        }
    }

    /// What goes once the sites have moved.
    fn going(&self, edits: &mut Vec<Edit>) {
        for before in shape::sites(&self.from) {
            let name = shape::name(before).unwrap_or_default();
            if shape::site(&self.to, name).is_none() {
                edits.push(site(name, Stage::Gone));
            }
        }
        let gone = |section: Section| {
            let kept: BTreeSet<&str> = shape::names(&self.to, section.key()).collect();
            shape::names(&self.from, section.key())
                .filter(move |name| !kept.contains(name))
                .map(move |name| item(section, name, Change::Remove))
        };
        for circuit in gone(Section::Circuits) {
            if !edits.contains(&circuit) {
                edits.push(circuit);
            }
        }
        for region in shape::names(&self.to, "regions") {
            if self.from.at(&["regions", region]).is_none() {
                continue;
            }
            for (key, change) in self.region_changes(region) {
                if change == Change::Remove || self.waits(region, &key) {
                    edits.push(Edit::Region {
                        region: region.to_owned(),
                        key,
                        change,
                    });
                }
            }
            let opened = edits
                .iter()
                .any(|edit| matches!(edit, Edit::Exchange { region: open } if open == region));
            let same = self.from.at(&["regions", region, "route_server"])
                == self.to.at(&["regions", region, "route_server"]);
            if opened && same {
                edits.push(Edit::Region {
                    region: region.to_owned(),
                    key: "route_server".to_owned(),
                    change: Change::Alter,
                });
            }
        }
        edits.extend(gone(Section::Networks));
        edits.extend(gone(Section::Regions));
    }
}

fn item(section: Section, name: &str, change: Change) -> Edit {
    Edit::Item {
        section,
        name: name.to_owned(),
        change,
    }
}

fn site(name: &str, stage: Stage) -> Edit {
    Edit::Site {
        site: name.to_owned(),
        stage,
    }
}

fn lans_are_named(design: &Value) -> Result<(), Refused> {
    let unnamed = |site: &&Value| site.get("lans").is_none() && site.get("class").is_none();
    match shape::sites(design).iter().find(unnamed) {
        Some(site) => Err(Refused::Lans(
            shape::name(site).unwrap_or_default().to_owned(),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
