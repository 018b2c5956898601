//! Why a measurement could not be made, or does not count.

use std::io;

/// Why a measurement could not be made, or does not count.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refuses something.
    #[error("{what}: {cause}")]
    System {
        /// What was wanted.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A program is not installed.
    #[error("{program} is not here; install Debian's package {package}")]
    Missing {
        /// Its file.
        program: String,
        /// The package that has it.
        package: &'static str,
    },
    /// A program that may be had in more ways than one is not installed.
    #[error("{program} is not here; get it from {from}")]
    Absent {
        /// Its name.
        program: &'static str,
        /// Where to get it.
        from: &'static str,
    },
    /// The daemon did not do its part.
    #[error("{0}")]
    Daemon(String),
}

impl Error {
    /// Turns what the system says into an error about `what`.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::System { what, cause }
    }
}
