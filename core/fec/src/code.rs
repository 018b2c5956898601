//! The code: sums over the packets of a block, and the packets that are missing from them.
//!
//! A packet's *symbol* is its length in two octets, the packet, and zeros up to the longest of its block. Sum `j` of `n` symbols is
//! the sum over all symbols `i` of x to the power of `j (n - 1 - i)` times the symbol: by Horner's rule, it is multiplied by
//! x to the `j` before each symbol is added, and the first is plain XOR. For 16 symbols and four sums any `e` sums bring back any
//! `e` missing packets; a test tries all of them.

use crate::field::{self, add_multiple, inverse, multiply_by_x, power_of_x};

/// Packets of a block, at most.
pub(crate) const DATA_MAX: usize = 16;
/// Sums of a block, at most.
pub(crate) const PARITY_MAX: usize = 4;
/// Octets of a symbol before the packet.
pub(crate) const LENGTH: usize = 2;

/// Adds the next packet of a block to sum `number`, which grows to hold it.
pub(crate) fn add(sum: &mut Vec<u8>, number: usize, packet: &[u8]) {
    let len = LENGTH + packet.len();
    if sum.len() < len {
        sum.resize(len, 0);
    }
    multiply_by_x(sum, number);
    let header = (packet.len() as u16).to_be_bytes();
    field::add(&mut sum[..LENGTH], &header);
    field::add(&mut sum[LENGTH..], packet);
}

/// What is known of a block with as many sums as packets are missing.
pub(crate) struct Equations<'a> {
    /// Numbers of the sums, and the sums, equally long.
    pub(crate) sums: Vec<(usize, Vec<u8>)>,
    /// The packets of the block; `None` for those that are missing.
    pub(crate) packets: Vec<Option<&'a [u8]>>,
}

impl Equations<'_> {
    /// The missing packets with their places. None when a packet is longer than the sums, so that these cannot be of its block;
    /// and one whose length does not fit its symbol, which says the same, is left out.
    ///
    /// # Panics
    /// When there are not as many sums as missing packets.
    pub(crate) fn solve(mut self) -> Vec<(usize, Vec<u8>)> {
        let here = self.packets.iter().flatten();
        let longest = here.map(|packet| packet.len() + LENGTH).max().unwrap_or(0);
        if self.sums.iter().any(|(_, sum)| sum.len() < longest) {
            return Vec::new();
        }
        self.take_out();
        let places = self.packets.iter().enumerate();
        let missing: Vec<usize> = places
            .filter_map(|(place, packet)| packet.is_none().then_some(place))
            .collect();
        self.eliminate(&missing);
        let symbols = self.sums.into_iter().map(|(_, symbol)| symbol);
        let solved = missing.into_iter().zip(symbols);
        let solved = solved.filter_map(|(place, symbol)| Some((place, packet_of(symbol)?)));
        solved.collect()
    }

    /// Takes the packets that are here out of all sums.
    fn take_out(&mut self) {
        for (number, sum) in &mut self.sums {
            let mut here = vec![0; sum.len()];
            for packet in &self.packets {
                match packet {
                    Some(packet) => add(&mut here, *number, packet),
                    None => multiply_by_x(&mut here, *number),
                }
            }
            field::add(sum, &here);
        }
    }

    /// Makes the missing symbols of the sums: Gauss-Jordan elimination, of all octets at once.
    fn eliminate(&mut self, missing: &[usize]) {
        let count = missing.len();
        assert_eq!(count, self.sums.len(), "one equation for each unknown");
        let last = self.packets.len() - 1;
        let row = |(number, _): &(usize, Vec<u8>)| {
            let mut row = [0; PARITY_MAX];
            for (slot, place) in row.iter_mut().zip(missing) {
                *slot = power_of_x(number * (last - place));
            }
            row
        };
        let mut rows: Vec<[u8; PARITY_MAX]> = self.sums.iter().map(row).collect();
        for pivot in 0..count {
            let at = (pivot..count).find(|at| rows[*at][pivot] != 0);
            let at = at.expect("every square part of the matrix can be inverted");
            rows.swap(pivot, at);
            self.sums.swap(pivot, at);
            let factor = inverse(rows[pivot][pivot]);
            scale(&mut rows[pivot], factor);
            scale(&mut self.sums[pivot].1, factor);
            for other in (0..count).filter(|other| *other != pivot) {
                let (factor, source) = (rows[other][pivot], rows[pivot]);
                add_multiple(&mut rows[other], &source, factor);
                let both = self.sums.get_disjoint_mut([other, pivot]);
                let [sum, source] = both.expect("two different rows");
                add_multiple(&mut sum.1, &source.1, factor);
            }
        }
    }
}

fn scale(octets: &mut [u8], factor: u8) {
    let before = octets.to_vec();
    octets.fill(0);
    add_multiple(octets, &before, factor);
}

/// The packet in a symbol.
fn packet_of(mut symbol: Vec<u8>) -> Option<Vec<u8>> {
    let (header, rest) = symbol.split_first_chunk::<LENGTH>()?;
    let len = usize::from(u16::from_be_bytes(*header));
    if len > rest.len() {
        return None;
    }
    symbol.drain(..LENGTH);
    symbol.truncate(len);
    Some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(count: usize) -> Vec<Vec<u8>> {
        let packet = |at: usize| {
            let octets = 0..at % 5 * 3 + 1;
            octets.map(|octet| (octet * 31 + at) as u8).collect()
        };
        (0..count).map(packet).collect()
    }

    fn check_all(count: usize) {
        let packets = packets(count);
        let mut sums = vec![Vec::new(); PARITY_MAX];
        for (number, sum) in sums.iter_mut().enumerate() {
            packets.iter().for_each(|packet| add(sum, number, packet));
        }
        let is_in = |set: u32, at: usize| set >> at & 1 != 0;
        for lost in 1_u32..1 << count {
            for kept in 1_u32..1 << PARITY_MAX {
                if lost.count_ones() != kept.count_ones() {
                    continue;
                }
                let kept = (0..PARITY_MAX).filter(|number| is_in(kept, *number));
                let here = packets.iter().enumerate();
                let equations = Equations {
                    sums: kept.map(|number| (number, sums[number].clone())).collect(),
                    packets: here
                        .map(|(place, packet)| (!is_in(lost, place)).then_some(&packet[..]))
                        .collect(),
                };
                let solved = equations.solve();
                assert_eq!(solved.len(), lost.count_ones() as usize);
                for (place, packet) in solved {
                    assert!(is_in(lost, place) && packet == packets[place]);
                }
            }
        }
    }

    #[test]
    fn any_sums_bring_back_as_many_missing_packets_whichever_they_are() {
        [1, 2, 5, DATA_MAX].into_iter().for_each(check_all);
    }
}
