//! Any text as a design file: read, checked, resolved and rendered without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (design, reports) = design::read("design.yaml", text, &design::NoFiles);
    let _ = reports.render(false);
    let Some(design) = design else { return };
    let _ = design::check(&design).to_json();
    let _ = design::resolve(&design, &|name| name.to_owned());
});
