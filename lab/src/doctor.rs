//! What a machine must have for a lab, whether this one has it, and how to get it.

use std::fs;
use std::io;

use linux::{NetNamespace, Tun, process, realtime, user};
use serde::{Deserialize, Serialize};

use crate::state;

/// Real-time priority that the fabric would like to have.
const PRIORITY: u8 = 10;
/// The first kernel with everything that is used: `epoll_pwait2` is the youngest.
const KERNEL: (u32, u32) = (5, 11);

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// As it should be.
    Good,
    /// A lab works, but not as well as it could.
    Limited,
    /// No lab works.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it stands.
    pub finding: Finding,
    /// What was found.
    pub found: String,
    /// What to do, where there is something to do.
    pub advice: Option<String>,
}

impl Check {
    fn good(name: &str, found: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            finding: Finding::Good,
            found: found.into(),
            advice: None,
        }
    }

    fn bad(name: &str, finding: Finding, found: impl Into<String>, advice: &str) -> Self {
        Self {
            finding,
            advice: Some(advice.to_owned()),
            ..Self::good(name, found)
        }
    }
}

/// Looks at everything a lab needs. The calling process must have a single thread, since things are
/// tried in processes of their own.
#[must_use]
pub fn doctor() -> Vec<Check> {
    let privileged = user::may_administer_networks().unwrap_or(false);
    vec![
        kernel(),
        rights(privileged),
        tun_device(),
        interface(privileged),
        real_time(),
        directory(),
    ]
}

fn kernel() -> Check {
    let name = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= KERNEL {
        return Check::good(name, format!("Linux {release}"));
    }
    let advice = "use Linux 5.11 or newer";
    Check::bad(name, Finding::Missing, format!("Linux {release}"), advice)
}

fn rights(privileged: bool) -> Check {
    let name = "rights";
    if privileged {
        return Check::good(name, "may make network namespaces as it is");
    }
    match process::attempt(user::enter_own) {
        Ok(()) => Check::good(name, "may make network namespaces in a user namespace"),
        Err(error) => {
            let advice = if is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") {
                "run as root, or let ordinary users have user namespaces: \
                 sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
            } else if is_unset("/proc/sys/kernel/unprivileged_userns_clone") {
                "run as root, or let ordinary users have user namespaces: \
                 sudo sysctl kernel.unprivileged_userns_clone=1"
            } else if is_unset("/proc/sys/user/max_user_namespaces") {
                "run as root, or let there be user namespaces: \
                 sudo sysctl user.max_user_namespaces=10000"
            } else {
                "run as root; in a container, give it CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN"
            };
            Check::bad(
                name,
                Finding::Missing,
                format!("no user namespace: {error}"),
                advice,
            )
        }
    }
}

fn tun_device() -> Check {
    let path = linux::CLONE_DEVICE;
    match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Check::good(path, "can be opened"),
        Err(error) => {
            let advice = match error.kind() {
                io::ErrorKind::NotFound => {
                    "sudo modprobe tun; in a container: --device /dev/net/tun"
                }
                io::ErrorKind::PermissionDenied => "run as root, or: sudo chmod 0666 /dev/net/tun",
                _ => "sudo modprobe tun",
            };
            Check::bad(path, Finding::Missing, error.to_string(), advice)
        }
    }
}

/// Tries what a lab does for every device.
fn interface(privileged: bool) -> Check {
    let name = "namespace with an interface";
    let tried = process::attempt(|| {
        if !privileged {
            user::enter_own()?;
        }
        let namespace = NetNamespace::create()?;
        namespace.run(|| {
            let _tun = Tun::create("eth0", true)?;
            let mut netlink = linux::Netlink::open()?;
            let eth0 = netlink.interface("eth0")?;
            netlink.set_up(eth0, None)?;
            linux::sysctl::write("net.ipv4.ip_forward", "1")
        })
    });
    match tried {
        Ok(()) => Check::good(name, "can be made and set up"),
        Err(error) => {
            let advice = "mend what is above first; if that is well, /proc/sys must be writable \
                          (containers: --privileged)";
            Check::bad(name, Finding::Missing, error.to_string(), advice)
        }
    }
}

fn real_time() -> Check {
    let name = "exact latencies";
    match process::attempt(|| realtime::schedule_first(PRIORITY)) {
        Ok(()) => Check::good(name, "the fabric may have real-time priority"),
        Err(error) => {
            let found = format!("no real-time priority: {error}");
            let advice = "run as root; otherwise a busy machine shows in measured round trips";
            Check::bad(name, Finding::Limited, found, advice)
        }
    }
}

fn directory() -> Check {
    let root = state::root();
    let name = root.display().to_string();
    let existed = root.exists();
    let made = fs::create_dir_all(&root);
    if !existed {
        // Nothing is to be left; that a lab is just using it is no harm.
        drop(fs::remove_dir(&root));
    }
    match made {
        Ok(()) => Check::good(&name, "can be written"),
        Err(error) => {
            let advice = "set XDG_RUNTIME_DIR to a directory of your own";
            Check::bad(&name, Finding::Missing, error.to_string(), advice)
        }
    }
}

fn is_set(path: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|value| value.trim() != "0")
}

fn is_unset(path: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|value| value.trim() == "0")
}
