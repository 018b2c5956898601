//! Others' implementations in the lab: BIRD and FRR as NVAs, wireguard-go as a CPE.
//!
//! The programs are Debian's; `cargo xtask test` installs them. Where one is missing the test fails.
//! States are awaited with generous deadlines: how fast things are is asserted in virtual time, in
//! the simulator's tests.

mod raised;
mod routers;
mod wireguard;
