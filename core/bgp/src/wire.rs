//! BGP messages as bytes: one checking pass on the way in, packed messages on the way out.
//!
//! Every decoder takes any bytes, ends, and needs memory in proportion to the message only.

pub mod attributes;
pub mod capability;
pub mod error;
pub mod header;
pub mod nlri;
pub mod notification;
pub mod open;
mod reader;
pub mod refresh;
pub mod update;

pub(crate) use reader::Reader;
