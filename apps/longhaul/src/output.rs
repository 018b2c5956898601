//! Where results, progress and complaints are written, and which exit code follows.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::args::Format;

/// How a command ended. The codes are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// 0: clean.
    Clean,
    /// 1: findings.
    Findings,
    /// That of a command that was run for the user.
    Code(u8),
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Clean => Self::SUCCESS,
            Ended::Findings => Self::from(1),
            Ended::Code(code) => Self::from(code),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 2: wrong usage, or a file that cannot be read or is refused. The text is complete.
    Usage(String),
    /// 3: the world did not do its part.
    Runtime(anyhow::Error),
}

impl Failure {
    /// A complaint about how the program was called or what it was given.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Runtime(error.into())
    }
}

/// What every command returns.
pub(crate) type Outcome = Result<Ended, Failure>;

/// Writes a result: JSON as one document, or the text made of it.
pub(crate) fn result<T: Serialize>(
    format: Format,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Outcome {
    match format {
        Format::Json => {
            let mut line = serde_json::to_string_pretty(value)?;
            line.push('\n');
            print(&line)
        }
        Format::Text | Format::Sarif => print(&text(value)),
    }
}

/// Writes text to standard output. A reader that has gone away ends the program quietly.
pub(crate) fn print(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Ended::Clean),
    }
}

/// Writes a line to standard error. There is nowhere left to complain when that fails.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
