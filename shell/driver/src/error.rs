//! Why a daemon did not start or could not go on.

use std::io;
use std::path::PathBuf;

/// Why a daemon did not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{path}: {cause}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file can be read but does not say what it should.
    #[error("{path}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        reason: String,
    },
    /// A file that a person wrote has errors.
    #[error("{path} has errors:\n{reports}", path = path.display(), reports = reports.render(false))]
    Reports {
        /// The file.
        path: PathBuf,
        /// All that is wrong with it, with the lines.
        reports: design::Reports,
    },
    /// The core refuses its configuration.
    #[error("{path}: {reason}", path = path.display())]
    Refused {
        /// The configuration file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system refuses something that the daemon needs.
    #[error("{what}: {cause}")]
    System {
        /// What the daemon wanted.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
}

impl Error {
    /// Says of a system error what it stopped.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::System { what, cause }
    }
}
