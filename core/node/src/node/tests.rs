//! Stories of a few nodes in memory.

mod batches;
mod breakout;
mod carriers;
mod classes;
mod forwarding;
mod gateways;
mod guard;
mod harness;
mod labels;
mod liveness;
mod origins;
mod protection;
mod routers;
mod routing;
mod rubbish;
mod scale;
mod shaping;
mod shortcuts;
mod sources;
mod steering;
mod threads;
