//! Which packets of a stream have come: each passes once.

use crate::Sequence;

/// Sequences that are remembered: what comes further behind cannot be told from a copy. At 10,000 packets a second the
/// slower of two paths may be 400 ms behind.
const WIDTH: u32 = 4_096;
const WORDS: usize = WIDTH as usize / 64;
/// How far apart two packets may be that are both far from all others: the sender has begun anew (RFC 3550 §A.1).
const TOGETHER: i32 = 64;

/// The last packets of a stream.
#[derive(Clone, Debug)]
pub struct Window {
    state: State,
    words: Box<[u64; WORDS]>,
    /// Packets up to the newest since the beginning.
    span: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing has come.
    Empty,
    /// The newest, and the last one that was far from it.
    Begun {
        newest: Sequence,
        stray: Option<Sequence>,
    },
}

/// What a window says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It did not come before.
    New,
    /// It did.
    Again,
    /// It is far from all others: of a sender that has begun anew, or one that was very long under way.
    Stray,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            state: State::Empty,
            words: Box::new([0; WORDS]),
            span: 0,
        }
    }
}

impl Window {
    /// Takes note of a packet. A stray one may pass, and the second in a row is where the window begins anew.
    pub fn accept(&mut self, sequence: Sequence) -> Seen {
        let State::Begun { newest, stray } = self.state else {
            return self.begin(sequence);
        };
        let ahead = sequence.since(newest);
        if ahead.unsigned_abs() >= WIDTH {
            let is_second = stray.is_some_and(|one| (1..=TOGETHER).contains(&sequence.since(one)));
            if is_second {
                return self.begin(sequence);
            }
            let stray = Some(sequence);
            self.state = State::Begun { newest, stray };
            return Seen::Stray;
        }
        if ahead > 0 {
            (1..=ahead.unsigned_abs()).for_each(|step| self.forget(newest.plus(step)));
            self.span = self.span.wrapping_add(ahead.unsigned_abs());
            self.state = State::Begun {
                newest: sequence,
                stray: None,
            };
        }
        let (word, bit) = place(sequence);
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        if is_new { Seen::New } else { Seen::Again }
    }

    /// How many packets were sent since the first that came, up to the newest; counted on from zero after 2³².
    pub const fn span(&self) -> u32 {
        self.span
    }

    fn begin(&mut self, sequence: Sequence) -> Seen {
        self.words.fill(0);
        let (word, bit) = place(sequence);
        self.words[word] = bit;
        self.span = self.span.wrapping_add(1);
        self.state = State::Begun {
            newest: sequence,
            stray: None,
        };
        Seen::New
    }

    fn forget(&mut self, sequence: Sequence) {
        let (word, bit) = place(sequence);
        self.words[word] &= !bit;
    }
}

const fn place(sequence: Sequence) -> (usize, u64) {
    let at = sequence.number() % WIDTH;
    (at as usize / 64, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sender_that_begins_anew_is_believed_at_its_second_packet() {
        let mut window = Window::default();
        let at = Sequence::new;
        assert_eq!(window.accept(at(7)), Seen::New);
        for far in [9_000_000, 9_000_000, 5_000_000] {
            assert_eq!(window.accept(at(far)), Seen::Stray, "{far}");
        }
        assert_eq!(window.accept(at(7)), Seen::Again, "strays change nothing");
        assert_eq!(window.accept(at(5_000_002)), Seen::New);
        assert_eq!(window.accept(at(5_000_002)), Seen::Again);
        assert_eq!(window.accept(at(5_000_001)), Seen::New);
        assert_eq!(window.span(), 2);
    }

    proptest! {
        #[test]
        fn each_sequence_is_new_once(
            first in any::<u32>(),
            steps in prop::collection::vec(prop_oneof![-4_000i32..200, -3i32..4, 0i32..3_000], 1..400)
        ) {
            let (mut window, mut seen, mut newest) = (Window::default(), BTreeSet::new(), 0_i64);
            window.accept(Sequence::new(first));
            seen.insert(0);
            for step in steps {
                let at = newest + i64::from(step);
                let expected = match seen.insert(at) {
                    true => Seen::New,
                    false => Seen::Again,
                };
                let sequence = Sequence::new(first.wrapping_add(at as u32));
                prop_assert_eq!(window.accept(sequence), expected);
                newest = newest.max(at);
                prop_assert_eq!(i64::from(window.span()), newest + 1);
            }
        }
    }
}
