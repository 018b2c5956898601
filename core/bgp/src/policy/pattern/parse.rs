//! From the text of a pattern to its program.

use core::fmt;

use inet::Asn;

use super::{Compiled, Letter, Range, STEPS_MAX, Step};

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What is wrong.
    pub says: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says)
    }
}

impl core::error::Error for PatternError {}

/// Groups inside each other over this are refused.
const DEPTH_MAX: usize = 32;
/// The most repetitions in `{…}`.
const TIMES_MAX: u32 = 64;

pub(super) fn parse(text: &str) -> Result<Compiled, PatternError> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let from_start = reader.takes('^');
    let mut program = reader.alternatives()?;
    let to_end = reader.takes('$');
    if reader.at < text.len() {
        let says = match reader.peek() {
            Some('^') => "`^` stands only at the beginning of the pattern",
            Some('$') => "`$` stands only at the end of the pattern",
            _ => "this `)` closes nothing",
        };
        return Err(reader.error(says));
    }
    program.push(Step::Done);
    Ok(Compiled {
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        program,
        from_start,
        to_end,
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    const fn error(&self, says: &'static str) -> PatternError {
        PatternError { at: self.at, says }
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    /// `a | b | c`.
    fn alternatives(&mut self) -> Result<Vec<Step>, PatternError> {
        let mut program = self.sequence()?;
        while self.takes('|') {
            let other = self.sequence()?;
            program = either(program, other);
            self.bounded(&program)?;
        }
        Ok(program)
    }

    /// Parts one after the other.
    fn sequence(&mut self) -> Result<Vec<Step>, PatternError> {
        let mut program = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')' | '$' | '^') {
                break;
            }
            let part = self.part()?;
            append(&mut program, &part);
            self.bounded(&program)?;
        }
        Ok(program)
    }

    const fn bounded(&self, program: &[Step]) -> Result<(), PatternError> {
        if program.len() > STEPS_MAX {
            return Err(self.error(
                "this pattern is too large: with repetitions written out it has over 512 steps",
            ));
        }
        Ok(())
    }

    /// A letter or group, and how often.
    fn part(&mut self) -> Result<Vec<Step>, PatternError> {
        let mut program = if self.takes('(') {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(self.error("groups are nested over 32 deep"));
            }
            let inner = self.alternatives()?;
            self.depth -= 1;
            if !self.takes(')') {
                return Err(self.error("a `)` is missing here"));
            }
            inner
        } else {
            vec![Step::One(self.letter()?)]
        };
        loop {
            program = match self.peek() {
                Some('*') => repeated(&program, 0, None),
                Some('+') => repeated(&program, 1, None),
                Some('?') => repeated(&program, 0, Some(1)),
                Some('{') => {
                    let (least, most) = self.times()?;
                    if program
                        .len()
                        .saturating_mul(most.unwrap_or(least).max(1) as usize)
                        > STEPS_MAX
                    {
                        return Err(self.error("this pattern is too large: with repetitions written out it has over 512 steps"));
                    }
                    program = repeated(&program, least, most);
                    self.bounded(&program)?;
                    continue;
                }
                _ => return Ok(program),
            };
            self.at += 1;
            self.bounded(&program)?;
        }
    }

    /// `{3}`, `{2,}` or `{2,3}`.
    fn times(&mut self) -> Result<(u32, Option<u32>), PatternError> {
        self.takes('{');
        let least = self.number()?;
        let most = match self.takes(',') {
            false => Some(least),
            true if self.peek() == Some('}') => None,
            true => Some(self.number()?),
        };
        if !self.takes('}') {
            return Err(self.error("a repetition is written {3}, {2,} or {2,3}"));
        }
        if least > TIMES_MAX || most.is_some_and(|most| most > TIMES_MAX || most < least) {
            return Err(
                self.error("a repetition goes from the smaller to the greater number, up to 64")
            );
        }
        Ok((least, most))
    }

    fn letter(&mut self) -> Result<Letter, PatternError> {
        if self.takes('.') {
            return Ok(Letter {
                ranges: Vec::new(),
                others: true,
            });
        }
        if !self.takes('[') {
            let asn = self.number()?;
            return Ok(Letter {
                ranges: vec![Range::one(asn)],
                others: false,
            });
        }
        let others = self.takes('^');
        let mut ranges = Vec::new();
        while !self.takes(']') {
            let min = self.number()?;
            let max = match self.takes('-') {
                true => self.number()?,
                false => min,
            };
            if max < min {
                return Err(self.error("a range goes from the smaller to the greater number"));
            }
            ranges.push(Range { min, max });
        }
        if ranges.is_empty() {
            return Err(self.error("these brackets are empty; `.` is any AS"));
        }
        Ok(Letter { ranges, others })
    }

    fn number(&mut self) -> Result<u32, PatternError> {
        let expected = "expected an AS number, `.`, `[` or `(`";
        self.peek();
        let rest = &self.text[self.at..];
        let len = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let Ok(asn) = rest[..len].parse::<Asn>() else {
            return Err(self.error(match len {
                0 => expected,
                _ => "an AS number is at most 4294967295",
            }));
        };
        self.at += len;
        Ok(asn.0)
    }
}

/// Appends a program, its places moved.
fn append(program: &mut Vec<Step>, other: &[Step]) {
    let base = program.len();
    program.extend(other.iter().map(|step| match step {
        Step::Fork(a, b) => Step::Fork(a + base, b + base),
        Step::Go(there) => Step::Go(there + base),
        step => step.clone(),
    }));
}

fn either(a: Vec<Step>, b: Vec<Step>) -> Vec<Step> {
    let mut program = vec![Step::Fork(1, a.len() + 2)];
    append(&mut program, &a);
    program.push(Step::Go(a.len() + b.len() + 2));
    append(&mut program, &b);
    program
}

/// `least` times, then up to `most` times, or for ever.
fn repeated(part: &[Step], least: u32, most: Option<u32>) -> Vec<Step> {
    let mut program = Vec::new();
    for _ in 0..least {
        append(&mut program, part);
    }
    match most {
        None => {
            let start = program.len();
            program.push(Step::Fork(start + 1, start + part.len() + 2));
            append(&mut program, part);
            program.push(Step::Go(start));
        }
        Some(most) => {
            for _ in least..most {
                let here = program.len();
                program.push(Step::Fork(here + 1, here + part.len() + 1));
                append(&mut program, part);
            }
        }
    }
    program
}

#[cfg(test)]
mod tests {
    use super::super::AsPattern;
    use crate::wire::attributes::{AsPath, Segment};
    use inet::Asn;

    fn matches(pattern: &str, path: &[u32]) -> bool {
        let pattern: AsPattern = pattern.parse().expect("a pattern");
        pattern.matches(&AsPath::sequence(path.iter().map(|asn| Asn(*asn))))
    }

    #[test]
    fn a_pattern_says_which_paths_it_means() {
        for (pattern, path, expected) in [
            ("", &[][..], true),
            ("^$", &[], true),
            ("^$", &[1], false),
            ("2", &[1, 2, 3], true),
            ("^2", &[1, 2, 3], false),
            ("3$", &[1, 2, 3], true),
            ("2$", &[1, 2, 3], false),
            ("^1 .* 3$", &[1, 3], true),
            ("^1+ 3$", &[1, 1, 1, 3], true),
            ("^1 (2|3)? 4$", &[1, 3, 4], true),
            ("^1 (2|3)? 4$", &[1, 2, 3, 4], false),
            ("^1{2,3}$", &[1], false),
            ("^1{2,3}$", &[1, 1, 1], true),
            ("^1{2,3}$", &[1, 1, 1, 1], false),
            ("[64512-65534 7]", &[1, 65000], true),
            ("^[^64512-65534]*$", &[1, 65000], false),
            ("^[^64512-65534]*$", &[1, 2], true),
            ("1 3", &[1, 2, 3], false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} on {path:?}");
        }
    }

    #[test]
    fn a_set_is_one_letter() {
        let path = AsPath(vec![
            Segment::Sequence(vec![Asn(1)]),
            Segment::Set(vec![Asn(2), Asn(3)]),
        ]);
        for (pattern, expected) in [("^1 3$", true), ("^1 2 3$", false), ("^1 .$", true)] {
            let pattern: AsPattern = pattern.parse().expect("a pattern");
            assert_eq!(pattern.matches(&path), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_place() {
        for (text, at) in [
            ("1 )", 2),
            ("(1", 2),
            ("1 ^", 2),
            ("[]", 2),
            ("x", 0),
            ("*", 0),
            ("4294967296", 0),
            ("1{3,2}", 6),
            ("((1{64}){64}){64}", 12),
        ] {
            let error = text.parse::<AsPattern>().expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
        }
        assert!("(".repeat(100).parse::<AsPattern>().is_err());
    }

    #[test]
    fn a_nested_repetition_on_a_long_path_takes_linear_time() {
        let path: Vec<u32> = vec![1; 4_000];
        assert!(!matches("^((1*)*1*)*2$", &path));
        assert!(!matches("^(1?){60}1{60}2$", &path));
    }
}
