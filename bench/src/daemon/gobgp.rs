//! GoBGP.

use std::fmt::Write as _;
use std::process::Command;

use super::Setup;
use crate::Error;
use crate::session::{HOLD_TIME, Neighbor};

pub(super) const PROGRAM: &str = "/usr/bin/gobgpd";

pub(super) fn command(setup: &Setup<'_>) -> Result<Command, Error> {
    let file = setup.write("gobgp.toml", &configuration(setup))?;
    let mut command = Command::new(PROGRAM);
    command.arg("-f").arg(file);
    command.args([
        "--log-level=warn",
        "--api-hosts=127.0.0.1:50051",
        "--pprof-disable",
    ]);
    Ok(command)
}

/// Best paths by router ID and not by age, as RFC 4271 has it.
fn configuration(setup: &Setup<'_>) -> String {
    let Neighbor { address, asn } = setup.own;
    let mut text = format!(
        "[global.config]\n\
         as = {asn}\n\
         router-id = \"{address}\"\n\
         [global.route-selection-options.config]\n\
         external-compare-router-id = true\n"
    );
    for Neighbor { address, asn } in setup.neighbors {
        let _ = write!(
            text,
            "[[neighbors]]\n\
             [neighbors.config]\n\
             neighbor-address = \"{address}\"\n\
             peer-as = {asn}\n\
             [neighbors.timers.config]\n\
             hold-time = {HOLD_TIME}\n\
             keepalive-interval = {}\n\
             [neighbors.transport.config]\n\
             passive-mode = true\n",
            HOLD_TIME / 3
        );
    }
    text
}
