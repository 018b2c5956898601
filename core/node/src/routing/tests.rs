//! The routing policy, read off the settings that a node's speaker gets.

use bgp::ConnectMode;

use super::*;
use crate::stub;

#[test]
fn an_origin_reads_as_the_site_of_origin_of_rfc_4360() {
    let value = origin_community(Asn(65_010), 3, Kind::Vnet);
    assert_eq!(value.to_be_bytes(), [0x00, 0x03, 0xfd, 0xf2, 0, 0, 3, 2]);
}

#[test]
fn exactly_one_end_of_every_link_calls() {
    let mut west = stub::nva("nva1.west", 1, 1);
    let mut east = stub::nva("nva1.east", 2, 2);
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.1.0.0/24");
    stub::link(&mut west, &mut east, (LinkRole::Hub, LinkRole::Hub));
    stub::link(&mut cpe, &mut west, (LinkRole::HomeHub, LinkRole::HomeSite));
    let passive = |config| {
        let settings = Settings::new(config, &stub::secrets(config)).expect("good");
        let neighbors = Routing::new(&settings).settings.neighbors;
        neighbors
            .into_iter()
            .map(|neighbor| neighbor.connect == ConnectMode::Passive)
            .collect::<Vec<_>>()
    };
    assert_eq!(passive(&west), [false, true]);
    assert_eq!(passive(&east), [true]);
    assert_eq!(passive(&cpe), [false]);
}

#[test]
fn only_what_a_hub_marks_so_is_an_introduction() {
    let settings = Settings::new(
        &stub::nva("nva1.west", 1, 7),
        &stub::secrets(&stub::nva("nva1.west", 1, 7)),
    );
    let settings = settings.expect("good");
    let is_one = |origins: &[u64]| {
        let mut attributes = bgp::Attributes::new(settings.loopback);
        attributes.ext_communities = origins.to_vec();
        policy::is_introduction(&settings, &attributes)
    };
    let of = |overlay, kind| origin_community(overlay, 7, kind);
    assert!(is_one(&[of(stub::OVERLAY, Kind::Introduction)]));
    assert!(!is_one(&[]));
    assert!(
        !is_one(&[of(stub::OVERLAY, Kind::Site)]),
        "what hubs make of all that sites say"
    );
    assert!(!is_one(&[of(Asn(64_999), Kind::Introduction)]));
}
