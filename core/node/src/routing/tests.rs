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
