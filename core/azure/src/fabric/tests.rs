//! Behaviours of the fabric. Every flow that a test sends is explained first, and the explanation
//! must say what then happens.

mod effective;
mod express_route;
mod faults;
mod forwarders;
mod lan;
mod microsoft_peering;
mod network;
mod nsg;
mod program;
mod rubbish;
mod site;
mod speed;
mod wire;
mod world;
