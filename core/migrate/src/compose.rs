//! The design after some edits: the first one's values where an edit has not been done, the second
//! one's where it has, and for sites and Route Servers the values of the way in between.

use design::document::{Map, Value};

use crate::between::{DEFINITIONS, Migration};
use crate::edit::{Change, Edit, Section, Stage};
use crate::shape;

/// The policy of a router for what it hears from a CPE that carries nothing yet.
const LAST_CHOICE: &str = "set local-pref 50 accept";
/// What a site keeps until its last stage: where it is and who stands there.
const HELD: [&str; 6] = ["lans", "hosts", "city", "coordinates", "near", "name"];

/// The design after the edits of these numbers, in the order in which they are done.
pub(crate) fn compose(migration: &Migration, done: &[usize]) -> Value {
    let done: Vec<&Edit> = done
        .iter()
        .filter_map(|edit| migration.edits.get(*edit))
        .collect();
    if done.contains(&&Edit::Finish) {
        return migration.to_written.clone();
    }
    let mut design = migration.from.clone();
    for edit in &done {
        apply(migration, edit, &mut design);
    }
    sites(migration, &done, &mut design);
    for edit in &done {
        if let Edit::Item {
            section: Section::Circuits,
            name,
            change: Change::Remove,
        } = edit
        {
            forget(name, &mut design);
        }
    }
    design
}

/// Does an edit that is not about sites.
fn apply(migration: &Migration, edit: &Edit, design: &mut Value) {
    let to = &migration.to;
    match edit {
        Edit::Definitions => {
            for section in DEFINITIONS {
                define(section, to, design);
            }
        }
        Edit::Setting { key } => put(design.map_mut(), key, to.get(key)),
        Edit::Item {
            section,
            name,
            change,
        } => {
            let value = to.at(&[section.key(), name]).cloned();
            let map = design.map_mut().entry(section.key()).map_mut();
            match change {
                Change::Remove => drop(map.remove(name)),
                Change::Add | Change::Alter => map.set(name, value.unwrap_or(Value::empty())),
            }
            if map.is_empty() && *section != Section::Regions {
                design.map_mut().remove(section.key());
            }
        }
        Edit::Region { region, key, .. } => {
            let value = to.at(&["regions", region, key]);
            let map = design.map_mut().entry("regions").map_mut();
            put(map.entry(region).map_mut(), key, value);
        }
        Edit::Exchange { region } => {
            let wanted = [to, &migration.from].into_iter();
            let mut servers =
                wanted.filter_map(|design| design.at(&["regions", region, "route_server"]));
            let mut server = servers.find(|value| value.map().is_some()).cloned();
            let server = server.get_or_insert_with(Value::empty);
            server
                .map_mut()
                .set("branch_to_branch", Value::word("true"));
            let map = design.map_mut().entry("regions").map_mut();
            map.entry(region)
                .map_mut()
                .set("route_server", server.clone());
        }
        Edit::Site { .. } | Edit::Finish => {}
    }
}

/// Takes a circuit that is gone out of the routers that had filters for it.
fn forget(circuit: &str, design: &mut Value) {
    let Some(Value::List(sites)) = design.map_mut().get_mut("sites") else {
        return;
    };
    let routers = sites.iter_mut().filter_map(|site| match site {
        Value::Map(map) => map.get_mut("routers"),
        Value::Scalar { .. } | Value::List(_) => None,
    });
    for router in routers.flat_map(|routers| routers.map_mut().iter_mut().map(|(_, router)| router))
    {
        if router.at(&["circuits", circuit]).is_some() {
            let settings = router.map_mut();
            settings.entry("circuits").map_mut().remove(circuit);
            if settings
                .get("circuits")
                .and_then(Value::map)
                .is_some_and(Map::is_empty)
            {
                settings.remove("circuits");
            }
        }
    }
}

/// Adds the names of a section that the design does not have.
fn define(section: &str, to: &Value, design: &mut Value) {
    for name in shape::names(to, section) {
        let value = to.at(&[section, name]).cloned().unwrap_or(Value::empty());
        let known = design.get(section).and_then(Value::map);
        if !known.is_some_and(|map| map.has(name)) {
            design.map_mut().entry(section).map_mut().set(name, value);
        }
    }
}

/// Gives a key a value, or takes it away.
fn put(map: &mut Map, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => map.set(key, value.clone()),
        None => drop(map.remove(key)),
    }
}

/// Puts the sites at their stages. Those with CPEs come first, in the order in which they got
/// them: addresses are given out in the order of the design, and nobody's shall change.
fn sites(migration: &Migration, done: &[&Edit], design: &mut Value) {
    let stage = |name: &str| {
        done.iter()
            .enumerate()
            .rev()
            .find_map(|(_, edit)| match edit {
                Edit::Site { site, stage } if site == name => Some(*stage),
                _ => None,
            })
    };
    let started = |name: &str| {
        done.iter()
            .position(|edit| matches!(edit, Edit::Site { site, .. } if site == name))
    };
    let mut placed: Vec<((u8, usize), Value)> = Vec::new();
    for (index, before) in shape::sites(&migration.from).iter().enumerate() {
        let name = shape::name(before).unwrap_or_default();
        let after = shape::site(&migration.to, name);
        let (at, after) = match (stage(name), after) {
            (Some(Stage::Gone), _) => continue,
            (Some(stage), Some(after)) => (Some(stage), after),
            _ => (None, before),
        };
        let now = at.map_or_else(|| before.clone(), |stage| Site { before, after }.at(stage));
        let place = match (shape::cpes(before), started(name)) {
            (1.., _) => (0, index),
            (0, Some(started)) => (1, started),
            (0, None) => (2, index),
        };
        placed.push((place, now));
    }
    for after in shape::sites(&migration.to) {
        let name = shape::name(after).unwrap_or_default();
        if shape::site(&migration.from, name).is_none()
            && let Some(started) = started(name)
        {
            placed.push(((1, started), after.clone()));
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    let sites: Vec<Value> = placed.into_iter().map(|(_, site)| site).collect();
    if design.get("sites").is_some() || !sites.is_empty() {
        design.map_mut().set("sites", Value::List(sites));
    }
}

/// A site in both designs.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) before: &'a Value,
    pub(crate) after: &'a Value,
}

impl Site<'_> {
    /// The site at a stage.
    pub(crate) fn at(self, stage: Stage) -> Value {
        match stage {
            Stage::Beside => self.beside(),
            Stage::Moved => self.moved(),
            Stage::New | Stage::Done | Stage::Gone => self.after.clone(),
        }
    }

    /// The CPEs of the second design beside the routers of the first.
    fn both(self) -> Value {
        let mut site = self.before.clone();
        let keys = [self.before, self.after].into_iter().filter_map(Value::map);
        let keys: Vec<&str> = keys.flat_map(Map::keys).collect();
        for key in keys {
            if key != "routers" && !HELD.contains(&key) {
                put(site.map_mut(), key, self.after.get(key));
            }
        }
        let routers = self.after.get("routers").and_then(Value::map);
        for (router, settings) in routers.into_iter().flat_map(Map::iter) {
            let own = site.map_mut().entry("routers").map_mut().entry(router);
            for (key, value) in settings.map().into_iter().flat_map(Map::iter) {
                if !shape::ATTACHMENTS.contains(&key) || own.get(key).is_none() {
                    own.map_mut().set(key, value.clone());
                }
            }
        }
        site
    }

    fn beside(self) -> Value {
        let mut site = self.both();
        if shape::cpes(self.before) == 0 {
            for (_, router) in leaving(self, &mut site) {
                let cpe = router.map_mut().entry("cpe").map_mut();
                cpe.set("import", Value::word(LAST_CHOICE));
            }
        }
        site
    }

    /// The sessions of what is left stay, and carry nothing.
    fn moved(self) -> Value {
        let kept = shape::attachments(self.after);
        let mut site = self.both();
        for (name, router) in leaving(self, &mut site) {
            for key in shape::ATTACHMENTS {
                let goes = |joined: &str| !kept.contains(&(name.clone(), key, joined.to_owned()));
                if let Some(value) = router.get(key).cloned() {
                    router.map_mut().set(key, silent(value, goes));
                }
            }
        }
        site
    }
}

/// The routers of a site that leave something.
fn leaving<'a>(site: Site<'_>, now: &'a mut Value) -> Vec<(String, &'a mut Value)> {
    let kept = shape::attachments(site.after);
    let names: Vec<String> = shape::attachments(site.before)
        .into_iter()
        .filter(|one| !kept.contains(one))
        .map(|(router, _, _)| router)
        .collect();
    let routers = now.map_mut().entry("routers").map_mut();
    let routers = routers.iter_mut();
    routers
        .filter(|(name, _)| names.iter().any(|known| known == name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Attachments of which some take and tell nothing.
fn silent(value: Value, goes: impl Fn(&str) -> bool) -> Value {
    let hush = |mut item: Value| {
        item.map_mut().set("import", Value::word("reject"));
        item.map_mut().set("export", Value::word("reject"));
        item
    };
    match value {
        Value::List(items) => {
            let items = items.into_iter().map(|item| {
                let name = item
                    .text()
                    .or_else(|| shape::name(&item))
                    .map(str::to_owned);
                match name {
                    Some(name) if goes(&name) => {
                        let mut item = item;
                        item.map_mut().set("name", Value::word(name));
                        hush(item)
                    }
                    _ => item,
                }
            });
            Value::List(items.collect())
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(name, item)| {
                let item = item.clone();
                let item = if goes(name) { hush(item) } else { item };
                (name.to_owned(), item)
            });
            Value::Map(entries.collect())
        }
        scalar @ Value::Scalar { .. } => scalar,
    }
}
