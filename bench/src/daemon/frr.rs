//! FRR's bgpd alone, without zebra: nothing goes to the kernel.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::Setup;
use crate::Error;
use crate::session::{HOLD_TIME, Neighbor};

pub(super) const PROGRAM: &str = "/usr/lib/frr/bgpd";

pub(super) fn command(setup: &Setup<'_>) -> Result<Command, Error> {
    let file = setup.write("frr.conf", &configuration(setup))?;
    let sockets = setup.directory.join("frr");
    fs::create_dir_all(&sockets).map_err(Error::system("making a directory"))?;
    let mut command = Command::new(PROGRAM);
    command.args(["-n", "-Z", "-S", "-u", "root", "-g", "root", "--skip_runas"]);
    command.arg("-f").arg(file);
    command.arg("-i").arg(setup.directory.join("frr.pid"));
    command.arg("--vty_socket").arg(sockets);
    Ok(command)
}

/// Best paths by router ID and not by age, as RFC 4271 has it.
fn configuration(setup: &Setup<'_>) -> String {
    let Neighbor { address, asn } = setup.own;
    let mut text = format!(
        "router bgp {asn}\n \
         bgp router-id {address}\n \
         no bgp ebgp-requires-policy\n \
         no bgp network import-check\n \
         bgp bestpath compare-routerid\n"
    );
    for Neighbor { address, asn } in setup.neighbors {
        let _ = writeln!(text, " neighbor {address} remote-as {asn}");
        let _ = writeln!(text, " neighbor {address} passive");
        let _ = writeln!(
            text,
            " neighbor {address} timers {} {HOLD_TIME}",
            HOLD_TIME / 3
        );
    }
    text
}
