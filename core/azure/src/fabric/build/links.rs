//! What joins sites to the rest: access links with their NATs, LANs, point-to-point links.

use core::time::Duration;
use std::collections::BTreeMap;

use design::plan::{
    AttachmentConfig, LanConfig, LinkConfigOneWay, NatBehavior, NatConfig, WireConfig,
};
use underlay::{Behavior, Link, LinkSettings, Nat, NatSettings};

use super::super::error::{FabricError, Referent};
use super::super::topology::{
    Attachment, AttachmentId, Lan, LanId, Owner, PortKind, WireEnd, WireEndId,
};
use super::{Builder, duplicate, find, number};

impl<'a> Builder<'a> {
    pub(super) fn attachment(&mut self, config: &'a AttachmentConfig) -> Result<(), FabricError> {
        let by = format!("{}/{}", config.device, config.interface);
        let cloud = find(&self.clouds, Referent::Cloud, &config.cloud, &by)?;
        let id = AttachmentId(number(self.topology.attachments.len()));
        let device = self.device(&config.device);
        let port = self.port(&config.device, &config.interface, PortKind::Attachment(id))?;
        let rng = self.seed.named(&by);
        let nat = config
            .nat
            .map(|nat| Nat::new(nat_settings(nat), rng.named("nat")));
        let attachment = Attachment {
            port,
            device,
            cloud,
            place: config.place.into(),
            address: config.address,
            nat,
            up: Link::new(link_settings(config.up), rng.named("up")),
            down: Link::new(link_settings(config.down), rng.named("down")),
            works: true,
            passes_udp: true,
        };
        self.public(attachment.outside(), Owner::Attachment(id), &by)?;
        self.topology.attachments.push(attachment);
        Ok(())
    }

    pub(super) fn lan(&mut self, config: &'a LanConfig) -> Result<(), FabricError> {
        let id = LanId(number(self.topology.lans.len()));
        let mut lan = Lan {
            site: config.site.clone(),
            prefix: config.prefix,
            gateway: config.gateway,
            members: Vec::new(),
            by_address: BTreeMap::new(),
            router: None,
        };
        let mut routers = Vec::new();
        for member in &config.ports {
            let device = self.device(&member.device);
            let kind = PortKind::Lan(id, device);
            let port = self.port(&member.device, &member.interface, kind)?;
            if lan.by_address.insert(member.address, port).is_some() {
                let by = format!("{}/{}", member.device, member.interface);
                return Err(duplicate(member.address, by));
            }
            lan.members.push(port);
            if member.router {
                routers.push(port);
            }
        }
        lan.router = match routers.as_slice() {
            [only] => Some(*only),
            _ => lan.by_address.get(&config.gateway).copied(),
        };
        self.topology.lans.push(lan);
        Ok(())
    }

    pub(super) fn wire(&mut self, config: &'a WireConfig) -> Result<(), FabricError> {
        let by = format!("{}/{}", config.b.device, config.b.interface);
        if config.a.address == config.b.address {
            return Err(duplicate(config.a.address, by));
        }
        for (end, way) in [(&config.a, config.a_to_b), (&config.b, config.b_to_a)] {
            let id = WireEndId(number(self.topology.wire_ends.len()));
            let device = self.device(&end.device);
            let port = self.port(&end.device, &end.interface, PortKind::Wire(id))?;
            let name = format!("{}/{}", end.device, end.interface);
            let rng = self.seed.named(&name).named("wire");
            self.topology.wire_ends.push(WireEnd {
                port,
                device,
                address: end.address,
                out: Link::new(link_settings(way), rng),
                works: true,
            });
        }
        Ok(())
    }
}

fn link_settings(config: LinkConfigOneWay) -> LinkSettings {
    LinkSettings {
        rate_bps: config.rate_bps,
        latency: Duration::from_micros(u64::from(config.latency_us)),
        jitter: Duration::from_micros(u64::from(config.jitter_us)),
        loss_ppm: config.loss_ppm,
        queue_bytes: config.queue_bytes,
    }
}

fn nat_settings(config: NatConfig) -> NatSettings {
    let behavior = |behavior| match behavior {
        NatBehavior::EndpointIndependent => Behavior::EndpointIndependent,
        NatBehavior::AddressDependent => Behavior::AddressDependent,
        NatBehavior::AddressAndPortDependent => Behavior::AddressAndPortDependent,
    };
    NatSettings {
        public_address: config.public_address,
        mapping: behavior(config.mapping),
        filtering: behavior(config.filtering),
        timeout: Duration::from_secs(u64::from(config.timeout_s)),
    }
}
