//! BIRD 2: one table, no kernel protocol.

use std::fmt::Write as _;
use std::process::Command;

use super::Setup;
use crate::Error;
use crate::session::{HOLD_TIME, Neighbor};

pub(super) const PROGRAM: &str = "/usr/sbin/bird";

pub(super) fn command(setup: &Setup<'_>) -> Result<Command, Error> {
    let file = setup.write("bird.conf", &configuration(setup))?;
    let mut command = Command::new(PROGRAM);
    command.arg("-f").arg("-c").arg(file);
    command.arg("-s").arg(setup.directory.join("bird.sock"));
    command.arg("-P").arg(setup.directory.join("bird.pid"));
    Ok(command)
}

fn configuration(setup: &Setup<'_>) -> String {
    let Neighbor { address, asn } = setup.own;
    let mut text = format!(
        "log stderr all;\n\
         router id {address};\n\
         protocol device {{}}\n\
         template bgp plain {{\n  \
           local as {asn};\n  \
           hold time {HOLD_TIME};\n  \
           passive;\n  \
           ipv4 {{ import all; export all; }};\n\
         }}\n"
    );
    for (number, Neighbor { address, asn }) in setup.neighbors.iter().enumerate() {
        let _ = writeln!(
            text,
            "protocol bgp n{number} from plain {{ neighbor {address} as {asn}; }}"
        );
    }
    text
}
