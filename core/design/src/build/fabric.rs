//! The fabric: regions, backbone, VNets, clouds, and the ports that devices added.

use core::time::Duration;

use super::{FabricParts, micros};
use crate::model::HubToHub;
use crate::plan::{
    BackboneConfig, CloudConfig, Direction, FabricConfig, FabricRegion, NsgConfig, NsgRuleConfig,
    PeeringConfig, Place, ProgrammingConfig, RouteTableConfig, SubnetConfig, VnetConfig,
};
use crate::settle::{Region, RouteServer, Settled, Vnet};

/// IP protocol number of UDP.
const UDP: u8 = 17;
/// And of TCP.
const TCP: u8 = 6;

/// The security group that admits tunnels to a region's NVAs.
pub(crate) fn nva_nsg_name(region: &str) -> String {
    format!("nva-{region}")
}

/// Makes the fabric.
pub(crate) fn build(settled: &Settled, parts: FabricParts) -> FabricConfig {
    let name = |index: usize| settled.regions[index].name.value.clone();
    let regions = settled.regions.iter().map(|region| FabricRegion {
        name: region.name.value.clone(),
        place: Place {
            latitude_udeg: region.place.value.latitude_udeg,
            longitude_udeg: region.place.value.longitude_udeg,
        },
    });
    let backbone = settled.backbone.iter().map(|pair| BackboneConfig {
        a: name(pair.a),
        b: name(pair.b),
        one_way_us: pair.one_way_us.value,
    });
    let clouds = settled.underlays.iter().map(|underlay| CloudConfig {
        name: underlay.name.value.clone(),
        regions: underlay
            .regions
            .iter()
            .flatten()
            .map(|index| name(*index))
            .collect(),
        stretch_percent: underlay.stretch.value,
        loss_ppm: underlay.loss_ppm.value,
        jitter_us: micros(underlay.jitter.value),
    });
    let millis = |span: Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    FabricConfig {
        seed: settled.overlay.seed.value,
        regions: regions.collect(),
        backbone: backbone.collect(),
        region_latency_us: micros(settled.region_latency.value),
        vnets: settled
            .regions
            .iter()
            .flat_map(|region| {
                let vnets = region.vnets();
                vnets.map(|vnet| vnet_config(settled, region, vnet))
            })
            .collect(),
        nics: parts.nics,
        nsgs: settled
            .regions
            .iter()
            .flat_map(|region| nsgs(settled, region))
            .collect(),
        route_tables: settled.regions.iter().flat_map(route_tables).collect(),
        clouds: clouds.collect(),
        attachments: parts.attachments,
        lans: parts.lans,
        wires: parts.wires,
        forwarders: parts.forwarders,
        programming_delay_ms: millis(settled.programming_delay.value),
        programming_delay_max_ms: millis(settled.programming_delay_max.value),
    }
}

/// NSGs and route tables are named in a region; the fabric knows them all.
fn scoped(name: &str, region: &Region) -> String {
    format!("{name}-{}", region.name.value)
}

fn vnet_config(settled: &Settled, region: &Region, vnet: &Vnet) -> VnetConfig {
    let subnets = vnet.subnets.iter().map(|subnet| SubnetConfig {
        name: subnet.name.value.clone(),
        prefix: subnet.prefix.value,
        nsg: subnet.nsg.as_ref().map(|nsg| scoped(&nsg.value, region)),
        route_table: subnet
            .route_table
            .as_ref()
            .map(|table| scoped(&table.value, region)),
    });
    let peering = |remote: &Vnet, spoke: &Vnet, from_hub: bool| PeeringConfig {
        remote: remote.name.value.clone(),
        allow_virtual_network_access: spoke.peering.access.value,
        allow_forwarded_traffic: spoke.peering.forwarded.value,
        allow_gateway_transit: from_hub && spoke.peering.transit.value,
        use_remote_gateways: !from_hub && spoke.peering.remote.value,
    };
    let peerings = if vnet.short == "hub" {
        region
            .spokes
            .iter()
            .map(|spoke| peering(spoke, spoke, true))
            .collect()
    } else {
        vec![peering(&region.hub, vnet, false)]
    };
    let mut peerings: Vec<PeeringConfig> = peerings;
    if vnet.short == "hub" && settled.overlay.hub_to_hub.value == HubToHub::Plain {
        let others = settled.regions.iter().map(|other| &other.hub.name.value);
        let others = others.filter(|other| **other != vnet.name.value);
        peerings.extend(others.map(|other| global_peering(other)));
    }
    VnetConfig {
        name: vnet.name.value.clone(),
        region: region.name.value.clone(),
        address_space: vnet.space.value.clone(),
        subnets: subnets.collect(),
        peerings,
        programming: programming(settled, region, vnet),
    }
}

/// Between hubs of two regions: packets of sites pass, and neither lends anything to the other.
fn global_peering(remote: &str) -> PeeringConfig {
    PeeringConfig {
        remote: remote.to_owned(),
        allow_virtual_network_access: true,
        allow_forwarded_traffic: true,
        allow_gateway_transit: false,
        use_remote_gateways: false,
    }
}

/// How the Route Server in a hub programs: with more VMs for each further unit.
fn programming(settled: &Settled, region: &Region, vnet: &Vnet) -> ProgrammingConfig {
    let server = region.route_server.as_ref();
    let Some(server) = server.filter(|_| vnet.short == "hub") else {
        return ProgrammingConfig::default();
    };
    ProgrammingConfig {
        vms: vms(settled, server),
        ..settled.platform.programming
    }
}

/// VMs that a Route Server is sure to program.
pub(crate) fn vms(settled: &Settled, server: &RouteServer) -> u32 {
    let platform = &settled.platform;
    let further = server
        .units
        .value
        .saturating_sub(platform.numbers.route_server.units);
    match platform.limits.vms {
        0 => 0,
        vms => vms + further * platform.numbers.route_server.vms_per_unit,
    }
}

fn nsgs(settled: &Settled, region: &Region) -> Vec<NsgConfig> {
    let tunnels = [("allow-tunnels", 100, UDP, Some(settled.overlay.port.value))];
    let over_tls = [(
        "allow-tunnels-over-tls",
        110,
        TCP,
        settled.overlay.tls.value,
    )];
    let rules = tunnels.into_iter().chain(over_tls);
    let rules = rules.filter_map(|(name, priority, protocol, port)| {
        Some(NsgRuleConfig {
            name: name.to_owned(),
            priority,
            direction: Direction::In,
            allow: true,
            protocol: Some(protocol),
            source: None,
            destination: None,
            ports: Some((port?, port?)),
        })
    });
    let tunnels = NsgConfig {
        name: nva_nsg_name(&region.name.value),
        rules: rules.collect(),
    };
    let own = region.nsgs.iter().map(|(name, rules)| NsgConfig {
        name: scoped(&name.value, region),
        rules: rules.clone(),
    });
    core::iter::once(tunnels).chain(own).collect()
}

fn route_tables(region: &Region) -> Vec<RouteTableConfig> {
    let tables = region
        .route_tables
        .iter()
        .map(|(_, table)| RouteTableConfig {
            name: scoped(&table.name, region),
            ..table.clone()
        });
    tables.collect()
}
