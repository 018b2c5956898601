//! How long packets may be on each path: what discovery finds is told to whatever decides about packets.

use inet::Instant;
use path::{MtuInput, MtuOutput, PathId};

use super::{Node, index};
use crate::output::{Event, Output};
use crate::plane::change::Kind;
use crate::timers::Part;

impl Node {
    /// Tells a path's discovery something; nothing happens for paths that are not probed.
    pub(super) fn tell_mtu(
        &mut self,
        now: Instant,
        path: PathId,
        input: MtuInput<'_>,
        out: &mut Vec<Output>,
    ) {
        let Some(discovery) = &mut self.paths[index(path)].mtu else {
            return;
        };
        let mut followed = Vec::new();
        discovery.handle(now, input, &mut followed);
        self.timers.set(Part::Mtu(path), discovery.wake());
        for output in followed {
            match output {
                MtuOutput::Probe(payload) => self.send_probe(now, path, (&payload, 0), out),
                MtuOutput::Changed(probed) => {
                    let octets = probed - self.tables.facts.label_room(path) as u16;
                    self.publish(Kind::Mtu { path, octets });
                    out.push(Output::Event(Event::PathMtu { path, octets }));
                }
            }
        }
    }
}

/// The size that works on every path (RFC 8899 `BASE_PLPMTU`): 1,200 octets outside, without what a tunnel puts around.
pub(super) const BASE: u16 = 1_136;
/// Beside the session identifiers of the probers, which number paths from zero.
pub(super) const SESSIONS: u16 = 0x8000;
