//! `bgpConnections`: peers, their sessions and their routes.

use view::platform::{BgpConnection, BgpPeerStatus, List, PlatformError, RoutesByRole};
use view::{Answer, Change, Query};

use super::{Call, Reply, all};
use crate::management::sources::Sources;

/// The peers, with what both instances know of their sessions.
async fn connections(sources: &Sources) -> Result<Vec<BgpConnection>, PlatformError> {
    let answers = sources.ask_both(Query::Connections).await?;
    let parts = all(answers, |answer| match answer {
        Answer::Connections(part) => Some(part.value),
        _ => None,
    })?;
    Ok(BgpConnection::merge(parts))
}

async fn connection(sources: &Sources, name: &str) -> Result<BgpConnection, PlatformError> {
    let mut all = connections(sources).await?.into_iter();
    all.find(|connection| connection.name == name)
        .ok_or_else(|| PlatformError::not_found("BGP connection", name))
}

pub(super) async fn list(sources: &Sources) -> Result<Reply, PlatformError> {
    let value = connections(sources).await?;
    Ok(Reply::json(&List { value }))
}

pub(super) async fn get(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    Ok(Reply::json(&connection(sources, name).await?))
}

/// Creates or replaces a peer at both instances.
pub(super) async fn put(
    sources: &Sources,
    call: &Call,
    name: &str,
) -> Result<Reply, PlatformError> {
    let wanted: BgpConnection = call.read()?;
    let is_new = connection(sources, name).await.is_err();
    let change = Change::PutConnection {
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

/// Lets a peer go at both instances. One that is not there is gone, as on the platform.
pub(super) async fn delete(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let change = Change::RemoveConnection {
        name: name.to_owned(),
    };
    let was_there = sources.remove_both(Query::Change { change }).await?;
    Ok(Reply::empty(if was_there { 200 } else { 204 }))
}

pub(super) async fn learned(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let peer = name.to_owned();
    routes(sources, Query::LearnedRoutes { peer }).await
}

pub(super) async fn advertised(sources: &Sources, name: &str) -> Result<Reply, PlatformError> {
    let peer = name.to_owned();
    routes(sources, Query::AdvertisedRoutes { peer }).await
}

async fn routes(sources: &Sources, query: Query) -> Result<Reply, PlatformError> {
    let answers = sources.ask_both(query).await?;
    let parts = all(answers, |answer| match answer {
        Answer::PeerRoutes(part) => Some(part),
        _ => None,
    })?;
    Ok(Reply::json(&RoutesByRole::merge(parts)))
}

/// How the sessions of both instances are.
pub(super) async fn status(sources: &Sources) -> Result<Reply, PlatformError> {
    let answers = sources.ask_both(Query::PeerStatus).await?;
    let parts = all(answers, |answer| match answer {
        Answer::PeerStatus(part) => Some(part.value),
        _ => None,
    })?;
    let value: Vec<BgpPeerStatus> = parts.into_iter().flatten().collect();
    Ok(Reply::json(&List { value }))
}
