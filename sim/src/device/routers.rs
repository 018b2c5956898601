//! What a plain router asks of the device that it runs on: BFD's datagrams and kernel routes.

use core::net::{IpAddr, SocketAddrV4};

use inet::{Instant, packet};

use super::{Core, Device, Effects, Pending};

impl Device {
    pub(super) fn tell_router(
        &mut self,
        now: Instant,
        input: router::Input<'_>,
        effects: &mut Effects,
    ) {
        let Core::Router(router) = &mut self.core else {
            return;
        };
        let mut outputs = core::mem::take(&mut self.router_outputs);
        router.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            self.on_router_output(output, effects);
        }
        self.router_outputs = outputs;
    }

    fn on_router_output(&mut self, output: router::Output, effects: &mut Effects) {
        match output {
            router::Output::Bgp(output) => {
                effects.changed |= is_session_change(&output);
                self.on_transport(output);
            }
            router::Output::Bfd(output) => self.on_bfd_output(&output),
            router::Output::AddRoute { prefix, next_hops } => {
                effects.changed = true;
                let gateways = next_hops.iter().filter_map(|hop| {
                    let interface = self.kernel.interface(&hop.interface)?;
                    Some((hop.address, interface))
                });
                let gateways = gateways.collect();
                self.kernel.add_gateways(prefix, gateways);
            }
            router::Output::RemoveRoute { prefix } => {
                effects.changed = true;
                self.kernel.remove_route(prefix);
            }
        }
    }

    /// Sends what BFD wants sent.
    pub(super) fn on_bfd_output(&mut self, output: &bfd::Output) {
        let bfd::Output::Send {
            session,
            ttl,
            bytes,
        } = output
        else {
            return;
        };
        let (IpAddr::V4(local), IpAddr::V4(remote)) = (session.local, session.remote) else {
            return;
        };
        let source = SocketAddrV4::new(local, bfd::SOURCE_PORT_MIN);
        let destination = SocketAddrV4::new(remote, session.hops.port());
        let datagram = packet::udp(source, destination, *ttl, bytes);
        self.pending.push_back(Pending::Originated(datagram));
    }
}

/// Whether a session came up or went.
pub(super) const fn is_session_change(output: &bgp::Output) -> bool {
    matches!(
        output,
        bgp::Output::Event(
            bgp::Event::Established { .. }
                | bgp::Event::Ended {
                    established: true,
                    ..
                }
        )
    )
}
