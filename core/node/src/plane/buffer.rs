//! Buffers for packets in batches, from a pool that bounds the memory of a forwarder.

/// Octets of a large buffer: the longest super-packet, and the longest buffer of received datagrams.
const LARGE: usize = 65_536;
/// Octets of a small buffer: a packet that waits alone. Most of the memory of large ones would lie idle.
const SMALL: usize = 2_048;

/// Room for a (super-)packet or for a batch of datagrams.
#[derive(Debug)]
pub struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
}

impl Buffer {
    fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size].into_boxed_slice(),
            len: 0,
        }
    }

    /// A copy of some octets, as many as fit a large buffer, beside the pools; it may end in one.
    pub(crate) fn of(octets: &[u8]) -> Self {
        let mut buffer = Self::new(if octets.len() <= SMALL { SMALL } else { LARGE });
        buffer.fill(octets);
        buffer
    }

    /// All of it, to be filled from the beginning.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Says how much was filled; at most the room.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(self.bytes.len());
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What it holds, to be changed in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// Takes a copy of some octets, as many as fit.
    fn fill(&mut self, octets: &[u8]) {
        let len = octets.len().min(self.bytes.len());
        self.bytes[..len].copy_from_slice(&octets[..len]);
        self.len = len;
    }
}

/// Where buffers come from and go back to.
#[derive(Debug)]
pub(crate) struct Pool {
    large: Stock,
    small: Stock,
}

#[derive(Debug)]
struct Stock {
    free: Vec<Buffer>,
    /// How many there are, here and elsewhere.
    made: usize,
    max: usize,
    size: usize,
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Self {
            large: Stock::new(LARGE, LARGE_MAX),
            small: Stock::new(SMALL, SMALL_MAX),
        }
    }

    /// An empty large buffer; `None` while all are in use.
    pub(crate) fn take(&mut self) -> Option<Buffer> {
        self.large.take()
    }

    /// A copy of some octets in the smallest buffer that holds them; `None` while all are in use.
    pub(crate) fn copy(&mut self, octets: &[u8]) -> Option<Buffer> {
        let mut buffer = self.room(octets.len())?;
        buffer.fill(octets);
        Some(buffer)
    }

    /// The smallest empty buffer that holds so many octets; `None` while all are in use.
    pub(crate) fn room(&mut self, octets: usize) -> Option<Buffer> {
        let stock = if octets <= SMALL {
            &mut self.small
        } else {
            &mut self.large
        };
        stock.take()
    }

    /// Whether a buffer is larger than what it holds needs.
    pub(crate) fn is_wasteful(buffer: &Buffer) -> bool {
        buffer.bytes.len() > SMALL && buffer.len <= SMALL
    }

    /// Takes a buffer back.
    pub(crate) fn put(&mut self, buffer: Buffer) {
        match buffer.bytes.len() {
            SMALL => self.small.put(buffer),
            _ => self.large.put(buffer),
        }
    }

    /// A buffer goes to another forwarder's pool.
    pub(crate) fn lend(&mut self, buffer: &Buffer) {
        match buffer.bytes.len() {
            SMALL => self.small.made -= 1,
            _ => self.large.made -= 1,
        }
    }

    /// A buffer came from another forwarder's pool.
    pub(crate) fn adopt(&mut self, buffer: &Buffer) {
        match buffer.bytes.len() {
            SMALL => self.small.made += 1,
            _ => self.large.made += 1,
        }
    }
}

impl Stock {
    const fn new(size: usize, max: usize) -> Self {
        Self {
            free: Vec::new(),
            made: 0,
            max,
            size,
        }
    }

    fn take(&mut self) -> Option<Buffer> {
        if let Some(mut buffer) = self.free.pop() {
            buffer.len = 0;
            return Some(buffer);
        }
        if self.made >= self.max {
            return None;
        }
        self.made += 1;
        Some(Buffer::new(self.size))
    }

    fn put(&mut self, buffer: Buffer) {
        if self.made > self.max {
            self.made -= 1;
        } else {
            self.free.push(buffer);
        }
    }
}

/// Large buffers of a forwarder: 16 MiB when all are in use.
const LARGE_MAX: usize = 256;
/// Small buffers of a forwarder: 4 MiB when all are in use.
const SMALL_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_ends_and_goes_on_when_something_comes_back() {
        let mut pool = Pool::new();
        let mut taken: Vec<Buffer> = core::iter::from_fn(|| pool.take()).collect();
        assert_eq!(taken.len(), LARGE_MAX);
        pool.put(taken.pop().expect("many"));
        assert!(pool.take().is_some() && pool.take().is_none());
        // Small packets have buffers of their own.
        assert_eq!(pool.copy(b"short").map(|buffer| buffer.len), Some(5));
    }

    #[test]
    fn what_is_lent_can_be_made_anew_and_what_is_adopted_is_given_up() {
        let mut pool = Pool::new();
        let taken: Vec<Buffer> = core::iter::from_fn(|| pool.take()).collect();
        pool.lend(&taken[0]);
        let extra = pool.take().expect("one was lent");
        pool.adopt(&taken[0]);
        taken.into_iter().for_each(|buffer| pool.put(buffer));
        pool.put(extra);
        assert_eq!(pool.large.free.len(), LARGE_MAX);
    }
}
