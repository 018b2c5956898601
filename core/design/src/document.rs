//! A design file as a plain value that programs can change and write back.
//!
//! Nothing here knows what a key means: that is [`read`](crate::read)'s, which reads the text that
//! comes out. Comments and aliases do not survive.

mod write;

use std::sync::Arc;

use crate::report::{Reports, Sources};
use crate::tree::{self, Kind, Node};

/// A value of a YAML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text; `plain` when it stands without quotes, as numbers and words do.
    Scalar {
        /// The text without quotes.
        text: String,
        /// Whether it had none.
        plain: bool,
    },
    /// A list.
    List(Vec<Self>),
    /// A mapping.
    Map(Map),
}

/// A mapping, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    entries: Vec<(String, Value)>,
}

impl Value {
    /// Reads a file. Of a key that stands twice the first counts.
    ///
    /// # Errors
    ///
    /// It is not YAML, or not one document.
    pub fn parse(name: &str, text: &str) -> Result<Self, Reports> {
        let mut sources = Sources::default();
        let mut reports = Vec::new();
        let file = sources.add(name, text);
        let node = tree::parse(file, text, &mut reports);
        node.map(Self::from)
            .ok_or_else(|| Reports::new(reports, Arc::new(sources)))
    }

    /// A word or number, which stands without quotes where YAML allows it.
    pub fn word(text: impl Into<String>) -> Self {
        Self::Scalar {
            text: text.into(),
            plain: true,
        }
    }

    /// An empty mapping.
    pub const fn empty() -> Self {
        Self::Map(Map {
            entries: Vec::new(),
        })
    }

    /// Its text, when it is a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar { text, .. } => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The mapping, when it is one.
    pub const fn map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            Self::Scalar { .. } | Self::List(_) => None,
        }
    }

    /// The mapping; what is none becomes an empty one.
    pub fn map_mut(&mut self) -> &mut Map {
        if !matches!(self, Self::Map(_)) {
            *self = Self::empty();
        }
        match self {
            Self::Map(map) => map,
            Self::Scalar { .. } | Self::List(_) => unreachable!("it is a mapping since above"),
        }
    }

    /// The items of a list; none when it is none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Scalar { .. } | Self::Map(_) => &[],
        }
    }

    /// The value of a key; `None` when it is absent, empty, or this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.get(key)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Whether nothing is written: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

impl Map {
    /// The value of a key; an empty value counts as absent.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.entries.iter().find(|(known, _)| known == key)?;
        (!value.is_null()).then_some(value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let index = self.index(key)?;
        Some(&mut self.entries[index].1)
    }

    /// Whether the key stands here, with or without a value.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == key)
    }

    /// The value of a key, to be changed; an empty mapping when there was none.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let index = self.index(key).unwrap_or_else(|| {
            self.entries.push((key.to_owned(), Value::empty()));
            self.entries.len() - 1
        });
        &mut self.entries[index].1
    }

    /// Puts a value in the place of the key's, else at the end.
    pub fn set(&mut self, key: &str, value: Value) {
        *self.entry(key) = value;
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.index(key)?;
        Some(self.entries.remove(index).1)
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Keys and values to be changed, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.entries
            .iter_mut()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Whether it has no keys.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn index(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(known, _)| known == key)
    }
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        match node.kind {
            Kind::Scalar { text, plain } => Self::Scalar { text, plain },
            Kind::List(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Kind::Map(entries) => {
                let mut map = Map::default();
                for (key, value) in entries {
                    if !map.has(&key.text) {
                        map.entries.push((key.text, Self::from(value)));
                    }
                }
                Self::Map(map)
            }
        }
    }
}

impl FromIterator<(String, Value)> for Map {
    /// Of equal keys the last value counts, in the place of the first.
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.set(&key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_value_counts_as_absent() {
        let value = Value::parse("test", "a:\nb: {c: 1}\n").expect("YAML");
        assert_eq!(value.get("a"), None);
        assert!(value.map().expect("a mapping").has("a"));
        assert_eq!(value.at(&["b", "c"]).and_then(Value::text), Some("1"));
    }

    #[test]
    fn a_replaced_value_keeps_its_place() {
        let mut value = Value::parse("test", "a: 1\nb: 2\n").expect("YAML");
        value.map_mut().set("a", Value::word("3"));
        value.map_mut().set("c", Value::word("4"));
        assert_eq!(value.to_yaml(), "a: 3\nb: 2\nc: 4\n");
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_place() {
        let reports = Value::parse("test", "a: ]\n").expect_err("no YAML");
        assert!(reports.has_errors());
    }
}
