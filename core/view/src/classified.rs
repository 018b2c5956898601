//! To which application class a packet belongs, by the plan alone.

use design::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::{Flow, FormatVersion};

/// The class of a packet at a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The node.
    pub node: String,
    /// The packet's flow and code point.
    pub flow: Flow,
    /// The name that its destination was resolved from, if one was given.
    pub resolved_from: Option<String>,
    /// The class; `None` when no class takes it.
    pub class: Option<String>,
}

/// Classifies a packet as the node does. `None` when the plan has no such node.
pub fn classify(
    plan: &Plan,
    node: &str,
    flow: Flow,
    resolved_from: Option<&str>,
) -> Option<Classified> {
    let config = plan.nodes.iter().find(|config| config.name == node)?;
    let classifier = node::Classifier::new(&config.classes, &config.prefix_sets);
    let class = classifier.class_of(flow.into(), flow.dscp, resolved_from);
    Some(Classified {
        format_version: FormatVersion,
        node: node.to_owned(),
        flow,
        resolved_from: resolved_from.map(str::to_owned),
        class: class.map(|place| config.classes[place].name.clone()),
    })
}
