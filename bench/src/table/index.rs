//! Prefixes by number, and numbers by prefix, both by arithmetic.

/// The first address: 11.0.0.0. No special-purpose block lies in what follows.
const BASE: u32 = 11 << 24;
/// Addresses from there on: 11/8 to 126/8.
const SPAN: u32 = 116 << 24;
/// Of 1,000 prefixes, how many have a length. What is left over by rounding becomes /24.
const MIX: [(u8, usize); 9] = [
    (16, 15),
    (17, 10),
    (18, 20),
    (19, 35),
    (20, 45),
    (21, 65),
    (22, 110),
    (23, 100),
    (24, 600),
];
/// At most every so manieth possible prefix is used, as a power of two.
const SPACING_MAX: u32 = 6;

/// Between prefixes and their numbers, 0 to one less than there are.
#[derive(Clone, Debug)]
pub struct Index {
    blocks: [Block; MIX.len()],
}

/// The prefixes of one length.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    len: u8,
    /// Number of the first.
    first: u32,
    count: u32,
    /// Each has so many possible prefixes to itself, as a power of two.
    spacing: u32,
}

impl Block {
    /// Which of the possible prefixes of this length the `k`-th is.
    fn slot(self, k: u32) -> u32 {
        let jitter = (k.wrapping_mul(0x9e37_79b9) >> 8) & ((1 << self.spacing) - 1);
        k << self.spacing | jitter
    }
}

impl Index {
    /// Of `count` prefixes.
    ///
    /// # Panics
    ///
    /// There are more than the address space holds: some 1,600,000.
    pub fn new(count: usize) -> Self {
        let mut blocks = [Block::default(); MIX.len()];
        let mut first = 0;
        for (block, (len, share)) in blocks.iter_mut().zip(MIX) {
            let wanted = if len == 24 {
                count - first
            } else {
                count * share / 1000
            };
            let possible = SPAN >> (32 - len);
            let wanted = u32::try_from(wanted).expect("prefixes fit IPv4");
            assert!(wanted <= possible, "the table is too large for its mix");
            let spacing = (possible / wanted.max(1)).ilog2().min(SPACING_MAX);
            *block = Block {
                len,
                first: u32::try_from(first).expect("prefixes fit IPv4"),
                count: wanted,
                spacing,
            };
            first += wanted as usize;
        }
        Self { blocks }
    }

    /// The prefix of a number: address and length.
    pub fn prefix(&self, number: usize) -> (u32, u8) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let block = self
            .blocks
            .iter()
            .rfind(|block| block.first <= number && block.count > 0)
            .expect("the first block begins at zero");
        let address = BASE + (block.slot(number - block.first) << (32 - block.len));
        (address, block.len)
    }

    /// The number of a prefix, if it is in the table.
    pub fn number(&self, address: u32, len: u8) -> Option<usize> {
        let block = self
            .blocks
            .get(usize::from(len.checked_sub(MIX[0].0)?))
            .filter(|_| (BASE..BASE + SPAN).contains(&address))?;
        let offset = address - BASE;
        let slot = offset >> (32 - len);
        let k = slot >> block.spacing;
        let known = k < block.count && block.slot(k) == slot && slot << (32 - len) == offset;
        known.then_some((block.first + k) as usize)
    }
}
