//! YAML text as a tree of nodes that know where they stand.
//!
//! The tree is bounded in depth and in nodes, aliases included, so that a hostile file costs
//! little. What the nodes mean is not decided here.

use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle};

use crate::report::{Report, Span};

/// A node and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Text; `plain` when it stands without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// Whether nothing is written here: an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What the node is, for messages.
    pub(crate) fn what(&self) -> String {
        match &self.kind {
            _ if self.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } if text.chars().count() > SHOWN_MAX => {
                format!("`{}…`", text.chars().take(SHOWN_MAX).collect::<String>())
            }
            Kind::Scalar { text, .. } => format!("`{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Longest text of a file that a message repeats, in characters.
const SHOWN_MAX: usize = 60;
/// Nesting over this is refused: a design needs nine levels.
const DEPTH_MAX: usize = 64;
/// Nodes over this are refused, copies by aliases included: 5,000 sites written out need 200,000.
const NODES_MAX: usize = 2_000_000;

/// Reads the one document in a text. `None` with at least one report when there is no tree.
pub(crate) fn parse(file: u16, text: &str, reports: &mut Vec<Report>) -> Option<Node> {
    let mut builder = Builder {
        file,
        text,
        ..Builder::default()
    };
    for next in Parser::new_from_str(text) {
        let step = match next {
            Ok((event, span)) => {
                let span = builder.span(&span.start, &span.end);
                builder.event(event, span)
            }
            Err(error) => {
                let at = builder.error_span(error.marker());
                Err(refused(at, format!("this is not YAML: {}", error.info())))
            }
        };
        if let Err(report) = step {
            reports.push(*report);
            return None;
        }
    }
    if builder.root.is_none() {
        let at = Span {
            file,
            start: 0,
            end: 0,
        };
        reports.push(Report::shape(at, "the file is empty"));
    }
    builder.root
}

/// Why there is no tree.
type Refused = Box<Report>;

fn refused(at: Span, says: impl Into<String>) -> Refused {
    Box::new(Report::shape(at, says))
}

#[derive(Default)]
struct Builder<'a> {
    file: u16,
    text: &'a str,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A list or mapping whose end has not come.
struct Open {
    anchor: usize,
    first_node: usize,
    start: Span,
    kind: Kind,
    key: Option<Key>,
}

/// A node with an anchor, and how many nodes a copy of it adds.
struct Anchored {
    node: Node,
    size: usize,
}

impl Builder<'_> {
    fn span(&self, start: &Marker, end: &Marker) -> Span {
        let offset = |marker: &Marker| {
            let bytes = marker.byte_offset().unwrap_or(self.text.len());
            u32::try_from(self.text.floor_char_boundary(bytes)).unwrap_or(u32::MAX)
        };
        let start = offset(start);
        Span {
            file: self.file,
            start,
            end: offset(end).max(start),
        }
    }

    /// The place of an error. Its marker counts characters reliably, bytes not always.
    fn error_span(&self, marker: &Marker) -> Span {
        let bytes = self
            .text
            .char_indices()
            .nth(marker.index())
            .map_or(self.text.len(), |(bytes, _)| bytes);
        let start = u32::try_from(bytes).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start,
            end: start,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Refused> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused(
                        span,
                        "a design is one YAML document; a second starts here",
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), span)?;
                let kind = Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.count(1, span)?;
                self.finish(Node { span, kind }, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), span)?;
                self.start(Kind::List(Vec::new()), anchor, span)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), span)?;
                self.start(Kind::Map(Vec::new()), anchor, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let span = Span {
                        end: span.end.max(open.start.end),
                        ..open.start
                    };
                    let size = self.nodes - open.first_node + 1;
                    self.finish(
                        Node {
                            span,
                            kind: open.kind,
                        },
                        open.anchor,
                        size,
                    )?;
                }
            }
            Event::Alias(anchor) => {
                let Some(Anchored { node, size }) = self.anchors.get(&anchor) else {
                    return Err(refused(span, "this alias is inside of what it stands for"));
                };
                let (node, size) = (
                    Node {
                        span,
                        kind: node.kind.clone(),
                    },
                    *size,
                );
                self.count(size, span)?;
                self.finish(node, 0, size)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Refused> {
        self.nodes += more;
        if self.nodes > NODES_MAX {
            let says = format!("the file has over {NODES_MAX} values, aliases included");
            let advice = "put the sites into a table: `sites: {from: sites.csv}`";
            return Err(Box::new(Report::shape(span, says).try_this(advice)));
        }
        Ok(())
    }

    fn start(&mut self, kind: Kind, anchor: usize, start: Span) -> Result<(), Refused> {
        if self.open.len() >= DEPTH_MAX {
            return Err(refused(
                start,
                format!("values are nested over {DEPTH_MAX} deep"),
            ));
        }
        self.count(1, start)?;
        self.open.push(Open {
            anchor,
            first_node: self.nodes,
            start,
            kind,
            key: None,
        });
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Refused> {
        if anchor != 0 {
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    size,
                },
            );
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match parent.key.take() {
                Some(key) => entries.push((key, node)),
                None => parent.key = Some(key(node)?),
            },
            Kind::Scalar { .. } => {}
        }
        Ok(())
    }
}

fn key(node: Node) -> Result<Key, Refused> {
    match node.kind {
        Kind::Scalar { text, .. } => Ok(Key {
            text,
            span: node.span,
        }),
        _ => Err(refused(node.span, "a key is a name, not a list or mapping")),
    }
}

fn refuse_tag(tagged: bool, span: Span) -> Result<(), Refused> {
    if tagged {
        let report = Report::shape(span, "a design has no YAML tags");
        return Err(Box::new(report.try_this("remove the `!…`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_right_behind_letters_of_several_bytes() {
        let text = "städte: {köln: 1}\n";
        let mut reports = Vec::new();
        let root = parse(0, text, &mut reports).expect("a tree");
        let Kind::Map(entries) = &root.kind else {
            panic!("a mapping")
        };
        let Kind::Map(inner) = &entries[0].1.kind else {
            panic!("a mapping")
        };
        let written = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!(written(inner[0].0.span), "köln");
        assert_eq!(written(inner[0].1.span), "1");
    }

    #[test]
    fn an_error_behind_letters_of_several_bytes_has_a_place() {
        for text in ["»: ]", "é: {ü: [}", "é: \"ü"] {
            let mut reports = Vec::new();
            assert!(parse(0, text, &mut reports).is_none());
            let at = reports[0].at.expect("a place");
            assert!(text.is_char_boundary(at.start as usize), "{text}");
        }
    }
}
