//! Network namespaces, held by a file descriptor: when the last descriptor, socket and process of
//! one is gone, so is the namespace with all its interfaces. Nothing is left in the file system.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace.
#[derive(Debug)]
pub struct NetNamespace(OwnedFd);

impl NetNamespace {
    /// Makes an empty namespace; its loopback interface is down.
    ///
    /// # Errors
    ///
    /// No permission, or the machine's limit of namespaces is reached.
    pub fn create() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(Self(File::open("/proc/thread-self/ns/net")?.into()))
        })
    }

    /// The namespace of the calling thread.
    ///
    /// # Errors
    ///
    /// `/proc` is not mounted.
    pub fn current() -> io::Result<Self> {
        Self::open(Path::new("/proc/thread-self/ns/net"))
    }

    /// The namespace behind a path such as `/proc/7/ns/net`.
    ///
    /// # Errors
    ///
    /// There is none, or no permission.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(File::open(path)?.into()))
    }

    /// Does `work` inside the namespace, on a thread that lives no longer than that. Sockets and
    /// TUN devices opened by it stay in the namespace.
    ///
    /// # Errors
    ///
    /// The namespace cannot be entered, or what `work` reports.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            self.enter()?;
            work()
        })
    }

    /// Moves the calling thread into the namespace, for good: meant for a process about to execute
    /// another program. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// No permission.
    pub fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// A second descriptor of the same namespace.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }
}

impl AsFd for NetNamespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for NetNamespace {
    /// Takes a descriptor received from another process.
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

/// Namespaces are a thread's, and nobody else may run on a thread that has changed its own.
fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("namespace".to_owned())
            .stack_size(256 * 1024)
            .spawn_scoped(scope, work)?
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
