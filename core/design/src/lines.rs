//! Where the bytes of a text of several lines stand in the file that it came from.

use core::ops::Range;

use crate::report::Span;

/// Offsets of the starts of a text's lines: in the text, and in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Vec<(usize, usize)>);

impl Lines {
    /// Of a text that was read from this place of a file.
    pub(crate) fn of(text: &str, span: Span, file: &str) -> Self {
        Self(starts(text, span, file).unwrap_or_default())
    }

    /// The place of a part of the text; the whole where it cannot be told.
    pub(crate) fn span(&self, whole: Span, range: &Range<usize>) -> Span {
        let offset = |at: usize| {
            let line = self.0.partition_point(|(start, _)| *start <= at);
            let (text, file) = self.0.get(line.checked_sub(1)?)?;
            u32::try_from(file + at - text).ok()
        };
        match (offset(range.start), offset(range.end)) {
            (Some(start), Some(end)) => Span {
                start,
                end: end.min(whole.end).max(start),
                ..whole
            },
            _ => whole,
        }
    }
}

/// Where each line of a text stands in its file: the line of a block scalar behind its
/// indentation, or a text on one line. `None` where YAML has changed more than that.
fn starts(text: &str, span: Span, file: &str) -> Option<Vec<(usize, usize)>> {
    let raw = file.get(span.start as usize..span.end as usize)?;
    if !text.trim_end().contains('\n')
        && let Some(at) = raw.find(text.trim_end())
    {
        return Some(vec![(0, span.start as usize + at)]);
    }
    let mut starts = Vec::new();
    let (mut in_text, mut in_raw) = (0, 0);
    for (line, raw_line) in text.split_inclusive('\n').zip(raw.split_inclusive('\n')) {
        let words = line.trim_end_matches(['\n', '\r']);
        let raw_words = raw_line.trim_end_matches(['\n', '\r']);
        let indent = raw_words.len().checked_sub(words.len())?;
        if raw_words.get(indent..)? != words {
            return None;
        }
        starts.push((in_text, span.start as usize + in_raw + indent));
        in_text += line.len();
        in_raw += raw_line.len();
    }
    Some(starts)
}
