//! `classify`: to which application class a packet belongs, by the design alone.

use view::FlowSpec;

use crate::args::{Classify, DesignFile, Format};
use crate::designs;
use crate::output::{Failure, Outcome, result};

/// `classify`.
pub(crate) fn classify(format: Format, options: &Classify) -> Outcome {
    let flow: FlowSpec = options
        .flow
        .parse()
        .map_err(|error| Failure::usage(format!("{error}")))?;
    let loaded = designs::load(&DesignFile {
        file: Some(options.file.clone()),
    })?;
    // No key decides about a class.
    let plan = loaded.plan(&|_| String::new())?;
    let flow = flow.between(options.source, options.destination);
    let classified = view::classify(&plan, &options.node, flow, options.name.as_deref());
    let classified = classified.ok_or_else(|| {
        let nodes = plan.nodes.iter().map(|node| node.name.as_str());
        let nodes: Vec<&str> = nodes.collect();
        let node = &options.node;
        Failure::usage(format!(
            "error: there is no node {node:?}; there are: {}",
            nodes.join(" ")
        ))
    })?;
    result(format, &classified, |classified| match &classified.class {
        Some(class) => format!("{class}\n"),
        None => "no class: it goes by the order of the site's underlays\n".to_owned(),
    })
}
