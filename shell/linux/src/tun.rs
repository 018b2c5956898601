//! TUN devices: network interfaces whose wire is a file descriptor.

#![expect(unsafe_code, reason = "TUN devices are made by ioctl")]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

mod queue;

pub use queue::{TunQueue, VNET_HEADER};

/// Where the kernel hands out TUN devices.
pub const CLONE_DEVICE: &str = "/dev/net/tun";

/// An open TUN device without packet information: each read and write is one IPv4 or IPv6 packet.
///
/// Reads and writes never block.
#[derive(Debug)]
pub struct Tun(OwnedFd);

impl Tun {
    /// Makes the interface `name` in the calling thread's network namespace and attaches to it.
    ///
    /// A `persistent` interface outlives the descriptor and goes with its namespace. Closing the
    /// descriptor of one that is not persistent makes the kernel unregister the interface at once,
    /// which takes some 20 ms each, one after the other.
    ///
    /// # Errors
    ///
    /// No permission for `/dev/net/tun` or for network administration, or the name is taken.
    pub fn create(name: &str, persistent: bool) -> io::Result<Self> {
        let device = attach(name, 0)?;
        if persistent {
            set(&device, libc::TUNSETPERSIST, 1)?;
        }
        Ok(Self(device))
    }

    /// Reads one packet; its length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none waits; others when the interface is gone or down.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.0, buffer)?)
    }

    /// Writes one packet, which the kernel then treats as received on the interface.
    ///
    /// # Errors
    ///
    /// Not an IP packet, or the interface is gone or down.
    pub fn write(&self, packet: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(&self.0, packet)?)
    }
}

/// Opens the clone device and attaches it to the interface `name`, which is made if it is not there.
fn attach(name: &str, flags: libc::c_int) -> io::Result<OwnedFd> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(CLONE_DEVICE)?;
    // SAFETY: `ifreq` is plain old data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.is_empty() || name.len() >= request.ifr_name.len() || name.contains('\0') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{name}` cannot be the name of an interface: 1 to 15 bytes"),
        ));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    let flags = libc::IFF_TUN | libc::IFF_NO_PI | flags;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).expect("flags of 15 bits");
    // SAFETY: the descriptor is open and `request` is a live `ifreq` with a terminated name;
    // the kernel writes no more than an `ifreq` back.
    Errno::result(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })?;
    Ok(device.into())
}

/// Makes a request that takes an integer.
fn set(device: &OwnedFd, request: libc::Ioctl, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the descriptor is open; the caller's requests take an integer, no memory.
    Errno::result(unsafe { libc::ioctl(device.as_raw_fd(), request, value) })?;
    Ok(())
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

impl From<OwnedFd> for Tun {
    /// Takes a descriptor that another process opened with [`Tun::create`].
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}
