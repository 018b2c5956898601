//! Which Route Server instance programs which NIC, and which VMs are one too many.

use std::collections::BTreeSet;

use design::plan::{FabricConfig, NicShare, ProgrammingConfig, VmsOver};

use super::super::topology::{DeviceId, NicId, Topology, VnetId};
use super::{ROUTE_SERVER_SUBNET, number};

/// The subnet in which gateways have their NICs.
const GATEWAY_SUBNET: &str = "GatewaySubnet";

/// Gives every NIC its share, Route Server by Route Server.
pub(crate) fn assign(config: &FabricConfig, topology: &mut Topology) {
    for (index, vnet) in config.vnets.iter().enumerate() {
        let id = VnetId(number(index));
        if topology.vnet(id).instances.is_empty() {
            continue;
        }
        let around = around(config, topology, id);
        limit(&vnet.programming, id, &around, topology);
        if vnet.programming.share == NicShare::Alternate {
            let programmed = around.iter().filter(|nic| {
                let vnet = topology.nics[nic.index()].vnet;
                topology.vnet(vnet).programmed_by == Some(id)
            });
            for (turn, nic) in programmed
                .copied()
                .collect::<Vec<_>>()
                .into_iter()
                .enumerate()
            {
                let share = &mut topology.nics[nic.index()].share;
                *share = share.map(|_| number(turn));
            }
        }
    }
}

/// The NICs of VMs in a VNet and its peers, in the order of the configuration.
fn around(config: &FabricConfig, topology: &Topology, id: VnetId) -> Vec<NicId> {
    let near = |vnet| vnet == id || topology.vnet(id).peers.contains_key(&vnet);
    let is_vm = |subnet: &str| subnet != ROUTE_SERVER_SUBNET && subnet != GATEWAY_SUBNET;
    let nics = config.nics.iter().zip(&topology.nics).enumerate();
    nics.filter(|(_, (nic, built))| is_vm(&nic.subnet) && near(built.vnet))
        .map(|(index, _)| NicId(number(index)))
        .collect()
}

/// Leaves out the VMs beyond the limit.
fn limit(programming: &ProgrammingConfig, id: VnetId, around: &[NicId], topology: &mut Topology) {
    let device = |nic: &NicId| topology.nics[nic.index()].device;
    let mut vms: Vec<(u64, DeviceId)> = Vec::new();
    let mut seen = BTreeSet::new();
    for nic in around {
        if seen.insert(device(nic)) {
            vms.push((topology.nics[nic.index()].seed, device(nic)));
        }
    }
    topology.vnets[id.index()].vms = (number(vms.len()), programming.vms);
    match programming.over_vms {
        VmsOver::Nobody => return,
        VmsOver::Hash => vms.sort_unstable(),
        VmsOver::Last => {}
    }
    if programming.vms == 0 {
        return;
    }
    let over = vms.into_iter().skip(programming.vms as usize);
    let over: BTreeSet<DeviceId> = over.map(|(_, device)| device).collect();
    for nic in around {
        let nic = &mut topology.nics[nic.index()];
        if over.contains(&nic.device) {
            nic.share = None;
        }
    }
}
