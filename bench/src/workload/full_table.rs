//! A full table from one sender, a late joiner, and the table's withdrawal.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::traffic::{self, Outgoing};
use super::{Arena, Conditions, DAEMON, Figures, Measured, Workload, announcer, monitor, sender};
use crate::Error;
use crate::daemon::Make;
use crate::monitor::{Expected, Monitor};
use crate::session::Session;
use crate::table::{Lengths, Table};

/// A pause between two workloads, for what a daemon does afterwards.
const REST: Duration = Duration::from_millis(500);

/// All three with one start of the daemon.
pub(super) fn measure(make: Make, conditions: &Conditions<'_>) -> Measured {
    let mut measured = Measured::new();
    if let Err(error) = all(make, conditions, &mut measured) {
        let done = measured.len();
        let names = [
            Workload::FullTable,
            Workload::LateJoiner,
            Workload::Withdrawal,
        ];
        let text = error.to_string();
        let failed = |workload| (workload, Err(Error::Daemon(text.clone())));
        measured.extend(names.into_iter().skip(done).map(failed));
    }
    measured
}

fn all(make: Make, conditions: &Conditions<'_>, measured: &mut Measured) -> Result<(), Error> {
    let table = Table::new(conditions.prefixes, 1);
    let senders = [announcer(0, 0, Lengths::Table)];
    let updates = table.announce(&senders[0]);
    let expected = Expected {
        table: &table,
        senders: &senders,
        best: |_, _| 0,
        daemon_as: DAEMON.asn,
        next_hop: monitor(0).far_end(),
    };
    let arena = Arena::new(make, conditions, 1, 2)?;
    let (source, mut listener) =
        arena.explained(|| Ok((arena.open(sender(0))?, arena.open(monitor(0))?)))?;
    let mut seen = Monitor::new(&expected);
    std::thread::sleep(REST);

    let before = arena.daemon.usage();
    let outgoing = [Outgoing {
        stream: &source.stream,
        bytes: &updates.bytes,
    }];
    let wall = arena.explained(|| {
        let patience = conditions.patience;
        traffic::exchange(&outgoing, &mut listener, &mut seen, patience)
    })?;
    let figures = Figures::new(wall, before, arena.daemon.usage(), seen.updates);
    measured.push((Workload::FullTable, Ok(figures)));

    std::thread::sleep(REST);
    let late = arena.explained(|| late(&arena, &expected, conditions))?;
    measured.push((Workload::LateJoiner, Ok(late)));

    std::thread::sleep(REST);
    let drop = arena.explained(|| {
        withdrawal(
            &arena,
            source,
            &mut listener,
            &mut seen,
            conditions.patience,
        )
    })?;
    measured.push((Workload::Withdrawal, Ok(drop)));
    Ok(())
}

fn late(
    arena: &Arena,
    expected: &Expected<'_>,
    conditions: &Conditions<'_>,
) -> Result<Figures, Error> {
    let before = arena.daemon.usage();
    let mut session = arena.open(monitor(1))?;
    let start = Instant::now();
    let mut seen = Monitor::new(expected);
    let lost = AtomicBool::new(false);
    let goal = |seen: &Monitor<'_>| seen.is_right();
    let reached = traffic::watch(&mut session, &mut seen, &goal, &lost, conditions.patience)?;
    let wall = reached.saturating_duration_since(start);
    Ok(Figures::new(
        wall,
        before,
        arena.daemon.usage(),
        seen.updates,
    ))
}

fn withdrawal(
    arena: &Arena,
    source: Session,
    listener: &mut Session,
    seen: &mut Monitor<'_>,
    patience: Duration,
) -> Result<Figures, Error> {
    let before = arena.daemon.usage();
    let updates = seen.updates;
    let start = Instant::now();
    drop(source);
    let lost = AtomicBool::new(false);
    let goal = |seen: &Monitor<'_>| seen.present == 0;
    let reached = traffic::watch(listener, seen, &goal, &lost, patience)?;
    let wall = reached.saturating_duration_since(start);
    let updates = seen.updates - updates;
    Ok(Figures::new(wall, before, arena.daemon.usage(), updates))
}
