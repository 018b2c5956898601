//! Any text as a device's configuration file: taken or refused without a panic.
#![no_main]

use design::plan::{FabricConfig, NodeConfig, RouteServerConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = NodeConfig::from_yaml(text);
    let _ = RouteServerConfig::from_yaml(text);
    let _ = FabricConfig::from_yaml(text);
});
