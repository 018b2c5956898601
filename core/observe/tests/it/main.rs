//! What we write, read by others' code: `bgpkit-parser` for both formats.

mod bmp;
mod mrt;
mod routes;
