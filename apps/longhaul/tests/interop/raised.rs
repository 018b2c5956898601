//! A lab for one test, with the programs that the test starts in its devices.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_longhaul");
/// How long anything may take to come about on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// One lab at a time: two cores are not enough for more.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A running lab; it goes with the value, and so does what was started in it.
pub(crate) struct Raised {
    name: String,
    directory: PathBuf,
    started: Vec<Child>,
    _turn: MutexGuard<'static, ()>,
}

impl Raised {
    /// Brings a design up under a name of this process.
    pub(crate) fn new(design: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let base = design.lines().find_map(|line| line.strip_prefix("name: "));
        let base = base.expect("the design has a name");
        let name = format!("{base}-{}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        // A process of the same number may have left one.
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory can be made");
        let raised = Self {
            directory,
            started: Vec::new(),
            _turn: turn,
            name,
        };
        let design = design.replace(
            &format!("name: {base}\n"),
            &format!("name: {}\n", raised.name),
        );
        let file = raised.write("design.yaml", &design);
        run(&mut longhaul(&["up", text(&file), "--detach"]));
        raised
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A path in the test's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file there.
    pub(crate) fn write(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).expect("a file can be written");
        path
    }

    /// `longhaul exec DEVICE -- …`, not yet run.
    pub(crate) fn inside(&self, device: &str, command: &[&str]) -> Command {
        let mut arguments = vec!["exec", "--lab", &self.name, device, "--"];
        arguments.extend(command);
        longhaul(&arguments)
    }

    /// Starts a program in a device. It runs until the lab goes down.
    pub(crate) fn start(&mut self, device: &str, command: &[&str]) {
        let log = File::create(self.path(&format!("{device}.log"))).expect("a log can be made");
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut exec = self.inside(device, command);
        let exec = exec.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.started.push(exec.spawn().expect("the program starts"));
    }

    /// What a program in a device has said.
    pub(crate) fn said(&self, device: &str) -> String {
        fs::read_to_string(self.path(&format!("{device}.log"))).unwrap_or_default()
    }

    /// Kills the process whose number is in a file of the test's directory, without a warning.
    pub(crate) fn kill(&self, pid_file: &str) {
        let pid = fs::read_to_string(self.path(pid_file)).expect("the daemon writes its number");
        run(Command::new("sh").args(["-c", &format!("kill -KILL {}", pid.trim())]));
    }

    /// Runs a command of ours that must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) {
        let mut command = longhaul(arguments);
        run(command.args(["--lab", &self.name]));
    }

    /// `longhaul show WHAT --format json`.
    pub(crate) fn show(&self, what: &str) -> Value {
        json(&mut longhaul(&[
            "show", what, "--format", "json", "--lab", &self.name,
        ]))
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        // Kills what was started as well.
        drop(longhaul(&["down", "--lab", &self.name]).output());
        for child in &mut self.started {
            drop(child.wait());
        }
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

fn longhaul(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    command
}

/// A path of this process's making as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// Runs a command that must succeed; what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// Runs a command that may not succeed yet; all that it wrote.
pub(crate) fn attempt(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    told(&output)
}

/// The JSON that a command writes; null where it writes none yet.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits until something is so. `look` says what it sees when it is not.
pub(crate) fn until(what: &str, look: impl FnMut() -> Result<(), String>) {
    within(PATIENCE, PAUSE, what, look);
}

/// Waits so long until something is so, with this pause between two looks.
pub(crate) fn within(
    patience: Duration,
    pause: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<(), String>,
) {
    let deadline = Instant::now() + patience;
    while let Err(seen) = look() {
        assert!(Instant::now() < deadline, "never: {what}\n{seen}");
        thread::sleep(pause);
    }
}
