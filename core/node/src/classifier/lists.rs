//! Which of many lists of prefixes have an address: one division of the address space for all of them.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use inet::Prefix;

/// A list: its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListId(usize);

impl ListId {
    /// Whether it is among some, a bit for each.
    pub(super) fn is_among(self, lists: &[u64]) -> bool {
        lists
            .get(self.0 / 64)
            .is_some_and(|bits| bits >> (self.0 % 64) & 1 == 1)
    }
}

/// All lists. Between two neighbouring borders all addresses are in the same ones.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    /// First addresses of the parts, in order; the first is 0.
    borders: Vec<u32>,
    /// By part: which of the rows is its.
    row_of: Vec<u32>,
    /// Sets of lists, each once.
    rows: Vec<u64>,
    /// Words of a row.
    width: usize,
}

impl Lists {
    /// The lists that have an address, a bit for each.
    pub(super) fn of(&self, address: Ipv4Addr) -> &[u64] {
        let address = address.to_bits();
        let behind = self.borders.partition_point(|border| *border <= address);
        let row = self.row_of[behind - 1] as usize;
        &self.rows[row * self.width..(row + 1) * self.width]
    }
}

/// Lists while they are collected.
#[derive(Default)]
pub(super) struct Builder {
    count: usize,
    /// Where a prefix of a list begins (+1) or ended (-1).
    edges: Vec<(u32, ListId, i32)>,
}

impl Builder {
    /// Adds a list.
    pub(super) fn add(&mut self, prefixes: &[Prefix]) -> ListId {
        let id = ListId(self.count);
        self.count += 1;
        for prefix in prefixes {
            self.edges.push((prefix.bits(), id, 1));
            if let Some(behind) = prefix.last().to_bits().checked_add(1) {
                self.edges.push((behind, id, -1));
            }
        }
        id
    }

    pub(super) fn build(mut self) -> Lists {
        self.edges.sort_unstable_by_key(|(border, ..)| *border);
        let width = self.count.div_ceil(64);
        let mut lists = Lists {
            borders: vec![0],
            row_of: vec![0],
            rows: vec![0; width],
            width,
        };
        let mut known = BTreeMap::from([(vec![0; width], 0)]);
        // Prefixes of one list may lie in each other: it ends where the last of them does.
        let mut depth = vec![0; self.count];
        let mut row = vec![0; width];
        for edges in self.edges.chunk_by(|a, b| a.0 == b.0) {
            for (_, ListId(list), step) in edges {
                depth[*list] += step;
                let bit = 1 << (list % 64);
                match depth[*list] {
                    0 => row[list / 64] &= !bit,
                    _ => row[list / 64] |= bit,
                }
            }
            let next = known.len() as u32;
            let number = *known.entry(row.clone()).or_insert_with(|| {
                lists.rows.extend(&row);
                next
            });
            let border = edges[0].0;
            if border == 0 {
                lists.row_of[0] = number;
            } else if lists.row_of.last() != Some(&number) {
                lists.borders.push(border);
                lists.row_of.push(number);
            }
        }
        lists
    }
}
