//! Eight senders with the same prefixes: equal paths, decided by the router ID, or paths of
//! different length.

use std::time::Duration;

use super::traffic::{self, Outgoing};
use super::{Arena, Conditions, DAEMON, Figures, announcer, monitor, sender};
use crate::Error;
use crate::daemon::Make;
use crate::monitor::{Expected, Monitor};
use crate::session::Session;
use crate::table::{Lengths, Sender, Table, Updates};

pub(super) const SENDERS: u8 = 8;
/// Prefixes with equal paths: what Route Server takes from a neighbour.
const EQUAL: usize = 4_000;
const REST: Duration = Duration::from_millis(500);

/// From the first octet until the monitor has the best path of every prefix for good.
pub(super) fn measure(
    make: Make,
    conditions: &Conditions<'_>,
    lengths: Lengths,
) -> Result<Figures, Error> {
    let count = match lengths {
        Lengths::Equal => EQUAL.min(conditions.prefixes),
        _ => conditions.prefixes / 2,
    };
    let table = Table::new(count, 2);
    let senders: Vec<Sender> = (0..SENDERS)
        .map(|number| announcer(number, 0, lengths))
        .collect();
    let updates: Vec<Updates> = senders.iter().map(|one| table.announce(one)).collect();
    let expected = Expected {
        table: &table,
        senders: &senders,
        best,
        daemon_as: DAEMON.asn,
        next_hop: monitor(0).far_end(),
    };
    let arena = Arena::new(make, conditions, SENDERS, 1)?;
    arena.explained(|| {
        let sources = (0..SENDERS).map(|number| arena.open(sender(number)));
        let sources: Vec<Session> = sources.collect::<Result<_, _>>()?;
        let mut listener = arena.open(monitor(0))?;
        std::thread::sleep(REST);
        let before = arena.daemon.usage();
        let outgoing = sources.iter().zip(&updates);
        let outgoing: Vec<Outgoing<'_>> = outgoing
            .map(|(session, updates)| Outgoing {
                stream: &session.stream,
                bytes: &updates.bytes,
            })
            .collect();
        let mut seen = Monitor::new(&expected);
        let wall = traffic::exchange(&outgoing, &mut listener, &mut seen, conditions.patience)?;
        let after = arena.daemon.usage();
        Ok(Figures::new(wall, before, after, seen.updates))
    })
}

/// The sender with the shortest path; of equal ones that with the lowest router ID, the first.
fn best(senders: &[Sender], set: usize) -> usize {
    match senders.first().map(|sender| sender.lengths) {
        Some(Lengths::Differ(count)) => (count - set % count) % count,
        _ => 0,
    }
}
