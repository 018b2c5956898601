//! Masquerading of what comes out of one interface and leaves by others, in a table of nftables of our
//! own (`linux/netfilter/nf_tables.h`).
//!
//! The table belongs to the socket that made it: with the process it goes, whatever ends it. A packet
//! that breaks out passes the kernel twice, from the LAN into the overlay device and from there to the
//! underlay. Only the second time counts: were the first one tracked as well, the kernel would take the
//! second for a packet of a flow that has no translation. So what LANs send is not tracked on its first way.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

/// The table's name, as `nft list ruleset` shows it.
const TABLE: &str = "longhaul";
/// Subsystem number of nftables in the upper octet of a message's kind.
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// The table goes with the socket.
const OWNED: u32 = 2;
const PREROUTING: u32 = 0;
const POSTROUTING: u32 = 4;
/// Before connections are tracked.
const RAW: i32 = -300;
/// Where sources are translated.
const SOURCES: i32 = 100;
/// Keys of the expression `meta`: index of the interface a packet came in by, and goes out by.
const CAME_BY: u32 = 4;
const GOES_BY: u32 = 5;
const NESTED: u16 = 0x8000;
/// Octets of `struct nlmsghdr`.
const HEADER: usize = 16;

/// Masquerading while it lasts: dropping it ends it.
#[derive(Debug)]
pub struct Masquerade {
    _socket: OwnedFd,
}

impl Masquerade {
    /// Gives what comes out of the interface `from` and leaves by one of `out` that one's address, in the
    /// calling thread's namespace. What comes from `lans` is not tracked before. All are indices.
    ///
    /// # Errors
    ///
    /// No permission, a kernel without nftables, or another process that does the same.
    pub fn new(from: u32, out: &[u32], lans: &[u32]) -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        let mut batch = Batch::default();
        batch.edge(BATCH_BEGIN);
        let mut table = Attributes::default();
        table.text(1, TABLE).number(2, OWNED);
        batch.order(NEW_TABLE, 0, table);
        batch.chain("untracked", "filter", PREROUTING, RAW);
        batch.chain("leaving", "nat", POSTROUTING, SOURCES);
        for lan in lans {
            batch.rule("untracked", &[(CAME_BY, *lan)], "notrack");
        }
        for out in out {
            batch.rule("leaving", &[(CAME_BY, from), (GOES_BY, *out)], "masq");
        }
        batch.edge(BATCH_END);
        send(socket.as_raw_fd(), &batch.bytes, MsgFlags::empty())?;
        let mut answers = vec![0; 32 * 1024];
        let mut missing = batch.orders;
        while missing > 0 {
            let len = match recv(socket.as_raw_fd(), &mut answers, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            missing = missing.saturating_sub(errors(answers.get(..len).unwrap_or_default())?);
        }
        Ok(Self { _socket: socket })
    }
}

/// How many orders are acknowledged in an answer of the kernel; the first error ends it.
fn errors(mut bytes: &[u8]) -> io::Result<usize> {
    let number = |bytes: &[u8], at: usize| {
        let octets = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(i32::from_ne_bytes(octets))
    };
    let mut count = 0;
    while let Some(len) = number(bytes, 0) {
        match number(bytes, HEADER) {
            Some(0) => count += 1,
            Some(error) => return Err(io::Error::from_raw_os_error(error.saturating_neg())),
            None => break,
        }
        let len = usize::try_from(len).unwrap_or(bytes.len());
        bytes = bytes
            .get(len.next_multiple_of(4).max(HEADER)..)
            .unwrap_or_default();
    }
    if count == 0 {
        return Err(io::Error::other("no answer from the kernel about nftables"));
    }
    Ok(count)
}

/// Messages that count together or not at all.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    orders: usize,
}

impl Batch {
    fn edge(&mut self, kind: u16) {
        self.message(kind, libc::NLM_F_REQUEST, (libc::AF_UNSPEC, SUBSYSTEM), &[]);
    }

    fn order(&mut self, kind: u16, flags: libc::c_int, attributes: Attributes) {
        let flags = flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE;
        self.message(kind, flags, (libc::AF_INET, 0), &attributes.bytes);
        self.orders += 1;
    }

    fn chain(&mut self, name: &str, kind: &str, hook: u32, priority: i32) {
        let mut at = Attributes::default();
        at.number(1, hook).number(2, priority.cast_unsigned());
        let mut chain = Attributes::default();
        chain
            .text(1, TABLE)
            .text(3, name)
            .nest(4, &at)
            .text(7, kind);
        self.order(NEW_CHAIN, 0, chain);
    }

    /// A rule: what it does where the keys have these values.
    fn rule(&mut self, chain: &str, conditions: &[(u32, u32)], does: &str) {
        let mut all = Attributes::default();
        for (key, value) in conditions {
            let mut meta = Attributes::default();
            meta.number(1, 1).number(2, *key);
            all.nest(1, &expression("meta", &meta));
            let mut wanted = Attributes::default();
            wanted.attribute(1, &value.to_ne_bytes());
            let mut compare = Attributes::default();
            compare.number(1, 1).number(2, 0).nest(3, &wanted);
            all.nest(1, &expression("cmp", &compare));
        }
        all.nest(1, &expression(does, &Attributes::default()));
        let mut rule = Attributes::default();
        rule.text(1, TABLE).text(2, chain).nest(4, &all);
        self.order(NEW_RULE, libc::NLM_F_APPEND, rule);
    }

    fn message(
        &mut self,
        kind: u16,
        flags: libc::c_int,
        (family, resource): (libc::c_int, u16),
        attributes: &[u8],
    ) {
        let len = u32::try_from(HEADER + 4 + attributes.len()).expect("messages here are short");
        let flags = u16::try_from(flags).expect("netlink flags have 16 bits");
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(flags.to_ne_bytes());
        self.bytes.extend([0; 8]);
        let family = u8::try_from(family).expect("an address family of 8 bits");
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        self.bytes.extend(attributes);
    }
}

/// An expression of a rule: its name, and what it needs.
fn expression(name: &str, data: &Attributes) -> Attributes {
    let mut expression = Attributes::default();
    expression.text(1, name);
    if !data.bytes.is_empty() {
        expression.nest(2, data);
    }
    expression
}

/// Attributes one behind the other. Numbers of nftables are in network byte order.
#[derive(Default)]
struct Attributes {
    bytes: Vec<u8>,
}

impl Attributes {
    fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let len = u16::try_from(4 + value.len()).expect("attributes here are short");
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    fn nest(&mut self, kind: u16, inner: &Self) -> &mut Self {
        let bytes = inner.bytes.clone();
        self.attribute(kind | NESTED, &bytes)
    }
}
