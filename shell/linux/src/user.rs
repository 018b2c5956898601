//! User namespaces: how an ordinary user gets to administer networks of their own.

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};

/// `CAP_NET_ADMIN` of capability(7).
const CAP_NET_ADMIN: u32 = 12;
/// `CAP_NET_RAW`.
const CAP_NET_RAW: u32 = 13;
/// `CAP_SYS_ADMIN`.
const CAP_SYS_ADMIN: u32 = 21;

/// Whether the process may already make namespaces and configure networks (root, mostly).
///
/// # Errors
///
/// `/proc` is not mounted.
pub fn may_administer_networks() -> io::Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|value| u64::from_str_radix(value.trim(), 16).ok())
        .ok_or_else(|| io::Error::other("/proc/self/status has no line CapEff"))?;
    Ok([CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN]
        .iter()
        .all(|capability| effective & (1 << capability) != 0))
}

/// The user on whose behalf the process acts; 0 is root, also inside a user namespace.
#[must_use]
pub fn id() -> u32 {
    geteuid().as_raw()
}

/// Puts the process into a user namespace of its own in which it is root, with the ordinary user
/// standing behind. Must be called while the process has a single thread.
///
/// # Errors
///
/// The machine does not let ordinary users have namespaces, or a thread has been started already.
pub fn enter_own() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Without this the kernel refuses the group map of an ordinary user (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// Enters the user namespace behind a descriptor, unless the process is in it already. Must be
/// called while the process has a single thread.
///
/// # Errors
///
/// The namespace belongs to another user, or a thread has been started already.
pub fn enter(namespace: impl AsFd) -> io::Result<()> {
    let own = nix::sys::stat::fstat(File::open("/proc/self/ns/user")?)?;
    let other = nix::sys::stat::fstat(namespace.as_fd())?;
    if (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino) {
        return Ok(());
    }
    Ok(setns(namespace, CloneFlags::CLONE_NEWUSER)?)
}

/// Whether the process has a single thread, as user namespaces and forking ask for.
///
/// # Errors
///
/// `/proc` is not mounted.
pub fn has_one_thread() -> io::Result<bool> {
    Ok(fs::read_dir("/proc/self/task")?.count() == 1)
}
