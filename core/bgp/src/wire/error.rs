//! What was wrong with a path attribute, and what it costs (RFC 7606 §2).

use core::fmt;

/// What an error in an UPDATE costs, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// The attribute is dropped, the route stays.
    Discard,
    /// The routes of the UPDATE are treated as withdrawn.
    Withdraw,
    /// The session ends.
    Reset,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The Optional or Transitive flag contradicts the type (RFC 7606 §3 c).
    Flags,
    /// A length that the type cannot have.
    Length,
    /// A value that the type cannot have.
    Value,
    /// The attribute occurs again (RFC 7606 §3 g).
    Duplicate,
    /// A mandatory attribute is missing (RFC 7606 §3 d).
    Missing,
    /// A well-known attribute that we do not know.
    UnknownWellKnown,
    /// The attribute has no place in this session.
    Misplaced,
    /// The attributes run over their total length (RFC 7606 §4).
    Overrun,
}

/// One fault in an UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeFault {
    /// Type code of the attribute; zero when it could not be read.
    pub code: u8,
    /// What was wrong.
    pub problem: Problem,
    /// What it cost.
    pub disposition: Disposition,
}

impl fmt::Display for AttributeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = super::attributes::table::row(self.code).map_or("attribute", |row| row.name);
        let problem = match self.problem {
            Problem::Flags => "has wrong flags",
            Problem::Length => "has a wrong length",
            Problem::Value => "has an impossible value",
            Problem::Duplicate => "occurs twice",
            Problem::Missing => "is missing",
            Problem::UnknownWellKnown => "is well-known but unknown here",
            Problem::Misplaced => "does not belong in this session",
            Problem::Overrun => "runs over the end",
        };
        let cost = match self.disposition {
            Disposition::Discard => "attribute discarded",
            Disposition::Withdraw => "routes treated as withdrawn",
            Disposition::Reset => "session reset",
        };
        write!(f, "{name} ({}) {problem}: {cost}", self.code)
    }
}
