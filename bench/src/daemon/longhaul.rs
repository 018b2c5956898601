//! Ours.

use std::fmt::Write as _;
use std::process::Command;

use super::Setup;
use crate::Error;
use crate::session::{HOLD_TIME, Neighbor};

pub(super) fn command(setup: &Setup<'_>) -> Result<Command, Error> {
    let file = setup.write("router.yaml", &configuration(setup))?;
    let mut command = Command::new(setup.longhaul);
    command.arg("router").arg(file);
    Ok(command)
}

fn configuration(setup: &Setup<'_>) -> String {
    let Neighbor { address, asn } = setup.own;
    let mut text = format!(
        "router: 1\n\
         name: bench\n\
         asn: {asn}\n\
         router_id: {address}\n\
         templates:\n  \
           plain:\n    \
             connect: passive\n    \
             hold_time: {HOLD_TIME}s\n    \
             families: [ipv4]\n    \
             import: accept\n    \
             export: accept\n\
         neighbors:\n"
    );
    for (number, neighbor) in setup.neighbors.iter().enumerate() {
        let Neighbor { address, asn } = neighbor;
        let local = neighbor.far_end();
        let _ = writeln!(
            text,
            "  n{number}: {{template: plain, address: {address}, asn: {asn}, local_address: {local}}}"
        );
    }
    text
}
