//! Lists of prefixes that classes name.

use inet::Prefix;
use serde_json::{Map, Value, json};

use crate::reader::{At, OneOrMore, Shape, record};
use crate::report::Report;
use crate::scalars::{Text, words};
use crate::tree::{Kind, Node};

record! {
    /// A list of prefixes in a file of its own: plain, one on each line; Microsoft 365's endpoints;
    /// or Azure's service tags.
    PrefixFileText required from {
        /// Name of the file, seen from the design file.
        from: Text = "partners.txt",
        /// Of Microsoft 365's endpoints: the categories that are taken; all without.
        category: OneOrMore<CategoryText> = r#"["optimize", "allow"]"#,
        /// Of Azure's service tags: those that are taken.
        tag: OneOrMore<Text> = r#"["Storage.WestEurope"]"#,
    }
}

words! {
    /// Categories of Microsoft 365's endpoints.
    CategoryText {
        /// Most of the traffic, and most sensitive to its path.
        Optimize = "optimize",
        /// Needed, and less sensitive.
        Allow = "allow",
        /// As any other traffic to the internet.
        Default = "default",
    }
}

/// A list of prefixes: written out, or in a file.
#[derive(Clone, Debug)]
pub(crate) enum PrefixSetText {
    List(Vec<At<Prefix>>),
    File(PrefixFileText),
}

impl Default for PrefixSetText {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Shape for PrefixSetText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => PrefixFileText::read(node, reports).map(Self::File),
            _ => Vec::read(node, reports).map(Self::List),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let list = Vec::<At<Prefix>>::schema(definitions);
        json!({ "anyOf": [list, PrefixFileText::schema(definitions)] })
    }
}
