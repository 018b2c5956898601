//! Path attributes to bytes, in order of type code.

use core::net::IpAddr;

use inet::Asn;

use super::as_path::two_octet;
use super::table::{self, EXTENDED, OPTIONAL, PARTIAL, TRANSITIVE};
use super::{AsPath, Attributes};

struct Writer {
    out: Vec<u8>,
    partial: u64,
}

impl Writer {
    /// One known attribute; the value is at most 65,535 bytes, longer lists are cut by the caller.
    fn known(&mut self, code: u8, value: &[u8]) {
        let flags = table::row(code).map_or(OPTIONAL | TRANSITIVE, |row| row.flags);
        let partial = if self.partial & (1 << code) != 0 && flags == OPTIONAL | TRANSITIVE {
            PARTIAL
        } else {
            0
        };
        self.raw(flags | partial, code, value);
    }

    fn raw(&mut self, flags: u8, code: u8, value: &[u8]) {
        match u8::try_from(value.len()) {
            Ok(len) => self.out.extend_from_slice(&[flags, code, len]),
            Err(_) => {
                let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
                self.out.extend_from_slice(&[flags | EXTENDED, code]);
                self.out.extend_from_slice(&len.to_be_bytes());
            }
        }
        self.out
            .extend_from_slice(&value[..value.len().min(usize::from(u16::MAX))]);
    }
}

fn words<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

impl Attributes {
    /// The attributes as a block. With two-octet numbers, AS4_PATH and AS4_AGGREGATOR carry what
    /// does not fit (RFC 6793 §4.2.2).
    pub fn encode(&self, four_octet: bool) -> Vec<u8> {
        let mut writer = Writer {
            out: Vec::with_capacity(64),
            partial: self.partial,
        };
        let mut path = Vec::new();
        self.as_path.write(four_octet, &mut path);
        writer.known(table::ORIGIN, &[self.origin.number()]);
        writer.known(table::AS_PATH, &path);
        match self.next_hop {
            IpAddr::V4(address) => writer.known(table::NEXT_HOP, &address.octets()),
            IpAddr::V6(address) => writer.known(table::NEXT_HOP, &address.octets()),
        }
        if let Some(med) = self.med {
            writer.known(table::MULTI_EXIT_DISC, &med.to_be_bytes());
        }
        if let Some(preference) = self.local_pref {
            writer.known(table::LOCAL_PREF, &preference.to_be_bytes());
        }
        if self.atomic_aggregate {
            writer.known(table::ATOMIC_AGGREGATE, &[]);
        }
        if let Some((asn, address)) = self.aggregator {
            let mut value = number(asn, four_octet);
            value.extend_from_slice(&address.octets());
            writer.known(table::AGGREGATOR, &value);
        }
        self.encode_lists(&mut writer);
        self.encode_tail(&mut writer, four_octet);
        writer.out
    }

    fn encode_lists(&self, writer: &mut Writer) {
        if !self.communities.is_empty() {
            let value = words(self.communities.iter().map(|c| c.to_be_bytes()));
            writer.known(table::COMMUNITIES, &value);
        }
        if let Some(originator) = self.originator_id {
            writer.known(table::ORIGINATOR_ID, &originator.octets());
        }
        if !self.cluster_list.is_empty() {
            let value = words(self.cluster_list.iter().map(|c| c.octets()));
            writer.known(table::CLUSTER_LIST, &value);
        }
        for unknown in self
            .unknown
            .iter()
            .filter(|u| u.code < table::EXT_COMMUNITIES)
        {
            writer.raw(
                OPTIONAL | TRANSITIVE | PARTIAL,
                unknown.code,
                &unknown.value,
            );
        }
        if !self.ext_communities.is_empty() {
            let value = words(self.ext_communities.iter().map(|c| c.to_be_bytes()));
            writer.known(table::EXT_COMMUNITIES, &value);
        }
    }

    /// What stands behind the extended communities; unknown attributes among them by their codes.
    fn encode_tail(&self, writer: &mut Writer, four_octet: bool) {
        let mut tail: Vec<(u8, Option<u8>, Vec<u8>)> = Vec::new();
        let wide = |path: &AsPath| path.asns().any(|asn| !asn.is_two_octet());
        if !four_octet && wide(&self.as_path) {
            let mut path = Vec::new();
            self.as_path.write(true, &mut path);
            tail.push((table::AS4_PATH, None, path));
        }
        if let Some((asn, address)) = self.aggregator
            && !four_octet
            && !asn.is_two_octet()
        {
            let mut value = number(asn, true);
            value.extend_from_slice(&address.octets());
            tail.push((table::AS4_AGGREGATOR, None, value));
        }
        if !self.tunnel_encapsulation.is_empty() {
            let value = self.tunnel_encapsulation.clone();
            tail.push((table::TUNNEL_ENCAPSULATION, None, value));
        }
        if !self.large_communities.is_empty() {
            let numbers = self.large_communities.iter().flatten();
            let value = words(numbers.map(|n| n.to_be_bytes()));
            tail.push((table::LARGE_COMMUNITIES, None, value));
        }
        if let Some(asn) = self.only_to_customer {
            tail.push((table::ONLY_TO_CUSTOMER, None, number(asn, true)));
        }
        for unknown in self
            .unknown
            .iter()
            .filter(|u| u.code > table::EXT_COMMUNITIES)
        {
            let flags = OPTIONAL | TRANSITIVE | PARTIAL;
            tail.push((unknown.code, Some(flags), unknown.value.clone()));
        }
        tail.sort_by_key(|(code, ..)| *code);
        for (code, flags, value) in tail {
            match flags {
                Some(flags) => writer.raw(flags, code, &value),
                None => writer.known(code, &value),
            }
        }
    }
}

fn number(asn: Asn, four_octet: bool) -> Vec<u8> {
    if four_octet {
        asn.0.to_be_bytes().to_vec()
    } else {
        two_octet(asn).to_be_bytes().to_vec()
    }
}
