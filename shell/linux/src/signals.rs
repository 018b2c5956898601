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
