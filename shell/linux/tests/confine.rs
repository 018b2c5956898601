//! A process that has given up what it does not need cannot get it back. Needs the right to make network namespaces.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::{env, fs};

use linux::confine::{Capability, forbid_other_calls, keep_capabilities};
use linux::{NetNamespace, Netlink, socket};

/// Bits of `CapEff` and `CapBnd` in `/proc/self/status` for administration of networks alone.
const NET_ADMIN: &str = "0000000000001000";

/// What a line of the calling thread's status says.
fn status(line: &str) -> io::Result<String> {
    let status = fs::read_to_string("/proc/thread-self/status")?;
    let found = status.lines().find_map(|it| it.strip_prefix(line));
    found
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| io::Error::other(format!("no line {line}")))
}

fn expect(what: &str, holds: bool) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other(what.to_owned()))
    }
}

#[test]
fn capabilities_that_are_not_kept_are_gone_for_good() {
    let namespace = NetNamespace::create().expect("a namespace");
    let checked = namespace.run(|| {
        let admin = &[Capability::NetAdmin];
        keep_capabilities(admin)?;
        for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
            expect(set, status(set)? == NET_ADMIN)?;
        }
        expect("no_new_privs", status("NoNewPrivs:")? == "1")?;
        let mut netlink = Netlink::open()?;
        let loopback = netlink.interface("lo")?;
        netlink.set_up(loopback, None)?;
        let refused = socket::icmp().err().map(|error| error.kind());
        expect(
            "no raw socket",
            refused == Some(ErrorKind::PermissionDenied),
        )?;
        keep_capabilities(&[Capability::NetAdmin, Capability::NetRaw])?;
        expect("nothing comes back", status("CapEff:")? == NET_ADMIN)?;
        let inherits = Command::new("/bin/cat").arg("/proc/self/status").output()?;
        let said = String::from_utf8_lossy(&inherits.stdout).into_owned();
        let none = format!("CapEff:\t{NET_ADMIN}");
        expect(
            "not even root's programs have more",
            !said.contains("CapEff:\t0000003") && said.contains(&none),
        )
    });
    checked.expect("the kernel holds to it");
}

/// Set for a process of the test that is to be confined.
const CONFINED: &str = "LONGHAUL_TEST_CONFINED";

#[test]
fn a_confined_process_sends_and_starts_threads_and_starts_no_program() {
    if env::var_os(CONFINED).is_some() {
        return confined().expect("the kernel holds to it");
    }
    let test = "a_confined_process_sends_and_starts_threads_and_starts_no_program";
    let own = env::current_exe().expect("this program");
    let confined = Command::new(own)
        .args(["--exact", test, "--nocapture"])
        .env(CONFINED, "")
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&confined.stderr);
    assert!(confined.status.success(), "{said}");
}

/// Other threads of the process are confined with the calling one.
fn confined() -> io::Result<()> {
    let early = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    keep_capabilities(&[])?;
    forbid_other_calls()?;
    let to = early.local_addr()?;
    let late = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    late.send_to(b"x", to)?;
    let received = std::thread::spawn(move || early.recv(&mut [0; 9])).join();
    expect("a thread receives", received.is_ok_and(|it| it.is_ok()))?;
    fs::read_to_string("/proc/self/status")?;
    let refused = |result: io::Result<()>| {
        result.err().map(|error| error.kind()) == Some(ErrorKind::PermissionDenied)
    };
    let program = Command::new("/bin/true").status().map(drop);
    expect("no program", refused(program))?;
    expect("no namespace", refused(NetNamespace::create().map(drop)))
}
