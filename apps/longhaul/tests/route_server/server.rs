//! One instance of a Route Server as a process, with a file that the test writes.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, request};

/// How long anything may take that takes no time on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What an instance's file says.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The third octet of all its addresses: each test has another.
    pub(crate) net: u8,
    pub(crate) instance: u8,
    /// Last octets and AS numbers.
    pub(crate) peers: Vec<(u8, u32)>,
    pub(crate) announced: Vec<&'static str>,
    pub(crate) branch_to_branch: bool,
    pub(crate) routes_per_peer: u32,
    /// Whether there is another instance.
    pub(crate) twin: bool,
}

impl Settings {
    pub(crate) fn new(net: u8) -> Self {
        Self {
            net,
            instance: 0,
            peers: vec![(100, 65_001), (101, 65_002)],
            announced: vec!["10.1.0.0/16"],
            branch_to_branch: false,
            routes_per_peer: 4_000,
            twin: false,
        }
    }

    pub(crate) fn address(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 77, self.net, last)
    }

    /// The instance's own address.
    pub(crate) fn own(&self) -> Ipv4Addr {
        self.address(4 + self.instance)
    }

    pub(crate) fn text(&self) -> String {
        let net = self.net;
        let peers = self.peers.iter().map(|(last, asn)| {
            format!("- {{name: nva{last}, address: 127.77.{net}.{last}, asn: {asn}}}\n")
        });
        format!(
            "name: rs{0}.west\nregion: west\nvnet: hub-west\ninstance: {0}\ntwin: rs{1}.west\n\
             interface: {{name: lo, address: {2}, prefix_len: 24}}\n\
             subnet: 127.77.{net}.0/27\nasn: 65515\npeers:\n{3}announced: [{4}]\n\
             vnet_space: [127.77.{net}.0/24, {4}]\nown_space: [127.77.{net}.0/24]\n\
             branch_to_branch: {5}\nrouting_preference: express-route\nhold_time_s: 180\n\
             routes_per_peer: {6}\n",
            self.instance,
            1 - self.instance,
            self.own(),
            peers.collect::<String>(),
            self.announced.join(", "),
            self.branch_to_branch,
            self.routes_per_peer,
        )
    }
}

/// A running instance.
pub(crate) struct Server {
    process: Child,
    pub(crate) settings: Settings,
    folder: PathBuf,
}

impl Server {
    pub(crate) fn start(settings: Settings) -> Self {
        let name = format!("longhaul-rs{}-{}", settings.net, std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a directory can be made");
        let config = folder.join(format!("rs{}.yaml", settings.instance));
        fs::write(&config, settings.text()).expect("a file");
        let socket = |instance: u8, kind: &str| folder.join(format!("rs{instance}.{kind}"));
        let at = socket(settings.instance, "http");
        drop(fs::remove_file(&at));
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        command
            .arg("route-server")
            .arg(&config)
            .arg("--control")
            .arg(socket(settings.instance, "sock"))
            .arg("--management")
            .arg(format!("unix:{}", at.display()))
            .env("LOG", "info")
            .stdin(Stdio::null())
            .stderr(fs::File::create(socket(settings.instance, "log")).expect("a file"));
        if settings.twin {
            let twin = socket(1 - settings.instance, "sock");
            command.arg("--twin").arg(twin);
        }
        let process = command.spawn().expect("the program starts");
        let mut server = Self {
            process,
            settings,
            folder,
        };
        server.eventually("an answer", |server| server.http().exists());
        server
    }

    /// Where its management is.
    pub(crate) fn http(&self) -> PathBuf {
        self.folder
            .join(format!("rs{}.http", self.settings.instance))
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.folder
            .join(format!("rs{}.sock", self.settings.instance))
    }

    /// Sends a request and takes the answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        request(&self.http(), method, path, body)
    }

    /// What a GET of JSON answers.
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The sessions as `bgpPeerStatus` has them.
    pub(crate) fn sessions(&self) -> Vec<Value> {
        let answer = self.call("POST", "/virtualHubs/rs.west/bgpPeerStatus", "");
        let value = answer.json();
        value["value"].as_array().cloned().unwrap_or_default()
    }

    /// Writes another file, without a word to the instance.
    pub(crate) fn write(&self, text: &str) {
        let config = format!("rs{}.yaml", self.settings.instance);
        // As an editor does: whoever reads sees the old file or the new one.
        let new = self.folder.join("new.yaml");
        fs::write(&new, text).expect("a file");
        fs::rename(&new, self.folder.join(config)).expect("the same folder");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Ends it without a word, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    pub(crate) fn log(&self) -> String {
        let log = self
            .folder
            .join(format!("rs{}.log", self.settings.instance));
        fs::read_to_string(log).unwrap_or_default()
    }

    /// Waits until something holds.
    pub(crate) fn eventually(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let running = self.process.try_wait().expect("our child").is_none();
            assert!(
                running && start.elapsed() < PATIENCE,
                "{what}: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        if self.settings.instance == 0 {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Runs the program and gives what it wrote to standard output.
pub(crate) fn longhaul(arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    let output = command
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {complaint}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
