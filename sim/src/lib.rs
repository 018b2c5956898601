//! x
mod tcp;
