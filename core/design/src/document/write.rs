//! YAML text from values: mappings in blocks, on one line in braces where they fit.

use core::fmt::Write as _;

use super::{Map, Value};

/// Columns of a line, where a value can be broken.
const WIDTH: usize = 100;

impl Value {
    /// YAML text that reads as this value.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Map(map) if !map.is_empty() => top(map, &mut text),
            other => {
                block(other, 0, &mut text);
            }
        }
        text
    }
}

/// The outermost mapping: nothing in braces that has more than one key, a line between its parts.
fn top(map: &Map, text: &mut String) {
    let mut before_was_long = false;
    for (key, value) in map.iter() {
        let long = match value {
            Value::Map(inner) => inner.iter().count() > 1 || has_collections(value),
            Value::List(_) => has_collections(value),
            Value::Scalar { .. } => false,
        };
        if !text.is_empty() && (long || before_was_long) {
            text.push('\n');
        }
        before_was_long = long;
        text.push_str(&scalar(key, true));
        text.push(':');
        if long {
            text.push('\n');
            lines(value, 2, text);
        } else {
            after_key(value, 0, scalar(key, true).len() + 1, text);
        }
    }
}

fn has_collections(value: &Value) -> bool {
    let inner = |value: &Value| !matches!(value, Value::Scalar { .. });
    match value {
        Value::Map(map) => map.iter().any(|(_, value)| inner(value)),
        Value::List(items) => items.iter().any(inner),
        Value::Scalar { .. } => false,
    }
}

/// A whole value on lines of its own.
fn block(value: &Value, indent: usize, text: &mut String) {
    match flow(value).filter(|one| indent + one.len() <= WIDTH) {
        Some(one) => {
            let _ = writeln!(text, "{:indent$}{one}", "");
        }
        None => lines(value, indent, text),
    }
}

/// A mapping or list, one entry after the other.
fn lines(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                let key = scalar(key, true);
                let _ = write!(text, "{:indent$}{key}:", "");
                after_key(value, indent, indent + key.len() + 1, text);
            }
        }
        Value::List(items) => {
            for item in items {
                let _ = write!(text, "{:indent$}-", "");
                after_dash(item, indent, text);
            }
        }
        Value::Scalar { .. } => {
            text.push_str(&" ".repeat(indent));
            long_text(value, indent, text);
        }
    }
}

/// What follows `key:`, of which the line has `used` columns.
fn after_key(value: &Value, indent: usize, used: usize, text: &mut String) {
    match (flow(value), value) {
        (Some(one), _) if used + 1 + one.len() <= WIDTH => {
            let _ = writeln!(text, " {one}");
        }
        (_, Value::Scalar { .. }) => {
            text.push(' ');
            long_text(value, indent, text);
        }
        (_, Value::Map(_) | Value::List(_)) => {
            text.push('\n');
            lines(value, indent + 2, text);
        }
    }
}

/// What follows `-`.
fn after_dash(item: &Value, indent: usize, text: &mut String) {
    match (flow(item), item) {
        (Some(one), _) if indent + 2 + one.len() <= WIDTH => {
            let _ = writeln!(text, " {one}");
        }
        (_, Value::Scalar { .. }) => {
            text.push(' ');
            long_text(item, indent, text);
        }
        (_, Value::Map(_) | Value::List(_)) => {
            let mut inner = String::new();
            lines(item, indent + 2, &mut inner);
            text.push(' ');
            text.push_str(inner.trim_start_matches(' '));
        }
    }
}

/// A scalar that may take several lines, the first one begun.
fn long_text(value: &Value, indent: usize, text: &mut String) {
    let Value::Scalar {
        text: content,
        plain,
    } = value
    else {
        return;
    };
    if !content.contains('\n') || !fits_literal(content) {
        let _ = writeln!(text, "{}", scalar(content, *plain));
        return;
    }
    text.push_str(if content.ends_with('\n') { "|" } else { "|-" });
    text.push('\n');
    for line in content.lines() {
        if line.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(text, "{:1$}{line}", "", indent + 2);
        }
    }
}

/// Whether a literal block gives the text back as it is.
fn fits_literal(content: &str) -> bool {
    let first = content.chars().next();
    first.is_some_and(|first| !first.is_whitespace())
        && !content.ends_with("\n\n")
        && content.chars().all(|c| c == '\n' || !c.is_control())
        && content.lines().all(|line| !line.ends_with(' '))
}

/// A value on one line; `None` when text of several lines is in it.
fn flow(value: &Value) -> Option<String> {
    Some(match value {
        Value::Scalar { text, .. } if text.contains('\n') => return None,
        Value::Scalar { text, plain } => scalar(text, *plain),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(flow).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| Some(format!("{}: {}", scalar(key, true), flow(value)?)));
            let entries: Option<Vec<String>> = entries.collect();
            format!("{{{}}}", entries?.join(", "))
        }
    })
}

/// A scalar without quotes where that is the same in every place, else in double quotes.
fn scalar(text: &str, plain: bool) -> String {
    if plain && (is_bare(text) || text.is_empty()) {
        return if text.is_empty() { "~" } else { text }.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether text means itself without quotes, inside braces too.
fn is_bare(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || "_./%+-~".contains(c);
    let mut before = ' ';
    for c in text.chars() {
        // A colon or a space inside of words is text; before a space, a colon is not.
        let joins = matches!(c, ' ' | ':') && (before.is_alphanumeric() || before == '%');
        if !inner(c) && !joins {
            return false;
        }
        if before == ':' && !c.is_alphanumeric() {
            return false;
        }
        before = c;
    }
    let first = text.chars().next();
    before != ' '
        && before != ':'
        && first.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '~' | '-'))
        && !text.starts_with("- ")
        && !matches!(text, "-" | "--" | "---" | "...")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text of a value reads as the value.
    fn returns(value: &Value) {
        let text = value.to_yaml();
        let again = Value::parse("written", &text).unwrap_or_else(|reports| {
            panic!("{text}\n{}", reports.render(false));
        });
        assert_eq!(again, *value, "{text}");
    }

    #[test]
    fn a_design_that_is_read_and_written_means_the_same() {
        let value = Value::parse("global", crate::EXAMPLE_GLOBAL).expect("YAML");
        returns(&value);
        let (design, reports) = crate::read("written", &value.to_yaml(), &crate::NoFiles);
        assert!(design.is_some(), "{}", reports.render(false));
    }

    #[test]
    fn policies_of_several_lines_stay_readable() {
        let value = Value::parse("test", "p: |\n  policy a {\n    accept\n  }\n").expect("YAML");
        assert_eq!(value.to_yaml(), "p: |\n  policy a {\n    accept\n  }\n");
        returns(&value);
    }

    #[test]
    fn text_that_looks_like_yaml_is_quoted() {
        for text in [
            "a: b", "- a", "#x", "a #b", "[x]", "{", "a,b", "'", "\"", " a", "a ", "a\u{7}",
        ] {
            returns(&Value::Map(
                [(
                    "key".to_owned(),
                    Value::Scalar {
                        text: text.to_owned(),
                        plain: false,
                    },
                )]
                .into_iter()
                .collect(),
            ));
        }
    }

    fn arb_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[a-z0-9./%:-]{1,8}", "[ -~\n\t]{0,20}"];
        let leaf = text.prop_map(|text| Value::Scalar { text, plain: false });
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..5)
                    .prop_map(|map| Value::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_as_it_was(value in arb_value()) {
            prop_assume!(!matches!(value, Value::Scalar { .. }));
            returns_but_for_quotes(&value);
        }
    }

    /// Literal blocks count as quoted, and so does what needed quotes.
    fn returns_but_for_quotes(value: &Value) {
        let text = value.to_yaml();
        let again = Value::parse("written", &text).unwrap_or_else(|reports| {
            panic!("{text}\n{}", reports.render(false));
        });
        assert_eq!(again, *value, "{text}");
    }
}
