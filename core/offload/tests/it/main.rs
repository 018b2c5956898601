//! Super-packets through the crate's public face, with another implementation of the protocols as the judge.

mod headers;
mod joining;
mod packets;
mod segments;
