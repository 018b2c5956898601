//! The tree of a text: definitions and policies as they are written, names not looked up.

use core::ops::Range as Span;

use inet::{Asn, Net};

use crate::policy::{
    Action, AsPattern, CommunityPattern, ExtPattern, LargePattern, Match, Range, Verdict,
};

/// A name and where it stands; equal names are equal wherever they stand.
#[derive(Clone, Debug, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span<usize>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A named set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) name: Name,
    pub(super) entries: Entries,
}

/// The kinds of sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AsPaths,
    Asns,
    Communities,
    ExtCommunities,
    LargeCommunities,
    Prefixes,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::AsPaths,
        Self::Asns,
        Self::Communities,
        Self::ExtCommunities,
        Self::LargeCommunities,
        Self::Prefixes,
    ];

    /// The word that a definition of the kind begins with.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::AsPaths => "as-paths",
            Self::Asns => "asns",
            Self::Communities => "communities",
            Self::ExtCommunities => "ext-communities",
            Self::LargeCommunities => "large-communities",
            Self::Prefixes => "prefixes",
        }
    }
}

/// Prefixes inside `net` with lengths from `ge` to `le`.
pub(super) type PrefixRange = (Net, u8, u8);

/// What a set holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entries {
    AsPaths(Vec<AsPattern>),
    Asns(Vec<Range>),
    Communities(Vec<CommunityPattern>),
    ExtCommunities(Vec<ExtPattern>),
    LargeCommunities(Vec<LargePattern>),
    Prefixes(Vec<PrefixRange>),
}

impl Entries {
    /// A set of the kind with nothing in it.
    pub(super) const fn none(kind: Kind) -> Self {
        match kind {
            Kind::AsPaths => Self::AsPaths(Vec::new()),
            Kind::Asns => Self::Asns(Vec::new()),
            Kind::Communities => Self::Communities(Vec::new()),
            Kind::ExtCommunities => Self::ExtCommunities(Vec::new()),
            Kind::LargeCommunities => Self::LargeCommunities(Vec::new()),
            Kind::Prefixes => Self::Prefixes(Vec::new()),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::AsPaths(_) => Kind::AsPaths,
            Self::Asns(_) => Kind::Asns,
            Self::Communities(_) => Kind::Communities,
            Self::ExtCommunities(_) => Kind::ExtCommunities,
            Self::LargeCommunities(_) => Kind::LargeCommunities,
            Self::Prefixes(_) => Kind::Prefixes,
        }
    }
}

/// A set as a condition or action has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// By its name.
    Named(Kind, Name),
    /// Written out.
    Here(Entries),
}

/// A named policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Name,
    pub(super) statements: Vec<Statement>,
}

/// `if … { … }`, or actions without a condition.
#[derive(Clone, Debug, Eq)]
pub(super) struct Statement {
    pub(super) when: Option<Condition>,
    pub(super) then: Vec<Step>,
    pub(super) end: Option<End>,
    pub(super) span: Span<usize>,
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        (&self.when, &self.then, self.end) == (&other.when, &other.then, other.end)
    }
}

/// The last word of a statement or policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Accept,
    Reject,
    /// Back to the caller.
    Return,
}

impl End {
    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Accept => Verdict::Accept,
            Self::Reject => Verdict::Reject,
            Self::Return => Verdict::Next,
        }
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A property against a set.
    In(Field, Set),
    /// Learned from a neighbour of this name.
    From(Name),
    /// What needs nothing looked up.
    Is(Match),
}

/// What is compared with a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    AsPath,
    Community,
    ExtCommunity,
    LargeCommunity,
    NeighborAs,
    NextHop,
    OriginAs,
    Prefix,
}

impl Field {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::AsPath => Kind::AsPaths,
            Self::Community => Kind::Communities,
            Self::ExtCommunity => Kind::ExtCommunities,
            Self::LargeCommunity => Kind::LargeCommunities,
            Self::NeighborAs | Self::OriginAs => Kind::Asns,
            Self::NextHop | Self::Prefix => Kind::Prefixes,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::AsPath => "as-path",
            Self::Community => "community",
            Self::ExtCommunity => "ext-community",
            Self::LargeCommunity => "large-community",
            Self::NeighborAs => "neighbor-as",
            Self::NextHop => "next-hop",
            Self::OriginAs => "origin-as",
            Self::Prefix => "prefix",
        }
    }
}

/// One action and its place.
#[derive(Clone, Debug, Eq)]
pub(super) struct Step {
    pub(super) what: Do,
    pub(super) span: Span<usize>,
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

/// An action as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Do {
    /// What needs nothing looked up.
    Act(Action),
    /// The neighbour's AS in the path is replaced by ours.
    AsOverride,
    /// The statements of another policy.
    Call(Name),
    /// Our own address.
    NextHopSelf,
    /// The neighbour's address.
    NextHopPeer,
    /// Communities of a kind, or ASes, go.
    Remove(Set),
    /// An AS in the path is replaced by ours.
    ReplaceBySelf(Asn),
}
