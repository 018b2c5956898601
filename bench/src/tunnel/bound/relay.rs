//! From one tunnel to the next without the device: each batch is opened, its packets' time to live
//! lowered, sealed again where it lies and sent as one batch.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd as _;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::inbound::Receiver;
use super::outbound::send;
use super::seal::{HEADER, Sealer, Suite};
use super::wire::{self, IP};
use super::{TURN, Wire, open};

/// Where a packet's time to live is.
const TTL: usize = HEADER + 8;

/// Carries between both until the process is killed.
pub(super) fn run(near: Wire, far: Wire, suite: Suite) -> io::Result<()> {
    let sockets = [open(near)?, open(far)?];
    let mut receiver = Receiver::new();
    let mut sealer = Sealer::new(suite);
    loop {
        let mut waits = [0, 1].map(|side: usize| {
            let socket: &UdpSocket = &sockets[side];
            PollFd::new(socket.as_fd(), PollFlags::POLLIN)
        });
        poll(&mut waits, PollTimeout::NONE)?;
        for (from, to) in [(0, 1), (1, 0)] {
            for _ in 0..TURN {
                let Some((len, segment)) = receiver.receive(&sockets[from])? else {
                    break;
                };
                let whole = pass(&mut receiver.bytes[..len], segment, &mut sealer);
                if whole {
                    send(&sockets[to], &receiver.bytes[..len], segment)?;
                }
            }
        }
    }
}

/// Opens and seals all of a batch. False when something in it is not ours or too old.
fn pass(batch: &mut [u8], segment: usize, sealer: &mut Sealer) -> bool {
    batch.chunks_mut(segment).all(|slot| {
        if !sealer.open(slot) || slot.len() < HEADER + IP || slot[TTL] < 2 {
            return false;
        }
        slot[TTL] -= 1;
        wire::finish_ip(&mut slot[HEADER..]);
        sealer.seal(slot);
        true
    })
}
