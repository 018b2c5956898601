//! A client that says exactly what a test wants to say.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use crate::server::PATIENCE;

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of an error in the platform's shape.
    pub(crate) fn error(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }
}

pub(crate) fn connect(at: &Path) -> UnixStream {
    let stream = UnixStream::connect(at).expect("management listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// A request on a connection of its own.
pub(crate) fn request(at: &Path, method: &str, path: &str, body: &str) -> Answer {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    raw(at, format!("{head}{body}").as_bytes())
}

/// Whatever octets, and the first answer to them. The server may stop reading before the end.
pub(crate) fn raw(at: &Path, octets: &[u8]) -> Answer {
    let mut stream = connect(at);
    drop(stream.write_all(octets));
    parse(&rest(&mut stream))
}

/// Everything until the other side closes.
pub(crate) fn rest(stream: &mut UnixStream) -> String {
    let mut octets = Vec::new();
    drop(stream.read_to_end(&mut octets));
    String::from_utf8_lossy(&octets).into_owned()
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        body: body.to_owned(),
    }
}
