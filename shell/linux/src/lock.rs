//! Lock files: one holder at a time, let go by the kernel when the holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A held lock.
#[derive(Debug)]
pub struct LockFile {
    path: PathBuf,
    file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Held,
    /// The file cannot be made or opened.
    Io(io::Error),
}

impl LockFile {
    /// Takes the lock of the file at `path`, making the file if need be.
    ///
    /// # Errors
    ///
    /// See [`LockError`].
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(path)
                .map_err(LockError::Io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Held),
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            }
            // The last holder may have removed the file between our open and our lock; then the
            // lock is on a file that nobody else will ever find.
            let held = file.metadata().map_err(LockError::Io)?;
            if fs::metadata(path).is_ok_and(|named| named.ino() == held.ino()) {
                return Ok(Self {
                    path: path.to_owned(),
                    file,
                });
            }
        }
    }

    /// Whether another process holds the lock of the file at `path`.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be opened.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        match File::open(path) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the file, then lets go.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        self.file.unlock()
    }
}
