//! Routes that the tests write.

use bgp::{AsPath, Attributes, Origin};
use inet::{Asn, Net};

pub(crate) fn net(text: &str) -> Net {
    text.parse().expect("a prefix")
}

/// A block as the speaker gives it.
pub(crate) fn block(next_hop: &str) -> Vec<u8> {
    let next_hop: std::net::IpAddr = next_hop.parse().expect("an address");
    let mut attributes = Attributes::new(next_hop);
    attributes.origin = Origin::Egp;
    attributes.as_path = AsPath::sequence([Asn(65_001), Asn(4_200_000_001)]);
    attributes.med = Some(50);
    attributes.local_pref = Some(200);
    attributes.communities = vec![0xfde9_0007];
    attributes.encode(true)
}
