//! The lab: a Plan brought up on one Linux machine with real processes, real BGP over TCP and real
//! encrypted packets.
//!
//! Every device and host is a network namespace. Its interfaces are TUN devices whose other side is
//! held by one fabric process, which carries packets between them as the platform and the underlays
//! would. Nodes and Route Server instances are the daemons of production, started from the Plan's
//! files inside their namespaces.
//!
//! ```text
//!  longhaul up ──fork──▶ supervisor ──┬── fabric          (all TUN descriptors)
//!  (progress, Ctrl-C)    (namespaces, ├── node, node, …   (each in its namespace)
//!                         lab.sock)   └── route-server, … (each in its namespace)
//! ```
//!
//! [`up`] forks the supervisor and returns a [`Lab`]; every other command finds the running one
//! with [`Lab::find`]. Everything that a lab has is held by its processes, and every process dies
//! with the supervisor, so nothing outlives a lab but its state directory, which the next `up` or
//! `down` removes. That directory holds the Plan, the devices' files and keys, their logs, and a
//! socket for each daemon.

mod daemons;
mod device;
mod doctor;
mod error;
mod files;
mod lab;
mod progress;
mod reap;
mod recorder;
mod request;
mod rise;
mod standing;
mod state;
mod supervisor;
mod up;
mod verify;

pub use daemons::Installed;
pub use doctor::{Check, Finding, doctor};
pub use error::Error;
pub use lab::Lab;
pub use progress::{Progress, Stage};
pub use recorder::{PairLoss, Recording};
pub use rise::QUIET;
pub use standing::Standing;
pub use up::{Options, down, up};
pub use verify::{PairResult, Report};
