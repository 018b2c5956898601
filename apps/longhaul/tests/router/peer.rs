//! A neighbour that says exactly what a test wants, and no more than it must.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const HEADER: usize = 19;
/// Who forwards what is announced. A loopback address would be refused.
pub(crate) const NEXT_HOP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

pub(crate) const OPEN: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const NOTIFICATION: u8 = 3;
pub(crate) const KEEPALIVE: u8 = 4;

/// One end of a session.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) address: Ipv4Addr,
    asn: u16,
}

impl Peer {
    /// A neighbour that the router called and that has said nothing yet. The router calls again
    /// every second.
    pub(crate) fn called(listener: &TcpListener, asn: u16) -> Self {
        let (stream, _) = listener.accept().expect("the router calls");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let address = match stream.local_addr().expect("an address") {
            SocketAddr::V4(address) => *address.ip(),
            SocketAddr::V6(_) => panic!("IPv4 was listened to"),
        };
        Self {
            stream,
            address,
            asn,
        }
    }

    /// Makes the session with an offer of `hold_time` seconds.
    pub(crate) fn establish(&mut self, hold_time: u16) {
        let [high, low] = self.asn.to_be_bytes();
        let [hold_high, hold_low] = hold_time.to_be_bytes();
        let mut open = vec![4, high, low, hold_high, hold_low];
        open.extend(self.address.octets());
        let capabilities = [2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 65, 4, 0, 0, high, low];
        open.push(16);
        open.extend(capabilities);
        self.say(OPEN, &open);
        assert_eq!(self.next().0, OPEN);
        self.say(KEEPALIVE, &[]);
        assert_eq!(self.next().0, KEEPALIVE);
    }

    pub(crate) fn say(&mut self, kind: u8, body: &[u8]) {
        self.stream
            .write_all(&message(kind, body))
            .expect("the router reads");
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> (u8, Vec<u8>) {
        self.try_next().expect("the router speaks")
    }

    /// The next message; nothing when the router has closed.
    pub(crate) fn try_next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; HEADER];
        match self.stream.read_exact(&mut header) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                return None;
            }
            read => read.expect("the router speaks in time"),
        }
        let len = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let mut body = vec![0; len - HEADER];
        self.stream.read_exact(&mut body).expect("a whole message");
        Some((header[18], body))
    }

    /// Reads until an UPDATE with this /24, announced or withdrawn as `announced` says; how long
    /// that took. Answers nothing meanwhile.
    pub(crate) fn hear(&mut self, prefix: [u8; 3], announced: bool) -> Duration {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "no word of {prefix:?}");
            let (kind, body) = self.next();
            assert_ne!(kind, NOTIFICATION, "{body:?}");
            if kind == UPDATE && prefixes(&body, announced).contains(&prefix) {
                return start.elapsed();
            }
        }
    }

    /// Announces /24s.
    pub(crate) fn announce(&mut self, prefixes: &[[u8; 3]]) {
        let bytes = announcements(&[self.asn], prefixes);
        self.stream.write_all(&bytes).expect("the router reads");
    }
}

/// A listener of a neighbour.
pub(crate) fn listener(address: Ipv4Addr, port: u16) -> TcpListener {
    TcpListener::bind((address, port)).expect("a loopback address and a free port")
}

/// A whole message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(HEADER + body.len()).expect("short");
    let mut bytes = vec![0xff; 16];
    bytes.extend(len.to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// UPDATEs of 200 prefixes each, with this AS_PATH.
pub(crate) fn announcements(path: &[u16], prefixes: &[[u8; 3]]) -> Vec<u8> {
    let hops = u8::try_from(path.len()).expect("short");
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 2 + 4 * hops, 2, hops];
    for asn in path {
        attributes.extend(u32::from(*asn).to_be_bytes());
    }
    attributes.extend([0x40, 3, 4]);
    attributes.extend(NEXT_HOP.octets());
    let mut bytes = Vec::new();
    for chunk in prefixes.chunks(200) {
        let len = u16::try_from(attributes.len()).expect("short");
        let mut body = vec![0, 0];
        body.extend(len.to_be_bytes());
        body.extend(&attributes);
        for prefix in chunk {
            body.push(24);
            body.extend(prefix);
        }
        bytes.extend(message(UPDATE, &body));
    }
    bytes
}

/// The /24s of an UPDATE.
fn prefixes(body: &[u8], announced: bool) -> Vec<[u8; 3]> {
    let withdrawn = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let rest = &body[2 + withdrawn..];
    let attributes = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    let mut list = if announced {
        &rest[2 + attributes..]
    } else {
        &body[2..2 + withdrawn]
    };
    let mut found = Vec::new();
    while let Some((len, after)) = list.split_first() {
        let (prefix, after) = after.split_at(usize::from(len.div_ceil(8)));
        if let Ok(prefix) = prefix.try_into() {
            found.push(prefix);
        }
        list = after;
    }
    found
}
