//! A monitor believes nothing but the right table.

use std::net::Ipv4Addr;

use super::*;
use crate::session::Neighbor;
use crate::table::{Lengths, write_attributes};

const DAEMON: Neighbor = Neighbor {
    address: Ipv4Addr::new(10, 99, 0, 1),
    asn: 65_000,
};
const SENDER: Sender = Sender {
    number: 0,
    asn: 64_601,
    address: Ipv4Addr::new(10, 99, 1, 1),
    lengths: Lengths::Table,
};

/// What a daemon tells of a table, a UPDATE for each prefix; `hop` is the next hop that it sets.
fn told(table: &Table, hop: Ipv4Addr) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..table.len() {
        let set = table.set_of(number);
        let path = std::iter::once(DAEMON.asn).chain(table.path(&SENDER, set));
        let path: Vec<u32> = path.collect();
        let (address, len) = table.index().prefix(number);
        wire::message(&mut bytes, wire::UPDATE, |out| {
            out.extend([0, 0]);
            write_attributes(out, &path, hop, table.communities(set));
            wire::prefix(out, address, len);
        });
    }
    bytes
}

fn with_monitor(check: impl FnOnce(&Table, Monitor<'_>)) {
    let table = Table::new(500, 1);
    let expected = Expected {
        table: &table,
        senders: &[SENDER],
        best: |_, _| 0,
        daemon_as: DAEMON.asn,
        next_hop: DAEMON.address,
    };
    check(&table, Monitor::new(&expected));
}

#[test]
fn a_table_is_right_however_the_octets_are_cut() {
    for cut in [1, 7, 19, 20, 100, 5_000, 1 << 20] {
        with_monitor(|table, mut monitor| {
            for bytes in told(table, DAEMON.address).chunks(cut) {
                assert!(monitor.feed(bytes, Instant::now()));
            }
            assert!(monitor.is_right(), "{cut}");
            assert_eq!((monitor.updates, monitor.fault), (500, None));
        });
    }
}

#[test]
fn a_wrong_next_hop_is_a_fault() {
    with_monitor(|table, mut monitor| {
        monitor.feed(&told(table, SENDER.address), Instant::now());
        assert!(monitor.fault.is_some());
    });
}

#[test]
fn a_withdrawn_prefix_is_missing() {
    with_monitor(|table, mut monitor| {
        monitor.feed(&told(table, DAEMON.address), Instant::now());
        let (address, len) = table.index().prefix(9);
        let mut bytes = Vec::new();
        wire::message(&mut bytes, wire::UPDATE, |out| {
            out.extend([0, len.div_ceil(8) + 1]);
            wire::prefix(out, address, len);
            out.extend([0, 0]);
        });
        monitor.feed(&bytes, Instant::now());
        assert_eq!((monitor.present, monitor.right), (499, 499));
    });
}

#[test]
fn a_notification_ends_the_session() {
    with_monitor(|_, mut monitor| {
        let mut bytes = Vec::new();
        wire::message(&mut bytes, wire::NOTIFICATION, |out| out.extend([6, 4]));
        assert!(!monitor.feed(&bytes, Instant::now()));
    });
}
