//! Our node with one plain WireGuard implementation at the other end of a wire, and TCP transfers
//! between what is behind them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bench::place::Place;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use tunnel::PrivateKey;

use crate::raised::until;

/// What is behind our node, and behind the peer.
const BEHIND_US: Ipv4Addr = Ipv4Addr::new(10, 78, 1, 1);
const BEHIND_THEM: Ipv4Addr = Ipv4Addr::new(10, 78, 2, 1);
/// The ends of the wire to begin with.
pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 1);
pub(crate) const THEIRS: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 2);
const WIRE: u8 = 24;
const WAN: &str = "wan0";
const PORT: u16 = 51_820;
/// How long a connection may hang before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const BLOCK: usize = 64 << 10;

/// An implementation of WireGuard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    WireguardGo,
    Boringtun,
}

/// Which side starts the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initiator {
    Us,
    Them,
}

/// Which way a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToThem,
    ToUs,
}

/// Both ends; they end with the value.
pub(crate) struct Plain {
    peer: Peer,
    initiator: Initiator,
    directory: PathBuf,
    device: String,
    pub(crate) ours: Place,
    pub(crate) theirs: Place,
    node: Option<Child>,
    other: Option<Child>,
}

impl Plain {
    /// Starts both; `name` tells the tests of this process apart.
    pub(crate) fn new(peer: Peer, initiator: Initiator, name: &str) -> Self {
        let number = std::process::id();
        let directory = std::env::temp_dir().join(format!("longhaul-plain-{number}-{name}"));
        // A process of the same number may have left one.
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(directory.join("keys/node")).expect("a directory can be made");
        let place = || Place::new().unwrap_or_else(|error| panic!("this test needs root: {error}"));
        let (ours, theirs) = (place(), place());
        ours.wire(WAN, &theirs, WAN).expect("a wire can be laid");
        address(&ours, WAN, OURS, WIRE);
        address(&theirs, WAN, THEIRS, WIRE);
        address(&ours, "lo", BEHIND_US, 32);
        let mut plain = Self {
            peer,
            initiator,
            directory,
            device: format!("p{number}{name}"),
            ours,
            theirs,
            node: None,
            other: None,
        };
        plain.start_peer();
        plain.start_node();
        plain
    }

    pub(crate) fn start_node(&mut self) {
        let key = self.directory.join("keys/node/wan0.key");
        fs::write(&key, private(1).to_base64()).expect("a key can be written");
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&key, mode).expect("its mode can be set");
        let file = self.directory.join("node.yaml");
        fs::write(&file, self.node_file()).expect("a file can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        command.arg("node").arg(file);
        command.arg("--keys").arg(self.directory.join("keys"));
        self.node = Some(self.start(&self.ours, &mut command, "node.log"));
    }

    pub(crate) fn start_peer(&mut self) {
        let socket = self.socket();
        // One that was killed leaves its own.
        drop(fs::remove_file(&socket));
        let mut command = Command::new(match self.peer {
            Peer::WireguardGo => PathBuf::from("/usr/bin/wireguard-go"),
            Peer::Boringtun => {
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/boringtun-cli")
            }
        });
        command.env("WG_PROCESS_FOREGROUND", "1");
        command.args(["--foreground", &self.device]);
        if self.peer == Peer::Boringtun {
            command.arg("--disable-drop-privileges");
        }
        self.other = Some(self.start(&self.theirs, &mut command, "peer.log"));
        until("the peer's socket is there", || {
            if socket.exists() {
                Ok(())
            } else {
                Err(self.said())
            }
        });
        let private = hex(&private_bytes(2));
        self.tell(&format!("private_key={private}\nlisten_port={PORT}\n"));
        self.tell(&self.peering());
        let device = self.device.as_str();
        let ip = |words: &[&str]| self.theirs.ip(words).expect("ip works");
        ip(&["link", "set", device, "mtu", "1420", "up"]);
        address(&self.theirs, device, BEHIND_THEM, 32);
        ip(&["route", "replace", "10.78.0.0/16", "dev", device]);
    }

    /// Makes the peer forget all keys and us, and know us again at once: whatever is on its way
    /// meets a new handshake.
    pub(crate) fn rekey(&self) {
        let public = hex(&private(1).public_key().0);
        self.tell(&format!("public_key={public}\nremove=true\n"));
        self.tell(&self.peering());
    }

    pub(crate) fn kill_node(&mut self) {
        end(self.node.take());
    }

    pub(crate) fn kill_peer(&mut self) {
        end(self.other.take());
    }

    /// Gives an end of the wire another address, as a new lease does.
    pub(crate) fn roam(&self, place: &Place, from: Ipv4Addr, to: Ipv4Addr) {
        let from = format!("{from}/{WIRE}");
        place
            .ip(&["address", "del", &from, "dev", WAN])
            .expect("the address can go");
        address(place, WAN, to, WIRE);
    }

    /// Lets the peer send from elsewhere, as behind a NAT that forgot it.
    pub(crate) fn peer_roams(&self) {
        match self.peer {
            // Debian 12's goes on sending from an address that is gone.
            Peer::WireguardGo => self.tell("listen_port=51821\n"),
            Peer::Boringtun => self.roam(&self.theirs, THEIRS, Ipv4Addr::new(198, 18, 1, 22)),
        }
    }

    /// How long ago the peer last had a handshake with us.
    pub(crate) fn since_handshake(&self) -> Duration {
        let said = self.ask("get=1\n");
        let mut times = said.lines();
        let time = times.find_map(|line| line.strip_prefix("last_handshake_time_sec="));
        let time = time.and_then(|time| time.parse().ok());
        let time = Duration::from_secs(time.expect("the peer tells"));
        match self.peer {
            Peer::WireguardGo => {
                let now = UNIX_EPOCH.elapsed().expect("the clock is right");
                now.saturating_sub(time)
            }
            // It tells the time since, not the time of.
            Peer::Boringtun => time,
        }
    }

    /// Starts a transfer of so many octets, spread over a time.
    pub(crate) fn transfer(&self, way: Way, octets: usize, time: Duration) -> Transfer {
        let (from, to, near, far) = match way {
            Way::ToThem => (&self.ours, &self.theirs, BEHIND_US, BEHIND_THEM),
            Way::ToUs => (&self.theirs, &self.ours, BEHIND_THEM, BEHIND_US),
        };
        let listener = to.run(|| TcpListener::bind((far, 0)));
        let listener = listener.expect("the far end listens");
        let target = listener.local_addr().expect("it has an address");
        let mut stream = None;
        until("the tunnel carries a connection", || {
            let connected = from.run(|| connect(near, target));
            stream = Some(connected.map_err(|error| format!("{error}\n{}", self.said()))?);
            Ok(())
        });
        let mut stream = stream.expect("it is connected");
        let (mut accepted, _) = listener.accept().expect("it is accepted");
        for socket in [&stream, &accepted] {
            let patience = Some(PATIENCE);
            socket.set_read_timeout(patience).expect("a timeout");
            socket.set_write_timeout(patience).expect("a timeout");
        }
        let sending = thread::spawn(move || {
            let start = Instant::now();
            let mut sent = 0;
            while sent < octets {
                let block = block(sent);
                stream.write_all(&block).expect("the transfer goes on");
                sent += block.len();
                let due = time.mul_f64(sent as f64 / octets as f64);
                thread::sleep(due.saturating_sub(start.elapsed()));
            }
        });
        let receiving = thread::spawn(move || {
            let mut got = 0;
            let mut bytes = vec![0; BLOCK];
            while got < octets {
                accepted
                    .read_exact(&mut bytes)
                    .expect("the transfer goes on");
                assert!(bytes == block(got), "octets from {got} on are wrong");
                got += bytes.len();
            }
        });
        Transfer { sending, receiving }
    }

    fn start(&self, place: &Place, command: &mut Command, log: &str) -> Child {
        let path = self.directory.join(log);
        let log = File::options().create(true).append(true).open(path);
        let log = log.expect("a log can be made");
        let errors = log.try_clone().expect("a file can be opened twice");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        place
            .start(command)
            .unwrap_or_else(|error| panic!("{error}; `cargo xtask packages` gets what is missing"))
    }

    /// What both have said.
    fn said(&self) -> String {
        let read = |log: &str| fs::read_to_string(self.directory.join(log)).unwrap_or_default();
        format!("node: {}\npeer: {}", read("node.log"), read("peer.log"))
    }

    fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/var/run/wireguard/{}.sock", self.device))
    }

    fn peering(&self) -> String {
        let mut text = format!(
            "public_key={}\nreplace_allowed_ips=true\nallowed_ip={BEHIND_US}/32\n",
            hex(&private(1).public_key().0)
        );
        if self.initiator == Initiator::Them {
            let _ = write!(
                text,
                "endpoint={OURS}:{PORT}\npersistent_keepalive_interval=1\n"
            );
        }
        text
    }

    /// One `set` operation (wireguard.com/xplatform).
    fn tell(&self, what: &str) {
        let answer = self.ask(&format!("set=1\n{what}"));
        assert!(answer.contains("errno=0\n"), "{what}: {answer}");
    }

    fn ask(&self, what: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("the peer runs");
        let patience = Some(Duration::from_secs(5));
        stream.set_read_timeout(patience).expect("a timeout");
        let whole = format!("{what}\n");
        stream.write_all(whole.as_bytes()).expect("the peer reads");
        let mut answer = String::new();
        let mut bytes = [0; 4096];
        while !answer.ends_with("\n\n") {
            match stream.read(&mut bytes).expect("the peer answers") {
                0 => break,
                len => answer.push_str(&String::from_utf8_lossy(&bytes[..len])),
            }
        }
        answer
    }

    fn node_file(&self) -> String {
        let us = self.initiator == Initiator::Us;
        let endpoint = if us {
            format!("\"{THEIRS}:{PORT}\"")
        } else {
            "null".to_owned()
        };
        format!(
            "name: node\nrole:\n  nva: {{region: westeurope, number: 1}}\nasn: 65010\n\
             loopback: 10.255.0.1\nmtu: 1420\nprobe: {{interval_ms: 200, dead_after_ms: 900}}\n\
             interfaces:\n- {{name: {WAN}, address: {OURS}, prefix_len: {WIRE}}}\n\
             - {{name: lo, address: {BEHIND_US}, prefix_len: 32}}\n\
             locators:\n- {{name: node/{WAN}, underlay: internet, interface: {WAN}, port: {PORT}, \
             public_key: \"{own}\"}}\n\
             links:\n- neighbor: peer\n  role: home-site\n  loopback: null\n  \
             static_routes: [10.78.2.0/24]\n  paths:\n  \
             - {{local: node/{WAN}, remote: peer/{WAN}, public_key: \"{theirs}\", \
             endpoint: {endpoint}, preference: 0, initiate: {us}, keepalive_s: 1, \
             liveness: handshake}}\n",
            own = private(1).public_key(),
            theirs = private(2).public_key(),
        )
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.kill_node();
        self.kill_peer();
        drop(fs::remove_file(self.socket()));
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

/// A running transfer, whose octets are compared on arrival.
pub(crate) struct Transfer {
    sending: JoinHandle<()>,
    receiving: JoinHandle<()>,
}

impl Transfer {
    /// Waits until all has arrived and was right.
    pub(crate) fn arrives(self, plain: &Plain) {
        let done = self.sending.join().and_then(|()| self.receiving.join());
        assert!(done.is_ok(), "a transfer broke off\n{}", plain.said());
    }
}

/// Connects from an address, within seconds.
fn connect(from: Ipv4Addr, target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let local = SockaddrStorage::from(SocketAddr::from((from, 0)));
    bind(socket.as_raw_fd(), &local)?;
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::new(2, 0))?;
    nix::sys::socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(target))?;
    Ok(TcpStream::from(socket))
}

/// The octets of a transfer from a place on; any other order or loss differs.
fn block(from: usize) -> Vec<u8> {
    let words = (from as u64 / 8..).take(BLOCK / 8);
    words
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect()
}

fn address(place: &Place, interface: &str, address: Ipv4Addr, len: u8) {
    let done = place.address(interface, IpAddr::V4(address), len);
    done.expect("an address can be given");
}

fn end(child: Option<Child>) {
    if let Some(mut child) = child {
        // It may have ended by itself.
        drop(child.kill());
        drop(child.wait());
    }
}

fn private_bytes(number: u8) -> [u8; 32] {
    [number | 0x40; 32]
}

fn private(number: u8) -> PrivateKey {
    PrivateKey::from_bytes(private_bytes(number))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
