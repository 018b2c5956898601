//! A Route Server as its operator has it: the built program, real sockets, real requests.
//!
//! Instances listen on port 179 of loopback addresses, of which each test has its own: this needs
//! root, as the lab does.

mod http;
mod management;
mod nva;
mod reload;
mod server;
