//! TUN devices that carry super-packets: up to 64 KiB of one flow with a virtio-net header in front, which says how the
//! kernel would have cut them into packets and which checksum is still to be made (`linux/virtio_net.h`).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::sys::uio::{readv, writev};

use super::{attach, set};

/// Octets of the virtio-net header, whose numbers are in the machine's byte order.
pub const VNET_HEADER: usize = 10;
/// Parts that one packet is written from, beside the header.
const PARTS_MAX: usize = 160;
/// The kernel need not finish checksums, may hand out TCP super-packets, also of flows with ECN.
const TCP: libc::c_uint = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO_ECN;
/// UDP super-packets (Linux 6.2). The kernel takes both families or none.
const UDP: libc::c_uint = libc::TUN_F_USO4 | libc::TUN_F_USO6;

/// A queue of a TUN device with virtio-net headers. Reads and writes never block.
#[derive(Debug)]
pub struct TunQueue {
    descriptor: OwnedFd,
    takes_udp: bool,
}

impl TunQueue {
    /// Makes the interface `name` in the calling thread's network namespace, with `count` queues among which the
    /// kernel spreads flows. It goes with the last descriptor.
    ///
    /// # Errors
    ///
    /// No permission for `/dev/net/tun` or for network administration, the name is taken, or the kernel knows no TCP
    /// offload.
    pub fn create(name: &str, count: usize) -> io::Result<Vec<Self>> {
        let flags = libc::IFF_VNET_HDR | if count > 1 { libc::IFF_MULTI_QUEUE } else { 0 };
        (0..count.max(1))
            .map(|_| {
                let queue = attach(name, flags)?;
                // Offloads are the device's: each queue asks for the same.
                let takes_udp = set(&queue, libc::TUNSETOFFLOAD, (TCP | UDP).into()).is_ok();
                if !takes_udp {
                    set(&queue, libc::TUNSETOFFLOAD, TCP.into())?;
                }
                Ok(Self {
                    descriptor: queue,
                    takes_udp,
                })
            })
            .collect()
    }

    /// Whether the kernel takes UDP super-packets; those of TCP it always does.
    pub fn takes_udp(&self) -> bool {
        self.takes_udp
    }

    /// Reads one packet or super-packet with its header; the packet's length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none waits; others when the interface is gone or down.
    pub fn read(&self, header: &mut [u8; VNET_HEADER], packet: &mut [u8]) -> io::Result<usize> {
        let parts = &mut [IoSliceMut::new(header), IoSliceMut::new(packet)];
        let len = readv(&self.descriptor, parts)?;
        len.checked_sub(VNET_HEADER)
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    /// Writes one packet or super-packet, gathered from `parts`, which the kernel then treats as received on the
    /// interface.
    ///
    /// # Errors
    ///
    /// Not an IP packet, a header that does not fit it, more than 160 parts, or the interface is gone or down.
    pub fn write(&self, header: &[u8; VNET_HEADER], parts: &[&[u8]]) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); 1 + PARTS_MAX];
        let slices = slices
            .get_mut(..=parts.len())
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let whole = std::iter::once(header.as_slice()).chain(parts.iter().copied());
        for (slice, part) in slices.iter_mut().zip(whole) {
            *slice = IoSlice::new(part);
        }
        writev(&self.descriptor, slices)?;
        Ok(())
    }
}

impl AsFd for TunQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsRawFd for TunQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}
