//! The design crate through its public API.

mod global;
