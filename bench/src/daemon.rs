//! The daemons that can be measured: their configuration as a plain external router, their start
//! and end, and what they have used.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use linux::process::ProcessId;
use serde::Serialize;

use crate::Error;
use crate::place::Place;
use crate::session::Neighbor;
use crate::usage::{Usage, family};

mod bird;
mod frr;
mod gobgp;
mod longhaul;
mod openbgpd;

/// How long a daemon may take to end after it was killed.
const LAST_BREATH: Duration = Duration::from_secs(5);
/// Lines of its log that go into an error.
const LOG_LINES: usize = 10;

/// A make of daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Make {
    /// Ours: `longhaul router`.
    Longhaul,
    /// BIRD 2.
    Bird,
    /// FRR's bgpd.
    Frr,
    /// GoBGP.
    Gobgp,
    /// OpenBGPD.
    Openbgpd,
}

/// What a daemon is to be.
pub(crate) struct Setup<'a> {
    /// For its files.
    pub(crate) directory: &'a Path,
    /// Its own address and AS; the address is its BGP identifier.
    pub(crate) own: Neighbor,
    /// It waits for them to connect.
    pub(crate) neighbors: &'a [Neighbor],
    /// The processors that it may use, as taskset has them.
    pub(crate) processors: Option<&'a str>,
    /// The file of our own program.
    pub(crate) longhaul: &'a Path,
}

impl Setup<'_> {
    /// A file of its own with this content; only its owner may write it.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(Error::system(format!("writing {}", path.display())))?;
        Ok(path)
    }
}

impl Make {
    /// All of them, ours first.
    pub const ALL: [Self; 5] = [
        Self::Longhaul,
        Self::Bird,
        Self::Frr,
        Self::Gobgp,
        Self::Openbgpd,
    ];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Longhaul => "longhaul",
            Self::Bird => "bird",
            Self::Frr => "frr",
            Self::Gobgp => "gobgp",
            Self::Openbgpd => "openbgpd",
        }
    }

    /// The make of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|make| make.name() == name)
    }

    /// Its program, the Debian package that has it, and the option that prints its version.
    fn program(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Longhaul => None,
            Self::Bird => Some((bird::PROGRAM, "bird2", "--version")),
            Self::Frr => Some((frr::PROGRAM, "frr", "--version")),
            Self::Gobgp => Some((gobgp::PROGRAM, "gobgpd", "--version")),
            Self::Openbgpd => Some((openbgpd::PROGRAM, "openbgpd", "-V")),
        }
    }

    /// The version that it prints, or that of this program.
    ///
    /// # Errors
    ///
    /// It is not installed.
    pub fn version(self) -> Result<String, Error> {
        let Some((program, package, option)) = self.program() else {
            return Ok(env!("CARGO_PKG_VERSION").to_owned());
        };
        if !Path::new(program).exists() {
            return Err(Error::Missing {
                program: program.to_owned(),
                package,
            });
        }
        let output = Command::new(program).arg(option).output();
        let output = output.map_err(Error::system(format!("running {program}")))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let words = said.lines().next().unwrap_or_default();
        let mut words = words.split_whitespace();
        let number = words.rfind(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        Ok(number.unwrap_or("unknown").to_owned())
    }
}

/// A running daemon; it ends with the value.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Writes its configuration and starts it.
    pub(crate) fn start(make: Make, place: &Place, setup: &Setup<'_>) -> Result<Self, Error> {
        let command = match make {
            Make::Longhaul => longhaul::command(setup),
            Make::Bird => bird::command(setup),
            Make::Frr => frr::command(setup),
            Make::Gobgp => gobgp::command(setup),
            Make::Openbgpd => openbgpd::command(setup),
        }?;
        Self::launch(place, command, setup.processors, setup.directory)
    }

    /// Starts a program, on some processors only; what it says goes to a file in the directory.
    pub(crate) fn launch(
        place: &Place,
        command: Command,
        processors: Option<&str>,
        directory: &Path,
    ) -> Result<Self, Error> {
        let mut command = match processors {
            Some(processors) => pinned(&command, processors),
            None => command,
        };
        let log = directory.join("daemon.log");
        let failed = |cause| Error::system(format!("writing {}", log.display()))(cause);
        let out = File::create(&log).map_err(failed)?;
        let errors = out.try_clone().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors);
        let child = place.start(&mut command)?;
        Ok(Self { child, log })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        ProcessId::of(self.child.id()).is_ok_and(|process| process.is_some())
    }

    /// Kills it without a warning.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }

    /// The same complaint with what its log says at the end.
    pub(crate) fn explain(&self, error: &Error) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = &lines[lines.len().saturating_sub(LOG_LINES)..];
        if end.is_empty() {
            return Error::Daemon(error.to_string());
        }
        Error::Daemon(format!("{error}; its log ends:\n  {}", end.join("\n  ")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let processes = family(self.child.id()).into_iter();
        let processes: Vec<ProcessId> = processes
            .filter_map(|number| ProcessId::of(number).ok().flatten())
            .collect();
        for process in &processes {
            // One that has ended meanwhile is no harm.
            let _ = process.kill();
        }
        let _ = self.child.wait();
        let deadline = std::time::Instant::now() + LAST_BREATH;
        let alive = |process: &ProcessId| process.is_alive().unwrap_or(false);
        while processes.iter().any(alive) && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The same command on some processors only.
fn pinned(command: &Command, processors: &str) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", processors]);
    pinned.arg(command.get_program()).args(command.get_args());
    pinned
}

/// A directory that goes with the value.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// An empty one for this process.
    pub(crate) fn new() -> Result<Self, Error> {
        let path = Self::own();
        let made = match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&path),
        };
        made.map_err(Error::system(format!("making {}", path.display())))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where this process has it.
    fn own() -> PathBuf {
        std::env::temp_dir().join(format!("longhaul-bench-{}", std::process::id()))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        tidy();
    }
}

/// Removes the files of this process's daemons, for a process that ends early.
pub fn tidy() {
    // Nothing can be done about a file that stays.
    let _ = fs::remove_dir_all(Directory::own());
}
