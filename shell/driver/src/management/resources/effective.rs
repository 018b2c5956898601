//! `effectiveRouteTable`: what the platform does with the packets of a network interface.

use view::platform::{List, PlatformError};
use view::{Answer, Query};

use super::{Reply, misunderstood};
use crate::management::sources::Sources;

/// The interface that a network interface's name means when it names the device only.
const FIRST: &str = "eth0";

/// The effective routes of `vm1.spoke1-westeurope`, or of `nva1.westeurope:eth1`.
pub(super) async fn routes(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let (device, interface) = name.split_once(':').unwrap_or((name, FIRST));
    let query = Query::EffectiveRoutes {
        device: device.to_owned(),
        interface: interface.to_owned(),
    };
    match sources.ask_fabric(query).await? {
        Answer::EffectiveRoutes(table) => Ok(Reply::json(&List { value: table.value })),
        _ => Err(misunderstood()),
    }
}
