//! Policy rules and tables beside the main one (ip-rule(8)), for what comes in by one interface.

use std::io;

use super::message::Message;
use super::{Netlink, RouteChange, failure};

/// A rule for packets that come in by an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The interface's name: the rule may outlive it.
    pub interface: String,
    /// Lower goes first; the main table has 32766.
    pub priority: u32,
    /// Where they are looked up.
    pub lookup: Lookup,
}

/// Where packets are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// In the main table, but a default route does not count.
    MainWithoutDefault,
    /// In this table.
    Table(u8),
    /// Nowhere: they are unreachable.
    Unreachable,
}

impl Netlink {
    /// Adds a rule; one that is there already is fine.
    ///
    /// # Errors
    ///
    /// No permission, or a kernel without policy routing.
    pub fn add_rule(&mut self, rule: &Rule) -> io::Result<()> {
        let what = format!("add rule for {}", rule.interface);
        match self.order(Message::rule(rule), &what) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Makes a route change in another table than the main one. A route that is gone already is fine.
    ///
    /// # Errors
    ///
    /// No permission, or no such interface.
    pub fn change_route_in(&mut self, table: u8, change: &RouteChange) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = Message::route(change).in_table(table);
        self.send(message)?;
        match self.answers(self.sequence, 1)?.first() {
            Some((0, _)) => Ok(()),
            Some((libc::ESRCH, _)) if change.to.is_none() => Ok(()),
            Some((error, _)) => Err(failure(*error, &format!("change route {}", change.prefix))),
            None => Err(io::Error::other("no answer from the kernel")),
        }
    }
}
