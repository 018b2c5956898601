//! What only shows inside: keys that have sealed enough.

use super::*;
use crate::extension::{Offer, Secrets};

const PEER: PeerId = PeerId(0);
const NOW: Instant = Instant::from_secs(1);

/// Lanes with a peer and AES keys.
fn lanes() -> Lanes {
    let mut lanes = Lanes::new(0, 1, 1_420, 1);
    let offer = Offer {
        aes: true,
        shards: 1,
    };
    let install = Install {
        id: PEER,
        local_index: 0x100,
        remote_index: 0x200,
        created: NOW,
        terms: offer.answer(offer),
        secrets: Secrets {
            send: [1; 32],
            receive: [2; 32],
        },
    };
    let peer = Kind::Peer {
        id: PEER,
        endpoint: Some("192.0.2.1:1".parse().expect("an address")),
        roams: true,
        plain_lane: None,
    };
    for kind in [
        peer,
        Kind::Install(Box::new(install)),
        Kind::Use(PEER, 0x100),
    ] {
        lanes.apply(NOW, Change(kind), &mut Vec::new());
    }
    lanes
}

fn wear(lanes: &mut Lanes, used: u64) {
    let remote = lanes.remote_mut(PEER).expect("a peer");
    remote.pairs[0].lane(0).wear(used);
}

#[test]
fn keys_that_have_sealed_enough_are_reported_once_and_go_on_until_their_limit() {
    let mut lanes = lanes();
    lanes.report_every(Duration::from_secs(1));
    wear(&mut lanes, (1 << 34) - 1);
    let mut reports = 0;
    for _ in 0..3 {
        let mut sealer = lanes.sealer(NOW, PEER, 0).expect("keys");
        sealer.seal(&mut [0; 64], 32);
        drop(sealer);
        let used_up =
            |notice: &Notice| matches!(notice, Notice::Activity(activity) if activity.used_up);
        reports += lanes.notices().filter(used_up).count();
    }
    assert_eq!(reports, 1);
}

#[test]
fn keys_at_their_limit_seal_nothing_and_others_are_asked_for() {
    let mut lanes = lanes();
    wear(&mut lanes, 1 << 35);
    assert_eq!(lanes.sealer(NOW, PEER, 0).err(), Some(Unready::NoKeys));
    assert_eq!(lanes.notices().next(), Some(Notice::Wanted(PEER)));
}

#[test]
fn a_change_shows_no_keys() {
    let secrets = Secrets {
        send: [0xa5; 32],
        receive: [0xa5; 32],
    };
    let offer = Offer {
        aes: true,
        shards: 1,
    };
    let change = Change(Kind::Install(Box::new(Install {
        id: PEER,
        local_index: 1,
        remote_index: 2,
        created: NOW,
        terms: offer.answer(offer),
        secrets,
    })));
    assert_eq!(format!("{change:?}"), "Change(Install 0)");
}
