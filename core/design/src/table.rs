//! Sites as a table: a CSV file whose columns are the fields of a site.
//!
//! `latitude` and `longitude` are columns of their own; `lans` and `underlays` hold several words
//! separated by spaces or semicolons. Each cell is read as if it stood in the design file, so its
//! errors are the same and point into the table.

use crate::model::SiteText;
use crate::reader::{At, Shape, suggestion};
use crate::report::{Report, Span};
use crate::tree::{Key, Kind, Node};

const COLUMNS: &[&str] = &[
    "name",
    "class",
    "latitude",
    "longitude",
    "city",
    "near",
    "lans",
    "cpes",
    "underlays",
    "hosts",
    "home",
    "backup",
];

/// Reads the sites of a table.
pub(crate) fn sites(file: u16, text: &str, reports: &mut Vec<Report>) -> Vec<At<SiteText>> {
    let mut lines = lines(file, text);
    let Some(header) = lines.next() else {
        let at = Span {
            file,
            start: 0,
            end: 0,
        };
        reports.push(Report::shape(
            at,
            "the table is empty; its first line names the columns",
        ));
        return Vec::new();
    };
    let header = cells(header, text, reports).unwrap_or_default();
    for (index, column) in header.iter().enumerate() {
        if !COLUMNS.contains(&column.text.as_str()) {
            reports.push(
                Report::shape(column.span, format!("unknown column `{}`", column.text))
                    .try_this(suggestion(&column.text, COLUMNS.iter().copied())),
            );
        }
        if header[..index]
            .iter()
            .any(|other| other.text == column.text)
        {
            reports.push(Report::shape(
                column.span,
                format!("the column `{}` is here twice", column.text),
            ));
        }
    }
    let mut sites = Vec::new();
    for line in lines {
        let Some(row) = cells(line, text, reports) else {
            continue;
        };
        if row.len() != header.len() {
            let says = format!(
                "this row has {} cells, the header has {}",
                row.len(),
                header.len()
            );
            reports.push(Report::shape(line, says));
            continue;
        }
        let node = row_node(line, &header, row);
        if let Some(value) = SiteText::read(&node, reports) {
            sites.push(At { value, span: line });
        }
    }
    sites
}

/// The lines that are neither empty nor comments.
fn lines(file: u16, text: &str) -> impl Iterator<Item = Span> {
    let mut next = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = next;
        next += line.len();
        let kept = line.trim_end();
        let offset = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let span = Span {
            file,
            start: offset(start),
            end: offset(start + kept.len()),
        };
        (!kept.is_empty() && !kept.starts_with('#')).then_some(span)
    })
}

/// A cell: its text and place.
type Cell = Key;

/// The cells of a line. Quoted cells (RFC 4180) may hold commas, but no line breaks.
fn cells(line: Span, text: &str, reports: &mut Vec<Report>) -> Option<Vec<Cell>> {
    let content = &text[line.start as usize..line.end as usize];
    let mut all = Vec::new();
    let mut at = 0;
    loop {
        let rest = &content[at..];
        let (cell, raw) = if rest.starts_with('"') {
            let Some(quoted) = quoted(rest) else {
                reports.push(Report::shape(
                    line,
                    "a quoted cell of this row does not end",
                ));
                return None;
            };
            quoted
        } else {
            let raw = rest.find(',').unwrap_or(rest.len());
            (rest[..raw].trim().to_owned(), raw)
        };
        let lead = rest[..raw].len() - rest[..raw].trim_start().len();
        let start = line.start + u32::try_from(at + lead.min(raw)).unwrap_or(u32::MAX);
        let width = u32::try_from(rest[..raw].trim().len()).unwrap_or(u32::MAX);
        all.push(Cell {
            text: cell,
            span: Span {
                start,
                end: start + width,
                ..line
            },
        });
        at += raw;
        if !content[at..].starts_with(',') {
            break;
        }
        at += 1;
    }
    if at < content.len() {
        reports.push(Report::shape(
            line,
            "text follows a quoted cell of this row",
        ));
        return None;
    }
    Some(all)
}

/// The text of a quoted cell, and the length it takes with its quotes.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut cell = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        match (char, chars.peek()) {
            ('"', Some((_, '"'))) => {
                cell.push('"');
                chars.next();
            }
            ('"', _) => return Some((cell, at + 1)),
            _ => cell.push(char),
        }
    }
    None
}

/// A row as the mapping that it would be in the design file.
fn row_node(line: Span, header: &[Cell], row: Vec<Cell>) -> Node {
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let mut place: Vec<(bool, Node)> = Vec::new();
    for (column, cell) in header.iter().zip(row) {
        if cell.text.is_empty() || !COLUMNS.contains(&column.text.as_str()) {
            continue;
        }
        let span = cell.span;
        let node = |text: &str| Node {
            span,
            kind: Kind::Scalar {
                text: text.to_owned(),
                plain: true,
            },
        };
        match column.text.as_str() {
            "latitude" => place.push((false, node(&cell.text))),
            "longitude" => place.push((true, node(&cell.text))),
            "lans" | "underlays" => {
                let words = cell.text.split([' ', ';']).filter(|word| !word.is_empty());
                let list = Node {
                    span,
                    kind: Kind::List(words.map(node).collect()),
                };
                entries.push((
                    Key {
                        text: column.text.clone(),
                        span,
                    },
                    list,
                ));
            }
            _ => entries.push((
                Key {
                    text: column.text.clone(),
                    span,
                },
                node(&cell.text),
            )),
        }
    }
    if let Some(span) = place.first().map(|(_, node)| node.span) {
        place.sort_by_key(|(longitude, _)| *longitude);
        let end = place
            .iter()
            .map(|(_, node)| node.span.end)
            .max()
            .unwrap_or(span.end);
        let start = place
            .iter()
            .map(|(_, node)| node.span.start)
            .min()
            .unwrap_or(span.start);
        let span = Span { start, end, ..span };
        let items = place.into_iter().map(|(_, node)| node).collect();
        entries.push((
            Key {
                text: "coordinates".to_owned(),
                span,
            },
            Node {
                span,
                kind: Kind::List(items),
            },
        ));
    }
    Node {
        span: line,
        kind: Kind::Map(entries),
    }
}
