//! Our router as a process in a namespace, with foreign speakers in others, a wire to each.
//!
//! Ours has the first address of each wire and the foreign speaker the second, in both families:
//! wire `n` is 10.98.n.0/24 and 2001:db8:98:n::/64. All AS numbers need four octets.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use bench::place::Place;
use serde_json::Value;

use crate::raised::{json, within};

const PROGRAM: &str = env!("CARGO_BIN_EXE_longhaul");
/// Ours.
pub(crate) const OUR_AS: u32 = 4_200_000_000;
const OURS: &str = "ours";
/// How long anything may take to come about on a busy machine; the timers are far shorter.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until something is so. `look` says what it sees when it is not.
pub(crate) fn until(what: &str, look: impl FnMut() -> Result<(), String>) {
    within(PATIENCE, PAUSE, what, look);
}

/// Our router and everything around it; ends with the value.
pub(crate) struct Meeting {
    directory: PathBuf,
    place: Place,
    router: Option<Child>,
}

/// A namespace at the far end of a wire, with the processes of a test in it.
pub(crate) struct Far {
    pub(crate) number: u8,
    pub(crate) directory: PathBuf,
    place: Place,
    processes: Vec<Child>,
}

impl Meeting {
    /// A namespace for our router, which is not started.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("longhaul-interop-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        // A process of the same number may have left one.
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory can be made");
        Self {
            directory,
            place: place(),
            router: None,
        }
    }

    /// Lays a wire to a new namespace.
    pub(crate) fn wire(&self, number: u8) -> Far {
        let far = place();
        let name = format!("wire{number}");
        let wired = self.place.wire(&name, &far, "wire");
        wired.unwrap_or_else(|error| panic!("{error}"));
        for (place, interface, end) in [(&self.place, name.as_str(), 1), (&far, "wire", 2)] {
            for (address, len) in [(v4(number, end), 24), (v6(number, end), 64)] {
                let done = place.address(interface, address, len);
                done.unwrap_or_else(|error| panic!("{error}"));
            }
        }
        let directory = self.directory.join(format!("far{number}"));
        fs::create_dir_all(&directory).expect("a directory can be made");
        Far {
            number,
            directory,
            place: far,
            processes: Vec::new(),
        }
    }

    /// A file in the test's directory that only its owner may read.
    pub(crate) fn secret(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.directory.join(name);
        fs::write(&path, content).expect("a file can be written");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&path, private).expect("a file can be made private");
        path
    }

    /// Starts our router; `rest` is its file but for name, AS and router ID.
    pub(crate) fn start(&mut self, rest: &str) {
        self.start_with(rest, &[]);
    }

    /// Starts our router with more arguments.
    pub(crate) fn start_with(&mut self, rest: &str, more: &[&str]) {
        let path = self.directory.join("router.yaml");
        let head = format!("router: 1\nname: {OURS}\nasn: {OUR_AS}\nrouter_id: 10.98.0.1\n");
        fs::write(&path, head + rest).expect("a file can be written");
        let mut command = Command::new(PROGRAM);
        command.arg("router").arg(&path);
        command.arg("--control").arg(self.control()).args(more);
        command.env("LOG", "info");
        into_log(&mut command, &self.log());
        let started = self.place.start(&mut command);
        let mut router = started.unwrap_or_else(|error| panic!("{error}"));
        until("our router answers", || {
            let ended = router.try_wait().expect("it is our child");
            assert!(ended.is_none(), "our router ended: {}", self.said());
            let up = self.control().exists() && self.sessions()["sessions"].is_array();
            if up { Ok(()) } else { Err(self.said()) }
        });
        self.router = Some(router);
    }

    /// Kills our router without a warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut router) = self.router.take() {
            router.kill().expect("our router runs");
            router.wait().expect("our router ends");
        }
        drop(fs::remove_file(self.control()));
    }

    /// Ends our router as its operator would.
    pub(crate) fn stop(&mut self) {
        let Some(mut router) = self.router.take() else {
            return;
        };
        let told = Command::new("kill").arg(router.id().to_string()).status();
        assert!(told.is_ok_and(|told| told.success()), "it is told to end");
        router.wait().expect("our router ends");
        drop(fs::remove_file(self.control()));
    }

    /// What a program beside our router writes.
    pub(crate) fn ask(&self, program: &str, words: &[&str]) -> String {
        ask(&self.place, program, words)
    }

    /// Starts it again from the same file.
    pub(crate) fn restart(&mut self) {
        let text =
            fs::read_to_string(self.directory.join("router.yaml")).expect("the file is there");
        let rest = text.split_inclusive('\n').skip(4).collect::<String>();
        self.start(&rest);
    }

    fn control(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("router.log")
    }

    /// What our router has logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn show(&self, what: &str) -> Value {
        let mut command = Command::new(PROGRAM);
        command.args(["show", what, "--format", "json", "--control"]);
        json(command.arg(self.control()))
    }

    pub(crate) fn sessions(&self) -> Value {
        self.show("sessions")
    }

    pub(crate) fn routes(&self) -> Value {
        self.show("routes")
    }

    /// Whether our session with a neighbour is in this state.
    pub(crate) fn session_is(&self, neighbor: &str, state: &str) -> Result<(), String> {
        let shown = self.sessions();
        let all = shown["sessions"].as_array().cloned().unwrap_or_default();
        let mut all = all.iter();
        if all.any(|one| one["neighbor"] == neighbor && one["state"] == state) {
            Ok(())
        } else {
            Err(format!("{shown:#}\n{}", self.said()))
        }
    }

    /// Our route to a prefix from a neighbour.
    pub(crate) fn route(&self, prefix: &str, neighbor: &str) -> Option<Value> {
        let shown = self.routes();
        let mut all = shown["routes"].as_array()?.iter();
        let found = all.find(|one| one["prefix"] == prefix && one["neighbor"] == neighbor);
        found.cloned()
    }

    /// Whether we have a route to a prefix from a neighbour.
    pub(crate) fn has(&self, prefix: &str, neighbor: &str) -> Result<(), String> {
        match self.route(prefix, neighbor) {
            Some(_) => Ok(()),
            None => Err(format!("{:#}\n{}", self.routes(), self.said())),
        }
    }

    /// Whether we have none.
    pub(crate) fn lacks(&self, prefix: &str, neighbor: &str) -> Result<(), String> {
        match self.route(prefix, neighbor) {
            None => Ok(()),
            Some(route) => Err(format!("{route:#}\n{}", self.said())),
        }
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        if let Some(mut router) = self.router.take() {
            drop(router.kill());
            drop(router.wait());
        }
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

impl Far {
    pub(crate) fn asn(&self) -> u32 {
        OUR_AS + u32::from(self.number)
    }

    /// Its address.
    pub(crate) fn address(&self) -> IpAddr {
        v4(self.number, 2)
    }

    /// Ours on its wire.
    pub(crate) fn ours(&self) -> IpAddr {
        v4(self.number, 1)
    }

    pub(crate) fn address_v6(&self) -> IpAddr {
        v6(self.number, 2)
    }

    pub(crate) fn ours_v6(&self) -> IpAddr {
        v6(self.number, 1)
    }

    /// Writes a file of its own.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Starts a program in it.
    pub(crate) fn start(&mut self, mut command: Command) {
        into_log(&mut command, &self.directory.join("log"));
        let child = self.place.start(&mut command);
        self.processes
            .push(child.unwrap_or_else(|error| panic!("{error}")));
    }

    /// What its programs have logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// What a program in it writes.
    pub(crate) fn ask(&self, program: &str, words: &[&str]) -> String {
        ask(&self.place, program, words)
    }

    /// Kills its programs without a warning.
    pub(crate) fn kill(&mut self) {
        for mut child in self.processes.drain(..) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program in a namespace writes.
fn ask(place: &Place, program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = place.start(&mut command);
    let child = child.unwrap_or_else(|error| panic!("{error}"));
    let output = child.wait_with_output().expect("the program runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn place() -> Place {
    Place::new().unwrap_or_else(|error| panic!("these tests need root: {error}"))
}

fn v4(wire: u8, end: u8) -> IpAddr {
    Ipv4Addr::new(10, 98, wire, end).into()
}

fn v6(wire: u8, end: u8) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x98, wire.into(), 0, 0, 0, end.into()).into()
}

fn into_log(command: &mut Command, path: &Path) {
    let log = File::options().create(true).append(true).open(path);
    let log = log.expect("a log can be made");
    let errors = log.try_clone().expect("a file can be opened twice");
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
}
