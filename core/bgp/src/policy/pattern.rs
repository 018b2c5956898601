//! Patterns of AS_PATHs: regular expressions whose letters are AS numbers.
//!
//! `65001` is one AS, `.` any, `[65001 64512-65534]` one of several, `[^…]` one of all others; after
//! each may stand `*`, `+`, `?` or `{2,3}`; `|` separates alternatives, `(…)` groups them. Without
//! `^` in front the pattern may begin, and without `$` at the end it may end, anywhere. A set of the
//! path (AS_SET) is one letter, which is whatever one of its numbers is.
//!
//! Matching takes the path's length times the pattern's size at the most: the states of all
//! possible matches go along the path side by side (Thompson), nothing is tried twice.

mod parse;

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use inet::Asn;

use super::Range;
use crate::wire::attributes::{AsPath, Segment};

pub use parse::PatternError;

/// A pattern of AS_PATHs.
#[derive(Clone, Debug)]
pub struct AsPattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: String,
    program: Vec<Step>,
    /// Matches only from the start of the path.
    from_start: bool,
    /// Matches only up to the end of the path.
    to_end: bool,
}

/// One step of the program that a pattern is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Goes over one letter.
    One(Letter),
    /// Goes on at both places.
    Fork(usize, usize),
    /// Goes on there.
    Go(usize),
    /// The pattern matched.
    Done,
}

/// One of some AS numbers, or one of all others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Letter {
    ranges: Vec<Range>,
    others: bool,
}

impl Letter {
    fn is(&self, asn: Asn) -> bool {
        self.others != self.ranges.iter().any(|range| range.contains(asn.0))
    }
}

/// The most steps of a pattern, repetitions written out.
const STEPS_MAX: usize = 512;

impl AsPattern {
    /// Whether the path matches.
    pub fn matches(&self, path: &AsPath) -> bool {
        let mut run = Run {
            pattern: &self.0,
            now: Vec::new(),
            next: Vec::new(),
            marks: vec![0; self.0.program.len()],
            round: 0,
            matched: false,
        };
        run.begin();
        for segment in &path.0 {
            match segment {
                Segment::Sequence(asns) => {
                    for asn in asns {
                        if run.over(core::slice::from_ref(asn)) {
                            return true;
                        }
                    }
                }
                Segment::Set(asns) => {
                    if run.over(asns) {
                        return true;
                    }
                }
            }
        }
        run.matched
    }
}

/// The places of the program that are reached side by side.
struct Run<'a> {
    pattern: &'a Compiled,
    now: Vec<usize>,
    next: Vec<usize>,
    /// The round in which a place was last reached.
    marks: Vec<u32>,
    round: u32,
    /// Whether the letters so far are a match.
    matched: bool,
}

impl Run<'_> {
    fn begin(&mut self) {
        self.round = 1;
        self.reach(0);
        core::mem::swap(&mut self.now, &mut self.next);
    }

    /// Adds a place and all that are reached from it without a letter.
    fn reach(&mut self, place: usize) {
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            if self.marks[place] == self.round {
                continue;
            }
            self.marks[place] = self.round;
            match &self.pattern.program[place] {
                Step::One(_) => self.next.push(place),
                Step::Fork(a, b) => open.extend([*b, *a]),
                Step::Go(there) => open.push(*there),
                Step::Done => self.matched = true,
            }
        }
    }

    /// Goes over a letter. True when the path matches, whatever follows.
    fn over(&mut self, letter: &[Asn]) -> bool {
        if self.matched && !self.pattern.to_end {
            return true;
        }
        self.round += 1;
        self.matched = false;
        self.next.clear();
        for index in 0..self.now.len() {
            let place = self.now[index];
            if let Step::One(meant) = &self.pattern.program[place]
                && letter.iter().any(|asn| meant.is(*asn))
            {
                self.reach(place + 1);
            }
        }
        if !self.pattern.from_start {
            self.reach(0);
        }
        core::mem::swap(&mut self.now, &mut self.next);
        false
    }
}

impl FromStr for AsPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        parse::parse(text).map(|compiled| Self(Arc::new(compiled)))
    }
}

impl fmt::Display for AsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// Two patterns are equal when they are written the same.
impl PartialEq for AsPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for AsPattern {}
