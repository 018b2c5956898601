//! Stories through the public API only.
