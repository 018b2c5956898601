//! Two nodes in namespaces. TUN devices are their LANs and their underlay: a test writes what hosts send and reads
//! what hosts get, octet for octet, and a thread is the wire, which can do everything that underlays do.
//!
//! Behind node N is 10.77.N.0/24, in which the test is 10.77.N.9. LAN 1 is like a network card with offloads, LAN 2 like
//! one without.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bench::place::Place;
use inet::packet::{self, Ipv4};
use linux::epoll::Poller;
use linux::{Tun, TunQueue, VNET_HEADER};
use offload::{Offload, Segments, complete, tos};
use tunnel::PrivateKey;

use crate::packets;

/// MTU of the overlay device.
pub(crate) const MTU: usize = 1420;
const PORT: u16 = 51_820;
/// How long anything may take to come about on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long something that must not come is waited for.
const SILENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(20);
/// Keys of a network that lives for seconds, inside one machine.
const MASTER: [u8; 32] = [0x42; 32];

/// The two nodes, their LANs and the wire; ends with the value.
pub(crate) struct Overlay {
    pub(crate) near: Lan,
    pub(crate) far: Lan,
    wire: Wire,
    nodes: Vec<Child>,
    directory: PathBuf,
}

/// Where the test is the hosts.
pub(crate) enum Lan {
    Offloading(TunQueue),
    Plain(Tun),
}

/// What the underlay does to each packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Marks those that say that they understand it with Congestion Experienced, and those that do not as well.
    pub(crate) congested: bool,
    /// Rewrites code points.
    pub(crate) dscp: Option<u8>,
    /// Loses what is longer, and says nothing.
    pub(crate) mtu: Option<usize>,
}

struct Wire {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    weather: Mutex<Weather>,
    /// Type of service of each packet that came by, with its length.
    seen: Mutex<Vec<(u8, usize)>>,
    over: AtomicBool,
}

impl Overlay {
    /// Two nodes whose underlay is said to carry `path_mtu` octets; returns when packets pass.
    pub(crate) fn start(path_mtu: u16) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("longhaul-node-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&directory));
        let places = [1, 2].map(|_| Place::new().expect("these tests need root"));
        let wans = [1, 2].map(|number| wan(&places[number - 1], number));
        let near = places[0]
            .run(|| TunQueue::create("lan0", 1))
            .expect("a TUN");
        let far = places[1].run(|| Tun::create("lan0", true)).expect("a TUN");
        for (number, place) in (1..).zip(&places) {
            up(place, "lan0", &format!("10.77.{number}.1"), 24);
            let forward = || linux::sysctl::write("net.ipv4.ip_forward", "1");
            place.run(forward).expect("a namespace may forward");
        }
        let nodes = (1..).zip(&places);
        let nodes = nodes.map(|(number, place)| run(place, number, path_mtu, &directory));
        let overlay = Self {
            near: Lan::Offloading(near.into_iter().next().expect("one queue")),
            far: Lan::Plain(far),
            nodes: nodes.collect(),
            wire: Wire::lay(wans),
            directory,
        };
        overlay.until_packets_pass();
        overlay
    }

    /// Changes what the underlay does.
    pub(crate) fn weather(&self, weather: Weather) {
        *lock(&self.wire.shared.weather) = weather;
    }

    /// Type of service of each packet longer than `len` that passed the underlay since the last call.
    pub(crate) fn seen(&self, len: usize) -> Vec<u8> {
        let seen = std::mem::take(&mut *lock(&self.wire.shared.seen));
        let long = seen.into_iter().filter(|(_, octets)| *octets > len);
        long.map(|(tos, _)| tos).collect()
    }

    /// What the nodes have logged.
    pub(crate) fn said(&self) -> String {
        let log = |number| self.directory.join(format!("node{number}/log"));
        let text = [1, 2].map(|number| fs::read_to_string(log(number)).unwrap_or_default());
        text.join("\n----\n")
    }

    fn until_packets_pass(&self) {
        let deadline = Instant::now() + PATIENCE;
        for (from, to, source) in [(&self.near, &self.far, 1), (&self.far, &self.near, 2)] {
            let hello = packets::udp(source, 0, 7, b"hello");
            loop {
                from.send(&hello);
                if to
                    .find(PAUSE * 5, |packet| packet.ends_with(b"hello"))
                    .is_some()
                {
                    break;
                }
                assert!(
                    Instant::now() < deadline,
                    "no packet passes: {}",
                    self.said()
                );
            }
        }
        for lan in [&self.near, &self.far] {
            while lan.find(PAUSE * 5, |_| true).is_some() {}
        }
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            drop(node.kill());
            drop(node.wait());
        }
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

impl Lan {
    /// A host sends a finished packet.
    pub(crate) fn send(&self, packet: &[u8]) {
        self.send_unfinished(Offload::NONE, packet);
    }

    /// A host sends a packet and leaves the rest to its network card.
    pub(crate) fn send_unfinished(&self, offload: Offload, packet: &[u8]) {
        match self {
            Self::Offloading(tun) => tun.write(&offload.to_bytes(), &[packet]).expect("written"),
            Self::Plain(tun) => {
                assert_eq!(offload, Offload::NONE, "LAN 2 has no offloads");
                tun.write(packet).expect("written");
            }
        }
    }

    /// The next packet that a host gets and `wanted` accepts.
    pub(crate) fn receive(&self, what: &str, wanted: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let found = self.find(PATIENCE, wanted);
        found.unwrap_or_else(|| panic!("did not arrive: {what}"))
    }

    /// Whether no host gets a packet that `wanted` accepts.
    pub(crate) fn stays_silent(&self, wanted: impl FnMut(&[u8]) -> bool) -> bool {
        self.find(SILENCE, wanted).is_none()
    }

    fn find(&self, patience: Duration, mut wanted: impl FnMut(&[u8]) -> bool) -> Option<Vec<u8>> {
        self.collect(patience, 1, &mut wanted).pop()
    }

    /// The first `count` packets that hosts get and `wanted` accepts, or those that came in time.
    pub(crate) fn collect(
        &self,
        patience: Duration,
        count: usize,
        wanted: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + patience;
        let mut found = Vec::new();
        while found.len() < count && Instant::now() < deadline {
            let packets = self.next();
            if packets.is_empty() {
                thread::sleep(Duration::from_millis(1));
            }
            found.extend(packets.into_iter().filter(|packet| wanted(packet)));
        }
        found
    }

    /// What waits, finished; nothing when nothing waits, or what does is not IPv4.
    fn next(&self) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        let mut header = [0; VNET_HEADER];
        let read = match self {
            Self::Offloading(tun) => tun.read(&mut header, &mut buffer),
            Self::Plain(tun) => tun.read(&mut buffer),
        };
        match read {
            Ok(len) => buffer.truncate(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Vec::new(),
            Err(error) => panic!("reading from a LAN: {error}"),
        }
        if Ipv4::parse(&buffer).is_err() {
            return Vec::new();
        }
        finished(
            Offload::read(&header).expect("a header that was asked for"),
            buffer,
        )
    }
}

/// A packet, or those that a super-packet stands for.
fn finished(mut offload: Offload, mut packet: Vec<u8>) -> Vec<Vec<u8>> {
    if offload.segmentation == offload::Segmentation::None {
        complete(&mut packet, offload).expect("a place for the checksum");
        offload = Offload::NONE;
    }
    let segments = Segments::new(&packet, offload).expect("a super-packet");
    let write = |number| {
        let mut one = vec![0; segments.len(number)];
        segments.write(number, &mut one);
        one
    };
    (0..segments.count()).map(write).collect()
}

impl Wire {
    fn lay(ends: [Tun; 2]) -> Self {
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let thread = thread::spawn(move || carry(&ends, &ours));
        Self {
            shared,
            thread: Some(thread),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn carry(ends: &[Tun; 2], shared: &Shared) {
    let poller = Poller::new().expect("a poller");
    for (token, end) in (0..).zip(ends) {
        poller.add_readable(end, token).expect("can be polled");
    }
    let mut buffer = vec![0; 70_000];
    while !shared.over.load(Ordering::Relaxed) {
        let waited = poller.wait(Some(PAUSE), &mut Vec::new());
        waited.expect("can be waited for");
        let weather = *lock(&shared.weather);
        for (from, to) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
            while let Ok(len) = from.read(&mut buffer) {
                let packet = &mut buffer[..len];
                if Ipv4::parse(packet).is_err() {
                    continue;
                }
                lock(&shared.seen).push((tos::get(packet), len));
                if weather.mtu.is_some_and(|mtu| len > mtu) {
                    continue;
                }
                let tos = tos::get(packet);
                let tos = weather.dscp.map_or(tos, |dscp| dscp << 2 | tos & 3);
                tos::set(packet, if weather.congested { tos | 3 } else { tos });
                // A full queue loses, as wires do.
                drop(to.write(packet));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wan(place: &Place, number: usize) -> Tun {
    let tun = place.run(|| Tun::create("wan0", true)).expect("a TUN");
    up(place, "wan0", &format!("192.0.2.{number}"), 30);
    tun
}

fn up(place: &Place, interface: &str, address: &str, len: u8) {
    let address = address.parse().expect("an address");
    place.address(interface, address, len).expect("an address");
    let words = ["link", "set", interface, "mtu", "1500", "up"];
    place.ip(&words).expect("goes up");
}

/// Starts a node.
fn run(place: &Place, number: u8, path_mtu: u16, directory: &Path) -> Child {
    let directory = directory.join(format!("node{number}"));
    let keys = directory.join("keys").join(format!("node{number}"));
    fs::create_dir_all(&keys).expect("a directory can be made");
    let mut file = OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600);
    let file = file.open(keys.join("wan0.key"));
    let mut file = file.expect("a file can be made");
    writeln!(file, "{}", private(number).to_base64()).expect("a file can be written");
    let config = directory.join("node.yaml");
    fs::write(&config, configuration(number, path_mtu)).expect("a file can be written");
    let log = File::create(directory.join("log")).expect("a log can be made");
    let errors = log.try_clone().expect("a file can be opened twice");
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    command.arg("node").arg(config).arg("--keys");
    command.arg(directory.join("keys")).env("LOG", "info");
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    place.start(&mut command).expect("the program starts")
}

fn configuration(number: u8, path_mtu: u16) -> String {
    let other = 3 - number;
    let mut text = format!(
        "name: node{number}\nrole:\n  cpe: {{site: site{number}}}\nasn: 65010\n\
         loopback: 10.255.0.{number}\nmtu: {MTU}\n\
         probe: {{interval_ms: 200, dead_after_ms: 900}}\n\
         interfaces:\n\
         - {{name: wan0, address: 192.0.2.{number}, prefix_len: 30}}\n\
         - {{name: lan0, address: 10.77.{number}.1, prefix_len: 24}}\n\
         lans:\n- {{interface: lan0, prefix: 10.77.{number}.0/24}}\n"
    );
    let _ = writeln!(
        text,
        "locators:\n- {{name: node{number}/wan0, underlay: wire, interface: wan0, port: {PORT}, \
         public_key: \"{}\"}}",
        private(number).public_key()
    );
    let _ = writeln!(
        text,
        "links:\n- neighbor: node{other}\n  role: home-hub\n  loopback: 10.255.0.{other}\n  paths:\n  \
         - {{local: node{number}/wan0, remote: node{other}/wan0, public_key: \"{}\", \
         endpoint: \"192.0.2.{other}:{PORT}\", preference: 0, initiate: {}, keepalive_s: 25, \
         liveness: probe, mtu: {path_mtu}}}",
        private(other).public_key(),
        number == 1,
    );
    text
}

fn private(number: u8) -> PrivateKey {
    PrivateKey::derive(&MASTER, &format!("node{number}/wan0"))
}

/// Whether a packet is of this protocol.
pub(crate) fn is(packet: &[u8], protocol: u8) -> bool {
    Ipv4::parse(packet).is_ok_and(|view| view.protocol() == protocol)
}

/// Whether a packet is an ICMP error that asks for shorter packets, and how short.
pub(crate) fn too_big(packet: &[u8]) -> Option<u16> {
    let view = Ipv4::parse(packet).ok()?;
    let message = view.payload();
    let is_too_big = view.protocol() == packet::ICMP && message.starts_with(&[3, 4]);
    is_too_big.then(|| u16::from_be_bytes([message[6], message[7]]))
}
