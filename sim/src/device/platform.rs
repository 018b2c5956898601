//! What an ExpressRoute gateway or an MSEE asks of the device that it runs on. Their packets are
//! forwarded by the fabric, which is told their tables; only BGP and BFD come to the device.

use core::net::SocketAddr;

use azure::express_route::{GatewayCommand, Input, MseeCommand, Output};
use inet::Instant;

use super::routers::is_session_change;
use super::{Core, Device, Effects};

impl Device {
    pub(super) fn tell_gateway(
        &mut self,
        now: Instant,
        input: Input<'_, GatewayCommand>,
        effects: &mut Effects,
    ) {
        if let Core::Gateway(gateway) = &mut self.core {
            let mut outputs = core::mem::take(&mut self.platform_outputs);
            gateway.handle(now, input, &mut outputs);
            self.on_platform_outputs(outputs, effects);
        }
    }

    pub(super) fn tell_msee(
        &mut self,
        now: Instant,
        input: Input<'_, MseeCommand>,
        effects: &mut Effects,
    ) {
        if let Core::Msee(msee) = &mut self.core {
            let mut outputs = core::mem::take(&mut self.platform_outputs);
            msee.handle(now, input, &mut outputs);
            self.on_platform_outputs(outputs, effects);
        }
    }

    /// A datagram of BFD's for an MSEE.
    pub(super) fn on_msee_datagram(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, SocketAddr),
        ttl: u8,
        bytes: &[u8],
        effects: &mut Effects,
    ) {
        let datagram = bfd::Input::Datagram {
            from,
            to,
            ttl,
            bytes,
        };
        self.tell_msee(now, Input::Bfd(datagram), effects);
    }

    fn on_platform_outputs(&mut self, mut outputs: Vec<Output>, effects: &mut Effects) {
        for output in outputs.drain(..) {
            match output {
                Output::Bgp(output) => self.on_transport(output),
                Output::Bfd(output) => self.on_bfd_output(&output),
                Output::Forward { prefix, next_hops } => {
                    effects.changed = true;
                    effects.forwarded.push((prefix, next_hops));
                }
                Output::Program { prefix, next_hops } => {
                    effects.changed = true;
                    effects.programmed.push((prefix, next_hops));
                }
                Output::Serving(serving) => {
                    effects.changed = true;
                    effects.serving = Some(serving);
                }
                Output::Event(event) => {
                    effects.changed |= is_session_change(&bgp::Output::Event(event));
                }
            }
        }
        self.platform_outputs = outputs;
    }
}
