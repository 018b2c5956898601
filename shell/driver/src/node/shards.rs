//! The forwarding threads as control sees them: boxes to leave changes in.

use linux::batch::BatchSocket;
use node::{Forwarder, Order};

use super::carrier::Lines;
use super::kernel::Kernel;
use super::mailbox::{self, ControlInbox, ToShard};
use super::shard::Shard;
use super::wire::Wire;
use crate::clock::Clock;
use crate::error::Error;

/// All forwarding threads.
pub(super) struct Shards(Vec<ToShard>);

impl Shards {
    /// Starts one thread for each forwarder, with its queue of the overlay device and its sockets.
    pub(super) fn start(
        clock: Clock,
        kernel: &Kernel,
        forwarders: Vec<Forwarder>,
        sockets: Vec<Vec<BatchSocket>>,
        lines: &Lines,
    ) -> Result<(Self, ControlInbox), Error> {
        let (to_control, inbox) = mailbox::control();
        let (ways, boxes): (Vec<_>, Vec<_>) = forwarders
            .iter()
            .map(|_| mailbox::shard())
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::system("a mailbox of a forwarding thread"))?
            .into_iter()
            .unzip();
        let parts = kernel
            .overlay()
            .iter()
            .zip(sockets)
            .zip(forwarders)
            .zip(boxes);
        for (number, (((overlay, sockets), forwarder), inbox)) in parts.enumerate() {
            let wire = Wire::new(
                number,
                overlay.clone(),
                (sockets, lines.clone()),
                to_control.clone(),
                ways.clone(),
            );
            Shard::new(clock, forwarder, wire, inbox)
                .map_err(Error::system("a forwarding thread's descriptors"))?
                .start(number)?;
        }
        Ok((Self(ways), inbox))
    }

    /// The ways to them.
    pub(super) fn ways(&self) -> Vec<ToShard> {
        self.0.clone()
    }

    /// Gives orders to those whom they are for, and wakes each of them once.
    pub(super) fn order(&self, orders: impl Iterator<Item = Order>) {
        // As bits: there are sixteen at most.
        let mut unrung = 0_u32;
        for Order { shard, change } in orders {
            match shard {
                Some(number) => {
                    if let Some(shard) = self.0.get(number) {
                        shard.change(change);
                        unrung |= 1 << number;
                    }
                }
                None => {
                    for shard in &self.0 {
                        shard.change(change.clone());
                    }
                    unrung = u32::MAX;
                }
            }
        }
        mailbox::ring(&self.0, unrung);
    }
}
