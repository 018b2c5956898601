//! wireguard-go and boringtun as plain WireGuard peers of our node: either side starts, transfers
//! survive new keys, roaming of either side and the death of either side, and no octet is wrong.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use crate::plain::{Initiator, OURS, Peer, Plain, Way};

/// Large enough for the window to open, for cut and joined packets both ways.
const OCTETS: usize = 64 << 20;
/// How long a transfer lasts in which something happens.
const EVENTFUL: Duration = Duration::from_secs(6);
/// Between two events.
const PAUSE: Duration = Duration::from_secs(1);
/// WireGuard's REKEY_AFTER_TIME, and some.
const REKEYED: Duration = Duration::from_secs(126);

#[test]
fn wireguard_go_and_our_node_exchange_data_whoever_starts() {
    exchange(Peer::WireguardGo, "go");
}

#[test]
fn boringtun_and_our_node_exchange_data_whoever_starts() {
    exchange(Peer::Boringtun, "bt");
}

#[test]
fn transfers_with_wireguard_go_survive_keys_roaming_and_deaths() {
    events(Peer::WireguardGo, "ge");
}

#[test]
fn transfers_with_boringtun_survive_keys_roaming_and_deaths() {
    events(Peer::Boringtun, "be");
}

#[test]
fn keys_change_after_two_minutes_under_load_without_harm() {
    let ends = [(Peer::WireguardGo, "gk"), (Peer::Boringtun, "bk")]
        .map(|(peer, name)| Plain::new(peer, Initiator::Us, name));
    let transfers = ends
        .each_ref()
        .map(|plain| [Way::ToThem, Way::ToUs].map(|way| plain.transfer(way, 4 * OCTETS, REKEYED)));
    for (plain, transfers) in ends.iter().zip(transfers) {
        transfers
            .into_iter()
            .for_each(|transfer| transfer.arrives(plain));
    }
    for plain in &ends {
        let age = plain.since_handshake();
        assert!(age < REKEYED / 2, "the keys are those of {age:?} ago");
    }
}

fn exchange(peer: Peer, name: &str) {
    for initiator in [Initiator::Us, Initiator::Them] {
        let plain = Plain::new(peer, initiator, name);
        for way in [Way::ToThem, Way::ToUs] {
            let transfer = plain.transfer(way, OCTETS, Duration::ZERO);
            transfer.arrives(&plain);
        }
        let both = [Way::ToThem, Way::ToUs].map(|way| plain.transfer(way, OCTETS, Duration::ZERO));
        both.into_iter()
            .for_each(|transfer| transfer.arrives(&plain));
    }
}

fn events(peer: Peer, name: &str) {
    let mut plain = Plain::new(peer, Initiator::Them, name);
    let start =
        |plain: &Plain| [Way::ToThem, Way::ToUs].map(|way| plain.transfer(way, OCTETS, EVENTFUL));
    let finish = |plain: &Plain, transfers: [_; 2]| {
        for transfer in transfers {
            crate::plain::Transfer::arrives(transfer, plain);
        }
    };

    let transfers = start(&plain);
    for _ in 0..4 {
        thread::sleep(PAUSE);
        plain.rekey();
    }
    finish(&plain, transfers);

    let transfers = start(&plain);
    thread::sleep(PAUSE);
    plain.peer_roams();
    thread::sleep(PAUSE);
    plain.roam(&plain.ours, OURS, Ipv4Addr::new(198, 18, 1, 11));
    finish(&plain, transfers);
    plain.roam(&plain.ours, Ipv4Addr::new(198, 18, 1, 11), OURS);

    let transfers = start(&plain);
    thread::sleep(PAUSE);
    plain.kill_node();
    plain.start_node();
    thread::sleep(PAUSE);
    plain.kill_peer();
    plain.start_peer();
    finish(&plain, transfers);
}
