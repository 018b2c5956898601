//! Connections that others began: which of them a tunnel uses, and how long the others may stay.

use core::net::SocketAddrV4;
use core::time::Duration;
use std::collections::BTreeMap;

use inet::Instant;

use crate::Connection;

/// How long a connection may stay that no tunnel uses: some round trips for a handshake, also of one that is called only
/// when the first came to nothing, and for a peer that has gone to UDP and may come back.
const UNUSED: Duration = Duration::from_secs(15);
/// Connections beside those that tunnels use. Strangers that take them all keep new peers away until they are sent off,
/// and no longer.
pub const GUESTS_MAX: usize = 256;

/// Connections that others began, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Guests {
    by_number: BTreeMap<u32, Guest>,
    /// Which connection each path's datagrams go to.
    used_by: BTreeMap<u32, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Guest {
    remote: SocketAddrV4,
    /// Paths that use it.
    users: u32,
    /// Since when none does.
    unused_since: Instant,
}

impl Guests {
    /// Somebody connected from there; `false` when there are too many and the connection is to be closed.
    #[must_use]
    pub fn accept(&mut self, now: Instant, number: u32, remote: SocketAddrV4) -> bool {
        let unused = self.by_number.values().filter(|guest| guest.users == 0);
        if unused.count() >= GUESTS_MAX {
            return false;
        }
        // What came over it may have been heard before.
        let users = self.used_by.values().filter(|used| **used == number);
        let guest = Guest {
            remote,
            users: users.count() as u32,
            unused_since: now,
        };
        self.by_number.insert(number, guest).is_none()
    }

    /// A connection ended by itself.
    pub fn closed(&mut self, number: u32) {
        self.by_number.remove(&number);
    }

    /// The datagrams of a path go to another place from now on.
    pub fn moved(&mut self, now: Instant, path: u32, to: Option<Connection>) {
        let to = match to {
            Some(Connection::Accepted(number)) => Some(number),
            Some(Connection::Called(_)) | None => None,
        };
        let before = match to {
            Some(number) => self.used_by.insert(path, number),
            None => self.used_by.remove(&path),
        };
        if before == to {
            return;
        }
        if let Some(guest) = before.and_then(|number| self.by_number.get_mut(&number)) {
            guest.users = guest.users.saturating_sub(1);
            guest.unused_since = now;
        }
        if let Some(guest) = to.and_then(|number| self.by_number.get_mut(&number)) {
            guest.users += 1;
        }
    }

    /// Takes out connections that nobody uses any more: they are to be closed.
    pub fn leave(&mut self, now: Instant) -> Vec<u32> {
        let is_over = |guest: &Guest| guest.users == 0 && guest.unused_since + UNUSED <= now;
        let over = self.by_number.iter().filter(|(_, guest)| is_over(guest));
        let over: Vec<u32> = over.map(|(number, _)| *number).collect();
        for number in &over {
            self.by_number.remove(number);
        }
        over
    }

    /// When [`Self::leave`] has something to say.
    pub fn wake(&self) -> Option<Instant> {
        let unused = self.by_number.values().filter(|guest| guest.users == 0);
        unused.map(|guest| guest.unused_since + UNUSED).min()
    }

    /// Where a connection comes from.
    pub fn remote(&self, number: u32) -> Option<SocketAddrV4> {
        Some(self.by_number.get(&number)?.remote)
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::ZERO;
    const REMOTE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 1);

    #[test]
    fn a_stranger_is_sent_off_and_a_peer_stays() {
        let mut guests = Guests::default();
        assert!(guests.accept(START, 1, REMOTE) && guests.accept(START, 2, REMOTE));
        guests.moved(START, 7, Some(Connection::Accepted(2)));
        let due = guests.wake().expect("of the stranger");
        assert_eq!(guests.leave(due), [1]);
        assert_eq!((guests.wake(), guests.len()), (None, 1));
        // The peer goes to UDP: its connection is not needed any more.
        let later = Instant::from_secs(100);
        guests.moved(later, 7, None);
        assert!(guests.leave(later).is_empty());
        assert_eq!(guests.leave(later + UNUSED), [2]);
        assert!(guests.is_empty());
    }

    #[test]
    fn a_connection_that_is_used_before_it_is_announced_stays() {
        let mut guests = Guests::default();
        guests.moved(START, 7, Some(Connection::Accepted(1)));
        assert!(guests.accept(START, 1, REMOTE));
        assert_eq!(guests.wake(), None);
    }

    #[test]
    fn a_peer_that_calls_again_leaves_its_old_connection() {
        let mut guests = Guests::default();
        assert!(guests.accept(START, 1, REMOTE) && guests.accept(START, 2, REMOTE));
        guests.moved(START, 7, Some(Connection::Accepted(1)));
        guests.moved(START, 7, Some(Connection::Accepted(2)));
        guests.closed(1);
        guests.moved(START, 7, Some(Connection::Accepted(2)));
        assert_eq!((guests.wake(), guests.len()), (None, 1));
    }

    #[test]
    fn strangers_cannot_take_the_place_of_more_than_there_is_room_for() {
        let mut guests = Guests::default();
        let fitting = (0..1_000).filter(|number| guests.accept(START, *number, REMOTE));
        assert_eq!(fitting.count(), GUESTS_MAX);
        guests.moved(START, 1, Some(Connection::Accepted(0)));
        assert!(
            guests.accept(START, 2_000, REMOTE),
            "a peer takes no stranger's place"
        );
        assert!(!guests.accept(START, 2_001, REMOTE));
        assert_eq!(guests.leave(START + UNUSED).len(), GUESTS_MAX);
        assert!(guests.accept(START + UNUSED, 3_000, REMOTE));
    }
}
