//! From nodes to values, with every error of the file in one run.
//!
//! A [`Shape`] says two things about a type: how it is read from a node, and how the JSON Schema
//! describes it. Both come from the same table of fields (the `record!` macro), so they cannot
//! differ. A value that cannot be read leaves a report and is `None`; reading goes on beside it.

use serde_json::{Map, Value, json};

use crate::report::{Report, Span};
use crate::tree::{Key, Kind, Node};

/// A value and the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// What can stand in a design file.
pub(crate) trait Shape: Sized {
    /// Reads it; a report is left for everything that is wrong.
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self>;

    /// Its JSON Schema; named parts go to the definitions.
    fn schema(definitions: &mut Map<String, Value>) -> Value;
}

/// What can take its missing values from another of its kind.
pub(crate) trait Inherit {
    /// These values, and those of `base` where there are none.
    #[must_use]
    fn over(&self, base: &Self) -> Self;
}

/// Reads a value and keeps its place.
pub(crate) fn read_at<T: Shape>(node: &Node, reports: &mut Vec<Report>) -> Option<At<T>> {
    let value = T::read(node, reports)?;
    Some(At {
        value,
        span: node.span,
    })
}

/// The error for a node that is something else than expected.
pub(crate) fn expected(node: &Node, what: &str) -> Report {
    Report::shape(node.span, format!("expected {what}, found {}", node.what()))
}

/// The word nearest to a mistyped one.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = length.max(3) / 3 + 1;
    known
        .into_iter()
        // The distance is at least this, and costs the product of the lengths to know.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, or the list of what there is.
pub(crate) fn suggestion<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(word, known.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<_> = known.into_iter().take(LISTED_MAX + 1).collect();
            if all.is_empty() || all.len() > LISTED_MAX {
                return String::new();
            }
            format!("known here: {}", all.join(", "))
        }
    }
}

/// Longer lists of known words help nobody.
const LISTED_MAX: usize = 24;

/// The entries of a record while they are read.
pub(crate) struct Fields<'a> {
    node: &'a Node,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The entries of a mapping; unknown and duplicate keys are reported.
    pub(crate) fn of(node: &'a Node, known: &[&str], reports: &mut Vec<Report>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reports.push(expected(
                node,
                &format!("a mapping with {}", known.join(", ")),
            ));
            return None;
        };
        duplicates(entries, reports);
        for (key, _) in entries {
            if !known.contains(&key.text.as_str()) {
                reports.push(
                    Report::shape(key.span, format!("unknown key `{}`", key.text))
                        .try_this(suggestion(&key.text, known.iter().copied())),
                );
            }
        }
        Some(Self { node, entries })
    }

    /// Reads one field; an empty value counts as absent.
    pub(crate) fn take<T: Shape>(&self, name: &str, reports: &mut Vec<Report>) -> Option<At<T>> {
        let (_, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        if node.is_null() {
            return None;
        }
        read_at(node, reports)
    }

    /// Reports required fields that are missing.
    pub(crate) fn require(&self, names: &[&str], reports: &mut Vec<Report>) {
        for name in names {
            let there = self
                .entries
                .iter()
                .any(|(key, node)| key.text == *name && !node.is_null());
            if !there {
                let at = Span {
                    end: self.node.span.start,
                    ..self.node.span
                };
                reports.push(Report::shape(at, format!("`{name}` is missing here")));
            }
        }
    }
}

fn duplicates(entries: &[(Key, Node)], reports: &mut Vec<Report>) {
    let mut seen = std::collections::BTreeMap::new();
    for (key, _) in entries {
        if let Some(first) = seen.insert(key.text.as_str(), key.span) {
            reports.push(
                Report::shape(key.span, format!("the key `{}` is here twice", key.text))
                    .also(Some(first), "first here"),
            );
            seen.insert(key.text.as_str(), first);
        }
    }
}

/// A mapping from names to values, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<(At<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// The value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.0
            .iter()
            .find(|(key, _)| key.value == name)
            .map(|(_, value)| value)
    }
}

impl<T: Shape + Default> Shape for Named<T> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reports.push(expected(node, "a mapping from names"));
            return None;
        };
        duplicates(entries, reports);
        let mut all = Vec::with_capacity(entries.len());
        for (key, node) in entries {
            let name = crate::scalars::name(&key.text, key.span, reports);
            let value = if node.is_null() {
                Some(T::default())
            } else {
                T::read(node, reports)
            };
            if let (Some(name), Some(value)) = (name, value) {
                all.push((
                    At {
                        value: name,
                        span: key.span,
                    },
                    value,
                ));
            }
        }
        Some(Self(all))
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let value = T::schema(definitions);
        json!({
            "type": "object",
            "propertyNames": { "pattern": crate::scalars::NAME_PATTERN },
            "additionalProperties": { "anyOf": [value, { "type": "null" }] },
        })
    }
}

impl<T: Shape> Shape for Vec<At<T>> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let Kind::List(items) = &node.kind else {
            reports.push(expected(node, "a list"));
            return None;
        };
        Some(
            items
                .iter()
                .filter_map(|item| read_at(item, reports))
                .collect(),
        )
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMore<T>(pub(crate) Vec<At<T>>);

impl<T: Shape> Shape for OneOrMore<T> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::List(_) => Vec::read(node, reports).map(Self),
            _ => read_at(node, reports).map(|value| Self(vec![value])),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let one = T::schema(definitions);
        json!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// Something that is there or not, or there with settings.
#[derive(Clone, Debug)]
pub(crate) enum Switched<T> {
    Switch(bool),
    Settings(T),
}

impl<T: Clone + Default> Switched<T> {
    /// The settings; `None` when it is not there.
    pub(crate) fn settings(&self) -> Option<T> {
        match self {
            Self::Switch(false) => None,
            Self::Switch(true) => Some(T::default()),
            Self::Settings(settings) => Some(settings.clone()),
        }
    }
}

impl<T: Shape> Shape for Switched<T> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => T::read(node, reports).map(Self::Settings),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, T::schema(definitions)] })
    }
}

/// What the schema says about one field of a record.
pub(crate) struct FieldText {
    pub(crate) name: &'static str,
    pub(crate) docs: &'static [&'static str],
    pub(crate) examples: &'static [&'static str],
    pub(crate) schema: fn(&mut Map<String, Value>) -> Value,
}

/// Puts a record into the definitions and gives the reference to it.
pub(crate) fn record_schema(
    definitions: &mut Map<String, Value>,
    name: &str,
    docs: &[&str],
    required: &[&str],
    fields: &[FieldText],
) -> Value {
    let reference = json!({ "$ref": format!("#/definitions/{name}") });
    if definitions.contains_key(name) {
        return reference;
    }
    definitions.insert(name.to_owned(), Value::Null);
    let mut properties = Map::new();
    for field in fields {
        let mut schema = (field.schema)(definitions);
        // In draft-07 whatever stands beside a `$ref` is ignored.
        if schema.get("$ref").is_some() {
            schema = json!({ "allOf": [schema] });
        }
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), prose(field.docs).into());
            if !field.examples.is_empty() {
                let examples = field.examples.iter().map(|text| example(text)).collect();
                schema.insert("examples".to_owned(), Value::Array(examples));
            }
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let mut record = json!({
        "type": "object",
        "description": prose(docs),
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        record["required"] = json!(required);
    }
    definitions.insert(name.to_owned(), record);
    reference
}

fn example(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn prose(docs: &[&str]) -> String {
    docs.iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A record of the design file: its fields with their descriptions and an example each. All fields
/// may be absent except those listed after `required`.
macro_rules! record {
    (
        $(#[doc = $doc:literal])*
        $name:ident $(required $($required:ident)+)? {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty = $($example:literal)|+, )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default)]
        pub(crate) struct $name {
            $( $(#[doc = $field_doc])* pub(crate) $field: Option<$crate::reader::At<$type>>, )+
        }

        impl $name {
            /// The names of the fields.
            pub(crate) const FIELDS: &[&str] = &[$(stringify!($field)),+];
        }

        impl $crate::reader::Inherit for $name {
            fn over(&self, base: &Self) -> Self {
                Self { $( $field: self.$field.clone().or_else(|| base.$field.clone()), )+ }
            }
        }

        impl $crate::reader::Shape for $name {
            fn read(
                node: &$crate::tree::Node,
                reports: &mut Vec<$crate::report::Report>,
            ) -> Option<Self> {
                let fields = $crate::reader::Fields::of(node, Self::FIELDS, reports)?;
                fields.require(&[$($(stringify!($required)),+)?], reports);
                Some(Self { $( $field: fields.take(stringify!($field), reports), )+ })
            }

            fn schema(
                definitions: &mut serde_json::Map<String, serde_json::Value>,
            ) -> serde_json::Value {
                $crate::reader::record_schema(
                    definitions,
                    stringify!($name),
                    &[$($doc),*],
                    &[$($(stringify!($required)),+)?],
                    &[$( $crate::reader::FieldText {
                        name: stringify!($field),
                        docs: &[$($field_doc),*],
                        examples: &[$($example),+],
                        schema: <$type as $crate::reader::Shape>::schema,
                    } ),+],
                )
            }
        }
    };
}
pub(crate) use record;
