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
        "name: bench\n\
         asn: {asn}\n\
         router_id: {address}\n\
         neighbors:\n"
    );
    for (number, neighbor) in setup.neighbors.iter().enumerate() {
        let Neighbor { address, asn } = neighbor;
        let _ = writeln!(
            text,
            "  - name: n{number}\n    \
               local_address: {}\n    \
               address: {address}\n    \
               remote_as: {asn}\n    \
               passive: true\n    \
               hold_time: {HOLD_TIME}",
            neighbor.far_end()
        );
    }
    text
}
