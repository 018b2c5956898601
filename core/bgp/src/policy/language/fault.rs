//! What is wrong with a text of policies.

use core::ops::Range;

/// One finding: the operator's fault, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong, in one sentence.
    pub says: String,
    /// What to do; may be empty.
    pub try_this: String,
    /// Whether the policy is used nevertheless.
    pub warning: bool,
}

impl Fault {
    pub(super) fn error(span: Range<usize>, says: impl Into<String>) -> Self {
        Self {
            span,
            says: says.into(),
            try_this: String::new(),
            warning: false,
        }
    }

    pub(super) fn warning(span: Range<usize>, says: impl Into<String>) -> Self {
        Self {
            warning: true,
            ..Self::error(span, says)
        }
    }

    pub(super) fn try_this(mut self, advice: impl Into<String>) -> Self {
        self.try_this = advice.into();
        self
    }
}

/// `did you mean …?` for the known word nearest to a mistyped one, or what is known.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let limit = word.chars().count().max(3) / 3 + 1;
    let nearest = known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min();
    match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() || known.len() > LISTED_MAX => String::new(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Longer lists of known words help nobody.
const LISTED_MAX: usize = 24;
/// Longer words are compared by their beginning.
const COMPARED_MAX: usize = 40;

/// How many letters have to be added, taken away or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(COMPARED_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(COMPARED_MAX).enumerate() {
        let mut diagonal = core::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
