//! The carrier through its public API.

mod caller;
mod frames;
