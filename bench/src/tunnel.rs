//! Speed of tunnels, ours and others', measured the same way in one run.
//!
//! Two nodes in network namespaces with a wire of 1,500 octets between them, each on a processor of
//! its own together with its end of the load; for the relay a hub between them.
//!
//! 1. [`bound`] is the upper bound: a tunnel that does nothing but what every tunnel must.
//! 2. `implementation` writes the configuration of each implementation and starts it.
//! 3. `load` makes TCP transfers, small packets and pings.
//! 4. `measure` puts them together; [`Figure`] names what is measured.
//! 5. `crowd` puts thousands of tunnels on one hub.
//! 6. [`soak`] lets two nodes work while everything changes, and counts what must not happen.
//!
//! Implementations take turns, so that what else the machine does meets all of them.

pub mod bound;

mod arena;
mod crowd;
mod figure;
mod implementation;
mod load;
mod measure;
mod report;
mod soak;

pub use figure::{Figure, Measure};
pub use implementation::Implementation;
pub use report::{Options, Report, Row, run};
pub use soak::{SoakNode, SoakOptions, SoakReport, soak};
