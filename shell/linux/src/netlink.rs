//! Interfaces, addresses and routes, by route netlink (rtnetlink(7)).
//!
//! A small encoder on a blocking socket: some ten kinds of message are all that Longhaul sends, and
//! the answer to each is an error number. Many route changes travel in one write.

mod links;
mod message;
mod rules;

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use inet::Prefix;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
    sockopt,
};

pub use links::LinkChanges;
use message::Message;
pub use rules::{Lookup, Rule};

/// Requests sent before their answers are read, so that the answers fit the socket's buffer.
const WINDOW: usize = 128;

/// What marks a route in the kernel's table, and tells whose it is (`ip route` shows `proto 76`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOwner {
    /// An SD-WAN node, and the lab that sets a device up.
    Node = 76,
    /// A plain BGP router.
    Router = 77,
}

/// A change of the routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChange {
    /// Destination.
    pub prefix: Prefix,
    /// Whose route it is.
    pub owner: RouteOwner,
    /// Metric; lower wins. Routes of equal prefix and metric replace each other.
    pub metric: u32,
    /// Where it leads from now on: flows are shared among several places, and discarded where there
    /// is none; `None` removes it.
    pub to: Option<Vec<RouteTo>>,
}

/// A place that a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteTo {
    /// Index of the interface.
    pub interface: u32,
    /// The next router, which is taken to be at the other end of the wire whatever the interface's
    /// prefix says; none is needed where the wire leads to one place only.
    pub gateway: Option<Ipv4Addr>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface's name.
    pub name: String,
    /// Its index.
    pub interface: u32,
    /// The address.
    pub address: Ipv4Addr,
    /// Length of the connected prefix.
    pub len: u8,
    /// Whether the interface is up and has a carrier.
    pub up: bool,
}

/// A conversation with the kernel about the network namespace in which it was opened.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        setsockopt(&socket, sockopt::RcvBuf, &(1 << 20))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// The index of an interface.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn interface(&mut self, name: &str) -> io::Result<u32> {
        let mut message = Message::get_link();
        message.text(libc::IFLA_IFNAME, name);
        self.request(message, &format!("interface {name}"))?
            .ok_or_else(|| io::Error::other("no answer about the interface"))
    }

    /// Sets an interface up, with `mtu` if given.
    ///
    /// # Errors
    ///
    /// No permission, or an MTU that the interface cannot have.
    pub fn set_up(&mut self, interface: u32, mtu: Option<u16>) -> io::Result<()> {
        let mut message = Message::set_link_up(interface);
        if let Some(mtu) = mtu {
            message.number(libc::IFLA_MTU, mtu.into());
        }
        self.order(message, "set interface up")
    }

    /// Sets how many packets may wait for an interface's wire, or for the process behind a TUN device
    /// (`txqueuelen` of ip-link(8)).
    ///
    /// # Errors
    ///
    /// No permission, or no such interface.
    pub fn set_queue_len(&mut self, interface: u32, packets: u32) -> io::Result<()> {
        let mut message = Message::change_link(interface);
        message.number(libc::IFLA_TXQLEN, packets);
        self.order(message, "set queue length")
    }

    /// Sets of how many octets a super-packet for an interface may be; what is larger is cut into packets before.
    ///
    /// # Errors
    ///
    /// No permission, no such interface, or more than its driver can take.
    pub fn set_super_packet(&mut self, interface: u32, octets: u32) -> io::Result<()> {
        let mut message = Message::change_link(interface);
        message.number(libc::IFLA_GSO_MAX_SIZE, octets);
        self.order(message, "set size of super-packets")
    }

    /// Sets of how many octets a super-packet may be that the kernel puts together from what comes in by an interface
    /// (Linux 5.19).
    ///
    /// # Errors
    ///
    /// No permission, no such interface, or an older kernel.
    pub fn set_received_super_packet(&mut self, interface: u32, octets: u32) -> io::Result<()> {
        let mut message = Message::change_link(interface);
        message.number(libc::IFLA_GRO_MAX_SIZE, octets);
        self.order(message, "set size of received super-packets")
    }

    /// Adds an address; one that is there already is fine.
    ///
    /// # Errors
    ///
    /// No permission, or no such interface.
    pub fn add_address(&mut self, interface: u32, address: Ipv4Addr, len: u8) -> io::Result<()> {
        let message = Message::address(true, interface, address, len);
        self.order(message, &format!("add address {address}/{len}"))
    }

    /// Removes an address; one that is not there is fine.
    ///
    /// # Errors
    ///
    /// No permission, or no such interface.
    pub fn remove_address(&mut self, interface: u32, address: Ipv4Addr, len: u8) -> io::Result<()> {
        let message = Message::address(false, interface, address, len);
        match self.order(message, &format!("remove address {address}/{len}")) {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(()),
            other => other,
        }
    }

    /// Makes route changes in order. A route that is there already, or gone already, is fine.
    ///
    /// # Errors
    ///
    /// That of the first change that failed; the others have been made nevertheless.
    pub fn change_routes(&mut self, changes: &[RouteChange]) -> io::Result<()> {
        let mut result = Ok(());
        for window in changes.chunks(WINDOW) {
            let mut bytes = Vec::new();
            let first = self.sequence.wrapping_add(1);
            for change in window {
                self.sequence = self.sequence.wrapping_add(1);
                bytes.extend(Message::route(change).finish(self.sequence));
            }
            send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
            let answers = self.answers(first, window.len())?;
            for (change, (error, _)) in window.iter().zip(answers) {
                let harmless = error == 0 || (change.to.is_none() && error == libc::ESRCH);
                if !harmless && result.is_ok() {
                    let what = if change.to.is_none() { "remove" } else { "add" };
                    result = Err(failure(error, &format!("{what} route {}", change.prefix)));
                }
            }
        }
        result
    }

    /// Removes all routes of an owner: those that a process left which did not live to do it.
    ///
    /// # Errors
    ///
    /// No permission.
    pub fn remove_routes(&mut self, owner: RouteOwner) -> io::Result<()> {
        let changes: Vec<RouteChange> = self
            .routes(owner)?
            .into_iter()
            .map(|(prefix, metric)| RouteChange {
                prefix,
                owner,
                metric,
                to: None,
            })
            .collect();
        self.change_routes(&changes)
    }

    /// The IPv4 addresses of all interfaces.
    ///
    /// # Errors
    ///
    /// Too little memory.
    pub fn addresses(&mut self) -> io::Result<Vec<InterfaceAddress>> {
        let mut up = BTreeSet::new();
        self.list(Message::dump_links(), "list interfaces", |kind| {
            if let message::AnswerKind::Link {
                interface,
                up: true,
            } = kind
            {
                up.insert(interface);
            }
        })?;
        let mut found = Vec::new();
        self.list(Message::dump_addresses(), "list addresses", |kind| {
            if let message::AnswerKind::Address(address) = kind {
                let up = up.contains(&address.interface);
                found.push(InterfaceAddress { up, ..address });
            }
        })?;
        Ok(found)
    }

    /// Prefix and metric of an owner's routes in the main table.
    ///
    /// # Errors
    ///
    /// Too little memory.
    pub fn routes(&mut self, owner: RouteOwner) -> io::Result<Vec<(Prefix, u32)>> {
        let mut found = Vec::new();
        self.list(Message::dump_routes(), "list routes", |kind| match kind {
            message::AnswerKind::Route {
                owner: of,
                prefix,
                metric,
            } if of == owner as u8 => found.push((prefix, metric)),
            _ => {}
        })?;
        Ok(found)
    }

    /// Asks for a list and hears all of it.
    fn list(
        &mut self,
        question: Message,
        what: &str,
        mut hear: impl FnMut(message::AnswerKind),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = question.finish(self.sequence);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let len = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let answers = message::answers(buffer.get(..len).unwrap_or_default());
            for answer in answers.filter(|answer| answer.sequence == self.sequence) {
                match answer.kind {
                    message::AnswerKind::Acknowledged { error: 0 } | message::AnswerKind::Done => {
                        return Ok(());
                    }
                    message::AnswerKind::Acknowledged { error } => {
                        return Err(failure(error, what));
                    }
                    kind => hear(kind),
                }
            }
        }
    }

    fn send(&self, message: Message) -> io::Result<()> {
        let bytes = message.finish(self.sequence);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// Sends one message and waits for its acknowledgement.
    fn order(&mut self, message: Message, what: &str) -> io::Result<()> {
        self.request(message, what).map(drop)
    }

    /// Sends one message and waits for its acknowledgement; the interface index that an answer
    /// carried, if one came.
    fn request(&mut self, message: Message, what: &str) -> io::Result<Option<u32>> {
        self.sequence = self.sequence.wrapping_add(1);
        self.send(message)?;
        match self.answers(self.sequence, 1)?.first() {
            Some((0, interface)) => Ok(*interface),
            Some((error, _)) => Err(failure(*error, what)),
            None => Err(io::Error::other("no answer from the kernel")),
        }
    }

    /// Reads the acknowledgements of `count` requests from sequence number `first` on: error
    /// number and interface index of each.
    fn answers(&self, first: u32, count: usize) -> io::Result<Vec<(i32, Option<u32>)>> {
        let mut answers = vec![(0, None); count];
        let mut missing = count;
        let mut buffer = vec![0; 32 * 1024];
        while missing > 0 {
            let len = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            for answer in message::answers(buffer.get(..len).unwrap_or_default()) {
                let index = answer.sequence.wrapping_sub(first) as usize;
                let Some(slot) = answers.get_mut(index) else {
                    continue;
                };
                match answer.kind {
                    message::AnswerKind::Acknowledged { error } => {
                        slot.0 = error;
                        missing = missing.saturating_sub(1);
                    }
                    message::AnswerKind::Link { interface, .. } => slot.1 = Some(interface),
                    message::AnswerKind::Address(_)
                    | message::AnswerKind::Done
                    | message::AnswerKind::Route { .. } => {}
                }
            }
        }
        Ok(answers)
    }
}

fn failure(error: i32, what: &str) -> io::Error {
    let cause = io::Error::from_raw_os_error(error);
    io::Error::new(cause.kind(), format!("{what}: {cause}"))
}
