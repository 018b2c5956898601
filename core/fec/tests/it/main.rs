//! Streams over a path that loses and changes places, through the public API only.

mod residual;
mod stream;
