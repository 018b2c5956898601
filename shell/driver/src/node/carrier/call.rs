//! How a connection begins: out of the locator's interface, through a proxy where there is one, and TLS.

use std::io;
use std::net::SocketAddrV4;

use carrier::connect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Octets of a proxy's answer that are read at once.
const ANSWER: usize = 1024;

/// The way out of a locator.
#[derive(Clone)]
pub(super) struct Exit {
    pub(super) interface: String,
    pub(super) proxy: Option<Proxy>,
}

/// A proxy, and what it asks for. It shows no password.
#[derive(Clone)]
pub(super) struct Proxy {
    address: SocketAddrV4,
    credentials: Option<(String, String)>,
}

impl Proxy {
    pub(super) const fn new(address: SocketAddrV4, credentials: Option<(String, String)>) -> Self {
        Self {
            address,
            credentials,
        }
    }
}

/// Makes a connection.
pub(super) async fn call(
    exit: &Exit,
    to: SocketAddrV4,
    tls: &TlsConnector,
) -> io::Result<TlsStream<TcpStream>> {
    let first = exit.proxy.as_ref().map_or(to, |proxy| proxy.address);
    let mut stream = connected(&exit.interface, first).await?;
    if let Some(proxy) = &exit.proxy {
        ask(proxy, to, &mut stream).await?;
    }
    let name = ServerName::from(std::net::IpAddr::from(*to.ip()));
    tls.connect(name, stream).await
}

async fn connected(interface: &str, to: SocketAddrV4) -> io::Result<TcpStream> {
    let stream = linux::stream::connect_from(interface, to)?;
    let stream = TcpStream::from_std(stream)?;
    stream.writable().await?;
    match stream.take_error()? {
        None => Ok(stream),
        Some(error) => Err(error),
    }
}

/// Asks a proxy for a connection.
async fn ask(proxy: &Proxy, to: SocketAddrV4, stream: &mut TcpStream) -> io::Result<()> {
    let credentials = proxy.credentials.as_ref();
    let credentials = credentials.map(|(user, password)| (user.as_str(), password.as_str()));
    stream.write_all(&connect::request(to, credentials)).await?;
    let mut answer = connect::Answer::default();
    let mut octets = [0; ANSWER];
    loop {
        let len = stream.read(&mut octets).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = octets.get(..len).unwrap_or_default();
        match answer.take(read) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(refusal) => {
                tracing::warn!(proxy = %proxy.address, %refusal, "no connection through the proxy");
                return Err(io::Error::other(refusal.to_string()));
            }
        }
    }
}
