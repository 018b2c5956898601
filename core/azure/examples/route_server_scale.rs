//! Measures a Route Server at its published limits: `cargo run --release -p azure --example
//! route_server_scale`. Says how long it takes from the first byte of the announcements until every
//! network interface is programmed, and the most memory that the process ever had.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a measurement needs a clock, a file of the kernel's, and a place to say its figures"
)]

use std::time::Instant;

use azure::scale::{Scale, Size};

fn main() {
    for same in [true, false] {
        let size = Size {
            same,
            ..Size::PUBLISHED
        };
        let mut scale = Scale::new(size).expect("a good size");
        let began = Instant::now();
        scale.announce();
        let took = began.elapsed();
        let missing = scale.missing();
        println!(
            "{size:?}: {took:.3?}, {missing} routes missing, {} in all",
            peak()
        );
    }
}

/// The most resident memory so far, as the kernel says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(|| "unknown".to_owned(), |line| line[6..].trim().to_owned())
}
