//! The state directory of a lab: `/run/longhaul/NAME` for root, `$XDG_RUNTIME_DIR/longhaul/NAME`
//! for others.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use design::plan::Plan;
use linux::process::ProcessId;
use linux::{LockError, LockFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The environment variable that marks a lab's processes, with the lab's [`Identity::mark`].
pub(crate) const MARK: &str = "LONGHAUL_LAB";

/// Where the calling user's labs are kept.
pub(crate) fn root() -> PathBuf {
    let user = linux::user::id();
    if user == 0 {
        return PathBuf::from("/run/longhaul");
    }
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(directory) if !directory.is_empty() => PathBuf::from(directory).join("longhaul"),
        _ => std::env::temp_dir().join(format!("longhaul-{user}")),
    }
}

/// Who runs a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The supervisor's process number.
    pub(crate) supervisor: u32,
    /// Its start, so that a later process of the same number is not taken for it.
    pub(crate) started: u64,
    /// The value of [`MARK`] in the environment of the lab's other processes.
    pub(crate) mark: String,
}

impl Identity {
    /// The calling process as a supervisor, with a new mark.
    pub(crate) fn new() -> io::Result<Self> {
        let own = ProcessId::own()?;
        let mut mark = [0; 16];
        linux::random(&mut mark)?;
        Ok(Self {
            supervisor: own.number,
            started: own.started,
            mark: mark.iter().map(|octet| format!("{octet:02x}")).collect(),
        })
    }

    /// The supervisor.
    pub(crate) fn process(&self) -> ProcessId {
        ProcessId {
            number: self.supervisor,
            started: self.started,
        }
    }
}

/// A lab's state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    name: String,
    directory: PathBuf,
}

impl State {
    /// The directory of a lab of this name, whether it exists or not.
    pub(crate) fn new(root: &Path, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            directory: root.join(name),
        }
    }

    /// All labs that have a directory, running or not.
    pub(crate) fn all(root: &Path) -> Result<Vec<Self>, Error> {
        let entries = match fs::read_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::file(root))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file(root))?;
            if let Some(name) = entry.file_name().to_str() {
                all.push(Self::new(root, name));
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Held by the supervisor for as long as it lives.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.directory.join("lock")
    }

    pub(crate) fn plan_file(&self) -> PathBuf {
        self.directory.join("plan.json")
    }

    pub(crate) fn identity_file(&self) -> PathBuf {
        self.directory.join("supervisor.json")
    }

    /// What the last verification found.
    pub(crate) fn verification_file(&self) -> PathBuf {
        self.directory.join("verification.json")
    }

    /// The supervisor's socket.
    pub(crate) fn supervisor_socket(&self) -> PathBuf {
        self.directory.join("lab.sock")
    }

    /// Where Route Server instances tell the fabric what to program.
    pub(crate) fn programming_socket(&self) -> PathBuf {
        self.directory.join("programming.sock")
    }

    /// The control socket of a daemon.
    pub(crate) fn control_socket(&self, device: &str) -> PathBuf {
        self.directory
            .join("control")
            .join(format!("{device}.sock"))
    }

    /// Where a device of the platform serves management over HTTP, and an NVA its metrics.
    pub(crate) fn management_socket(&self, device: &str) -> PathBuf {
        self.directory
            .join("control")
            .join(format!("{device}.http"))
    }

    /// The configuration file of a device.
    pub(crate) fn config_file(&self, device: &str) -> PathBuf {
        self.directory.join("config").join(format!("{device}.yaml"))
    }

    /// The directory with the private keys of a device.
    pub(crate) fn keys(&self, device: &str) -> PathBuf {
        self.directory.join("keys").join(device)
    }

    pub(crate) fn log_file(&self, device: &str) -> PathBuf {
        self.directory.join("log").join(format!("{device}.log"))
    }

    /// Makes the directory, empty, and takes its lock. What an earlier lab left must be gone.
    pub(crate) fn create(&self) -> Result<LockFile, Error> {
        let make = |directory: &Path| {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(Error::file(directory))
        };
        make(&self.directory)?;
        let lock = match LockFile::acquire(&self.lock_file()) {
            Ok(lock) => lock,
            Err(LockError::Held) => return Err(Error::Running(self.name.clone())),
            Err(LockError::Io(cause)) => return Err(Error::file(self.lock_file())(cause)),
        };
        for part in ["control", "config", "keys", "log"] {
            make(&self.directory.join(part))?;
        }
        Ok(lock)
    }

    /// Whether a supervisor holds the lock.
    pub(crate) fn is_running(&self) -> Result<bool, Error> {
        LockFile::is_held(&self.lock_file()).map_err(Error::file(self.lock_file()))
    }

    /// Who runs the lab, or ran it.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        read(&self.identity_file())
    }

    /// What the lab was made from.
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        read(&self.plan_file())
    }

    /// Removes the directory, and the directory of all labs if this was the last.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file(&self.directory)(error));
            }
            _ => {}
        }
        if let Some(root) = self.directory.parent() {
            // Another lab's directory in it is no error.
            drop(fs::remove_dir(root));
        }
        Ok(())
    }
}

/// Reads a file of JSON that this program wrote.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = fs::read(path).map_err(Error::file(path))?;
    serde_json::from_slice(&text).map_err(|error| Error::file(path)(error.into()))
}

/// Writes a file of JSON, in one step: a reader sees the old one or the new one.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_vec(value).expect("plain data with string keys is JSON");
    let new = path.with_extension("new");
    fs::write(&new, text).map_err(Error::file(&new))?;
    fs::rename(&new, path).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::{Identity, State};
    use crate::Error;

    #[test]
    fn a_lab_is_running_for_as_long_as_its_lock_is_held() {
        let root = std::env::temp_dir().join(format!("labs-{}", std::process::id()));
        let state = State::new(&root, "one");
        assert!(!state.is_running().expect("asks"));
        let lock = state.create().expect("creates");
        assert!(state.is_running().expect("asks"));
        assert!(matches!(state.create(), Err(Error::Running(name)) if name == "one"));
        assert_eq!(
            State::all(&root).expect("lists"),
            std::slice::from_ref(&state)
        );
        drop(lock);
        assert!(!state.is_running().expect("asks"));
        state.remove().expect("removes");
        assert!(!root.exists());
    }

    #[test]
    fn every_supervisor_has_a_mark_of_its_own() {
        let one = Identity::new().expect("drawn");
        let other = Identity::new().expect("drawn");
        assert_ne!(one.mark, other.mark);
        assert_eq!(one.process().number, std::process::id());
        assert!(one.process().is_alive().expect("asks"));
    }
}
