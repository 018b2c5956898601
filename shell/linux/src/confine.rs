//! What a daemon gives up, so that whoever takes it over has little: all capabilities (capabilities(7)) but those it
//! names, for good, and all system calls but those of a daemon (seccomp(2)).
//!
//! Capabilities belong to a *thread* and are inherited by those it starts: give them up before the first one is
//! started. System calls are given up for all threads at once.

#![expect(
    unsafe_code,
    reason = "capabilities are set by system calls without a safe binding"
)]

mod calls;

use std::io;

use nix::errno::Errno;

pub use calls::forbid_other_calls;

/// A right that a daemon may need to keep, with its number in capability(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Ports below 1024.
    NetBindService = 10,
    /// Interfaces, addresses, routes, keys of TCP connections.
    NetAdmin = 12,
    /// Raw sockets.
    NetRaw = 13,
}

/// `_LINUX_CAPABILITY_VERSION_3` of `linux/capability.h`: two words of 32 bits each.
const VERSION: u32 = 0x2008_0522;
/// Capabilities that there can be.
const CAPABILITIES_MAX: u64 = 64;

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up all capabilities of the calling thread and of the threads it starts but those in `keep`, and the way to
/// get any back: no program that it executes will have more (`no_new_privs` of prctl(2)). Capabilities that the
/// thread does not have are not gained.
///
/// # Errors
///
/// None that is known of; but nobody should go on after one.
pub fn keep_capabilities(keep: &[Capability]) -> io::Result<()> {
    let keep = keep
        .iter()
        .fold(0_u64, |set, capability| set | 1 << *capability as u64);
    nix::sys::prctl::set_no_new_privs()?;
    clear_ambient()?;
    for capability in (0..CAPABILITIES_MAX).filter(|number| keep & 1 << number == 0) {
        match drop_from_bounding_set(capability) {
            // EINVAL: the kernel knows no more. EPERM: only who may set capabilities has such a set to narrow, and
            // nobody gains by it after `no_new_privs`.
            Err(Errno::EINVAL | Errno::EPERM) => break,
            other => other?,
        }
    }
    set_capabilities(keep & permitted()?)
}

/// The capabilities that the calling thread may use.
fn permitted() -> io::Result<u64> {
    let mut header = own();
    let mut sets = [Sets::default(); 2];
    // SAFETY: the header is of version 3, for which the kernel writes two sets; all live through the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    let [low, high] = sets.map(|set| u64::from(set.permitted));
    Ok(low | high << 32)
}

fn set_capabilities(set: u64) -> io::Result<()> {
    let mut header = own();
    let words = [set & u64::from(u32::MAX), set >> 32];
    let sets = words.map(|word| {
        let word = u32::try_from(word).expect("half of 64 bits");
        Sets {
            effective: word,
            permitted: word,
            inheritable: 0,
        }
    });
    // SAFETY: the header is of version 3, for which the kernel reads two sets; all live through the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) })?;
    Ok(())
}

fn own() -> Header {
    Header {
        version: VERSION,
        pid: 0,
    }
}

fn clear_ambient() -> io::Result<()> {
    // SAFETY: integers only.
    Errno::result(unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    })?;
    Ok(())
}

fn drop_from_bounding_set(capability: u64) -> Result<(), Errno> {
    // SAFETY: integers only.
    Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) })?;
    Ok(())
}
