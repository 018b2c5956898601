//! Behaviours of the fabric.
