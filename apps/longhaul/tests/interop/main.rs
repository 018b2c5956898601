//! Others' implementations: BIRD, ExaBGP, FRR, GoBGP and OpenBGPD as neighbours of our router; BIRD
//! and FRR as NVAs and as edges of circuits in the lab; wireguard-go and boringtun as CPEs.
//!
//! The programs are Debian's, boringtun is built from crates.io; `cargo xtask test` gets them. Where one is missing the test fails.
//! States are awaited with generous deadlines: how fast things are is asserted in virtual time, in
//! the simulator's tests.

mod edges;
mod kernel;
mod liveness;
mod measuring;
mod meeting;
mod plain;
mod raised;
mod routers;
mod speakers;
mod speaking;
mod tunnels;
mod wireguard;
