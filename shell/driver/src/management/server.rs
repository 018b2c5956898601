//! HTTP/1.1 towards clients that may be slow, endless, malformed or many.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use view::platform::PlatformError;

use super::address::ManagementAddress;
use super::resources::{self, Call, Reply};
use super::sources::Sources;
use crate::{Error, daemon};

/// Connections at once. More wait to be accepted, at most as long as [`CONNECTION_TIME`].
const CONNECTIONS_MAX: usize = 32;
/// How long a connection lives, whatever it does: one that reads its answer an octet a second
/// must not keep its place. A client opens a new one.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long the body of a request may take.
const BODY_TIME: Duration = Duration::from_secs(5);
/// Longest head, octets.
const HEAD_MAX: usize = 16 * 1024;
/// Most fields of a head.
const FIELDS_MAX: usize = 64;
/// Longest body, octets. The longest that is right, a peering with many prefixes, is much shorter.
const BODY_MAX: usize = 64 * 1024;
/// Pause after accepting has failed, mostly for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Something that listens, not yet part of an event loop.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix(std::os::unix::net::UnixListener),
    Tcp(std::net::TcpListener),
}

impl Listener {
    pub(crate) fn bind(at: &ManagementAddress) -> Result<Self, Error> {
        match at {
            ManagementAddress::Unix(path) => daemon::listen(path).map(Self::Unix),
            ManagementAddress::Loopback(address) => {
                let listen = || {
                    let listener = std::net::TcpListener::bind(address)?;
                    listener.set_nonblocking(true)?;
                    Ok(listener)
                };
                let listener = listen().map_err(Error::system(format!("listening on {at}")));
                listener.map(Self::Tcp)
            }
        }
    }
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}
type AnyStream = Pin<Box<dyn Stream>>;

enum Accepting {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Accepting {
    async fn next(&self) -> std::io::Result<AnyStream> {
        match self {
            Self::Unix(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Box::pin(stream) as _),
            Self::Tcp(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Box::pin(stream) as _),
        }
    }
}

/// Serves until the process ends.
pub(crate) async fn run(listener: Listener, sources: Sources) -> Result<(), Error> {
    let is_tcp = matches!(listener, Listener::Tcp(_));
    let accepting = match listener {
        Listener::Unix(listener) => {
            Accepting::Unix(super::adopted(UnixListener::from_std(listener))?)
        }
        Listener::Tcp(listener) => Accepting::Tcp(super::adopted(TcpListener::from_std(listener))?),
    };
    let sources = Arc::new(sources);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let stream = match accepting.next().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection of management");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let sources = Arc::clone(&sources);
        tokio::spawn(async move {
            let _place = place;
            if timeout(CONNECTION_TIME, converse(stream, sources, is_tcp))
                .await
                .is_err()
            {
                tracing::debug!("a connection of management took too long");
            }
        });
    }
}

async fn converse(stream: AnyStream, sources: Arc<Sources>, is_tcp: bool) {
    let service = service_fn(move |request| {
        let sources = Arc::clone(&sources);
        async move { Ok::<_, Infallible>(answer(request, &sources, is_tcp).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .max_headers(FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of management");
    }
}

async fn answer(
    request: Request<Incoming>,
    sources: &Sources,
    is_tcp: bool,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let said = async {
        if is_tcp {
            same_machine(&head.headers)?;
        }
        let call = Call {
            method: head.method,
            path: head.uri.path().to_owned(),
            body: read(body).await?,
        };
        resources::respond(sources, &call).await
    };
    let reply = said.await.unwrap_or_else(|error| Reply::error(&error));
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).expect("the statuses of replies are valid");
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    response
}

async fn read(body: Incoming) -> Result<Bytes, PlatformError> {
    match timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(PlatformError::new(
                "RequestTooLarge",
                format!("a body has at most {BODY_MAX} octets"),
            ))
        }
        Ok(Err(error)) => Err(PlatformError::bad_request(format!("the body: {error}"))),
        Err(_) => Err(PlatformError::new(
            "RequestTimeout",
            format!("a body comes within {} seconds", BODY_TIME.as_secs()),
        )),
    }
}

/// Refuses what a web page can make a browser on this machine send to a loopback address.
fn same_machine(fields: &HeaderMap) -> Result<(), PlatformError> {
    let refuse = |why| Err(PlatformError::new("Forbidden", why));
    if fields.contains_key(ORIGIN) {
        return refuse("requests of web pages are not served");
    }
    let host = fields.get(HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    });
    match name {
        Some("localhost" | "[::1]") => Ok(()),
        Some(name)
            if name
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback()) =>
        {
            Ok(())
        }
        _ => refuse("the Host field names no loopback address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_cannot_reach_a_loopback_address_through_a_browser() {
        let with = |name: hyper::header::HeaderName, value: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(HOST, HeaderValue::from_static("127.0.0.1:80"));
            fields.insert(name, HeaderValue::from_static(value));
            same_machine(&fields).is_ok()
        };
        for good in [
            "127.0.0.1:8179",
            "localhost",
            "localhost:80",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(with(HOST, good), "{good}");
        }
        for bad in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1:80",
            "",
        ] {
            assert!(!with(HOST, bad), "{bad}");
        }
        assert!(!with(ORIGIN, "http://127.0.0.1:80"));
        assert!(same_machine(&HeaderMap::new()).is_err());
    }
}
