//! How a Route Server instance tells the fabric what to program: lines of JSON on a Unix stream.
//!
//! The first line names the instance, each further one is a decision. When the stream ends, so has
//! the instance, whatever it died of.

use std::net::Ipv4Addr;

use inet::Prefix;
use serde::{Deserialize, Serialize};

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    /// Device name of the instance.
    pub(crate) instance: String,
}

/// Any further line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// What was decided about.
    pub(crate) prefix: Prefix,
    /// Where it goes; nothing withdraws it.
    pub(crate) next_hops: Vec<Ipv4Addr>,
}

/// A message as a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("plain data with string keys is JSON");
    line.push(b'\n');
    line
}
