//! The design file and what is made of it.

pub mod plan;
