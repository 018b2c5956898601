//! Words of a text with their places.
//!
//! A word is a run of letters, digits and `_ . : / * + -`; what it means is the parser's matter. A text
//! in double quotes is one word. `#` begins a comment up to the end of the line.

use core::ops::Range;

use super::Fault;

/// A word and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Range<usize>,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, number, prefix, community …
    Plain(&'a str),
    /// What stands between double quotes.
    Quoted(&'a str),
    /// `{ } [ ] ( ) , ; = != < <= > >=`.
    Sign(&'a str),
    /// The text ends here.
    End,
}

impl Kind<'_> {
    /// For messages.
    pub(super) fn what(self) -> String {
        let shown: String = match self {
            Self::Plain(text) | Self::Sign(text) => text.chars().take(40).collect(),
            Self::Quoted(_) => return "a text in quotes".to_owned(),
            Self::End => return "the end".to_owned(),
        };
        format!("`{shown}`")
    }
}

/// Cuts a text into words; the last one is the end.
pub(super) fn words<'a>(text: &'a str, faults: &mut Vec<Fault>) -> Vec<Word<'a>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let len = match first {
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' => match rest[1..].find(['"', '\n']) {
                Some(end) if rest[1 + end..].starts_with('"') => {
                    words.push(Word {
                        kind: Kind::Quoted(&rest[1..=end]),
                        span: at..at + end + 2,
                    });
                    at += end + 2;
                    continue;
                }
                _ => {
                    let end = rest.find('\n').unwrap_or(rest.len());
                    let says = "this quote is not closed on its line";
                    faults.push(Fault::error(at..at + end, says));
                    at += end;
                    continue;
                }
            },
            c if plain(c) => rest.find(|c| !plain(c)).unwrap_or(rest.len()),
            '!' | '<' | '>' if rest[1..].starts_with('=') => 2,
            '{' | '}' | '[' | ']' | '(' | ')' | ',' | ';' | '=' | '<' | '>' => 1,
            other => {
                let says = format!("`{}` means nothing here", other.escape_default());
                faults.push(Fault::error(at..at + other.len_utf8(), says));
                at += other.len_utf8();
                continue;
            }
        };
        let kind = match plain(first) {
            true => Kind::Plain(&rest[..len]),
            false => Kind::Sign(&rest[..len]),
        };
        words.push(Word {
            kind,
            span: at..at + len,
        });
        at += len;
    }
    words.push(Word {
        kind: Kind::End,
        span: text.len()..text.len(),
    });
    words
}

const fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '*' | '+' | '-')
}
