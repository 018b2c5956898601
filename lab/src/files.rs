//! Writes what the daemons start from: configuration files and private keys.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use design::plan::Plan;
use view::FABRIC;

use crate::Error;
use crate::daemons::own_routers;
use crate::state::{self, State};

/// Writes the Plan and the files of all daemons; the fabric's, and keys, for the whole ground.
/// `private_key` gives the private key of a locator in base64.
pub(crate) fn write_all(
    state: &State,
    plan: &Plan,
    ground: &Plan,
    private_key: &dyn Fn(&str) -> String,
) -> Result<(), Error> {
    state::write(&state.plan_file(), plan)?;
    let config = |device: &str, text: String| {
        let path = state.config_file(device);
        fs::write(&path, text).map_err(Error::file(&path))
    };
    config(FABRIC, ground.fabric.to_yaml())?;
    for server in &plan.route_servers {
        config(&server.name, server.to_yaml())?;
    }
    for gateway in &plan.gateways {
        config(&gateway.name, gateway.to_yaml())?;
    }
    for msee in &plan.msees {
        config(&msee.name, msee.to_yaml())?;
    }
    for router in own_routers(plan) {
        config(&router.name, router.config.clone())?;
    }
    for node in &plan.nodes {
        config(&node.name, node.to_yaml())?;
    }
    for node in &ground.nodes {
        for locator in &node.locators {
            let path = driver::key_path(&state.keys(&node.name), &locator.name);
            write_key(&path, &private_key(&locator.name)).map_err(Error::file(&path))?;
        }
    }
    Ok(())
}

/// Writes a file that only its owner may read.
fn write_key(path: &Path, key: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{key}")
}
