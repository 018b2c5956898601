//! What the tests need of others: Debian packages with routers and tunnels to peer with, and boringtun from
//! crates.io.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{complain, root, run};

/// Package, and a file that shows it is there.
const PACKAGES: [(&str, &str); 11] = [
    ("bgpdump", "/usr/bin/bgpdump"),
    ("bird2", "/usr/sbin/bird"),
    ("exabgp", "/usr/sbin/exabgp"),
    ("frr", "/usr/lib/frr/bgpd"),
    ("gobgpd", "/usr/bin/gobgpd"),
    ("iproute2", "/usr/sbin/ip"),
    ("iputils-ping", "/usr/bin/ping"),
    ("openbgpd", "/usr/sbin/bgpd"),
    ("prometheus", "/usr/bin/promtool"),
    ("wireguard-go", "/usr/bin/wireguard-go"),
    ("wireguard-tools", "/usr/bin/wg"),
];

/// A crate with a program that the tests need, its version, and the program's name. It is built once and
/// kept in `target/peers`.
const BORINGTUN: (&str, &str, &str) = ("boringtun-cli", "0.7.1", "boringtun-cli");
/// How long building it may take.
const BUILD_TIME: &str = "20m";

/// Tells Debian's maintainer scripts not to start a service that was just installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Gets what is missing. On systems other than Debian it says which packages to install by hand.
pub(crate) fn install() -> Result<()> {
    install_packages()?;
    build_boringtun()
}

fn build_boringtun() -> Result<()> {
    let (name, version, program) = BORINGTUN;
    let folder = root().join("target/peers");
    if folder.join("bin").join(program).exists() {
        return Ok(());
    }
    complain(&format!("building {name} {version}\n"));
    let mut command = Command::new("timeout");
    command
        .args([
            BUILD_TIME,
            env!("CARGO"),
            "install",
            "--locked",
            "--version",
        ])
        .args([version, name, "--root"])
        .arg(&folder)
        .arg("--target-dir")
        .arg(folder.join("build"));
    run(command.current_dir(root()))
}

fn install_packages() -> Result<()> {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, file)| !Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "the tests need {}: install them with your package manager",
            missing.join(", ")
        );
    }
    complain(&format!("installing {}\n", missing.join(", ")));
    let policy = HeldServices::new()?;
    apt(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    let installed = apt(&arguments);
    drop(policy);
    installed
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .arg("--quiet")
        .args(arguments);
    run(command.current_dir(root()))
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status.lines().any(|line| {
            line.strip_prefix("Uid:")
                .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
        })
    })
}

/// While this lives, installed services are not started: the tests start their own daemons,
/// in their own namespaces.
struct HeldServices(bool);

impl HeldServices {
    fn new() -> Result<Self> {
        if !is_root() || Path::new(POLICY).exists() {
            return Ok(Self(false));
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("writing {POLICY}"))?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("making {POLICY} executable"))?;
        Ok(Self(true))
    }
}

impl Drop for HeldServices {
    fn drop(&mut self) {
        if self.0
            && let Err(error) = fs::remove_file(POLICY)
        {
            complain(&format!("{POLICY} is still there: {error}\n"));
        }
    }
}
