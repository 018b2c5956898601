//! Gateways and MSEEs: their interfaces and neighbours, and who among them programs NICs.

use core::time::Duration;

use design::plan::{ForwarderConfig, ForwarderKind, Place};
use inet::{PrefixMap, hash};
use underlay::geography;

use super::super::error::{FabricError, Referent};
use super::super::forwarders::{Forwarder, Kind};
use super::super::topology::{DeviceId, NicId, PortKind, VnetId, WireEndId};
use super::super::{ForwarderId, PortId};
use super::{BACKBONE_STRETCH_PERCENT, Builder, find, unknown};

/// How the interface of an MSEE towards the customer's edge of a Microsoft peering is named.
const MICROSOFT_INTERFACE: &str = "microsoft";

/// The interfaces of a forwarder.
#[derive(Default)]
struct Interfaces {
    first: Option<PortId>,
    nics: Vec<NicId>,
    wires: Vec<WireEndId>,
    /// Those of `wires` that belong to a Microsoft peering.
    microsoft: Vec<WireEndId>,
}

impl<'a> Builder<'a> {
    pub(super) fn forwarders(&mut self) -> Result<(), FabricError> {
        let vnets = self.topology.vnets.iter();
        let with_route_server: Vec<bool> = vnets.map(|vnet| !vnet.instances.is_empty()).collect();
        for config in &self.config.forwarders {
            let (device, gateway_in) = self.forwarder(config)?;
            if let Some(vnet) = gateway_in.filter(|vnet| !with_route_server[vnet.index()]) {
                self.instance(device, &config.device, vnet);
            }
        }
        Ok(())
    }

    /// Returns the device, and the VNet of a gateway.
    fn forwarder(
        &mut self,
        config: &'a ForwarderConfig,
    ) -> Result<(DeviceId, Option<VnetId>), FabricError> {
        let by = format!("forwarder {}", config.device);
        let name = config.device.as_str();
        let interfaces = self.interfaces(name);
        let device = self.topology.device_names.get(name).copied();
        let (Some(device), Some(port)) = (device, interfaces.first) else {
            return Err(unknown(Referent::Device, name, &by));
        };
        let id = ForwarderId(self.topology.forwarders.len() as u16);
        let before = self.topology.devices[device.index()].forwarder.replace(id);
        if before.is_some() {
            let device = config.device.clone();
            return Err(FabricError::DuplicateForwarder { device });
        }
        let (kind, gateway_in) = match &config.kind {
            ForwarderKind::Gateway { max_packet } => {
                let nic = *interfaces
                    .nics
                    .first()
                    .ok_or_else(|| unknown(Referent::Nic, name, &by))?;
                let max_packet = usize::from(*max_packet);
                let vnet = self.topology.nic(nic).vnet;
                (Kind::Gateway { nic, max_packet }, Some(vnet))
            }
            ForwarderKind::Msee {
                place,
                fast_path,
                microsoft,
            } => {
                let away = self.stand_at(*place, &interfaces.nics);
                let fast_path = fast_path.iter();
                let fast_path = fast_path.map(|name| find(&self.vnets, Referent::Vnet, name, &by));
                if *microsoft {
                    self.topology.microsoft.push(id);
                }
                let kind = Kind::Msee {
                    away,
                    fast_path: fast_path.collect::<Result<_, _>>()?,
                    microsoft: *microsoft,
                };
                (kind, None)
            }
        };
        let seed = hash::bytes(self.config.seed, by.as_bytes());
        let forwarder = self.assemble(name, device, port, kind, seed, interfaces);
        self.topology.forwarders.push(forwarder);
        Ok((device, gateway_in))
    }

    fn assemble(
        &self,
        name: &str,
        device: DeviceId,
        port: PortId,
        kind: Kind,
        seed: u64,
        interfaces: Interfaces,
    ) -> Forwarder {
        let ends = interfaces.wires.iter();
        let own_ends = ends.clone().map(|end| self.topology.wire_end(*end).address);
        let nics = interfaces.nics.iter();
        Forwarder {
            name: name.to_owned(),
            device,
            port,
            kind,
            own: own_ends
                .chain(nics.map(|nic| self.topology.nic(*nic).address))
                .collect(),
            neighbors: ends
                .map(|end| (self.topology.wire_end(end.other()).address, *end))
                .collect(),
            nics: interfaces.nics,
            microsoft_ends: interfaces.microsoft,
            private: PrefixMap::new(),
            microsoft: PrefixMap::new(),
            seed,
        }
    }

    fn interfaces(&self, device: &str) -> Interfaces {
        let mut found = Interfaces::default();
        for (id, port) in (0..).map(PortId).zip(&self.topology.ports) {
            if port.device != device {
                continue;
            }
            found.first.get_or_insert(id);
            match port.kind {
                PortKind::Nic(nic) => found.nics.push(nic),
                PortKind::Wire(end) => {
                    found.wires.push(end);
                    if port.interface.starts_with(MICROSOFT_INTERFACE) {
                        found.microsoft.push(end);
                    }
                }
                PortKind::Attachment(_) | PortKind::Lan(..) => {}
            }
        }
        found
    }

    /// Puts NICs at a place outside their regions, and says how far it is from each region.
    fn stand_at(&mut self, place: Place, nics: &[NicId]) -> Vec<Duration> {
        let regions = self.topology.regions.iter();
        let away: Vec<_> = regions
            .map(|region| geography::latency(place.into(), region.place, BACKBONE_STRETCH_PERCENT))
            .collect();
        for id in nics {
            let region = self.topology.region_of(self.topology.nic(*id));
            self.topology.nics[id.index()].away = away[region.index()];
        }
        away
    }
}
