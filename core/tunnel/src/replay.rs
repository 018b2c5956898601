//! The window that refuses a counter seen before (RFC 6479's ring of words).

/// The last counters of one key. Wide enough for the reordering of a fast path spread over several cores.
pub(crate) struct Window {
    /// One more than the newest counter.
    next: u64,
    words: [u64; WORDS],
}

impl Window {
    /// Nothing seen.
    pub(crate) const fn new() -> Self {
        Self {
            next: 0,
            words: [0; WORDS],
        }
    }

    /// Whether the counter is new. Says nothing about who sent it: to be asked before decryption, to save it.
    pub(crate) const fn is_new(&self, counter: u64) -> bool {
        if counter >= self.next {
            return true;
        }
        self.next - counter <= WIDTH && self.words[word(counter)] & bit(counter) == 0
    }

    /// Notes the counter of an authentic packet; `false` when it is not new.
    #[must_use]
    pub(crate) fn accept(&mut self, counter: u64) -> bool {
        if !self.is_new(counter) {
            return false;
        }
        if counter >= self.next {
            let newest = self.next.saturating_sub(1) / 64;
            let steps = (counter / 64 - newest).min(WORDS as u64);
            for step in 1..=steps {
                self.words[((newest + step) % WORDS as u64) as usize] = 0;
            }
            self.next = counter + 1;
        }
        self.words[word(counter)] |= bit(counter);
        true
    }
}

const fn word(counter: u64) -> usize {
    (counter / 64 % WORDS as u64) as usize
}

const fn bit(counter: u64) -> u64 {
    1 << (counter % 64)
}

/// How far behind the newest counter a packet may come.
const WIDTH: u64 = 8192;
/// The window, and one word that is being filled.
const WORDS: usize = WIDTH as usize / 64 + 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_window_is_8192_counters_wide() {
        let mut window = Window::new();
        assert!(window.accept(8192));
        assert!(!window.accept(0), "just behind the window");
        assert!(window.accept(1), "the last one in it");
        assert!(!window.accept(1));
        assert!(window.accept(1 << 40));
        assert!(!window.accept(8192));
        assert!(window.accept((1 << 40) - 8191));
    }

    proptest! {
        #[test]
        fn a_counter_is_accepted_once_if_it_is_in_the_window(
            steps in prop::collection::vec(prop_oneof![-9_000i64..200, -3i64..4, 0i64..20_000], 1..400)
        ) {
            let (mut window, mut seen, mut newest) = (Window::new(), BTreeSet::new(), None::<u64>);
            for step in steps {
                let counter = newest.unwrap_or(0).saturating_add_signed(step);
                let in_window = newest.is_none_or(|newest| counter + WIDTH > newest);
                prop_assert_eq!(window.accept(counter), in_window && seen.insert(counter));
                newest = newest.max(Some(counter));
            }
        }
    }
}
