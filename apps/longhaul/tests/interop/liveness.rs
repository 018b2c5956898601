//! BFD with BIRD and FRR: both kinds, their timers, and what happens to BGP when the link is cut.
//!
//! The hold time is 90 s and nobody waits that long: a session that goes is BFD's doing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::meeting::{Far, Meeting, OUR_AS};
use crate::raised::until;

/// How far away the neighbour is taken to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hops {
    One,
    Several,
}

#[test]
fn bird_and_we_watch_each_other_on_a_link() {
    watched(Hops::One, Bird::start);
}

#[test]
fn bird_and_we_watch_each_other_over_several_hops() {
    watched(Hops::Several, Bird::start);
}

#[test]
fn frr_and_we_watch_each_other_on_a_link() {
    watched(Hops::One, Frr::start);
}

#[test]
fn frr_and_we_watch_each_other_over_several_hops() {
    watched(Hops::Several, Frr::start);
}

/// A speaker with BFD: 200 ms × 4 against our 100 ms × 3.
trait Watcher {
    fn far(&self) -> &Far;

    /// Whether it says that the session is up with the slower interval of both, by the kind that is meant.
    fn is_up(&self, hops: Hops) -> Result<(), String>;
}

fn watched<W: Watcher>(hops: Hops, start: fn(Far, Hops) -> W) {
    let mut meeting = Meeting::new();
    let watcher = start(meeting.wire(1), hops);
    let far = watcher.far();
    let multihop = match hops {
        Hops::One => 1,
        Hops::Several => 3,
    };
    meeting.start(&format!(
        "bfd: {{min_tx: 100ms, min_rx: 100ms, multiplier: 3}}\nneighbors:\n  far: {{address: {}, asn: {}, \
         local_address: {}, multihop: {multihop}, bfd: true, hold_time: 90s, connect_retry: 1s, idle_hold: 200ms, \
         import: accept, export: accept}}\n",
        far.address(),
        far.asn(),
        far.ours()
    ));
    let stands = || meeting.session_is("far", "established");
    until("BGP stands", stands);
    until("BFD stands", || watcher.is_up(hops));
    far.ask("/usr/sbin/ip", &["link", "set", "wire", "down"]);
    until("BFD ends BGP", || {
        stands().err().map(drop).ok_or_else(|| meeting.said())
    });
    far.ask("/usr/sbin/ip", &["link", "set", "wire", "up"]);
    until("BFD stands again", || watcher.is_up(hops));
    until("BGP stands again", stands);
}

struct Bird(Far);

impl Bird {
    fn start(mut far: Far, hops: Hops) -> Self {
        let multihop = match hops {
            Hops::One => "direct",
            Hops::Several => "multihop 3",
        };
        let config = format!(
            "log stderr all;\nrouter id {};\nprotocol device {{}}\nprotocol bfd {{\n  \
             interface \"*\" {{ interval 200 ms; multiplier 4; }};\n  \
             multihop {{ interval 200 ms; multiplier 4; }};\n}}\n\
             protocol bgp ours {{\n  local {} as {};\n  neighbor {} as {OUR_AS};\n  {multihop};\n  bfd on;\n  \
             hold time 90; connect retry time 1; connect delay time 1; error wait time 1, 2;\n  \
             ipv4 {{ import all; export all; }};\n}}\n",
            far.address(),
            far.address(),
            far.asn(),
            far.ours()
        );
        let config = far.write("bird.conf", &config);
        let mut command = Command::new("/usr/sbin/bird");
        command.arg("-f").arg("-c").arg(config);
        command.arg("-s").arg(far.directory.join("bird.sock"));
        command.arg("-P").arg(far.directory.join("bird.pid"));
        far.start(command);
        Self(far)
    }
}

impl Watcher for Bird {
    fn far(&self) -> &Far {
        &self.0
    }

    fn is_up(&self, hops: Hops) -> Result<(), String> {
        let socket = self.0.directory.join("bird.sock");
        let socket = socket.to_str().expect("the path is UTF-8");
        let answer = self.0.ask(
            "/usr/sbin/birdc",
            &["-s", socket, "show", "bfd", "sessions"],
        );
        // Address, interface, state, since, interval, timeout.
        let interface = match hops {
            Hops::One => "wire",
            Hops::Several => "---",
        };
        let ours = self.0.ours().to_string();
        let up = answer.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words[..], [address, on, "Up", _, "0.200", "0.600"] if address == ours && on == interface)
        });
        if up {
            Ok(())
        } else {
            Err(format!("{answer}\n{}", self.0.said()))
        }
    }
}

struct Frr(Far);

impl Frr {
    fn start(mut far: Far, hops: Hops) -> Self {
        let (ours, asn) = (far.ours(), far.asn());
        let multihop = match hops {
            Hops::One => String::new(),
            Hops::Several => format!(" neighbor {ours} ebgp-multihop 3\n"),
        };
        let config = far.write(
            "bgpd.conf",
            &format!(
                "router bgp {asn}\n bgp router-id {}\n no bgp ebgp-requires-policy\n \
                 neighbor {ours} remote-as {OUR_AS}\n{multihop} neighbor {ours} bfd 4 200 200\n \
                 neighbor {ours} timers 30 90\n neighbor {ours} timers connect 1\n",
                far.address()
            ),
        );
        let sockets = far.directory.join("frr");
        fs::create_dir_all(&sockets).expect("a directory can be made");
        // The daemons drop to a user of their own, and must be able to make files there.
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(&sockets, open).expect("a directory can be opened to all");
        for daemon in ["zebra", "bfdd", "bgpd"] {
            let mut command = Command::new(format!("/usr/lib/frr/{daemon}"));
            command.args(["-u", "frr", "-g", "frr"]);
            command.arg("-z").arg(sockets.join("zserv.api"));
            command.arg("-i").arg(sockets.join(format!("{daemon}.pid")));
            command.arg("--vty_socket").arg(&sockets);
            command.arg("-f");
            match daemon {
                "bgpd" => command.arg(&config),
                _ => command.arg("/dev/null"),
            };
            if daemon == "bfdd" {
                command.arg("--bfdctl").arg(sockets.join("bfdd.sock"));
            }
            far.start(command);
            until("an FRR daemon listens", || {
                let socket = sockets.join(format!("{daemon}.vty"));
                if socket.exists() {
                    Ok(())
                } else {
                    Err(far.said())
                }
            });
        }
        Self(far)
    }
}

impl Watcher for Frr {
    fn far(&self) -> &Far {
        &self.0
    }

    fn is_up(&self, hops: Hops) -> Result<(), String> {
        let sockets = self.0.directory.join("frr");
        let sockets = sockets.to_str().expect("the path is UTF-8");
        let words = ["--vty_socket", sockets, "-c", "show bfd peers json"];
        let answer = self.0.ask("/usr/bin/vtysh", &words);
        let peers: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        let peer = &peers[0];
        let up = peer["peer"] == self.0.ours().to_string()
            && peer["status"] == "up"
            && peer["multihop"] == (hops == Hops::Several)
            && peer["remote-transmit-interval"] == 100
            && peer["remote-detect-multiplier"] == 3
            && peer["transmit-interval"] == 200;
        if up {
            Ok(())
        } else {
            Err(format!("{answer}\n{}", self.0.said()))
        }
    }
}
