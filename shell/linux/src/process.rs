//! Processes: children that live in a namespace and die with their parent, and knowing a process
//! again although the kernel reuses process numbers.

#![expect(
    unsafe_code,
    reason = "forking, and what happens between fork and exec"
)]

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
pub use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{ForkResult, Pid, getppid, setsid};

use crate::NetNamespace;

/// Makes the program that `command` starts run in `namespace`.
pub fn in_namespace(command: &mut Command, namespace: NetNamespace) -> &mut Command {
    // SAFETY: between fork and exec this makes one system call on a descriptor that the closure
    // owns; it allocates nothing and takes no lock.
    unsafe { command.pre_exec(move || namespace.enter()) }
}

/// Makes the program that `command` starts run in the user namespace behind `user` and in the network
/// namespace `net`, which belongs to it.
pub fn in_namespaces(command: &mut Command, user: OwnedFd, net: NetNamespace) -> &mut Command {
    // SAFETY: between fork and exec this makes a few system calls on descriptors that the closure
    // owns; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || {
            crate::user::enter(&user)?;
            net.enter()
        })
    }
}

/// Makes the kernel kill the program that `command` starts when the *thread* that starts it ends,
/// however it ends. Start it from a thread that stays.
pub fn dies_with_parent(command: &mut Command) -> &mut Command {
    let parent = Pid::this();
    // SAFETY: between fork and exec this makes two system calls; it allocates nothing on success
    // and takes no lock.
    unsafe {
        command.pre_exec(move || {
            set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before the line above.
            if getppid() == parent {
                Ok(())
            } else {
                Err(io::Error::from_raw_os_error(libc::ESRCH))
            }
        })
    }
}

/// Which of two processes one is after [`fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// The one that called, with the other's process number.
    Parent(u32),
    /// The new one.
    Child,
}

/// How long the kernel may take to forget a thread that has ended.
const BURIAL: Duration = Duration::from_millis(100);

/// Splits the process in two.
///
/// # Errors
///
/// The process has more than one thread, or the machine's limit of processes is reached.
pub fn fork() -> io::Result<Forked> {
    // A thread that has ended and was waited for is counted until the kernel has buried it.
    let began = Instant::now();
    while !crate::user::has_one_thread()? && began.elapsed() < BURIAL {
        thread::sleep(Duration::from_millis(1));
    }
    if !crate::user::has_one_thread()? {
        return Err(io::Error::other(
            "a process with several threads cannot fork",
        ));
    }
    // SAFETY: the process has this thread only, so no lock can be held by another one and the
    // child may do whatever the parent may.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Forked::Parent(child.as_raw().cast_unsigned())),
        ForkResult::Child => Ok(Forked::Child),
    }
}

/// Tries something in a process of its own, which leaves no trace in the calling one.
///
/// # Errors
///
/// What `work` reports; as for [`fork`].
pub fn attempt(work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match fork()? {
        Forked::Child => {
            let code = match work() {
                Ok(()) => 0,
                Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
            };
            std::process::exit(code)
        }
        Forked::Parent(child) => {
            let child = Pid::from_raw(child.cast_signed());
            match nix::sys::wait::waitpid(child, None)? {
                WaitStatus::Exited(_, 0) => Ok(()),
                WaitStatus::Exited(_, code) => Err(io::Error::from_raw_os_error(code)),
                _ => Err(io::Error::other("the attempt was killed")),
            }
        }
    }
}

/// Lets go of the terminal: no signal from it any more, nothing to read, output goes to `log`.
///
/// # Errors
///
/// `/dev/null` cannot be opened.
pub fn detach_from_terminal(log: &File) -> io::Result<()> {
    setsid()?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    nix::unistd::dup2_stdout(log)?;
    Ok(nix::unistd::dup2_stderr(log)?)
}

/// A process, known by its number and its start time, so that a later process with the same number
/// is not taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// Its number.
    pub number: u32,
    /// Clock ticks from the machine's start to its own.
    pub started: u64,
}

impl ProcessId {
    /// The calling process.
    ///
    /// # Errors
    ///
    /// `/proc` is not mounted.
    pub fn own() -> io::Result<Self> {
        Self::of(std::process::id())?.ok_or_else(|| io::Error::other("/proc is not mounted"))
    }

    /// The process that has this number now, if any.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read.
    pub fn of(number: u32) -> io::Result<Option<Self>> {
        let stat = match fs::read_to_string(format!("/proc/{number}/stat")) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        // The second field is the program's name in parentheses and may contain anything.
        Ok(stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_ascii_whitespace().collect::<Vec<_>>())
            .filter(|fields| !matches!(fields.first(), Some(&("Z" | "X"))))
            .and_then(|fields| fields.get(19)?.parse().ok())
            .map(|started| Self { number, started }))
    }

    /// Whether it still runs.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read.
    pub fn is_alive(self) -> io::Result<bool> {
        Ok(Self::of(self.number)? == Some(self))
    }

    /// Opens a descriptor that becomes readable when the process ends.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has ended.
    pub fn watch(self) -> io::Result<OwnedFd> {
        // SAFETY: no memory is passed.
        let result = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, self.number, 0) });
        let number = match result {
            Err(Errno::ESRCH) => return Err(io::ErrorKind::NotFound.into()),
            other => i32::try_from(other?).map_err(io::Error::other)?,
        };
        // SAFETY: the kernel has just made this descriptor and nothing else knows its number.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        // The number may have passed to another process before the descriptor was made.
        if self.is_alive()? {
            Ok(descriptor)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Sends a signal to it and to no other process. One that has ended is fine.
    ///
    /// # Errors
    ///
    /// No permission.
    pub fn signal(self, signal: Signal) -> io::Result<()> {
        let descriptor = match self.watch() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        // SAFETY: a null `siginfo` asks for the default one; no other memory is passed.
        let result = Errno::result(unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                std::os::fd::AsRawFd::as_raw_fd(&descriptor.as_fd()),
                signal as libc::c_int,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        });
        match result {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it.
    ///
    /// # Errors
    ///
    /// No permission.
    pub fn kill(self) -> io::Result<()> {
        self.signal(Signal::SIGKILL)
    }
}

/// All processes whose environment, as it was when they were started, has `variable` set to
/// `value`. Those that may not be looked at are left out.
///
/// # Errors
///
/// `/proc` cannot be read.
pub fn with_environment(variable: &str, value: &str) -> io::Result<Vec<ProcessId>> {
    let wanted = format!("{variable}={value}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(number) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(environment) = fs::read(format!("/proc/{number}/environ")) else {
            continue;
        };
        if environment
            .split(|byte| *byte == 0)
            .any(|line| line == wanted.as_bytes())
        {
            found.extend(ProcessId::of(number)?);
        }
    }
    Ok(found)
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}
