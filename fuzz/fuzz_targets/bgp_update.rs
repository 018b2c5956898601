#![no_main]
//! UPDATE bodies of anybody: attributes that pass are written and read again as the same.

use core::net::Ipv4Addr;

use bgp::wire::attributes::{Scan, Session};
use bgp::wire::update::Update;
use inet::Asn;
use libfuzzer_sys::fuzz_target;

// The first octet chooses the kind of session.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    let session = Session {
        external: kind & 1 != 0,
        four_octet: kind & 2 != 0,
        first_as: (kind & 4 != 0).then_some(Asn(65_001)),
        local_address: Ipv4Addr::new(10, 0, 0, 1),
        local_address_v6: None,
        add_path: [kind & 8 != 0, kind & 16 != 0],
        extended_next_hop: kind & 32 != 0,
        inside: false,
    };
    let Ok(update) = Update::parse(body, &session) else {
        return;
    };
    assert!(update.announced().count() + update.withdrawn().count() <= body.len());
    if update.treat_as_withdraw() || update.announced().is_empty() {
        return;
    }
    let scan = update.attributes();
    let attributes = scan.attributes(scan.next_hop());
    let block = attributes.encode(true);
    let again = Scan::new(&block, &Session::INSIDE);
    assert_eq!(again.fault(), None);
    assert_eq!(again.attributes(again.next_hop()), attributes);
});
