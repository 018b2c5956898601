//! A lab for one test: brought up with the built program, asked and broken as a user would.
//!
//! [`Raised::example`] brings up a file of `examples/` under another name. [`Raised::expect`] waits until
//! the lab forwards as the simulator says, intact or after failures; [`Raised::way`] says which devices
//! packets pass, [`Raised::sent_by`] counts real packets at an interface, [`Raised::verify`] lets every
//! host reach every other one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_longhaul");
/// How long a network may take to follow a failure; Route Server's hold time is 9 s here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One lab at a time: two cores are not enough for more.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) fn longhaul(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command.output().expect("the program starts")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn json(arguments: &[&str]) -> Value {
    let output = longhaul(arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", told(&output)))
}

/// Waits for the turn of a test that brings up a lab by itself.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running lab; goes with the value.
pub(crate) struct Raised {
    pub(crate) name: String,
    file: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Raised {
    /// The global example.
    pub(crate) fn new(name: &str) -> Self {
        Self::up(name, |name| design(name, "global.yaml"))
    }

    /// A file of `examples/`, forwarding as the simulator says.
    pub(crate) fn example(name: &str, file: &str) -> Self {
        let raised = Self::up(name, |name| design(name, file));
        raised.expect(None);
        raised
    }

    /// A design; its first lines are `longhaul: 1` and `name: …`.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        Self::up(name, |name| written(name, text))
    }

    /// A file of `examples/` in which something does not come up, or some host is not reached.
    pub(crate) fn broken(name: &str, file: &str) -> Self {
        let raised = Self::at(name, design(name, file));
        let output = longhaul(&["up", raised.path(), "--detach", "--patience", "5s"]);
        assert_eq!(code(&output), 1, "{}", told(&output));
        raised
    }

    fn up(name: &str, file: impl FnOnce(&str) -> PathBuf) -> Self {
        let raised = Self::at(name, file(name));
        let output = longhaul(&["up", raised.path(), "--detach"]);
        assert_eq!(code(&output), 0, "{}", told(&output));
        raised
    }

    fn at(name: &str, file: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            file,
            _turn: turn(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.file.to_str().expect("the path is UTF-8")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut all = arguments.to_vec();
        all.extend(["--lab", &self.name]);
        longhaul(&all)
    }

    /// Runs it and expects exit code 0; what it said.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", told(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command's JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json", "--lab", &self.name]);
        json(&all)
    }

    /// What a command inside a device writes; its exit code is 0.
    pub(crate) fn inside(&self, device: &str, command: &[&str]) -> String {
        let mut all = vec!["exec", "--lab", &self.name, device, "--"];
        all.extend(command);
        let output = longhaul(&all);
        assert_eq!(code(&output), 0, "{all:?}: {}", told(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn fail(&self, target: &str) {
        self.done(&["fail", target]);
    }

    pub(crate) fn heal(&self, target: &str) {
        self.done(&["heal", target]);
    }

    fn forwarding(&self) -> Value {
        self.json(&["show", "forwarding"])
    }

    /// What the simulator says the network forwards, intact or after failures.
    fn simulated(&self, failed: &[&str]) -> Value {
        let steps: Vec<String> = (1..)
            .zip(failed)
            .map(|(second, target)| format!("{target}@{second}s"))
            .collect();
        let mut arguments = vec![
            "show",
            "forwarding",
            "--format",
            "json",
            "--sim",
            self.path(),
        ];
        arguments.extend(steps.iter().flat_map(|step| ["--fail", step.as_str()]));
        json(&arguments)
    }

    /// Waits until the lab forwards as the simulator says.
    pub(crate) fn expect(&self, failed: Option<&str>) {
        self.expect_after(failed.as_slice());
    }

    /// Waits until the lab forwards as the simulator says after several failures.
    pub(crate) fn expect_after(&self, failed: &[&str]) {
        let expected = self.simulated(failed);
        self.until(&format!("after {failed:?} as simulated"), || {
            let found = self.forwarding();
            if found == expected {
                return Ok(());
            }
            Err(differences(&expected, &found))
        });
    }

    /// Waits until something is so. `look` says what it sees when it is not.
    pub(crate) fn until(&self, what: &str, mut look: impl FnMut() -> Result<(), String>) {
        self.until_within(PATIENCE, what, &mut look);
    }

    /// The same with a patience of its own, for what waits on purpose.
    pub(crate) fn until_within(
        &self,
        patience: Duration,
        what: &str,
        mut look: impl FnMut() -> Result<(), String>,
    ) {
        let deadline = Instant::now() + patience;
        while let Err(seen) = look() {
            assert!(
                Instant::now() < deadline,
                "{}: {what}: not within {patience:?}:\n{seen}",
                self.name
            );
            thread::sleep(Duration::from_millis(250));
        }
    }

    /// The devices that a flow passes one way, hosts, gateways and MSEEs included; the last one has it.
    pub(crate) fn way(&self, from: &str, to: &str, flow: &str) -> Vec<String> {
        let trace = self.json(&["trace", from, to, "--flow", flow]);
        let hops = trace["forward"]["hops"].as_array().cloned();
        let mut way = Vec::new();
        for hop in hops.unwrap_or_default() {
            way.extend(hop["device"].as_str().map(str::to_owned));
            let reasons = hop["reasons"].as_array().cloned().unwrap_or_default();
            let forwarders = reasons.iter().filter_map(|reason| {
                let (device, _) = reason.as_str()?.split_once(" forwards it by ")?;
                Some(device.to_owned())
            });
            way.extend(forwarders);
        }
        way
    }

    /// Whether real packets get an answer.
    pub(crate) fn reaches(&self, from: &str, to: &str) -> bool {
        let address = self.address(to);
        let command = ["exec", "--lab", &self.name, from, "--", "ping", "-c", "3"];
        let mut all = command.to_vec();
        all.extend(["-i", "0.2", "-W", "2", &address]);
        code(&longhaul(&all)) == 0
    }

    /// How many packets an interface sent while `count` echo requests went from one host to another.
    pub(crate) fn sent_by(
        &self,
        (device, interface): (&str, &str),
        from: &str,
        to: &str,
        count: u32,
    ) -> u64 {
        let address = self.address(to);
        let count = count.to_string();
        let ping = ["ping", "-c", &count, "-i", "0.02", "-W", "2", &address];
        self.sent_while((device, interface), from, &ping)
    }

    /// The same where no reply is expected.
    pub(crate) fn echoes(
        &self,
        (device, interface): (&str, &str),
        from: &str,
        to: &str,
        count: u32,
    ) -> u64 {
        let address = self.address(to);
        let ping = format!("ping -c {count} -i 0.1 -W 1 {address} || true");
        self.sent_while((device, interface), from, &["sh", "-c", &ping])
    }

    /// How many packets an interface sent while a command ran inside a device.
    pub(crate) fn sent_while(
        &self,
        (device, interface): (&str, &str),
        inside: &str,
        command: &[&str],
    ) -> u64 {
        let before = self.sent(device, interface);
        self.inside(inside, command);
        self.sent(device, interface) - before
    }

    /// Packets that an interface has sent.
    fn sent(&self, device: &str, interface: &str) -> u64 {
        let table = self.inside(device, &["cat", "/proc/net/dev"]);
        let line = table.lines().find_map(|line| {
            let (name, counters) = line.trim().split_once(':')?;
            (name == interface).then_some(counters)
        });
        // Eight counters of what came, then bytes and packets of what went.
        let sent = line.and_then(|counters| counters.split_whitespace().nth(9)?.parse().ok());
        sent.unwrap_or_else(|| panic!("{device} has no {interface}:\n{table}"))
    }

    /// The address of a host.
    pub(crate) fn address(&self, host: &str) -> String {
        let lab = lab::Lab::find(Some(&self.name)).expect("it runs");
        let hosts = &lab.plan().hosts;
        let found = hosts.iter().find(|it| it.name == host);
        let found = found.unwrap_or_else(|| panic!("no host {host}"));
        found.interface.address.to_string()
    }

    /// Lets every host reach every other one by ping and TCP, each round trip as the trace says.
    pub(crate) fn verify(&self) {
        let lab = lab::Lab::find(Some(&self.name)).expect("it runs");
        let report = lab.verify().expect("the supervisor answers");
        assert!(report.passed(), "{:#?}", report.verification());
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        longhaul(&["down", "--lab", &self.name]);
        drop(fs::remove_file(&self.file));
    }
}

/// An example under another name, with a short hold time of Route Server.
pub(crate) fn design(name: &str, file: &str) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(file);
    let text = fs::read_to_string(&example);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", example.display()));
    written(name, &text)
}

/// A design in a file, under another name and with a short hold time of Route Server.
fn written(name: &str, text: &str) -> PathBuf {
    let lines = text.lines().map(|line| match line.strip_prefix("name: ") {
        Some(_) => format!("name: {name}\n"),
        None if line.contains("hold_time") => format!("{line}\n"),
        None => {
            line.replace("route_server: true", "route_server: {}")
                .replace("route_server: {", "route_server: {hold_time: 9s, ")
                + "\n"
        }
    });
    let text: String = lines.collect();
    let file = std::env::temp_dir().join(format!("{name}-{}.yaml", std::process::id()));
    fs::write(&file, text).expect("a file can be written");
    file
}

fn differences(expected: &Value, found: &Value) -> String {
    let lines = |value: &Value| -> Vec<String> {
        let devices = value["devices"].as_array().cloned().unwrap_or_default();
        let routes = devices.iter().flat_map(|device| {
            let name = device["device"].clone();
            let routes = device["routes"].as_array().cloned().unwrap_or_default();
            routes
                .into_iter()
                .map(move |route| format!("{name} {} {}", route["prefix"], route["next_hops"]))
        });
        routes.collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    let missing = expected
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}"));
    let extra = found
        .iter()
        .filter(|line| !expected.contains(line))
        .map(|line| format!("+ {line}"));
    missing.chain(extra).take(40).collect::<Vec<_>>().join("\n")
}

pub(crate) fn processes_of(name: &str) -> Vec<u32> {
    let directory = format!("/run/longhaul/{name}");
    fs::read_dir("/proc")
        .expect("there is /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            let working = fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
            working.starts_with(&directory)
        })
        .collect()
}

/// The daemon of a device.
pub(crate) fn process_of(name: &str, device: &str) -> u32 {
    let config = format!("config/{device}.yaml");
    let is_it = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&config)
    };
    processes_of(name)
        .into_iter()
        .find(is_it)
        .expect("the daemon runs")
}

pub(crate) fn kill(process: u32) {
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .current_dir("/")
        .status();
    assert!(
        killed.is_ok_and(|status| status.success()),
        "process {process} is killed"
    );
}
