//! Encoding of requests and reading of answers: header, fixed part, attributes, in host byte order
//! (netlink(7), rtnetlink(7)).

use std::net::Ipv4Addr;

use inet::Prefix;

use super::{InterfaceAddress, Lookup, RouteChange, RouteTo, Rule};

/// Octets of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct ifinfomsg`.
const LINK: usize = 16;
/// Octets of `struct rtmsg`.
const ROUTE: usize = 12;
/// What a rule does, and its attributes (`linux/fib_rules.h`).
const FR_ACT_TO_TBL: u8 = 1;
const FR_ACT_UNREACHABLE: u8 = 7;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
/// Where the table stands in it.
const ROUTE_TABLE: usize = 4;
/// `struct ifaddrmsg`.
const ADDRESS: usize = 8;
/// `struct rtnexthop`.
const NEXT_HOP: usize = 8;
/// Flags of an interface that its operator wants up and that has a carrier (`IFF_LOWER_UP`).
const UP: u32 = libc::IFF_UP.cast_unsigned() | 1 << 16;
/// The gateway is at the other end of the wire (`linux/rtnetlink.h`).
const RTNH_F_ONLINK: u8 = 4;

/// A request in the making.
pub(super) struct Message {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Message {
    fn new(kind: u16, flags: libc::c_int, body: Vec<u8>) -> Self {
        let flags = flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK;
        Self {
            kind,
            flags: u16::try_from(flags).expect("netlink flags have 16 bits"),
            body,
        }
    }

    /// Asks for an interface; an attribute says which.
    pub(super) fn get_link() -> Self {
        Self::new(libc::RTM_GETLINK, 0, vec![0; LINK])
    }

    /// Sets an interface up.
    pub(super) fn set_link_up(interface: u32) -> Self {
        let up = u32::try_from(libc::IFF_UP).expect("a flag");
        let mut body = vec![0; 4];
        body.extend(interface.to_ne_bytes());
        body.extend(up.to_ne_bytes());
        body.extend(up.to_ne_bytes());
        Self::new(libc::RTM_NEWLINK, 0, body)
    }

    /// Changes what attributes say of an interface.
    pub(super) fn change_link(interface: u32) -> Self {
        let mut body = vec![0; LINK];
        if let Some(index) = body.get_mut(4..8) {
            index.copy_from_slice(&interface.to_ne_bytes());
        }
        Self::new(libc::RTM_NEWLINK, 0, body)
    }

    /// Adds or removes an address.
    pub(super) fn address(add: bool, interface: u32, address: Ipv4Addr, len: u8) -> Self {
        let mut body = vec![family(), len, 0, 0];
        body.extend(interface.to_ne_bytes());
        let mut message = if add {
            Self::new(
                libc::RTM_NEWADDR,
                libc::NLM_F_CREATE | libc::NLM_F_REPLACE,
                body,
            )
        } else {
            Self::new(libc::RTM_DELADDR, 0, body)
        };
        message.attribute(libc::IFA_LOCAL, &address.octets());
        message.attribute(libc::IFA_ADDRESS, &address.octets());
        message
    }

    /// Adds, replaces or removes a route.
    pub(super) fn route(change: &RouteChange) -> Self {
        let replace = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        let to = change.to.as_deref().unwrap_or_default();
        let on_wire = to.iter().all(|to| to.gateway.is_none());
        let (kind, flags, scope, route_type) = match &change.to {
            // "Nowhere" and "unspecified" match whatever the route has.
            None => (
                libc::RTM_DELROUTE,
                0,
                libc::RT_SCOPE_NOWHERE,
                libc::RTN_UNSPEC,
            ),
            Some(to) if to.is_empty() => (
                libc::RTM_NEWROUTE,
                replace,
                libc::RT_SCOPE_UNIVERSE,
                libc::RTN_BLACKHOLE,
            ),
            Some(_) => (
                libc::RTM_NEWROUTE,
                replace,
                if on_wire {
                    libc::RT_SCOPE_LINK
                } else {
                    libc::RT_SCOPE_UNIVERSE
                },
                libc::RTN_UNICAST,
            ),
        };
        let mut body = vec![
            family(),
            change.prefix.len(),
            0,
            0,
            libc::RT_TABLE_MAIN,
            change.owner as u8,
            scope,
            route_type,
        ];
        let one = match to {
            [one] => Some(*one),
            _ => None,
        };
        body.extend(u32::from(flags_of(one.and_then(|to| to.gateway))).to_ne_bytes());
        let mut message = Self::new(kind, flags, body);
        message.attribute(libc::RTA_DST, &change.prefix.address().octets());
        message.number(libc::RTA_PRIORITY, change.metric);
        match to {
            [] => {}
            [to] => {
                message.number(libc::RTA_OIF, to.interface);
                if let Some(gateway) = to.gateway {
                    message.attribute(libc::RTA_GATEWAY, &gateway.octets());
                }
            }
            several => message.attribute(libc::RTA_MULTIPATH, &next_hops(several)),
        }
        message
    }

    /// The same route in another table than the main one.
    pub(super) fn in_table(mut self, table: u8) -> Self {
        self.body[ROUTE_TABLE] = table;
        self
    }

    /// Adds a policy rule that is not there yet.
    pub(super) fn rule(rule: &Rule) -> Self {
        let (table, action) = match rule.lookup {
            Lookup::MainWithoutDefault => (libc::RT_TABLE_MAIN, FR_ACT_TO_TBL),
            Lookup::Table(table) => (table, FR_ACT_TO_TBL),
            Lookup::Unreachable => (0, FR_ACT_UNREACHABLE),
        };
        let body = vec![family(), 0, 0, 0, table, 0, 0, action, 0, 0, 0, 0];
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let mut message = Self::new(libc::RTM_NEWRULE, flags, body);
        message.text(FRA_IIFNAME, &rule.interface);
        message.number(FRA_PRIORITY, rule.priority);
        if rule.lookup == Lookup::MainWithoutDefault {
            message.number(FRA_SUPPRESS_PREFIXLEN, 0);
        }
        message
    }

    /// Asks for all IPv4 routes.
    pub(super) fn dump_routes() -> Self {
        let mut body = vec![0; ROUTE];
        body[0] = family();
        Self::new(libc::RTM_GETROUTE, libc::NLM_F_DUMP, body)
    }

    /// Asks for all interfaces.
    pub(super) fn dump_links() -> Self {
        Self::new(libc::RTM_GETLINK, libc::NLM_F_DUMP, vec![0; LINK])
    }

    /// Asks for all IPv4 addresses.
    pub(super) fn dump_addresses() -> Self {
        let mut body = vec![0; ADDRESS];
        body[0] = family();
        Self::new(libc::RTM_GETADDR, libc::NLM_F_DUMP, body)
    }

    /// Appends a 32-bit number.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    /// Appends a text, which the kernel wants to end with a zero octet.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes);
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let len = u16::try_from(4 + value.len()).expect("attributes here are short");
        self.body.extend(len.to_ne_bytes());
        self.body.extend(kind.to_ne_bytes());
        self.body.extend(value);
        self.body.resize(self.body.len().next_multiple_of(4), 0);
    }

    /// The octets to send.
    pub(super) fn finish(self, sequence: u32) -> Vec<u8> {
        let len = u32::try_from(HEADER + self.body.len()).expect("messages here are short");
        let mut bytes = Vec::with_capacity(HEADER + self.body.len());
        bytes.extend(len.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.body);
        bytes
    }
}

/// The places that flows are shared among, each a `struct rtnexthop` with its attribute.
fn next_hops(several: &[RouteTo]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for RouteTo { interface, gateway } in several {
        let len = NEXT_HOP + gateway.map_or(0, |_| 8);
        bytes.extend(u16::try_from(len).expect("a short struct").to_ne_bytes());
        bytes.push(flags_of(*gateway));
        // A weight of 1, which the kernel writes as 0.
        bytes.push(0);
        bytes.extend(interface.to_ne_bytes());
        if let Some(gateway) = gateway {
            bytes.extend(8_u16.to_ne_bytes());
            bytes.extend(libc::RTA_GATEWAY.to_ne_bytes());
            bytes.extend(gateway.octets());
        }
    }
    bytes
}

fn flags_of(gateway: Option<Ipv4Addr>) -> u8 {
    gateway.map_or(0, |_| RTNH_F_ONLINK)
}

fn family() -> u8 {
    u8::try_from(libc::AF_INET).expect("an address family of 8 bits")
}

/// One message from the kernel.
pub(super) struct Answer {
    pub(super) sequence: u32,
    pub(super) kind: AnswerKind,
}

/// What it says.
pub(super) enum AnswerKind {
    /// The end of a request: 0 or an error number.
    Acknowledged { error: i32 },
    /// An interface, and whether it is up and has a carrier.
    Link { interface: u32, up: bool },
    /// A route of the main table.
    Route {
        owner: u8,
        prefix: Prefix,
        metric: u32,
    },
    /// An address.
    Address(InterfaceAddress),
    /// The end of a list.
    Done,
}

/// The messages in a datagram from the kernel, those of no interest left out.
pub(super) fn answers(mut bytes: &[u8]) -> impl Iterator<Item = Answer> {
    std::iter::from_fn(move || {
        loop {
            let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
            let message = bytes.get(..len).filter(|message| message.len() >= HEADER)?;
            bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
            if let Some(answer) = answer(message) {
                return Some(answer);
            }
        }
    })
}

fn answer(message: &[u8]) -> Option<Answer> {
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    let kind = match kind {
        libc::RTM_NEWLINK => AnswerKind::Link {
            interface: u32_at(message, HEADER + 4)?,
            up: u32_at(message, HEADER + 8)? & UP == UP,
        },
        libc::RTM_NEWROUTE => route(message.get(HEADER..)?)?,
        libc::RTM_NEWADDR => AnswerKind::Address(address(message.get(HEADER..)?)?),
        kind if libc::c_int::from(kind) == libc::NLMSG_ERROR => AnswerKind::Acknowledged {
            error: -u32_at(message, HEADER)?.cast_signed(),
        },
        kind if libc::c_int::from(kind) == libc::NLMSG_DONE => AnswerKind::Done,
        _ => return None,
    };
    Some(Answer {
        sequence: u32_at(message, 8)?,
        kind,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A route of the main table: `struct rtmsg` and its attributes.
fn route(body: &[u8]) -> Option<AnswerKind> {
    let &[_, len, _, _, table, owner, ..] = body else {
        return None;
    };
    let (mut address, mut metric) = (Ipv4Addr::UNSPECIFIED, 0);
    for (kind, value) in attributes(body.get(ROUTE..)?) {
        match kind {
            libc::RTA_DST => address = <[u8; 4]>::try_from(value).ok()?.into(),
            libc::RTA_PRIORITY => metric = u32_at(value, 0)?,
            _ => {}
        }
    }
    (table == libc::RT_TABLE_MAIN).then_some(AnswerKind::Route {
        owner,
        prefix: Prefix::new(address, len)?,
        metric,
    })
}

/// An address: `struct ifaddrmsg` and its attributes.
fn address(body: &[u8]) -> Option<InterfaceAddress> {
    let mut found = InterfaceAddress {
        name: String::new(),
        interface: u32_at(body, 4)?,
        address: Ipv4Addr::UNSPECIFIED,
        len: *body.get(1)?,
        up: false,
    };
    for (kind, value) in attributes(body.get(ADDRESS..)?) {
        match kind {
            libc::IFA_LOCAL => found.address = <[u8; 4]>::try_from(value).ok()?.into(),
            libc::IFA_LABEL => {
                let text = value.strip_suffix(&[0]).unwrap_or(value);
                found.name = String::from_utf8_lossy(text).into_owned();
            }
            _ => {}
        }
    }
    Some(found)
}

/// Kind and value of each attribute.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let &[a, b, c, d, ..] = bytes else {
            return None;
        };
        let size = usize::from(u16::from_ne_bytes([a, b]));
        let value = bytes.get(4..size)?;
        bytes = bytes.get(size.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([c, d]), value))
    })
}

#[cfg(test)]
mod tests {
    use super::{AnswerKind, answers};

    #[test]
    fn truncated_answers_end_the_reading() {
        assert_eq!(answers(&[]).count(), 0);
        assert_eq!(answers(&[16, 0, 0]).count(), 0);
        let mut bytes = [0; 36];
        bytes[0] = 40;
        assert_eq!(answers(&bytes).count(), 0);
        bytes[0] = 0;
        assert_eq!(answers(&bytes).count(), 0);
    }

    #[test]
    fn an_error_number_is_found_behind_its_sequence_number() {
        let mut bytes = [0; 36];
        bytes[0] = 36;
        bytes[4] = 2;
        bytes[8] = 7;
        bytes[16..20].copy_from_slice(&(-17_i32).to_ne_bytes());
        let found: Vec<_> = answers(&bytes).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sequence, 7);
        assert!(matches!(
            found[0].kind,
            AnswerKind::Acknowledged { error: 17 }
        ));
    }
}
