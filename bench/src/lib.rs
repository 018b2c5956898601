//! Speed and memory of BGP daemons, ours and others', measured the same way.
//!
//! A daemon runs alone in a network namespace as a plain external router that accepts everything
//! and tells everything. A tester in another namespace plays its neighbours over one virtual wire:
//!
//! 1. [`table`] makes up a routing table and encodes the UPDATEs before the clock starts.
//! 2. `session` opens a session and hands over its bare socket.
//! 3. `monitor` reads what the daemon tells, in place, into an array by prefix number, and knows
//!    after every read whether that is exactly the table that it must be, best path included.
//! 4. `workload` puts senders and monitors together; [`Workload`] names what can be measured.
//! 5. `daemon` writes the configuration of each make of daemon, starts it and reads from the kernel
//!    what it has used.
//!
//! A figure counts only if every prefix ended with exactly the path, attributes and next hop that
//! RFC 4271 gives it: speed that leaves a neighbour with a wrong table is no speed.
//!
//! [`place`] is of use to tests that need a foreign daemon on a wire.

pub mod place;
pub mod table;
pub mod tunnel;

mod daemon;
mod error;
mod machine;
mod monitor;
mod report;
mod route_server;
mod session;
mod usage;
mod wire;
mod workload;

pub use daemon::{Make, tidy};
pub use error::Error;
pub use machine::Machine;
pub use report::{Options, Outcome, Report, Row, Spread, run};
pub use route_server::{RouteServerReport, RouteServerRow, route_server};
pub use workload::{Figures, Workload};
