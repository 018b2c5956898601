//! Addresses of links, each kind from its pool.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use inet::{Prefix, hash};

use super::{Joins, Wire, is_microsoft};
use crate::report::{Report, Span};
use crate::settle::{Settled, Val};

/// Seed of the places of links in their pool; any other would do, and change every address.
const SEED: u64 = 0x10_4c_69_6e_6b_73;

/// Gives every link its addresses.
pub(super) fn address(settled: &Settled, wires: &mut [Wire], reports: &mut Vec<Report>) {
    circuits(settled, wires, reports);
    customer_prefixes(settled, wires, reports);
    links(settled, wires, reports);
}

fn too_small(what: &str, pool: &Val<Prefix>, at: Option<Span>) -> Report {
    let nowhere = Span {
        file: 0,
        start: 0,
        end: 0,
    };
    Report {
        rule: "address-pool",
        at,
        ..Report::shape(
            nowhere,
            format!("{} is too small for all {what}", pool.value),
        )
    }
    .try_this("give it a shorter prefix")
}

fn set(wire: &mut Wire, prefix: Prefix, first: u64) {
    let nth = |offset| prefix.nth(offset).unwrap_or(prefix.address());
    (wire.a.address, wire.b.address) = (nth(first), nth(first + 1));
    wire.len = prefix.len();
}

/// /30s: the customer has the first usable address, Microsoft the second.
fn circuits(settled: &Settled, wires: &mut [Wire], reports: &mut Vec<Report>) {
    let pool = &settled.overlay.pools.circuits;
    let peerings = settled.circuits.iter().flat_map(|circuit| {
        let both = [&circuit.private_peering, &circuit.microsoft_peering];
        both.into_iter()
            .flatten()
            .flat_map(|peering| &peering.links)
    });
    let mut taken: BTreeMap<Prefix, Option<Span>> = BTreeMap::new();
    for link in peerings.flatten() {
        if let (true, Some(at)) = (link.value.len() != 30, link.why.span()) {
            let says = "a link of a circuit has a /30: the customer takes the first usable address, Microsoft the second";
            reports.push(Report::shape(at, says));
        }
        if let Some(first) = taken.insert(link.value, link.why.span())
            && let Some(at) = link.why.span()
        {
            let says = format!("{} is the prefix of another link", link.value);
            reports.push(Report::shape(at, says).also(first, "this one"));
        }
    }
    let mut next = 0;
    for wire in wires {
        let Joins::Circuit {
            circuit,
            link,
            microsoft,
        } = wire.joins
        else {
            continue;
        };
        let circuit = &settled.circuits[circuit];
        let peering = match microsoft {
            true => &circuit.microsoft_peering,
            false => &circuit.private_peering,
        };
        let written = peering
            .as_ref()
            .and_then(|peering| peering.links[link].as_ref());
        let prefix = written.map(|written| written.value).or_else(|| {
            loop {
                let prefix = pool.value.subnet(30, next)?;
                next += 1;
                if !taken.contains_key(&prefix) {
                    return Some(prefix);
                }
            }
        });
        match prefix {
            Some(prefix) => set(wire, prefix, 1),
            None => {
                reports.push(too_small("links of circuits", pool, pool.why.span()));
                return;
            }
        }
    }
}

/// Public addresses of CPEs behind a Microsoft peering: /31s of what the customer announces.
fn customer_prefixes(settled: &Settled, wires: &mut [Wire], reports: &mut Vec<Report>) {
    let mut given: BTreeMap<usize, u64> = BTreeMap::new();
    for wire in wires {
        let Joins::Underlay { site, wan, .. } = wire.joins else {
            continue;
        };
        if !is_microsoft(settled, site, wan) {
            continue;
        }
        let via = settled.sites[site].underlays[wan].via.as_ref();
        let circuit = via.and_then(|via| via.circuits.first());
        let Some((circuit, pool)) = circuit.and_then(|index| {
            let pool = settled.circuits[*index].customer_prefixes.first()?;
            Some((*index, pool))
        }) else {
            continue;
        };
        let index = given.entry(circuit).or_default();
        match pool.value.subnet(31, *index) {
            Some(prefix) => set(wire, prefix, 0),
            None if *index == pool.value.size() / 2 => {
                reports.push(too_small("CPEs behind this peering", pool, pool.why.span()));
            }
            None => {}
        }
        *index += 1;
    }
}

/// /31s for all others, by the hash of their names.
fn links(settled: &Settled, wires: &mut [Wire], reports: &mut Vec<Report>) {
    let pool = &settled.overlay.pools.links;
    let room = pool.value.size() / 2;
    let mut names: Vec<(String, usize)> = Vec::new();
    for (index, wire) in wires.iter().enumerate() {
        if wire.a.address == Ipv4Addr::UNSPECIFIED {
            let what = match wire.joins {
                Joins::Underlay { site, wan, .. } => {
                    let underlay = settled.sites[site].underlays[wan].underlay;
                    settled.underlays[underlay].name.value.as_str()
                }
                Joins::Provider { .. }
                | Joins::Attachment { .. }
                | Joins::Circuit { .. }
                | Joins::Lan { .. }
                | Joins::GlobalReach { .. } => "",
            };
            names.push((format!("{} {} {what}", wire.a.device, wire.b.device), index));
        }
    }
    names.sort();
    if names.len() as u64 > room {
        reports.push(too_small("links between routers", pool, pool.why.span()));
        return;
    }
    let mut taken = BTreeSet::new();
    for (name, index) in names {
        let mut place = hash::bytes(SEED, name.as_bytes()) % room;
        while !taken.insert(place) {
            place = (place + 1) % room;
        }
        if let Some(prefix) = pool.value.subnet(31, place) {
            set(&mut wires[index], prefix, 0);
        }
    }
}
