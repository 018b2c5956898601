//! Congestion marks and code points between a packet and the datagram around it (RFC 6040, RFC 2983).

use inet::packet::UDP;

use crate::overlay::{Overlay, Weather, is};
use crate::packets::{is_sound, payload, udp};

const ECT_0: u8 = 2;
const CE: u8 = 3;
/// Expedited forwarding.
const EF: u8 = 46;

#[test]
fn the_underlay_sees_a_packets_code_point_and_that_it_understands_congestion() {
    let overlay = Overlay::start(1500);
    for class in [0, EF << 2, EF << 2 | ECT_0, ECT_0, CE] {
        overlay.seen(0);
        overlay.near.send(&udp(1, class, 9, &[class; 1000]));
        let packet = overlay.far.receive("a datagram", |packet| is(packet, UDP));
        assert_eq!(packet[1], class, "of the packet that arrives");
        assert_eq!(overlay.seen(1000), [class], "of the datagram around it");
    }
}

#[test]
fn congestion_in_the_underlay_is_heard_where_it_can_be_and_is_a_loss_elsewhere() {
    let overlay = Overlay::start(1500);
    overlay.weather(Weather {
        congested: true,
        ..Weather::default()
    });
    overlay.near.send(&udp(1, ECT_0, 9, b"hears"));
    let packet = overlay
        .far
        .receive("a marked datagram", |packet| is(packet, UDP));
    assert_eq!(packet[1], CE);
    assert!(is_sound(&packet));
    overlay.near.send(&udp(1, 0, 9, b"is deaf"));
    assert!(overlay.far.stays_silent(|packet| is(packet, UDP)));
    overlay.weather(Weather::default());
    overlay.near.send(&udp(1, 0, 9, b"afterwards"));
    let packet = overlay.far.receive("a datagram", |packet| is(packet, UDP));
    assert_eq!((packet[1], &payload(&packet)[..]), (0, &b"afterwards"[..]));
}

#[test]
fn what_the_underlay_makes_of_code_points_stays_in_the_underlay() {
    let overlay = Overlay::start(1500);
    overlay.weather(Weather {
        dscp: Some(8),
        ..Weather::default()
    });
    overlay.near.send(&udp(1, EF << 2 | ECT_0, 9, b"voice"));
    let packet = overlay.far.receive("a datagram", |packet| is(packet, UDP));
    assert_eq!(packet[1], EF << 2 | ECT_0);
    assert!(is_sound(&packet));
}
