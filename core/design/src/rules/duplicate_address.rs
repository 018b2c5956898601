//! Addresses that the design gives to two devices.

use std::collections::BTreeMap;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "duplicate-address",
    severity: Severity::Error,
    says: "Two devices are given the same address.",
    because: "an address leads to one place",
    try_this: "give one of them another address, or none: free ones are found by themselves",
    source: sources::PUBLIC_ADDRESSES,
    passing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {public_addresses: [203.0.113.1, 203.0.113.2]}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {public_addresses: [203.0.113.1, 203.0.113.1]}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let public = settled
        .regions
        .iter()
        .flat_map(|region| &region.nvas.public_addresses);
    let links = settled.sites.iter().flat_map(|site| &site.underlays);
    let on_underlays = links.flat_map(|link| &link.addresses);
    let routers = settled.regions.iter().flat_map(|region| &region.foreign);
    let routers = routers.filter_map(|router| router.address.as_ref());
    let mut seen = BTreeMap::new();
    for address in public.chain(on_underlays).chain(routers) {
        if let Some(first) = seen.get(&address.value) {
            let says = format!("{} is given to two devices", address.value);
            reports.push(
                rule.report(&[address.why.span()], says)
                    .also(*first, "first here"),
            );
        } else {
            seen.insert(address.value, address.why.span());
        }
    }
}
