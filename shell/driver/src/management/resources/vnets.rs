//! `virtualNetworkPeerings`: the VNets around the Route Server's own.

use view::platform::{List, PlatformError, VnetPeering};
use view::{Answer, Change, Query};

use super::{Call, Reply, misunderstood};
use crate::management::sources::Sources;

async fn peerings(sources: &Sources) -> Result<List<VnetPeering>, PlatformError> {
    match sources.ask(Query::VnetPeerings).await? {
        Answer::VnetPeerings(list) => Ok(list),
        _ => Err(misunderstood()),
    }
}

pub(super) async fn list(sources: &Sources) -> Result<Reply, PlatformError> {
    Ok(Reply::json(&peerings(sources).await?))
}

pub(super) async fn get(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let mut all = peerings(sources).await?.value.into_iter();
    let found = all.find(|peering| peering.name == name);
    let peering = found.ok_or_else(|| PlatformError::not_found("VNet peering", name))?;
    Ok(Reply::json(&peering))
}

/// Creates or replaces a peering at both instances.
pub(super) async fn put(
    sources: &Sources,
    call: &Call,
    name: &str,
) -> Result<Reply, PlatformError> {
    let wanted: VnetPeering = call.read()?;
    let is_new = get(sources, name).await.is_err();
    let change = Change::PutVnetPeering {
        name: name.to_owned(),
        properties: wanted.properties,
    };
    sources.change_both(Query::Change { change }).await?;
    let reply = get(sources, name).await?;
    Ok(Reply {
        status: if is_new { 201 } else { 200 },
        ..reply
    })
}

/// Ends a peering at both instances. One that is not there has ended.
pub(super) async fn delete(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let change = Change::RemoveVnetPeering {
        name: name.to_owned(),
    };
    let was_there = sources.remove_both(Query::Change { change }).await?;
    Ok(Reply::empty(if was_there { 200 } else { 204 }))
}
