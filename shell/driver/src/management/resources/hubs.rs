//! `virtualHubs`: the Route Server as a whole.

use serde::Deserialize;
use view::platform::{List, PlatformError, VirtualHub};
use view::{Answer, Change, Query};

use super::{Call, Reply, all, misunderstood};
use crate::management::sources::Sources;

/// The Route Server with the addresses of both instances.
async fn hub(sources: &Sources) -> Result<VirtualHub, PlatformError> {
    let answers = sources.ask_both(Query::Hub).await?;
    let parts = all(answers, |answer| match answer {
        Answer::Hub(hub) => Some(hub),
        _ => None,
    })?;
    VirtualHub::merge(parts).ok_or_else(misunderstood)
}

pub(super) async fn list(sources: &Sources) -> Result<Reply, PlatformError> {
    let value = vec![hub(sources).await?];
    Ok(Reply::json(&List { value }))
}

pub(super) async fn get(sources: &Sources) -> Result<Reply, PlatformError> {
    Ok(Reply::json(&hub(sources).await?))
}

/// Branch-to-branch and routing preference; what is not given stays.
pub(super) async fn change(sources: &Sources, call: &Call) -> Result<Reply, PlatformError> {
    let wanted: VirtualHub = call.read()?;
    let change = Change::Hub {
        branch_to_branch: wanted.properties.allow_branch_to_branch_traffic,
        routing_preference: wanted.properties.hub_routing_preference,
    };
    sources.change_both(Query::Change { change }).await?;
    get(sources).await
}

/// The configuration in force at this instance, to be kept as its file.
pub(super) async fn configuration(sources: &Sources) -> Result<Reply, PlatformError> {
    match sources.ask(Query::Configuration).await? {
        Answer::Configuration { yaml } => Ok(Reply {
            status: 200,
            content_type: "application/yaml; charset=utf-8",
            body: yaml,
        }),
        _ => Err(misunderstood()),
    }
}

/// Which instance is to be out of service, or to be back.
#[derive(Debug, Deserialize)]
struct Maintenance {
    instance: u8,
    active: bool,
}

/// Takes one instance out of service as the platform does at will, or puts it back. Never both.
pub(super) async fn maintenance(sources: &Sources, call: &Call) -> Result<Reply, PlatformError> {
    let Maintenance { instance, active } = call.read()?;
    if instance > 1 {
        return Err(PlatformError::bad_request("instance is 0 or 1"));
    }
    let other = 1 - instance;
    if active
        && let Ok(Answer::Measures(measures)) = sources.ask_instance(other, Query::Measures).await
        && measures.route_server.is_some_and(|server| !server.serving)
    {
        return Err(PlatformError::new(
            "Conflict",
            format!("instance {other} is out of service; the platform maintains one at a time"),
        ));
    }
    let change = Change::Maintenance { active };
    sources
        .ask_instance(instance, Query::Change { change })
        .await?;
    get(sources).await
}

/// Both instances read their files again.
pub(super) async fn reload(sources: &Sources) -> Result<Reply, PlatformError> {
    sources.change_both(Query::Reload).await?;
    get(sources).await
}
