//! Kernel settings of the calling thread's network namespace.
//!
//! `/proc/sys/net` shows each thread the settings of the namespace that the thread is in.

use std::fs;
use std::io;

/// Writes a setting, such as `net.ipv4.ip_forward`. Dots separate; names of interfaces with a dot
/// are written with a slash in its place, as sysctl(8) does.
///
/// # Errors
///
/// There is no such setting, no permission, or `/proc/sys` is read-only (some containers).
pub fn write(name: &str, value: &str) -> io::Result<()> {
    let path: String = name.chars().map(swap_separator).collect();
    let path = format!("/proc/sys/{path}");
    fs::write(&path, value)
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

fn swap_separator(c: char) -> char {
    match c {
        '.' => '/',
        '/' => '.',
        other => other,
    }
}
