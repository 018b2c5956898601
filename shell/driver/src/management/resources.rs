//! What there is to read and to change, by method and address.
//!
//! Addresses may be whole (`/subscriptions/…/providers/Microsoft.Network/virtualHubs/…`) or begin
//! at the type; the subscription and the resource group are not looked at, nor is `api-version`.

mod effective;
mod hubs;
mod peers;
mod vnets;

use hyper::Method;
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use view::Answer;
use view::platform::PlatformError;

use super::metrics;
use super::sources::Sources;

/// Where the type of a resource begins in a whole address.
const PROVIDER: &str = "/providers/microsoft.network/";

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

/// What it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn error(error: &PlatformError) -> Self {
        Self {
            status: error.status(),
            ..Self::json(&error.to_body())
        }
    }

    fn json(value: &impl Serialize) -> Self {
        Self {
            status: 200,
            content_type: "application/json; charset=utf-8",
            body: serde_json::to_string(value).expect("plain data with text keys is JSON"),
        }
    }

    const fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: "application/json; charset=utf-8",
            body: String::new(),
        }
    }
}

impl Call {
    /// What the body says.
    fn read<T: DeserializeOwned>(&self) -> Result<T, PlatformError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| PlatformError::bad_request(format!("the body: {error}")))
    }
}

/// Answers a request.
pub(crate) async fn respond(sources: &Sources, call: &Call) -> Result<Reply, PlatformError> {
    let path = parts(&call.path);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let (&Method::GET, ["metrics"]) = (&call.method, path.as_slice()) {
        return metrics::page(sources).await;
    }
    let Some(hub) = sources.hub() else {
        return Err(nothing(&call.path));
    };
    match path.as_slice() {
        ["virtualhubs"] => match call.method {
            Method::GET => hubs::list(sources).await,
            _ => Err(not_allowed(call)),
        },
        ["virtualhubs", name, rest @ ..] => {
            if *name != hub.name {
                return Err(PlatformError::not_found("Route Server", name));
            }
            of_hub(sources, call, rest).await
        }
        ["virtualnetworks", vnet, "virtualnetworkpeerings", rest @ ..] => {
            if *vnet != hub.vnet {
                return Err(PlatformError::not_found("VNet", vnet));
            }
            match (&call.method, rest) {
                (&Method::GET, []) => vnets::list(sources).await,
                (&Method::GET, [name]) => vnets::get(sources, name).await,
                (&Method::PUT, [name]) => vnets::put(sources, call, name).await,
                (&Method::DELETE, [name]) => vnets::delete(sources, name).await,
                (_, [] | [_]) => Err(not_allowed(call)),
                _ => Err(nothing(&call.path)),
            }
        }
        ["networkinterfaces", name, "effectiveroutetable"] => match call.method {
            Method::POST => effective::routes(sources, name).await,
            _ => Err(not_allowed(call)),
        },
        _ => Err(nothing(&call.path)),
    }
}

async fn of_hub(sources: &Sources, call: &Call, path: &[&str]) -> Result<Reply, PlatformError> {
    match (&call.method, path) {
        (&Method::GET, []) => hubs::get(sources).await,
        (&Method::PUT | &Method::PATCH, []) => hubs::change(sources, call).await,
        (&Method::GET, ["configuration"]) => hubs::configuration(sources).await,
        (&Method::POST, ["maintenance"]) => hubs::maintenance(sources, call).await,
        (&Method::POST, ["reload"]) => hubs::reload(sources).await,
        (&Method::POST, ["bgppeerstatus"]) => peers::status(sources).await,
        (&Method::GET, ["bgpconnections"]) => peers::list(sources).await,
        (&Method::GET, ["bgpconnections", name]) => peers::get(sources, name).await,
        (&Method::PUT, ["bgpconnections", name]) => peers::put(sources, call, name).await,
        (&Method::DELETE, ["bgpconnections", name]) => peers::delete(sources, name).await,
        (&Method::POST, ["bgpconnections", name, "learnedroutes"]) => {
            peers::learned(sources, name).await
        }
        (&Method::POST, ["bgpconnections", name, "advertisedroutes"]) => {
            peers::advertised(sources, name).await
        }
        (
            _,
            []
            | ["configuration" | "maintenance" | "reload" | "bgppeerstatus" | "bgpconnections"]
            | ["bgpconnections", _]
            | ["bgpconnections", _, "learnedroutes" | "advertisedroutes"],
        ) => Err(not_allowed(call)),
        _ => Err(nothing(&call.path)),
    }
}

/// The parts of an address from the type on. Types and actions are told apart from names by their
/// place, and read in any case, as the platform does.
fn parts(path: &str) -> Vec<String> {
    let lower = path.to_ascii_lowercase();
    let start = lower.find(PROVIDER).map_or(0, |at| at + PROVIDER.len());
    let rest = path[start..].trim_matches('/').split('/');
    rest.enumerate()
        .map(|(place, part)| match place % 2 {
            0 => part.to_ascii_lowercase(),
            _ => part.to_owned(),
        })
        .collect()
}

fn nothing(path: &str) -> PlatformError {
    PlatformError::new("ResourceNotFound", format!("there is nothing at {path}"))
}

fn not_allowed(call: &Call) -> PlatformError {
    PlatformError::new(
        "MethodNotAllowed",
        format!("{} is not for {}", call.method, call.path),
    )
}

/// An answer of the wrong kind: all sides are ours, but may be of different versions.
pub(super) fn misunderstood() -> PlatformError {
    PlatformError::new("InternalServerError", "an answer to another question came")
}

/// The answers of the kind that was asked for.
fn all<T>(
    answers: Vec<Answer>,
    kind: impl Fn(Answer) -> Option<T>,
) -> Result<Vec<T>, PlatformError> {
    let answers = answers.into_iter();
    let kept = answers.map(|answer| kind(answer).ok_or_else(misunderstood));
    kept.collect()
}
