//! Probers through their public interface, over a path that a test makes slow, lossy or dead.

mod line;
mod liveness;
mod mtu;
mod statistics;
