//! Forwarding and single steps of a plain router.

use inet::FiveTuple;
use router::{Fib, Via, Ways};

use crate::{DeviceForwarding, Flow, FormatVersion, Forwarding, ForwardingRoute, Step};

pub(super) fn forwarding(fib: &Fib, device: &str) -> Forwarding {
    let connected = fib.interfaces().iter().filter(|own| own.up);
    let connected = connected.map(|own| ForwardingRoute {
        prefix: own.connected,
        next_hops: vec!["local".to_owned()],
    });
    let told = fib.routes().map(|(prefix, next_hops)| ForwardingRoute {
        prefix,
        next_hops: match next_hops {
            [] => vec!["discard".to_owned()],
            _ => next_hops
                .iter()
                .map(|hop| hop.address.to_string())
                .collect(),
        },
    });
    Forwarding::merge([Forwarding {
        format_version: FormatVersion,
        devices: vec![DeviceForwarding {
            device: device.to_owned(),
            routes: connected.chain(told).collect(),
        }],
    }])
}

pub(super) fn step(fib: &Fib, device: &str, flow: Flow) -> Step {
    let mut interfaces = fib.interfaces().iter();
    if interfaces.any(|own| own.address == flow.destination) {
        return Step::Local {
            reason: "its own address".to_owned(),
        };
    }
    let Some(found) = fib.lookup(device, FiveTuple::from(flow)) else {
        return Step::Drop {
            reason: "no route".to_owned(),
        };
    };
    let prefix = found.prefix;
    let (origin, ways) = match found.via {
        Via::Connected(interface) => {
            return Step::Interface {
                interface: interface.to_owned(),
                reason: format!("{prefix} is connected"),
                alternatives: Vec::new(),
            };
        }
        Via::Static(ways) => ("is static", ways),
        Via::Bgp(ways) => ("by BGP", ways),
    };
    let Some(chosen) = ways.chosen.and_then(|at| ways.next_hops.get(at)) else {
        return Step::Drop {
            reason: format!("{prefix} {origin} and discards"),
        };
    };
    let shared = match ways.next_hops.len() {
        1 => String::new(),
        count => format!(", chosen of {count} by the flow's hash"),
    };
    Step::Interface {
        interface: chosen.interface.clone(),
        reason: format!("{prefix} {origin} to {}{shared}", chosen.address),
        alternatives: others(&ways),
    }
}

fn others(ways: &Ways<'_>) -> Vec<String> {
    let hops = ways.next_hops.iter().enumerate();
    hops.filter(|(at, _)| ways.chosen != Some(*at))
        .map(|(_, hop)| hop.address.to_string())
        .collect()
}
