//! Flows of numbered UDP packets, which show what is lost and what overtakes.
//!
//! Packets of a flow leave in bursts, so that they travel in batches like those of a fast sender.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::{End, on_processor};
use crate::Error;

/// Octets of UDP in the packets of the flows, in turn.
const SIZES: [usize; 4] = [36, 272, 700, 1_300];
/// The longest of them.
const LONGEST: usize = SIZES[SIZES.len() - 1];
/// Packets of a burst.
const BURST: usize = 16;
/// From a flow's burst to its next: 1,000 packets a second.
const PAUSE: Duration = Duration::from_millis(16);
/// Octets that wait for the receiver.
const BUFFER: usize = 4 << 20;
/// How long packets may be on their way.
const LINGER: Duration = Duration::from_millis(500);

/// Running flows in one direction; they end with the value.
pub(in crate::tunnel) struct Numbered {
    flows: Arc<[Flow]>,
    sending: Arc<AtomicBool>,
    receiving: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What is counted of a flow.
#[derive(Debug, Default)]
struct Flow {
    sent: AtomicU64,
    arrived: AtomicU64,
    overtaken: AtomicU64,
}

/// What came of flows together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tunnel) struct Tally {
    pub(in crate::tunnel) sent: u64,
    pub(in crate::tunnel) arrived: u64,
    /// Packets that came after one of their flow that was sent later, or a second time.
    pub(in crate::tunnel) overtaken: u64,
}

impl Numbered {
    /// Starts so many flows from one end to the other.
    pub(in crate::tunnel) fn start(
        from: End<'_>,
        to: End<'_>,
        count: usize,
    ) -> Result<Self, Error> {
        let failed = |cause| Error::system("numbered packets")(cause);
        let receiver = to.place.run(|| open(to, None)).map_err(failed)?;
        let target = receiver.local_addr().map_err(failed)?;
        let mut senders = Vec::new();
        let mut places = BTreeMap::new();
        for number in 0..count {
            let sender = from.place.run(|| open(from, Some(target)));
            let sender = sender.map_err(failed)?;
            places.insert(sender.local_addr().map_err(failed)?, number);
            senders.push(sender);
        }
        let flows: Arc<[Flow]> = (0..count).map(|_| Flow::default()).collect();
        let going = || Arc::new(AtomicBool::new(true));
        let mut numbered = Self {
            flows: flows.clone(),
            sending: going(),
            receiving: going(),
            threads: Vec::new(),
        };
        let (into, receiving) = (flows.clone(), numbered.receiving.clone());
        let receive = move || receive(&receiver, &places, &into, &receiving);
        numbered.threads.push(on_processor(to.processor, receive)?);
        let sending = numbered.sending.clone();
        let send = move || send(&senders, &flows, &sending);
        numbered.threads.push(on_processor(from.processor, send)?);
        Ok(numbered)
    }

    /// Packets that have arrived so far, by flow.
    pub(in crate::tunnel) fn each(&self) -> Vec<u64> {
        let flows = self.flows.iter();
        flows
            .map(|flow| flow.arrived.load(Ordering::Relaxed))
            .collect()
    }

    /// Ends them and says what came of them.
    pub(in crate::tunnel) fn finish(mut self) -> Tally {
        self.end();
        let mut tally = Tally::default();
        for flow in self.flows.iter() {
            tally.sent += flow.sent.load(Ordering::Relaxed);
            tally.arrived += flow.arrived.load(Ordering::Relaxed);
            tally.overtaken += flow.overtaken.load(Ordering::Relaxed);
        }
        tally
    }

    fn end(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.sending.store(false, Ordering::Relaxed);
        thread::sleep(LINGER);
        self.receiving.store(false, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        self.end();
    }
}

impl Tally {
    /// Those of another direction with these.
    pub(in crate::tunnel) fn with(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            arrived: self.arrived + other.arrived,
            overtaken: self.overtaken + other.overtaken,
        }
    }
}

fn open(end: End<'_>, target: Option<SocketAddr>) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((end.address, 0))?;
    match target {
        Some(target) => socket.connect(target)?,
        None => {
            setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
            socket.set_read_timeout(Some(LINGER / 5))?;
        }
    }
    Ok(socket)
}

fn send(senders: &[UdpSocket], flows: &[Flow], sending: &AtomicBool) {
    let mut packet = [0x5a; LONGEST];
    let mut next = 1_u64;
    while sending.load(Ordering::Relaxed) {
        let start = Instant::now();
        for ((sender, flow), size) in senders.iter().zip(flows).zip(SIZES.iter().cycle()) {
            for number in (next..).take(BURST) {
                packet[..8].copy_from_slice(&number.to_be_bytes());
                // One that is refused is a lost one.
                let _ = sender.send(&packet[..*size]);
                flow.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        next += BURST as u64;
        thread::sleep(PAUSE.saturating_sub(start.elapsed()));
    }
}

fn receive(
    socket: &UdpSocket,
    places: &BTreeMap<SocketAddr, usize>,
    flows: &[Flow],
    receiving: &AtomicBool,
) {
    let mut last = vec![0; flows.len()];
    let mut packet = [0; LONGEST];
    while receiving.load(Ordering::Relaxed) {
        let Ok((len, from)) = socket.recv_from(&mut packet) else {
            continue;
        };
        let (Some(&flow), Some(number)) = (places.get(&from), packet[..len].first_chunk::<8>())
        else {
            continue;
        };
        let number = u64::from_be_bytes(*number);
        flows[flow].arrived.fetch_add(1, Ordering::Relaxed);
        if number <= last[flow] {
            flows[flow].overtaken.fetch_add(1, Ordering::Relaxed);
        }
        last[flow] = number.max(last[flow]);
    }
}
