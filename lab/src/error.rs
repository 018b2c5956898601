//! Why a lab cannot be brought up or asked.

use std::io;
use std::path::PathBuf;

/// Why a lab cannot be brought up or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A lab of that name runs.
    #[error("the lab {0} is running; take it down first: longhaul down")]
    Running(String),
    /// No lab, or no lab of that name, runs.
    #[error("{}", not_running(name.as_deref()))]
    NotRunning {
        /// The name that was asked for.
        name: Option<String>,
    },
    /// Several labs run and none was named.
    #[error("several labs are running ({}): name one with --lab", .0.join(", "))]
    Several(Vec<String>),
    /// The machine does not allow what a lab needs.
    #[error("{what}: {cause}; `longhaul doctor` says how to get it")]
    Missing {
        /// What was refused.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A file of the state directory cannot be read or written.
    #[error("{path}: {cause}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The system refuses something else.
    #[error("{what}: {cause}")]
    System {
        /// What was wanted.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A daemon ended, or did not get ready in time.
    #[error("{device} {what}{}", log(log_end))]
    Daemon {
        /// The device.
        device: String,
        /// What it did, or did not.
        what: String,
        /// The end of its log.
        log_end: String,
    },
    /// The supervisor refuses.
    #[error("{0}")]
    Refused(String),
    /// The supervisor ended before the lab was up.
    #[error("the lab's supervisor ended before the lab was up")]
    SupervisorGone,
}

impl Error {
    /// Says of a system error what it stopped.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::System { what, cause }
    }

    /// Says of a system error which file it was about.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { path, cause }
    }
}

fn not_running(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("no lab {name} is running; start it with `longhaul up`"),
        None => "no lab is running; start one with `longhaul up`".to_owned(),
    }
}

fn log(end: &str) -> String {
    if end.is_empty() {
        String::new()
    } else {
        format!("; its log ends:\n{end}")
    }
}
