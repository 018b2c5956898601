//! Virtual routers on the LANs, and their priority's dependence on the hubs.

use core::net::Ipv4Addr;

use design::plan::LinkRole;
use inet::Instant;

use super::Node;
use crate::id::LanId;
use crate::output::{Event, Output};
use crate::timers::Part;
use crate::vrrp;

impl Node {
    pub(super) fn start_gateways(&mut self, now: Instant, out: &mut Vec<Output>) {
        for index in 0..self.gateways.len() {
            if let Some(router) = &mut self.gateways[index] {
                router.start(now);
                self.timers
                    .set(Part::Lan(LanId(index as u16)), router.wake());
            }
        }
        self.track_hubs(now, out);
    }

    pub(super) fn stop_gateways(&mut self, out: &mut Vec<Output>) {
        for index in 0..self.gateways.len() {
            let lan = LanId(index as u16);
            self.with_gateway(lan, out, |router, followed| router.stop(followed));
        }
    }

    /// A node without any hub is a gateway to nowhere: it serves only if nobody else does.
    pub(super) fn track_hubs(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.gateways.is_empty() {
            return;
        }
        let links = self.settings.links.iter().zip(&self.links);
        let has_hub = links
            .filter(|(link, _)| matches!(link.role, LinkRole::HomeHub | LinkRole::BackupHub))
            .any(|(_, link)| link.paths.is_up());
        for index in 0..self.gateways.len() {
            let lan = LanId(index as u16);
            self.with_gateway(lan, out, |router, followed| {
                let priority = match has_hub {
                    true => router.settings().priority,
                    false => PRIORITY_WITHOUT_HUB,
                };
                router.set_priority(now, priority, followed);
            });
        }
    }

    pub(super) fn wake_gateway(&mut self, now: Instant, lan: LanId, out: &mut Vec<Output>) {
        self.with_gateway(lan, out, |router, followed| router.on_wake(now, followed));
    }

    pub(super) fn on_vrrp(
        &mut self,
        now: Instant,
        lan: LanId,
        from: Ipv4Addr,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        let mut ignored = None;
        self.with_gateway(lan, out, |router, followed| {
            ignored = router.on_message(now, from, bytes, followed).err();
        });
        if let Some(reason) = ignored.filter(|reason| *reason != vrrp::Ignored::Own) {
            out.push(Output::Event(Event::VrrpIgnored { lan, reason }));
        }
    }

    fn with_gateway(
        &mut self,
        lan: LanId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut vrrp::Router, &mut Vec<vrrp::Output>),
    ) {
        let Some(Some(router)) = self.gateways.get_mut(lan.index()) else {
            return;
        };
        let mut followed = core::mem::take(&mut self.scratch.vrrp);
        act(router, &mut followed);
        self.timers.set(Part::Lan(lan), router.wake());
        let address = router.settings().virtual_address;
        for output in followed.drain(..) {
            match output {
                vrrp::Output::Advertise(bytes) => out.push(Output::Vrrp { lan, bytes }),
                vrrp::Output::Acquire => own(lan, address, true, out),
                vrrp::Output::Release => own(lan, address, false, out),
            }
        }
        self.scratch.vrrp = followed;
    }
}

fn own(lan: LanId, address: Ipv4Addr, acquire: bool, out: &mut Vec<Output>) {
    out.push(Output::VirtualAddress {
        lan,
        address,
        acquire,
    });
    out.push(Output::Event(Event::Gateway {
        lan,
        active: acquire,
    }));
}

/// The lowest that still takes part.
const PRIORITY_WITHOUT_HUB: u8 = 1;
