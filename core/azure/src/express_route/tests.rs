//! The platform's rules, over real cores that are connected without delay.

mod branch_to_branch;
mod gateways;
mod limits;
mod microsoft_peering;
mod msees;
mod preference;
mod world;
