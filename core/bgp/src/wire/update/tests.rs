//! UPDATE messages: round trips, packing, every truncation, and RFC 7606 clause by clause.

use core::net::Ipv4Addr;

use inet::Asn;

use super::*;

fn session() -> Session {
    Session {
        external: true,
        four_octet: true,
        first_as: Some(Asn(65_010)),
        local_address: Ipv4Addr::new(10, 0, 0, 1),
    }
}
