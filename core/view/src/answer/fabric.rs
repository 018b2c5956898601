//! What the fabric shows: effective routes, the platform's forwarding, passages; and its faults.

use core::time::Duration;

use azure::fabric::{Carrier, DropReason, EffectiveRoute, Explanation, Hop, NextHopType, Outcome};
use azure::{Fabric, PortId};
use inet::{FiveTuple, Instant};

use crate::{
    Brownout, DeviceForwarding, Direction, EffectiveRoutes, Fault, Flow, FormatVersion, Forwarding,
    ForwardingRoute, Passage, Through,
};

/// A fault as the fabric's input has it.
pub fn fabric_fault(fault: Fault, up: bool) -> azure::Fault {
    match fault {
        Fault::Device { name } => azure::Fault::Device { name, up },
        Fault::Attachment { device, interface } => azure::Fault::Attachment {
            device,
            interface,
            up,
        },
        Fault::Brownout {
            device,
            interface,
            brownout,
        } => azure::Fault::Brownout {
            device,
            interface,
            brownout: brownout_of(brownout),
            up,
        },
        Fault::Udp { device, interface } => azure::Fault::Udp {
            device,
            interface,
            up,
        },
        Fault::Rebind { device, interface } => azure::Fault::Rebind {
            device,
            interface,
            up,
        },
        Fault::Wire { device, interface } => azure::Fault::Wire {
            device,
            interface,
            up,
        },
        Fault::Pair { a, b } => azure::Fault::Pair { a, b, up },
        Fault::Path { a, b } => azure::Fault::Path { a, b, up },
    }
}

fn brownout_of(brownout: Brownout) -> azure::Brownout {
    let micros = |micros| Duration::from_micros(u64::from(micros));
    azure::Brownout {
        latency: micros(brownout.latency_us),
        jitter: micros(brownout.jitter_us),
        loss_ppm: brownout.loss_ppm,
        from_site: brownout.direction != Direction::Down,
        to_site: brownout.direction != Direction::Up,
    }
}

pub(super) fn effective_routes(
    fabric: &Fabric,
    device: &str,
    interface: &str,
) -> Option<EffectiveRoutes> {
    let port = fabric.port(device, interface)?;
    let routes = fabric.effective_routes(port)?;
    let kept_out = fabric.keeps_out_bgp(port) == Some(true);
    let value = routes.into_iter().map(|route| crate::EffectiveRoute {
        source: route.source.name().to_owned(),
        state: if route.active { "Active" } else { "Invalid" }.to_owned(),
        address_prefix: vec![route.prefix],
        next_hop_type: route.next_hop_type.name().to_owned(),
        next_hop_ip_address: route.next_hops,
        disable_bgp_route_propagation: kept_out,
    });
    Some(EffectiveRoutes {
        format_version: FormatVersion,
        device: device.to_owned(),
        interface: interface.to_owned(),
        value: value.collect(),
    })
}

/// The active routes of every interface in a virtual network.
pub(super) fn forwarding(fabric: &Fabric) -> Forwarding {
    let devices = fabric.ports().filter_map(|(port, device, interface)| {
        let routes = fabric.effective_routes(port)?;
        let active = routes.into_iter().filter(|route| route.active);
        Some(DeviceForwarding {
            device: format!("{device}/{interface}"),
            routes: active.map(forwarding_route).collect(),
        })
    });
    let devices = devices.collect();
    Forwarding::merge([Forwarding {
        format_version: FormatVersion,
        devices,
    }])
}

fn forwarding_route(route: EffectiveRoute) -> ForwardingRoute {
    let kind = match route.next_hop_type {
        NextHopType::VnetLocal => "local",
        NextHopType::VNetPeering | NextHopType::VNetGlobalPeering => "peering",
        NextHopType::Internet => "internet",
        NextHopType::None => "discard",
        NextHopType::VirtualNetworkGateway | NextHopType::VirtualAppliance => "",
    };
    let next_hops = if kind.is_empty() {
        route.next_hops.iter().map(ToString::to_string).collect()
    } else {
        vec![kind.to_owned()]
    };
    ForwardingRoute {
        prefix: route.prefix,
        next_hops,
    }
}

/// What becomes of a flow that an interface sends.
pub(super) fn passage(fabric: &Fabric, now: Instant, port: PortId, flow: Flow) -> Passage {
    let said = fabric.explain(now, port, FiveTuple::from(flow));
    let mut reasons = reasons(&said);
    let through = said.hops.iter().map(through).collect();
    let carried = said.carrier.as_ref().map_or_else(String::new, underlay);
    let (port, flow) = match said.outcome {
        Outcome::Delivered { port, flow } => (port, flow),
        Outcome::Dropped(reason) => {
            reasons.push(drop_text(reason));
            return Passage::Dropped {
                reasons,
                through,
                underlay: carried,
            };
        }
    };
    let Some((device, interface)) = fabric.port_name(port) else {
        return Passage::Dropped {
            reasons,
            through,
            underlay: carried,
        };
    };
    Passage::Delivered {
        device: device.to_owned(),
        interface: interface.to_owned(),
        flow: flow.into(),
        latency_us: said.latency.as_micros() as u64,
        underlay: carried,
        reasons,
        alternatives: alternatives(&said),
        through,
    }
}

fn underlay(carrier: &Carrier) -> String {
    match carrier {
        Carrier::Region(_) => "vnet".to_owned(),
        Carrier::Backbone { from, to } => format!("backbone {from} to {to}"),
        Carrier::Cloud(name) => name.clone(),
        Carrier::Lan(_) => "lan".to_owned(),
        Carrier::Wire { to } => format!("link to {to}"),
    }
}

fn reasons(said: &Explanation) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(route) = &said.route {
        let chosen = said.chosen.and_then(|index| route.next_hops.get(index));
        let hop = match (chosen, route.next_hops.len()) {
            (Some(hop), 0 | 1) => format!(" {hop}"),
            (Some(hop), count) => format!(" {hop}, chosen of {count} by the flow's hash"),
            (None, _) => String::new(),
        };
        let (prefix, kind, source) = (route.prefix, route.next_hop_type, route.source);
        let (kind, source) = (kind.name(), source.name());
        reasons.push(format!(
            "effective route {prefix} ({source}) to {kind}{hop}"
        ));
    }
    for verdict in &said.verdicts {
        let does = if verdict.allow { "allows" } else { "denies" };
        let rule = verdict.rule.as_deref().unwrap_or("an open connection");
        reasons.push(format!("{} {does} it: {rule}", verdict.group));
    }
    for rewrite in &said.rewrites {
        reasons.push(format!("{:?} makes it {}", rewrite.by, rewrite.flow));
    }
    reasons
}

fn alternatives(said: &Explanation) -> Vec<String> {
    let Some(route) = &said.route else {
        return Vec::new();
    };
    let others = route.next_hops.iter().enumerate();
    others
        .filter(|(index, _)| said.chosen.is_some_and(|chosen| chosen != *index))
        .map(|(_, hop)| hop.to_string())
        .collect()
}

fn drop_text(reason: DropReason) -> String {
    format!("dropped: {reason}")
}

/// A gateway or an MSEE that has the packet.
fn through(hop: &Hop) -> Through {
    let route = match (hop.prefix, hop.next_hop) {
        (Some(prefix), Some(next_hop)) => format!("{prefix} to {next_hop}"),
        (Some(prefix), None) => format!("{prefix} is the virtual network's"),
        (None, _) => "the owner of the public address".to_owned(),
    };
    let bypass = if hop.fast_path {
        ", a gateway that is gone around (FastPath)"
    } else {
        ""
    };
    Through {
        device: hop.device.clone(),
        reason: format!("{route}{bypass}"),
        underlay: hop.carrier.as_ref().map(underlay),
    }
}
