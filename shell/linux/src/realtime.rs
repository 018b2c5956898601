//! Being on time: real-time scheduling, timer slack, enough descriptors.

#![expect(unsafe_code, reason = "the scheduler's policy has no safe binding")]

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Makes the calling thread run before all ordinary ones (`SCHED_FIFO`). Priority 1 to 99.
///
/// # Errors
///
/// No permission (ordinary users, most containers): timing is then as good as the machine is idle.
pub fn schedule_first(priority: u8) -> io::Result<()> {
    // SAFETY: `sched_param` is plain old data, for which all zeros is a valid value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = i32::from(priority);
    // SAFETY: 0 names the calling thread; the kernel only reads the live `parameters`.
    // Children do not inherit the policy, so that a daemon cannot start a busy real-time process.
    nix::errno::Errno::result(unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    })?;
    Ok(())
}

/// Asks for timers of the calling thread to fire as exactly as the machine can.
///
/// # Errors
///
/// Never on kernels that Longhaul supports.
pub fn exact_timers() -> io::Result<()> {
    Ok(nix::sys::prctl::set_timerslack(1)?)
}

/// Raises the number of descriptors that the process may have open to what it is allowed.
///
/// # Errors
///
/// Never on kernels that Longhaul supports.
pub fn many_descriptors() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
