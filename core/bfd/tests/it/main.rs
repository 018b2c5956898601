//! Endpoints through their public interface, in virtual time.

mod clauses;
mod client;
mod driver;
mod hostile;
mod lossy;
mod matrix;
mod neighbor;
mod net;
mod timers;
