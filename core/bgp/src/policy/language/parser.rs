//! From words to the tree. After an error reading goes on at the next statement.

use core::net::IpAddr;
use core::ops::Range as Span;

use inet::{Asn, Net};

use super::tree::{Definition, End, Entries, Kind, Name, Named, PrefixRange, Set};
use super::words::{self, Word, words};
use super::{Fault, Program, suggestion};
use crate::policy::{AsPattern, CommunityPattern, ExtPattern, LargePattern, Range};

/// What was wrong is reported; the caller goes on at the next statement.
pub(super) struct Failed;

pub(super) type Parsed<T> = Result<T, Failed>;

/// More findings than this have one cause, or nobody reads them.
const FAULTS_MAX: usize = 100;

pub(super) fn parse(text: &str) -> (Program, Vec<Fault>) {
    let mut faults = Vec::new();
    let words = words(text, &mut faults);
    let mut parser = Parser {
        words: &words,
        at: 0,
        depth: 0,
        faults,
    };
    let mut program = Program::default();
    while parser.word().kind != words::Kind::End && parser.faults.len() < FAULTS_MAX {
        let before = parser.at;
        if parser.item(&mut program).is_err() {
            parser.skip_to_item(before);
        }
    }
    (program, parser.faults)
}

pub(super) struct Parser<'a> {
    words: &'a [Word<'a>],
    at: usize,
    /// How many conditions are inside each other here.
    pub(super) depth: usize,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Parser<'a> {
    /// The word to be read next.
    pub(super) fn word(&self) -> &'a Word<'a> {
        &self.words[self.at]
    }

    pub(super) const fn step(&mut self) {
        if self.at + 1 < self.words.len() {
            self.at += 1;
        }
    }

    /// The next word, if it is plain.
    pub(super) fn plain(&self) -> Option<&'a str> {
        match self.word().kind {
            words::Kind::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a word or sign, when it is the next.
    pub(super) fn takes(&mut self, wanted: &str) -> bool {
        let there = matches!(self.word().kind, words::Kind::Plain(text) | words::Kind::Sign(text) if text == wanted);
        if there {
            self.step();
        }
        there
    }

    pub(super) fn fail<T>(
        &mut self,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Parsed<T> {
        let span = self.word().span.clone();
        self.faults.push(Fault::error(span, says).try_this(advice));
        Err(Failed)
    }

    pub(super) fn expected<T>(&mut self, what: &str, advice: impl Into<String>) -> Parsed<T> {
        let found = self.word().kind.what();
        self.fail(format!("expected {what}, found {found}"), advice)
    }

    /// An unknown word where one of some is expected.
    pub(super) fn unknown<T>(&mut self, what: &str, known: &[&str]) -> Parsed<T> {
        let advice = match self.plain() {
            Some(word) => suggestion(word, known.iter().copied()),
            None => format!("known here: {}", known.join(", ")),
        };
        self.expected(what, advice)
    }

    pub(super) fn require(&mut self, sign: &str) -> Parsed<()> {
        match self.takes(sign) {
            true => Ok(()),
            false => self.expected(&format!("`{sign}`"), ""),
        }
    }

    /// From the start of the word at `first` to the end of the last word taken.
    pub(super) fn span_from(&self, first: usize) -> Span<usize> {
        let last = self.at.saturating_sub(1).max(first);
        self.words[first].span.start..self.words[last].span.end
    }

    pub(super) const fn place(&self) -> usize {
        self.at
    }

    /// To the next definition or policy.
    fn skip_to_item(&mut self, before: usize) {
        if self.at == before {
            self.step();
        }
        loop {
            match self.word().kind {
                words::Kind::End => return,
                words::Kind::Plain("policy") => return,
                words::Kind::Plain(word) if Kind::ALL.iter().any(|kind| kind.word() == word) => {
                    let next = self.words.get(self.at + 2).map(|word| word.kind);
                    if next == Some(words::Kind::Sign("=")) {
                        return;
                    }
                    self.step();
                }
                _ => self.step(),
            }
        }
    }

    fn item(&mut self, program: &mut Program) -> Parsed<()> {
        if self.takes("policy") {
            let name = self.name("a name for the policy")?;
            self.require("{")?;
            let statements = self.statements();
            program.policies.push(Named { name, statements });
            return self.require("}");
        }
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| self.plain() == Some(kind.word()));
        let Some(kind) = kind else {
            let mut known: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            known.push("policy");
            return self.unknown("a policy or set", &known);
        };
        self.step();
        let name = self.name("a name for the set")?;
        self.require("=")?;
        let entries = self.entries(kind);
        let wrong = entries.is_err();
        // A set with an error is there all the same: its users have no error of their own.
        let entries = entries.unwrap_or_else(|_| Entries::none(kind));
        program.sets.push(Definition { name, entries });
        if wrong { Err(Failed) } else { Ok(()) }
    }

    /// A name: letters, digits, `-` and `_`, with a letter in front.
    pub(super) fn name(&mut self, what: &str) -> Parsed<Name> {
        let good = |text: &&str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && text.len() <= 64
        };
        let Some(text) = self.plain().filter(good) else {
            return self.expected(what, "a name has letters, digits, `-` and `_`");
        };
        let span = self.word().span.clone();
        self.step();
        let text = text.to_owned();
        Ok(Name { text, span })
    }

    /// `accept`, `reject` or `return`.
    pub(super) fn end(&mut self) -> Option<End> {
        let end = match self.plain()? {
            "accept" => End::Accept,
            "reject" => End::Reject,
            "return" => End::Return,
            _ => return None,
        };
        self.step();
        self.takes(";");
        Some(end)
    }

    /// A list in brackets, or the name of a set.
    pub(super) fn set(&mut self, kind: Kind) -> Parsed<Set> {
        if self.word().kind == words::Kind::Sign("[") {
            return self.entries(kind).map(Set::Here);
        }
        let what = format!("`[` or the name of a set of {}", kind.word());
        self.name(&what).map(|name| Set::Named(kind, name))
    }

    fn entries(&mut self, kind: Kind) -> Parsed<Entries> {
        Ok(match kind {
            Kind::AsPaths => Entries::AsPaths(self.list(Self::pattern)?),
            Kind::Asns => Entries::Asns(self.list(Self::as_range)?),
            Kind::Communities => Entries::Communities(self.list(Self::community)?),
            Kind::ExtCommunities => Entries::ExtCommunities(self.list(Self::ext_community)?),
            Kind::LargeCommunities => Entries::LargeCommunities(self.list(Self::large_community)?),
            Kind::Prefixes => Entries::Prefixes(self.list(Self::prefix)?),
        })
    }

    /// Entries in brackets; a wrong one is reported, and the others are read.
    pub(super) fn list<T>(&mut self, entry: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.require("[")?;
        let mut all = Vec::new();
        let mut failed = false;
        while !self.takes("]") {
            match entry(self) {
                Ok(value) => all.push(value),
                Err(Failed) => {
                    failed = true;
                    self.skip_entry()?;
                }
            }
            if !self.takes(",") && self.word().kind != words::Kind::Sign("]") {
                return self.expected("`,` or `]`", "");
            }
        }
        if failed { Err(Failed) } else { Ok(all) }
    }

    /// To the end of an entry that is wrong.
    fn skip_entry(&mut self) -> Parsed<()> {
        loop {
            match self.word().kind {
                words::Kind::Sign("," | "]") => return Ok(()),
                words::Kind::End | words::Kind::Sign("{" | "}") => return Err(Failed),
                _ => self.step(),
            }
        }
    }

    /// A plain word that `read` understands.
    fn value<T>(
        &mut self,
        what: &str,
        advice: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Parsed<T> {
        match self.plain().and_then(read) {
            Some(value) => {
                self.step();
                Ok(value)
            }
            None => self.expected(what, advice),
        }
    }

    pub(super) fn number(&mut self) -> Parsed<u32> {
        self.value("a number up to 4294967295", "", |text| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok())?
        })
    }

    pub(super) fn asn(&mut self) -> Parsed<Asn> {
        self.value("an AS number", "", |text| text.parse().ok())
    }

    pub(super) fn address(&mut self) -> Parsed<IpAddr> {
        self.value("an address, `self` or `peer`", "", |text| text.parse().ok())
    }

    pub(super) fn net(&mut self) -> Parsed<Net> {
        self.value("a prefix", "such as 10.0.0.0/8 or 2001:db8::/32", |text| {
            text.parse().ok()
        })
    }

    fn as_range(&mut self) -> Parsed<Range> {
        self.value("an AS number", "such as 65001 or 64512-65534", |text| {
            let (min, max) = text.split_once('-').unwrap_or((text, text));
            let (min, max): (Asn, Asn) = (min.parse().ok()?, max.parse().ok()?);
            (min <= max).then_some(Range {
                min: min.0,
                max: max.0,
            })
        })
    }

    pub(super) fn community(&mut self) -> Parsed<CommunityPattern> {
        let advice = "such as 65001:100, 65001:*, 65001:100-199 or no-export";
        self.value("a community", advice, CommunityPattern::parse)
    }

    pub(super) fn large_community(&mut self) -> Parsed<LargePattern> {
        let advice = "such as 65001:1:2 or 65001:1:*";
        self.value("a large community", advice, LargePattern::parse)
    }

    pub(super) fn ext_community(&mut self) -> Parsed<ExtPattern> {
        let advice = "such as rt:65001:100 or soo:192.0.2.1:7";
        self.value("an extended community", advice, ExtPattern::parse)
    }

    /// A pattern in quotes; its errors point into it.
    pub(super) fn pattern(&mut self) -> Parsed<AsPattern> {
        let words::Kind::Quoted(text) = self.word().kind else {
            let advice = "such as \"^65001 .* [64512-65534]$\"";
            return self.expected("a pattern in double quotes", advice);
        };
        match text.parse() {
            Ok(pattern) => {
                self.step();
                Ok(pattern)
            }
            Err(error) => {
                let at = self.word().span.start + 1 + error.at;
                self.faults.push(Fault::error(at..at + 1, error.says));
                Err(Failed)
            }
        }
    }

    /// `10.0.0.0/8`, `10.0.0.0/8+`, `10.0.0.0/8 ge 16 le 24`.
    pub(super) fn prefix(&mut self) -> Parsed<PrefixRange> {
        let first = self.at;
        let advice = "such as 10.0.0.0/8, 10.0.0.0/8+ (and all inside), or 10.0.0.0/8 ge 16 le 24";
        let (net, inside) =
            self.value("a prefix", advice, |text| match text.strip_suffix('+') {
                Some(text) => text.parse().ok().map(|net: Net| (net, true)),
                None => text.parse().ok().map(|net| (net, false)),
            })?;
        let longest = if net.is_v6() { 128 } else { 32 };
        let ge = match self.takes("ge") {
            true => Some(self.number()?),
            false => None,
        };
        let le = match self.takes("le") {
            true => Some(self.number()?),
            false => None,
        };
        let (least, most) = match (inside, ge, le) {
            (false, None, None) => (net.len().into(), net.len().into()),
            (_, ge, le) => (ge.unwrap_or(net.len().into()), le.unwrap_or(longest)),
        };
        let ordered = u32::from(net.len()) <= least && least <= most && most <= longest;
        match (u8::try_from(least), u8::try_from(most)) {
            (Ok(ge), Ok(le)) if ordered => Ok((net, ge, le)),
            _ => {
                let says = format!("no prefix inside {net} has a length from {least} to {most}");
                let span = self.span_from(first);
                self.faults.push(Fault::error(span, says));
                Err(Failed)
            }
        }
    }
}
