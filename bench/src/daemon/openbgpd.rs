//! OpenBGPD: three processes; the kernel's table is left alone.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::Setup;
use crate::Error;
use crate::session::{HOLD_TIME, Neighbor};

pub(super) const PROGRAM: &str = "/usr/sbin/bgpd";
/// Where its processes lock themselves in; Debian makes it when the service starts.
const JAIL: &str = "/run/openbgpd";

pub(super) fn command(setup: &Setup<'_>) -> Result<Command, Error> {
    let file = setup.write("bgpd.conf", &configuration(setup))?;
    // It refuses a file that others may read.
    let private = fs::set_permissions(&file, Permissions::from_mode(0o600));
    private.map_err(Error::system("changing a file's permissions"))?;
    fs::create_dir_all(JAIL).map_err(Error::system(format!("making {JAIL}")))?;
    let mut command = Command::new(PROGRAM);
    command.arg("-d").arg("-f").arg(file);
    Ok(command)
}

fn configuration(setup: &Setup<'_>) -> String {
    let Neighbor { address, asn } = setup.own;
    let mut text = format!(
        "AS {asn}\n\
         router-id {address}\n\
         fib-update no\n\
         holdtime {HOLD_TIME}\n\
         listen on 0.0.0.0\n\
         socket \"{}\"\n",
        setup.directory.join("bgpd.sock").display()
    );
    for Neighbor { address, asn } in setup.neighbors {
        let _ = writeln!(
            text,
            "neighbor {address} {{\n  remote-as {asn}\n  passive\n}}"
        );
    }
    text.push_str("allow from any\nallow to any\n");
    text
}
