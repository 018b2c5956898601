//! Packets of 64 octets: the most that a tunnel carries in a second.
//!
//! What a tunnel delivers depends on what it is offered, since sender and node share a processor.
//! So the offer rises step by step, and the best second counts.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt,
};

use super::{End, on_processor};
use crate::Error;

/// Behind IPv4's and UDP's headers, for 64 octets in all.
const PAYLOAD: usize = 36;
/// Packets of one call.
const BATCH: usize = 32;
/// The first offer in packets a second.
const FIRST: f64 = 30_000.0;
/// From one offer to the next.
const GROWTH: f64 = 1.3;
/// How long each offer lasts.
const STEP: Duration = Duration::from_millis(700);
/// The offer that no sender reaches.
const LAST: f64 = 2_000_000.0;
/// Below this part of the best the search ends.
const ENOUGH: f64 = 0.6;
/// Octets that wait for the receiver.
const BUFFER: usize = 4 << 20;

/// The best rate, in packets a second.
pub(in crate::tunnel) fn most(from: End<'_>, to: End<'_>) -> Result<f64, Error> {
    let failed = |cause| Error::system("small packets")(cause);
    let receiver = to.place.run(|| UdpSocket::bind((to.address, 0)));
    let receiver = receiver.map_err(failed)?;
    let target = receiver.local_addr().map_err(failed)?;
    let room = setsockopt(&receiver, sockopt::RcvBufForce, &BUFFER);
    room.map_err(io::Error::from).map_err(failed)?;
    receiver
        .set_read_timeout(Some(Duration::from_millis(100)))
        .map_err(failed)?;
    let count = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let receiving = {
        let (count, stop) = (count.clone(), stop.clone());
        on_processor(to.processor, move || receive(&receiver, &count, &stop))?
    };
    let found = search(from, target, &count);
    stop.store(true, Ordering::Relaxed);
    let _ = receiving.join();
    found
}

fn search(from: End<'_>, target: SocketAddr, count: &AtomicU64) -> Result<f64, Error> {
    let failed = |cause| Error::system("small packets")(cause);
    let mut best = 0_f64;
    let mut offer = FIRST;
    while offer < LAST {
        let sender = from.place.run(|| {
            let socket = UdpSocket::bind((from.address, 0))?;
            socket.connect(target)?;
            Ok(socket)
        });
        let sender = sender.map_err(failed)?;
        let (before, start) = (count.load(Ordering::Relaxed), Instant::now());
        let sending = on_processor(from.processor, move || send(&sender, offer))?;
        let sent = sending
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            .map_err(failed)?;
        // What is on its way belongs to the step that it was sent in, and to its time.
        let time = start.elapsed().as_secs_f64();
        let rate = (count.load(Ordering::Relaxed) - before) as f64 / time;
        best = best.max(rate);
        let offered = sent as f64 / time;
        if rate < ENOUGH * best || offered < ENOUGH * offer {
            break;
        }
        offer *= GROWTH;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(best)
}

/// Sends at a rate for the time of a step; how many.
fn send(socket: &UdpSocket, rate: f64) -> io::Result<u64> {
    let payload = [0x5a; PAYLOAD];
    let parts = [[IoSlice::new(&payload)]; BATCH];
    let nobody: [Option<SockaddrIn>; BATCH] = [None; BATCH];
    let none: &[ControlMessage<'_>] = &[];
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let start = Instant::now();
    let mut sent = 0_u64;
    while start.elapsed() < STEP {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        if due < sent + BATCH as u64 {
            std::thread::sleep(Duration::from_micros(50));
            continue;
        }
        let flags = MsgFlags::empty();
        match sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            &parts,
            nobody,
            none,
            flags,
        ) {
            Ok(results) => sent += results.count() as u64,
            Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ECONNREFUSED) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

fn receive(socket: &UdpSocket, count: &AtomicU64, stop: &AtomicBool) {
    let mut room = [[0; 64]; BATCH];
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    while !stop.load(Ordering::Relaxed) {
        let mut parts: Vec<_> = room.iter_mut().map(|one| [IoSliceMut::new(one)]).collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        let got = recvmmsg(socket.as_raw_fd(), &mut headers, &mut parts, flags, None);
        if let Ok(messages) = got {
            count.fetch_add(messages.count() as u64, Ordering::Relaxed);
        }
    }
}
