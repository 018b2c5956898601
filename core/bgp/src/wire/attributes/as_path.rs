//! AS_PATH (RFC 4271 §4.3, §5.1.2) with two- and four-octet numbers (RFC 6793).

use core::fmt;

use inet::Asn;

use crate::wire::Reader;

const SET: u8 = 1;
const SEQUENCE: u8 = 2;
/// The most numbers that a segment on the wire holds.
const SEGMENT_MAX: usize = 255;

/// One segment, not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// AS_SEQUENCE.
    Sequence(Vec<Asn>),
    /// AS_SET.
    Set(Vec<Asn>),
}

impl Segment {
    /// Its numbers.
    pub fn asns(&self) -> &[Asn] {
        match self {
            Self::Sequence(asns) | Self::Set(asns) => asns,
        }
    }

    fn asns_mut(&mut self) -> &mut Vec<Asn> {
        match self {
            Self::Sequence(asns) | Self::Set(asns) => asns,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Sequence(asns) => asns.len(),
            Self::Set(_) => 1,
        }
    }
}

/// The ASes that a route passed, the nearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsPath(pub Vec<Segment>);

impl AsPath {
    /// One sequence; empty for no numbers.
    pub fn sequence(asns: impl IntoIterator<Item = Asn>) -> Self {
        let asns: Vec<Asn> = asns.into_iter().collect();
        let mut path = Self::default();
        for chunk in asns.chunks(SEGMENT_MAX) {
            path.0.push(Segment::Sequence(chunk.to_vec()));
        }
        path
    }

    /// Its length as the decision counts it: a set is one (RFC 4271 §9.1.2.2 a).
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length for the decision is not a number of elements"
    )]
    pub fn len(&self) -> usize {
        self.0.iter().map(Segment::len).sum()
    }

    /// All numbers, sets included.
    pub fn asns(&self) -> impl Iterator<Item = Asn> {
        self.0
            .iter()
            .flat_map(|segment| segment.asns().iter().copied())
    }

    /// Whether the AS occurs.
    pub fn contains(&self, asn: Asn) -> bool {
        self.asns().any(|other| other == asn)
    }

    /// The neighbouring AS: the first number of a path that begins with a sequence.
    pub fn first(&self) -> Option<Asn> {
        match self.0.first() {
            Some(Segment::Sequence(asns)) => asns.first().copied(),
            Some(Segment::Set(_)) | None => None,
        }
    }

    /// Puts an AS in front, several times.
    pub fn prepend(&mut self, asn: Asn, times: usize) {
        for _ in 0..times {
            match self.0.first_mut() {
                Some(Segment::Sequence(asns)) if asns.len() < SEGMENT_MAX => asns.insert(0, asn),
                _ => self.0.insert(0, Segment::Sequence(vec![asn])),
            }
        }
    }

    /// Puts one AS in place of another.
    pub fn replace(&mut self, from: Asn, to: Asn) {
        for segment in &mut self.0 {
            for asn in segment.asns_mut() {
                if *asn == from {
                    *asn = to;
                }
            }
        }
    }

    /// Reads an attribute value that [`check`] passed.
    pub(crate) fn read(value: &[u8], four_octet: bool) -> Self {
        let segments = Segments {
            reader: Reader(value),
            four_octet,
        };
        let owned = |segment: RawSegment<'_>| {
            let asns = segment.asns().collect();
            match segment.kind {
                SET => Segment::Set(asns),
                _ => Segment::Sequence(asns),
            }
        };
        Self(segments.map_while(Result::ok).map(owned).collect())
    }

    /// Appends the attribute value.
    pub(crate) fn write(&self, four_octet: bool, out: &mut Vec<u8>) {
        for segment in &self.0 {
            let kind = match segment {
                Segment::Sequence(_) => SEQUENCE,
                Segment::Set(_) => SET,
            };
            for chunk in segment.asns().chunks(SEGMENT_MAX) {
                out.extend_from_slice(&[kind, chunk.len() as u8]);
                for asn in chunk {
                    if four_octet {
                        out.extend_from_slice(&asn.0.to_be_bytes());
                    } else {
                        out.extend_from_slice(&two_octet(*asn).to_be_bytes());
                    }
                }
            }
        }
    }

    /// Puts an AS4_PATH in place of this path's end (RFC 6793 §4.2.3). A longer one is ignored.
    pub(crate) fn merge(&mut self, four: Self) {
        let Some(mut keep) = self.len().checked_sub(four.len()) else {
            return;
        };
        let mut merged = Vec::new();
        for segment in self.0.drain(..) {
            if keep == 0 {
                break;
            }
            let len = segment.len();
            merged.push(match segment {
                Segment::Sequence(mut asns) => {
                    asns.truncate(keep);
                    Segment::Sequence(asns)
                }
                set @ Segment::Set(_) => set,
            });
            keep = keep.saturating_sub(len);
        }
        for segment in four.0 {
            match (merged.last_mut(), segment) {
                (Some(Segment::Sequence(last)), Segment::Sequence(asns))
                    if last.len() + asns.len() <= SEGMENT_MAX =>
                {
                    last.extend(asns);
                }
                (_, segment) => merged.push(segment),
            }
        }
        self.0 = merged;
    }
}

impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            let numbers: Vec<String> = segment.asns().iter().map(Asn::to_string).collect();
            match segment {
                Segment::Sequence(_) => write!(f, "{gap}{}", numbers.join(" "))?,
                Segment::Set(_) => write!(f, "{gap}{{{}}}", numbers.join(","))?,
            }
        }
        Ok(())
    }
}

/// The number for two-octet speakers.
pub(crate) const fn two_octet(asn: Asn) -> u16 {
    if asn.is_two_octet() {
        asn.0 as u16
    } else {
        Asn::TRANS.0 as u16
    }
}

struct RawSegment<'a> {
    kind: u8,
    four_octet: bool,
    bytes: &'a [u8],
}

impl<'a> RawSegment<'a> {
    fn asns(&self) -> impl Iterator<Item = Asn> + use<'a> {
        let width = if self.four_octet { 4 } else { 2 };
        self.bytes
            .chunks_exact(width)
            .map(|chunk| Asn(chunk.iter().fold(0, |n, byte| n << 8 | u32::from(*byte))))
    }
}

/// The segments of an attribute value; an error ends them.
struct Segments<'a> {
    reader: Reader<'a>,
    four_octet: bool,
}

struct Malformed;

impl<'a> Iterator for Segments<'a> {
    type Item = Result<RawSegment<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.reader.u8()?;
        let width = if self.four_octet { 4 } else { 2 };
        let count = usize::from(self.reader.u8().unwrap_or(0));
        let bytes = self.reader.take(count * width);
        Some(match bytes {
            Some(bytes) if count > 0 && matches!(kind, SET | SEQUENCE) => Ok(RawSegment {
                kind,
                four_octet: self.four_octet,
                bytes,
            }),
            _ => {
                self.reader = Reader(&[]);
                Err(Malformed)
            }
        })
    }
}

/// Checks an attribute value (RFC 7606 §7.2, RFC 7607 §2): whole segments of known kinds, none
/// empty, no AS 0, and `first` in front when the neighbour must stand there.
pub(crate) fn check(value: &[u8], four_octet: bool, first: Option<Asn>) -> bool {
    let mut expected = first;
    let segments = Segments {
        reader: Reader(value),
        four_octet,
    };
    for segment in segments {
        let Ok(segment) = segment else {
            return false;
        };
        if segment.asns().any(|asn| asn == Asn(0)) {
            return false;
        }
        if let Some(first) = expected.take()
            && (segment.kind != SEQUENCE || !stands_first(&segment, first))
        {
            return false;
        }
    }
    expected.is_none()
}

fn stands_first(segment: &RawSegment<'_>, first: Asn) -> bool {
    let seen = segment.asns().next();
    let expected = if segment.four_octet {
        first
    } else {
        Asn(u32::from(two_octet(first)))
    };
    seen == Some(expected)
}

/// What the decision needs of a checked attribute value: its length and its first AS.
pub(crate) fn measure(value: &[u8], four_octet: bool) -> (usize, Option<Asn>) {
    let mut len = 0;
    let mut first = None;
    let segments = Segments {
        reader: Reader(value),
        four_octet,
    };
    for (index, segment) in segments.map_while(Result::ok).enumerate() {
        if segment.kind == SET {
            len += 1;
        } else {
            len += segment.asns().count();
            if index == 0 {
                first = segment.asns().next();
            }
        }
    }
    (len, first)
}

/// How often an AS stands in a checked attribute value with four-octet numbers.
pub(crate) fn occurrences(value: &[u8], asn: Asn) -> usize {
    let segments = Segments {
        reader: Reader(value),
        four_octet: true,
    };
    segments
        .map_while(Result::ok)
        .map(|segment| segment.asns().filter(|other| *other == asn).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(asns: &[u32]) -> AsPath {
        AsPath::sequence(asns.iter().copied().map(Asn))
    }

    #[test]
    fn prepending_fills_the_first_sequence_and_opens_another_at_255() {
        let mut long = path(&[7; 255]);
        long.prepend(Asn(1), 2);
        assert_eq!(long.0.len(), 2);
        assert_eq!(long.len(), 257);
        assert_eq!(long.first(), Some(Asn(1)));
    }

    #[test]
    fn rfc6793_4_2_3_as4_path_replaces_the_end() {
        let mut old = path(&[1, 23_456, 23_456]);
        old.merge(path(&[70_000, 80_000]));
        assert_eq!(old, path(&[1, 70_000, 80_000]));
        let mut short = path(&[1]);
        short.merge(path(&[70_000, 80_000]));
        assert_eq!(short, path(&[1]), "a longer AS4_PATH is ignored");
    }

    #[test]
    fn malformed_segments_are_told() {
        assert!(check(&[], true, None));
        assert!(check(&[2, 1, 0, 0, 0, 5], true, Some(Asn(5))));
        assert!(!check(&[2, 1, 0, 0, 0, 5], true, Some(Asn(6))), "first AS");
        assert!(
            !check(&[1, 1, 0, 0, 0, 5], true, Some(Asn(5))),
            "a set first"
        );
        assert!(
            !check(&[], true, Some(Asn(5))),
            "empty from an external neighbour"
        );
        assert!(!check(&[2, 1, 0, 0, 0, 0], true, None), "RFC 7607");
        assert!(!check(&[2, 0], true, None), "an empty segment");
        assert!(
            !check(&[3, 1, 0, 0, 0, 5], true, None),
            "a confederation segment"
        );
        assert!(!check(&[2, 2, 0, 0, 0, 5], true, None), "cut off");
        assert!(!check(&[2], true, None), "cut off");
        assert!(
            check(&[2, 1, 0x5b, 0xa0], false, Some(Asn(70_000))),
            "AS_TRANS"
        );
    }

    #[test]
    fn a_path_reads_as_operators_write_it() {
        let mut path = path(&[1, 2]);
        path.0.push(Segment::Set(vec![Asn(3), Asn(4)]));
        assert_eq!(path.to_string(), "1 2 {3,4}");
        assert_eq!(path.len(), 3);
    }
}
