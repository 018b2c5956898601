//! Every message that goes out, one by one, for recorders (MRT, BMP).

use super::Speaker;
use crate::output::{Direction, Output};
use crate::wire::header;

impl Speaker {
    /// Puts an [`Output::Message`] behind the `Send` that carries it, for all outputs from a place
    /// on.
    pub(super) fn show_sent(&mut self, begun: usize, out: &mut Vec<Output>) {
        let ended = core::mem::take(&mut self.ended);
        for output in out.split_off(begun) {
            let Output::Send { conn, bytes } = &output else {
                out.push(output);
                continue;
            };
            let live = self.conns.get(conn).copied();
            let gone = || ended.iter().find(|(other, _)| other == conn);
            let neighbor = live.or_else(|| gone().map(|(_, id)| *id));
            let mut rest = &bytes[..];
            let mut messages = Vec::new();
            while let (Some(neighbor), Some((message, tail))) = (neighbor, header::split(rest)) {
                rest = tail;
                messages.push(Output::Message {
                    neighbor,
                    direction: Direction::Out,
                    bytes: message.into(),
                });
            }
            out.push(output);
            out.append(&mut messages);
        }
    }
}
