//! Device configuration files: each part of the Plan as YAML, and back.
//!
//! A daemon starts from such a file alone, so a damaged one is refused before anything runs: with
//! the line, and the reason in words. Beyond the form this checks what the device would trip over,
//! such as a path from a locator that is not there. Which device a file is for is said by its type.

mod checks;

use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::plan::{
    ErGatewayConfig, FabricConfig, ForeignConfig, HostConfig, MseeConfig, NodeConfig, Plan,
    RouteServerConfig,
};
use crate::tree::{Kind, Node};

/// Why a configuration file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line, counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, counted from 1; 0 when the whole file is meant.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.reason),
            line => write!(f, "line {line}, column {}: {}", self.column, self.reason),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Gives a part of the Plan its file form.
macro_rules! files {
    ($($type:ty: $check:expr),+ $(,)?) => { $(
        impl $type {
            /// The configuration file.
            pub fn to_yaml(&self) -> String {
                write(self)
            }

            /// Reads a configuration file. The first thing that is wrong is the error.
            pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
                read(text, $check)
            }
        }
    )+ };
}

files! {
    NodeConfig: checks::node,
    RouteServerConfig: checks::route_server,
    ErGatewayConfig: |_, _| {},
    MseeConfig: |_, _| {},
    FabricConfig: checks::fabric,
    HostConfig: |_, _| {},
    ForeignConfig: |_, _| {},
    Plan: |_, _| {},
}

fn write(value: &impl Serialize) -> String {
    serde_saphyr::to_string(value).expect("configurations have text keys and finite numbers only")
}

fn read<T: DeserializeOwned>(text: &str, check: fn(&T, &mut Findings)) -> Result<T, ConfigError> {
    let value: T = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location();
        let reason = error.to_string();
        // The crate appends the position in its own words; ours stands in front.
        let end = reason.rfind(" at line ").unwrap_or(reason.len());
        ConfigError {
            line: at.map_or(0, |at| usize::try_from(at.line()).unwrap_or(0)),
            column: at.map_or(0, |at| usize::try_from(at.column()).unwrap_or(0)),
            reason: reason[..end].to_owned(),
        }
    })?;
    let mut findings = Findings::default();
    check(&value, &mut findings);
    match findings.list.into_iter().next() {
        None => Ok(value),
        Some((path, reason)) => {
            let (line, column) = locate(text, &path).unwrap_or((0, 0));
            Err(ConfigError {
                line,
                column,
                reason,
            })
        }
    }
}

/// A step from a value in a configuration file to a part of it.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A field.
    Field(&'static str),
    /// An item of a list.
    Item(usize),
}

/// What a check found, each with the way from the top of the file.
#[derive(Default)]
pub(crate) struct Findings {
    list: Vec<(Vec<Step>, String)>,
}

impl Findings {
    pub(crate) fn add(&mut self, path: &[Step], reason: String) {
        self.list.push((path.to_vec(), reason));
    }
}

/// Line and column, counted from 1, of the deepest part of a path that a configuration file has;
/// `None` for a file that is none.
pub fn locate(text: &str, path: &[Step]) -> Option<(usize, usize)> {
    let mut reports = Vec::new();
    let root = crate::tree::parse(0, text, &mut reports)?;
    let mut node: &Node = &root;
    for step in path {
        let next = match (step, &node.kind) {
            (Step::Field(name), Kind::Map(entries)) => entries
                .iter()
                .find(|(key, _)| key.text == *name)
                .map(|(_, node)| node),
            (Step::Item(index), Kind::List(items)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    let before = text.get(..node.span.start as usize)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Some((line, before[line_start..].chars().count() + 1))
}

/// Checks a WireGuard key: 32 bytes in base64.
pub(crate) fn key(text: &str) -> Result<(), &'static str> {
    let body = text
        .strip_suffix('=')
        .ok_or("it has 44 characters, the last of them =")?;
    if text.len() != 44 {
        return Err("it has 44 characters, the last of them =");
    }
    if !body
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
    {
        return Err("base64 has only letters, digits, + and /");
    }
    // 32 bytes leave two bits of the last digit unused, and these are zero.
    if !body.ends_with(|c| "AEIMQUYcgkosw048".contains(c)) {
        return Err("its last digit does not end a key of 32 bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
