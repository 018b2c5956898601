//! A router as a process, with a file that the test writes.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::peer::PATIENCE;

/// The router's own address; each test has a port of its own.
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

/// A running router.
pub(crate) struct Router {
    process: Child,
    folder: PathBuf,
    port: u16,
}

/// A neighbour in the router's file: name, address, port, AS and further lines.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) asn: u16,
    pub(crate) more: &'static str,
}

impl Router {
    /// Starts a router with these neighbours and waits until it answers.
    pub(crate) fn start(name: &str, port: u16, neighbors: &[Entry]) -> Self {
        Self::start_with(name, port, neighbors, |_| String::new())
    }

    /// The same with further lines in the file, which may need the folder of the test.
    pub(crate) fn start_with(
        name: &str,
        port: u16,
        neighbors: &[Entry],
        more: impl FnOnce(&Path) -> String,
    ) -> Self {
        let folder = std::env::temp_dir().join(format!("longhaul-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a directory can be made");
        let text = file(port, neighbors) + &more(&folder);
        fs::write(folder.join("router.yaml"), text).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        command
            .arg("router")
            .arg(folder.join("router.yaml"))
            .arg("--control")
            .arg(folder.join("control"))
            .env("LOG", "info")
            .stderr(fs::File::create(folder.join("log")).expect("a file"))
            .stdin(Stdio::null());
        let process = command.spawn().expect("the program starts");
        let mut router = Self {
            process,
            folder,
            port,
        };
        router.eventually("an answer", |router| router.sessions().is_some());
        router
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
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The folder of the test.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn sessions(&self) -> Option<Vec<Value>> {
        let output = Command::new(env!("CARGO_BIN_EXE_longhaul"))
            .args(["--format", "json", "show", "sessions", "--control"])
            .arg(self.folder.join("control"))
            .output()
            .expect("the program starts");
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(answer["sessions"].as_array()?.clone())
    }

    /// The state of a neighbour's session.
    pub(crate) fn state(&self, neighbor: &str) -> String {
        let sessions = self.sessions().unwrap_or_default();
        let session = sessions
            .iter()
            .find(|session| session["neighbor"] == neighbor);
        session.map_or_else(String::new, |session| {
            session["state"].as_str().unwrap_or_default().to_owned()
        })
    }

    /// Has it read a new file.
    pub(crate) fn reload(&self, neighbors: &[Entry]) {
        self.reload_text(&file(self.port, neighbors));
    }

    /// Has it read a new file of any content.
    pub(crate) fn reload_text(&self, text: &str) {
        fs::write(self.folder.join("router.yaml"), text).expect("a file");
        self.signal("HUP");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// The most memory it ever had, octets.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("a figure")
            * 1024
    }

    /// How it ended.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        self.process.wait().expect("our child")
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn file(port: u16, neighbors: &[Entry]) -> String {
    let mut text = format!(
        "router: 1\nname: r1\nasn: 65000\nrouter_id: 192.0.2.1\nlisten: [\"{ROUTER}:{port}\"]\nneighbors:\n"
    );
    for entry in neighbors {
        text.push_str(&format!(
            "  {}:\n    address: {}\n    port: {}\n    asn: {}\n    import: accept\n    export: accept\n    connect_retry: 1s\n{}",
            entry.name, entry.address, entry.port, entry.asn, entry.more
        ));
    }
    text
}
