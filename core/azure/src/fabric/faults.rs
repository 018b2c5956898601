//! What the operator has broken.

use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use inet::Instant;
use underlay::Impairment;

use super::topology::{Attachment, PortKind, RegionId};
use super::transit::ordered;
use super::{Brownout, Fabric, Fault, Output};

/// Broken pairs. Devices, regions and access links keep their own state.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) paths: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    pairs: BTreeSet<(RegionId, RegionId)>,
}

impl Faults {
    pub(crate) fn is_pair_cut(&self, a: RegionId, b: RegionId) -> bool {
        !self.pairs.is_empty() && self.pairs.contains(&(a.min(b), a.max(b)))
    }

    pub(crate) fn is_path_cut(&self, a: Ipv4Addr, b: Ipv4Addr) -> bool {
        !self.paths.is_empty() && self.paths.contains(&ordered(a, b))
    }
}

impl Fabric {
    pub(crate) fn command(&mut self, now: Instant, fault: Fault, out: &mut Vec<Output>) {
        let found = match &fault {
            Fault::Attachment {
                device,
                interface,
                up,
            } => self.set_attachment(device, interface, *up),
            Fault::Brownout {
                device,
                interface,
                brownout,
                up,
            } => self.set_brownout(device, interface, *brownout, *up),
            Fault::Udp {
                device,
                interface,
                up,
            } => {
                let attachment = self.attachment_at(device, interface);
                attachment
                    .map(|attachment| attachment.passes_udp = *up)
                    .is_some()
            }
            Fault::Rebind {
                device,
                interface,
                up,
            } => self.rebind(device, interface, *up),
            Fault::Device { name, up } => self.set_device(now, name, *up),
            Fault::Pair { a, b, up } => self.set_pair(a, b, *up),
            Fault::Path { a, b, up } => {
                set(&mut self.faults.paths, ordered(*a, *b), *up);
                true
            }
            Fault::Region { name, up } => self.region(name).is_some_and(|region| {
                self.topology.regions[region.index()].up = *up;
                true
            }),
            Fault::Wire {
                device,
                interface,
                up,
            } => self.set_wire(device, interface, *up),
        };
        if !found {
            out.push(Output::Refused(fault));
        }
    }

    fn set_attachment(&mut self, device: &str, interface: &str, up: bool) -> bool {
        let attachment = self.attachment_at(device, interface);
        attachment.map(|attachment| attachment.works = up).is_some()
    }

    fn set_brownout(
        &mut self,
        device: &str,
        interface: &str,
        brownout: Brownout,
        up: bool,
    ) -> bool {
        let Some(attachment) = self.attachment_at(device, interface) else {
            return false;
        };
        let impairment = match up {
            true => Impairment::default(),
            false => Impairment {
                latency: brownout.latency,
                jitter: brownout.jitter,
                loss_ppm: brownout.loss_ppm,
            },
        };
        if brownout.from_site {
            attachment.up.impair(impairment);
        }
        if brownout.to_site {
            attachment.down.impair(impairment);
        }
        true
    }

    fn rebind(&mut self, device: &str, interface: &str, up: bool) -> bool {
        let attachment = self.attachment_at(device, interface);
        let nat = attachment.and_then(|attachment| attachment.nat.as_mut());
        nat.map(|nat| {
            if !up {
                nat.rebind();
            }
        })
        .is_some()
    }

    fn attachment_at(&mut self, device: &str, interface: &str) -> Option<&mut Attachment> {
        let port = self.port(device, interface)?;
        let PortKind::Attachment(id) = self.topology.ports.get(port.0 as usize)?.kind else {
            return None;
        };
        self.topology.attachments.get_mut(id.index())
    }

    fn set_wire(&mut self, device: &str, interface: &str, up: bool) -> bool {
        let port = self.port(device, interface);
        let kind = port.and_then(|port| self.topology.ports.get(port.0 as usize));
        let Some(PortKind::Wire(id)) = kind.map(|port| port.kind) else {
            return false;
        };
        for end in [id, id.other()] {
            self.topology.wire_ends[end.index()].works = up;
        }
        true
    }

    fn set_device(&mut self, now: Instant, name: &str, up: bool) -> bool {
        let Some(id) = self.topology.device_names.get(name).copied() else {
            return false;
        };
        let device = &mut self.topology.devices[id.index()];
        let changed = device.up != up;
        device.up = up;
        if let Some(forwarder) = device.forwarder.filter(|_| changed) {
            self.topology.forwarders[usize::from(forwarder.0)].forget();
        }
        let device = &self.topology.devices[id.index()];
        if let Some(instance) = device.instance.filter(|_| changed) {
            if up {
                self.start_instance(instance);
            } else {
                self.stop_instance(now, instance);
            }
        }
        true
    }

    fn set_pair(&mut self, a: &str, b: &str, up: bool) -> bool {
        let (Some(a), Some(b)) = (self.region(a), self.region(b)) else {
            return false;
        };
        set(&mut self.faults.pairs, (a.min(b), a.max(b)), up);
        true
    }

    fn region(&self, name: &str) -> Option<RegionId> {
        let index = self
            .topology
            .regions
            .iter()
            .position(|region| region.name == name)?;
        u32::try_from(index).ok().map(RegionId)
    }
}

fn set<T: Ord>(broken: &mut BTreeSet<T>, what: T, up: bool) {
    if up {
        broken.remove(&what);
    } else {
        broken.insert(what);
    }
}
