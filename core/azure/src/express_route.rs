//! ExpressRoute: gateways and MSEEs, each the platform's rules around a BGP speaker.
//!
//! [`Gateway`] is one of the two instances of a VNet's gateway (AS 65515), [`Msee`] one of the two
//! edge routers of a circuit (AS 12076). Both are driven like a Route Server instance: [`Input`]s
//! go in, [`Output`]s come out, [`Gateway::wake`] and [`Msee::wake`] say when to come back. What they
//! forward is the fabric's: they tell it with [`Output::Forward`] what their own packets follow, and a
//! gateway without a Route Server tells it with [`Output::Program`] what the NICs are to have.
//!
//! ```text
//! Route Server ══ iBGP, TTL 1 ══ Gateway 0, 1 ══ eBGP ══ Msee primary, secondary ── customer
//!                                                            ║ Global Reach
//!                                                        Msee of another circuit
//! ```
//!
//! Where the rules are: `gateway::rules` and `msee::rules` say them in the terms of the speaker's
//! policies; `docs/expressroute.md` lists every behaviour with its source.

mod fault;
pub mod gateway;
mod input;
pub mod msee;
mod next_hops;
mod output;
#[cfg(test)]
mod tests;

pub use fault::ConfigFault;
pub use gateway::{Gateway, GatewayCommand};
pub use input::Input;
pub use msee::{Msee, MseeCommand};
pub use output::Output;
