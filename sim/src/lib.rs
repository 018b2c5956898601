//! The simulator: a whole network's real protocol code in virtual time.
//!
//! A [`World`] is made from a Plan. It holds every device's core, the same value that the lab and
//! production drive, and gives each what a computer gives it: a kernel with interfaces and routes
//! (`kernel`), TCP (`tcp`), and the fabric between the devices. Time is a number that jumps to the
//! next wake-up that anybody asked for. There is no clock, thread or hidden chance, so a seed and a
//! Plan decide every packet, and [`World::trace_hash`] says so.
//!
//! - [`World::run_until`], [`World::run_until_converged`]: let time pass.
//! - [`World::fail`], [`World::heal`]: break and mend what an operator can name.
//! - [`World::ask`], [`World::trace`], [`World::status`], [`World::forwarding`]: look, as in a lab.
//! - [`World::reachability`]: who reaches whom by the tables alone; loops and black holes by name.
//! - [`World::ping_all`], [`World::start_traffic`]: prove that packets arrive, and count those that do not.
//! - [`prove`]: what is to be known about a design of a migration.
//! - [`scenario`]: all of it from a list of steps.
//! - [`ordeal`]: hours of random failures, and what may never happen in them.
//!
//! What it does not model: ARP and Ethernet, fragmentation, TCP's congestion control, time that
//! devices take to compute. A device answers at the very moment at which a packet arrives.

#![warn(missing_docs)]

mod device;
mod kernel;
pub mod ordeal;
mod proof;
pub mod scenario;
mod tcp;
mod traffic;
mod world;

pub use proof::prove;
pub use traffic::{PairLoss, PhaseLoss};
pub use world::{
    Convergence, Echo, End, Lost, NotConverged, Options, PingReport, Reachability, Silence, World,
    WorldError, public_key,
};
