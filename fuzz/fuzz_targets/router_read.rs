//! Any text as a router's file: read and rendered without a panic, and no secret in a report.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (config, reports) = design::read_router("router.yaml", text);
    let _ = reports.render(false);
    let _ = reports.to_json();
    assert_eq!(config.is_none(), reports.has_errors());
});
