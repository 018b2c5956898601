//! Drives the sans-IO cores with the real clock, real sockets and a real TUN device.
//!
//! [`run_node`] is an NVA or a CPE, [`run_route_server`] one instance of a Route Server,
//! [`run_gateway`] one of an ExpressRoute gateway, [`run_msee`] an MSEE,
//! [`run_router`] a plain BGP router, [`run_fabric`] the platform and the underlays of a lab. Each
//! is one thread with one loop that owns its core: it carries bytes, time and commands to the core
//! and does what the core asks for. Nothing is decided here.
//!
//! ```text
//!             ┌─ BGP connections, one epoll set ── read in place, 64 KiB each a round (transport)
//!  node loop  ├─ raw VRRP per LAN ── at most 64 a turn
//!  (Control)  ├─ one task per control connection ──▶ bounded channel (control)
//!      ▲      └─ the core's wake-up time, SIGTERM
//!      │ changes down; notices, punted packets and handshakes up (node::mailbox)
//!      ▼
//!  shards     ┌─ a queue of TUN lh0 ── super-packets, at most 512 KiB a round
//!  (Forwarder,┼─ UDP socket per locator ── batches, at most 8 calls a round
//!  a thread   └─ bell of the mailbox, the core's wake-up time
//!  each)
//! ```
//!
//! Management over HTTP is a thread beside the loop that asks through the same channel as control
//! connections. [`Watch`] is BFD: a thread beside the loop of whoever wants neighbours watched.
//!
//! A Route Server, a gateway, an MSEE and a router have one loop in common, without the data plane;
//! those of the platform tell the fabric what they decide, over a Unix socket whose end is the
//! device's end.
//! The fabric has no tasks at all: epoll with nanosecond timeouts, at real-time priority where that
//! is allowed.

mod bfd;
mod bmp;
mod clock;
mod config;
mod confinement;
mod control;
mod daemon;
mod error;
mod express_route;
mod fabric;
mod log;
mod management;
mod monitor;
mod mrt;
mod node;
mod process;
mod programming;
mod route_server;
mod router;
mod transport;

pub use self::bfd::Watch;
pub use config::{key_path, random_key};
pub use control::ask;
pub use error::Error;
pub use express_route::{ExpressRouteSettings, run_gateway, run_msee};
pub use fabric::{FabricSettings, PortName, run_fabric};
pub use linux::{interrupt_is_ignored, interrupted_within};
pub use management::{ManagementAddress, ManagementAddressError};
pub use node::{NodeSettings, run_node};
pub use route_server::{RouteServerSettings, run_route_server};
pub use router::{RouterSettings, check_router, run_router};
