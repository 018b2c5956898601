//! The lab as a user has it: the built program, real namespaces, processes and packets.
//!
//! These tests need root, or a machine that lets ordinary users have namespaces and TUN devices; on
//! any other they fail. They assert states and order with generous deadlines: how fast things are
//! is asserted in virtual time, in the simulator's tests. `raised` is the harness, one lab at a time;
//! each scenario has a file of its own and one lab, but for `accidents`, which has one each.

mod accidents;
mod breakout;
mod carrier;
mod express_route;
mod global;
mod global_overlay;
mod hubs;
mod migration;
mod nvas;
mod private_peering_underlay;
mod privileges;
mod protection;
mod raised;
mod routing_preference;
mod scenarios;
mod shortcuts;
mod steering;
mod underlays;
