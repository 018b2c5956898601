//! What `longhaul init` writes: a small design that says at each place what can be said there.

/// The starter design, commented; it checks without findings.
pub fn starter() -> String {
    include_str!("../data/starter.yaml").to_owned()
}
