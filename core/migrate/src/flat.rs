//! Two designs brought to one form: classes and defaults that differ are written into the sites and
//! regions that have them, so that one of these can change without the others.

use design::document::{Map, Value};

use crate::between::Refused;
use crate::shape;

/// Values of `defaults.region`, which regions inherit.
const REGION_KEYS: [&str; 3] = ["nvas", "route_server", "peering"];

/// Brings both designs to one form.
pub(crate) fn flatten(from: &mut Value, to: &mut Value) -> Result<(), Refused> {
    for design in [&mut *from, &mut *to] {
        if design.at(&["sites", "from"]).is_some() {
            return Err(Refused::Table);
        }
    }
    if from.get("circuits") != to.get("circuits") {
        circuits(from);
        circuits(to);
    }
    if from.at(&["defaults", "region"]) != to.at(&["defaults", "region"]) {
        regions(from);
        regions(to);
    }
    let classes = |design: &Value| {
        let defaults = design.at(&["defaults", "site"]);
        (defaults.cloned(), design.get("site_classes").cloned())
    };
    if classes(from) != classes(to) {
        sites(from)?;
        sites(to)?;
    }
    Ok(())
}

/// Writes circuits that end at a site's router into the router, which then has something to leave.
fn circuits(design: &mut Value) {
    let ends = shape::circuit_ends(design);
    let Some(Value::List(sites)) = design.map_mut().get_mut("sites") else {
        return;
    };
    for site in sites {
        let name = shape::name(site).unwrap_or_default().to_owned();
        for (circuit, router, place) in &ends {
            if *place == name && site.at(&["routers", router]).is_some() {
                let routers = site.map_mut().entry("routers").map_mut();
                let known = routers.entry(router).map_mut().entry("circuits").map_mut();
                known.entry(circuit);
            }
        }
    }
}

/// Writes the defaults of regions into every region.
fn regions(design: &mut Value) {
    let Some(defaults) = design
        .map_mut()
        .entry("defaults")
        .map_mut()
        .remove("region")
    else {
        drop_empty(design, "defaults");
        return;
    };
    drop_empty(design, "defaults");
    let names: Vec<String> = shape::names(design, "regions").map(str::to_owned).collect();
    for name in names {
        let region = design.map_mut().entry("regions").map_mut().entry(&name);
        for key in REGION_KEYS {
            if let Some(base) = defaults.get(key) {
                let own = region.get(key).cloned();
                region.map_mut().set(key, over(own, base));
            }
        }
    }
}

/// A value over its default; mappings key by key.
fn over(own: Option<Value>, base: &Value) -> Value {
    match (own, base) {
        (Some(Value::Map(own)), Value::Map(base)) => {
            let mut both: Map = base
                .iter()
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect();
            for (key, value) in own.iter() {
                let merged = over(
                    Some(value.clone()),
                    both.get(key).unwrap_or(&Value::empty()),
                );
                both.set(key, merged);
            }
            Value::Map(both)
        }
        (Some(own), _) => own,
        (None, base) => base.clone(),
    }
}

/// Writes classes and the defaults of sites into every site.
fn sites(design: &mut Value) -> Result<(), Refused> {
    let defaults = design.map_mut().entry("defaults").map_mut().remove("site");
    drop_empty(design, "defaults");
    let classes = design.map_mut().remove("site_classes");
    let Some(Value::List(mut sites)) = design.map_mut().remove("sites") else {
        return Ok(());
    };
    for site in &mut sites {
        let mut next = site.map_mut().remove("class");
        let mut layers = Vec::new();
        while let Some(class) = next.as_ref().and_then(Value::text)
            && layers.len() < CLASSES_MAX
        {
            let Some(settings) = classes.as_ref().and_then(|all| all.get(class)) else {
                break;
            };
            layers.push(settings.clone());
            next = settings.get("extends").cloned();
        }
        layers.extend(defaults.clone());
        for layer in &layers {
            inherit(site, layer)?;
        }
    }
    design.map_mut().set("sites", Value::List(sites));
    Ok(())
}

/// A class extends no more classes than this; the reader reports rings.
const CLASSES_MAX: usize = 32;

fn inherit(site: &mut Value, layer: &Value) -> Result<(), Refused> {
    let Some(layer) = layer.map() else {
        return Ok(());
    };
    for (key, value) in layer.iter() {
        match key {
            "extends" => {}
            // Only sites that name no LAN have a use for it.
            "lan_length" if site.get("lans").is_some() => {}
            "lan_length" => {
                let name = shape::name(site).unwrap_or_default();
                return Err(Refused::Lans(name.to_owned()));
            }
            _ if site.get(key).is_none() => site.map_mut().set(key, value.clone()),
            _ => {}
        }
    }
    Ok(())
}

fn drop_empty(design: &mut Value, key: &str) {
    let empty = design
        .get(key)
        .and_then(Value::map)
        .is_some_and(Map::is_empty);
    if empty {
        design.map_mut().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::parse("test", text).expect("YAML")
    }

    #[test]
    fn classes_that_differ_are_written_into_their_sites() {
        let mut from = value(
            "site_classes: {a: {cpes: 0}, b: {extends: a, hosts: 2}}\n\
             sites: [{name: x, class: b, lans: [10.0.0.0/24]}]\n",
        );
        let mut to = value(
            "site_classes: {a: {cpes: 1}, b: {extends: a, hosts: 2}}\n\
             sites: [{name: x, class: b, lans: [10.0.0.0/24]}]\n",
        );
        flatten(&mut from, &mut to).expect("one form");
        assert_eq!(
            from.to_yaml(),
            "sites:\n  - {name: x, lans: [10.0.0.0/24], hosts: 2, cpes: 0}\n"
        );
        assert_eq!(shape::cpes(&shape::sites(&to)[0]), 1);
    }

    #[test]
    fn classes_that_do_not_differ_stay() {
        let text = "site_classes: {a: {cpes: 2}}\nsites: [{name: x, class: a}]\n";
        let (mut from, mut to) = (value(text), value(text));
        flatten(&mut from, &mut to).expect("one form");
        assert_eq!(from, value(text));
    }

    #[test]
    fn defaults_of_regions_hold_key_by_key() {
        let mut from = value(
            "defaults: {region: {nvas: {count: 2, mode: active-passive}}}\n\
             regions: {we: {nvas: {count: 3}}}\n",
        );
        let mut to = value("regions: {we: {nvas: {count: 3}}}\n");
        flatten(&mut from, &mut to).expect("one form");
        let nvas = from.at(&["regions", "we", "nvas"]).expect("NVAs");
        assert_eq!(
            nvas.get("mode").and_then(Value::text),
            Some("active-passive")
        );
        assert_eq!(nvas.get("count").and_then(Value::text), Some("3"));
    }
}
