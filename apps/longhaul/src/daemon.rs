//! The daemons: `node`, `route-server` and the lab's `fabric`.

use std::path::PathBuf;

use crate::args::Daemon;
use crate::output::{Ended, Failure, Outcome};

/// `node`.
pub(crate) fn node(options: &Daemon) -> Outcome {
    let settings = driver::NodeSettings {
        config: options.config.clone(),
        keys: needed(options.keys.as_ref(), "--keys")?,
        control: options.control.clone(),
    };
    ended(driver::run_node(&settings))
}

/// `route-server`.
pub(crate) fn route_server(options: &Daemon) -> Outcome {
    let settings = driver::RouteServerSettings {
        config: options.config.clone(),
        control: options.control.clone(),
        fabric: options.fabric.clone(),
    };
    ended(driver::run_route_server(&settings))
}

/// `fabric`. Its interfaces come over standard input, which is a socket.
pub(crate) fn fabric(options: &Daemon) -> Outcome {
    let settings = driver::FabricSettings {
        config: options.config.clone(),
        control: needed(options.control.as_ref(), "--control")?,
        programming: needed(options.fabric.as_ref(), "--fabric")?,
    };
    ended(driver::run_fabric(&settings))
}

fn needed(value: Option<&PathBuf>, option: &str) -> Result<PathBuf, Failure> {
    value
        .cloned()
        .ok_or_else(|| Failure::usage(format!("error: {option} is needed")))
}

/// A file that is refused is the operator's; everything else is the world's.
fn ended(outcome: Result<(), driver::Error>) -> Outcome {
    match outcome {
        Ok(()) => Ok(Ended::Clean),
        Err(
            error @ (driver::Error::File { .. }
            | driver::Error::Content { .. }
            | driver::Error::Refused { .. }),
        ) => Err(Failure::usage(format!("error: {error}"))),
        Err(error) => Err(error.into()),
    }
}
