//! Others' implementations: BIRD, ExaBGP, FRR, GoBGP and OpenBGPD as neighbours of our router; BIRD
//! and FRR as NVAs and as edges of circuits in the lab, wireguard-go as a CPE.
//!
//! The programs are Debian's; `cargo xtask test` installs them. Where one is missing the test fails.
//! States are awaited with generous deadlines: how fast things are is asserted in virtual time, in
//! the simulator's tests.

mod edges;
mod kernel;
mod liveness;
mod measuring;
mod meeting;
mod raised;
mod routers;
mod speakers;
mod speaking;
mod wireguard;
