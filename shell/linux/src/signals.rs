//! Waiting for the user to interrupt.

use std::io;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::epoll::Poller;

/// Waits for SIGINT or SIGTERM; false when none comes in time. From the first call on they no longer
/// end a process with one thread: one that comes between two calls is seen by the next.
///
/// # Errors
///
/// Too many open files.
pub fn interrupted_within(time: Duration) -> io::Result<bool> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let descriptor = SignalFd::with_flags(&signals, flags)?;
    let poller = Poller::new()?;
    poller.add_readable(&descriptor, 0)?;
    poller.wait(Some(time), &mut Vec::new())?;
    Ok(descriptor.read_signal()?.is_some())
}

/// Whether SIGINT is ignored, as a shell without job control has it for what it starts in the
/// background: Ctrl-C does nothing then.
pub fn interrupt_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (Signal::SIGINT as u32 - 1) & 1 == 1)
}
