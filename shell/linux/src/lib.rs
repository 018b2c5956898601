//! What the rest of Longhaul asks of the Linux kernel: TUN devices, namespaces, addresses and
//! routes, sockets with unusual options, processes that die with their parent, exact timers.
//!
//! This is the one place with `unsafe` code: system calls for which no safe binding exists, each
//! with the reason why it is sound. Everything is blocking and small; event loops are built
//! elsewhere, on the file descriptors that these functions return.
//!
//! Two rules of the kernel shape the interface. A network namespace belongs to a *thread*, so
//! [`NetNamespace::run`] does its work on a short-lived thread and hands back file descriptors, which
//! stay in the namespace wherever they are used afterwards. And a user namespace can only be
//! entered while a process has a single thread, so [`user::enter_own`] comes first in `main`.

mod announce;
pub mod batch;
mod bell;
mod chance;
pub mod confine;
pub mod datagram;
mod descriptors;
pub mod epoll;
mod lock;
mod masquerade;
mod namespace;
mod netlink;
pub mod process;
pub mod protect;
pub mod realtime;
mod routes;
mod signals;
pub mod socket;
pub mod stream;
pub mod sysctl;
mod tun;
pub mod user;
mod watched;

pub use announce::announce_address;
pub use bell::Bell;
pub use chance::random;
pub use descriptors::{raise_descriptor_limit, receive_descriptors, send_descriptors};
pub use lock::{LockError, LockFile};
pub use masquerade::Masquerade;
pub use namespace::NetNamespace;
pub use netlink::{
    InterfaceAddress, LinkChanges, Lookup, Netlink, RouteChange, RouteOwner, RouteTo, Rule,
};
pub use routes::{DefaultRoute, default_route, default_route_by};
pub use signals::{interrupt_is_ignored, interrupted_within};
pub use tun::{CLONE_DEVICE, Tun, TunQueue, VNET_HEADER};
pub use watched::{PacketSource, Watched, WatchedPoller};
