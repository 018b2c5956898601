//! The daemons: `node`, `route-server`, `gateway`, `msee`, `router` and the lab's `fabric`.

use std::path::Path;

use crate::args::{ExpressRouteDaemon, FabricDaemon, NodeDaemon, RouteServerDaemon, RouterDaemon};
use crate::output::{Ended, Failure, Outcome};

/// `node`.
pub(crate) fn node(options: NodeDaemon) -> Outcome {
    ended(driver::run_node(&driver::NodeSettings {
        config: options.daemon.config,
        keys: options.keys,
        control: options.daemon.control,
        management: options.daemon.management,
    }))
}

/// `route-server`.
pub(crate) fn route_server(options: RouteServerDaemon) -> Outcome {
    ended(driver::run_route_server(&driver::RouteServerSettings {
        config: options.daemon.config,
        control: options.daemon.control,
        management: options.daemon.management,
        twin: options.twin,
        fabric: options.fabric,
        fabric_control: options.fabric_control,
    }))
}

/// `gateway`.
pub(crate) fn gateway(options: ExpressRouteDaemon) -> Outcome {
    ended(driver::run_gateway(&express_route(options)))
}

/// `msee`.
pub(crate) fn msee(options: ExpressRouteDaemon) -> Outcome {
    ended(driver::run_msee(&express_route(options)))
}

fn express_route(options: ExpressRouteDaemon) -> driver::ExpressRouteSettings {
    driver::ExpressRouteSettings {
        config: options.daemon.config,
        control: options.daemon.control,
        management: options.daemon.management,
        fabric: options.fabric,
    }
}

/// `router`.
pub(crate) fn router(options: RouterDaemon) -> Outcome {
    ended(driver::run_router(&driver::RouterSettings {
        config: options.daemon.config,
        control: options.daemon.control,
        management: options.daemon.management,
        graceful_restart: options.graceful_restart,
        name: options.name,
    }))
}

/// `check-router`.
pub(crate) fn check_router(config: &Path) -> Outcome {
    ended(driver::check_router(config))
}

/// `fabric`. Its interfaces come over standard input, which is a socket.
pub(crate) fn fabric(options: FabricDaemon) -> Outcome {
    ended(driver::run_fabric(&driver::FabricSettings {
        config: options.config,
        control: options.control,
        programming: options.fabric,
    }))
}

/// A file that is refused is the operator's; everything else is the world's.
fn ended(outcome: Result<(), driver::Error>) -> Outcome {
    match outcome {
        Ok(()) => Ok(Ended::Clean),
        Err(
            error @ (driver::Error::File { .. }
            | driver::Error::Content { .. }
            | driver::Error::Reports { .. }
            | driver::Error::Refused { .. }),
        ) => Err(Failure::usage(format!("error: {error}"))),
        Err(error) => Err(error.into()),
    }
}
