//! How devices of the platform tell the fabric what they decide: lines of JSON on a Unix stream.
//!
//! The first line names the device, each further one is a decision: an instance of a Route Server
//! or of a gateway says what NICs are to have, a gateway and an MSEE what their own packets follow.
//! When the stream ends, so has the device, whatever it died of.

mod fabric;

use std::net::Ipv4Addr;

use inet::Prefix;
use serde::{Deserialize, Serialize};

pub(crate) use fabric::{Fabric, connected};

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    /// Device name.
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
    /// Whose packets follow it.
    #[serde(default)]
    pub(crate) table: Table,
}

/// Whose packets follow a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Table {
    /// Those that come out of NICs.
    #[default]
    Nics,
    /// Those that the device itself forwards.
    Own,
}

/// Tells the fabric a decision; where there is none, whoever reads the log.
pub(crate) fn decide(
    fabric: Option<&Fabric>,
    prefix: Prefix,
    next_hops: Vec<Ipv4Addr>,
    table: Table,
) {
    match fabric {
        None => tracing::info!(%prefix, ?next_hops, ?table, "decided"),
        Some(fabric) => fabric.decide(Decision {
            prefix,
            next_hops,
            table,
        }),
    }
}

/// A device came into service or goes out of it: one that comes back has everything to tell anew.
pub(crate) fn serving(fabric: Option<&Fabric>, serving: bool) {
    tracing::info!(serving);
    if let Some(fabric) = fabric.filter(|_| !serving) {
        fabric.hang_up();
    }
}

/// A message as a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("plain data with string keys is JSON");
    line.push(b'\n');
    line
}
