//! A plain list: one prefix or address on each line, `#` for comments.

use super::Found;

/// Reads it.
pub(super) fn read(found: &mut Found<'_>) {
    let mut start = 0;
    for line in found.text.split_inclusive('\n') {
        let entry = line.split('#').next().unwrap_or_default();
        let word = entry.trim();
        if !word.is_empty() {
            let at = start + (entry.len() - entry.trim_start().len());
            found.prefix(word, |found| found.span(at, word.len()));
        }
        start += line.len();
    }
}
