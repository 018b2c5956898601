//! Many packets as one, and one as many: the work that a kernel leaves to its network devices, done here.
//!
//! A kernel hands a device *super-packets*, with a virtio-net header that says what is unfinished ([`Offload`]): a TCP
//! or UDP payload of up to 64 KiB to be cut into segments, a checksum to be completed. [`Segments`] cuts
//! them into finished packets, [`complete`] completes a checksum. The other way [`Run`] puts consecutive packets of
//! a flow together into one super-packet, so that the kernel's stack is walked once instead of forty times.
//!
//! A checksum that was wrong stays wrong: a [`Run`] takes only packets whose checksum it has verified, because the kernel
//! takes a super-packet's for granted. Everything else goes on as it came.
//!
//! Beside that, what a tunnel does to the headers of packets it carries: congestion notification and service classes
//! ([`tos`]), and the maximum segment size of TCP connections that have to fit ([`clamp_mss`]).
//!
//! Nothing here allocates, and nothing that a header says is believed before it was compared with the packet's length.

#![warn(missing_docs)]

mod checksum;
mod header;
mod mss;
mod run;
mod segments;
pub mod tos;

pub use header::{HEADER, Offload, OffloadError, Partial, Segmentation};
pub use mss::clamp_mss;
pub use run::{Joined, Run};
pub use segments::{Segments, complete};
