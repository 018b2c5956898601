//! An NVA with as much BGP as a test needs: it opens, answers keepalives with keepalives, announces.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::server::{PATIENCE, Settings};

/// A load balancer in the VNet: a loopback address would be no next hop.
const NEXT_HOP: [u8; 4] = [10, 1, 0, 10];

const OPEN: u8 = 1;
const UPDATE: u8 = 2;
const NOTIFICATION: u8 = 3;
const KEEPALIVE: u8 = 4;

/// An NVA with an established session.
pub(crate) struct Nva {
    stream: TcpStream,
    read: Vec<u8>,
    address: Ipv4Addr,
    asn: u16,
}

impl Nva {
    /// Listens at the addresses of all peers; to be done before the instance calls them.
    pub(crate) fn listen(settings: &Settings) -> Vec<TcpListener> {
        let addresses = settings
            .peers
            .iter()
            .map(|(last, _)| settings.address(*last));
        let listeners = addresses.map(|address| TcpListener::bind(SocketAddrV4::new(address, 179)));
        listeners
            .map(|listener| listener.expect("root, and port 179"))
            .collect()
    }

    /// Waits for the instance's call, and opens a session.
    pub(crate) fn accept(listener: &TcpListener, asn: u32) -> Self {
        let address = match listener.local_addr().expect("it is bound") {
            SocketAddr::V4(address) => *address.ip(),
            SocketAddr::V6(_) => unreachable!("bound to IPv4"),
        };
        let start = Instant::now();
        listener.set_nonblocking(true).expect("a socket");
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(start.elapsed() < PATIENCE, "the instance does not call");
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut nva = Self {
            stream,
            read: Vec::new(),
            address,
            asn: asn as u16,
        };
        nva.open();
        nva
    }

    fn open(&mut self) {
        let [a, b] = self.asn.to_be_bytes();
        let mut open = vec![4, a, b, 0, 180];
        open.extend(self.address.octets());
        // IPv4 unicast, route refresh, four-octet AS numbers.
        let capabilities = [1, 4, 0, 1, 0, 1, 2, 0, 65, 4, 0, 0, a, b];
        open.extend([capabilities.len() as u8 + 2, 2, capabilities.len() as u8]);
        open.extend(capabilities);
        self.send(OPEN, &open);
        assert_eq!(self.next().0, OPEN);
        self.send(KEEPALIVE, &[]);
        assert_eq!(self.next().0, KEEPALIVE);
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        let mut message = vec![0xff; 16];
        message.extend((body.len() as u16 + 19).to_be_bytes());
        message.push(kind);
        message.extend(body);
        self.stream.write_all(&message).expect("the session stands");
    }

    /// Announces a prefix of 24 bits.
    pub(crate) fn announce(&mut self, prefix: [u8; 3]) {
        let [a, b] = self.asn.to_be_bytes();
        let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, a, b, 0x40, 3, 4];
        attributes.extend(NEXT_HOP);
        let mut body = vec![0, 0];
        body.extend((attributes.len() as u16).to_be_bytes());
        body.extend(attributes);
        body.push(24);
        body.extend(prefix);
        self.send(UPDATE, &body);
    }

    /// The next message: its type and body.
    fn next(&mut self) -> (u8, Vec<u8>) {
        loop {
            if self.read.len() >= 19 {
                let length = usize::from(u16::from_be_bytes([self.read[16], self.read[17]]));
                if self.read.len() >= length {
                    let message: Vec<u8> = self.read.drain(..length).collect();
                    return (message[18], message[19..].to_vec());
                }
            }
            let mut octets = [0; 4096];
            let length = self.stream.read(&mut octets).expect("a message in time");
            assert!(length > 0, "the instance closed the session");
            self.read.extend(&octets[..length]);
        }
    }

    /// Waits for an announcement of a prefix of 24 bits.
    pub(crate) fn told(&mut self, prefix: [u8; 3]) {
        let mut wanted = vec![24];
        wanted.extend(prefix);
        while !self.next().1.ends_with(&wanted) {}
    }

    /// Waits for a NOTIFICATION: its code.
    pub(crate) fn notified(&mut self) -> u8 {
        loop {
            if let (NOTIFICATION, body) = self.next() {
                return body[0];
            }
        }
    }

    /// Whether nothing has ended the session so far.
    pub(crate) fn stands(&mut self) -> bool {
        let short = Some(Duration::from_millis(50));
        self.stream.set_read_timeout(short).expect("a socket");
        let mut octets = [0; 4096];
        let stands = loop {
            match self.stream.read(&mut octets) {
                Ok(0) => break false,
                Ok(length) => self.read.extend(&octets[..length]),
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket");
        let kinds = self.waiting();
        stands && !kinds.contains(&NOTIFICATION)
    }

    /// Types of the messages that were read and not looked at.
    fn waiting(&self) -> Vec<u8> {
        let mut kinds = Vec::new();
        let mut rest = self.read.as_slice();
        while rest.len() >= 19 {
            let length = usize::from(u16::from_be_bytes([rest[16], rest[17]]));
            kinds.push(rest[18]);
            rest = rest.get(length..).unwrap_or_default();
        }
        kinds
    }
}
