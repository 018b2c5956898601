//! `longhaul node` as a process: what it does to packets, with a test as the wire and as the hosts.

mod checksums;
mod overlay;
mod packets;
mod sizes;
mod underlay_marks;
