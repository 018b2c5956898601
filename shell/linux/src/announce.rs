//! Telling a LAN that an address has moved here.

#![expect(
    unsafe_code,
    reason = "link-layer addresses to send to have no safe constructor"
)]

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

const BROADCAST: [u8; 6] = [0xff; 6];

/// Sends a gratuitous ARP (RFC 5227 section 3): whoever has the address in a cache learns that
/// `interface` has it now. An interface without Ethernet addresses has no caches to mend.
///
/// # Errors
///
/// No such interface, or no permission for raw sockets.
pub fn announce_address(interface: &str, address: Ipv4Addr) -> io::Result<()> {
    let link = getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address?.as_link_addr().copied());
    let Some(link) = link.filter(|link| link.hatype() == libc::ARPHRD_ETHER) else {
        return Ok(());
    };
    let Some(hardware) = link.addr() else {
        return Ok(());
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, None)?;
    let to = broadcast(link.ifindex())?;
    let message = request(hardware, address);
    let len = libc::socklen_t::try_from(size_of_val(&to)).expect("a small struct");
    // SAFETY: `message` and `to` live through the call and come with their sizes.
    Errno::result(unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            message.as_ptr().cast(),
            message.len(),
            0,
            (&raw const to).cast(),
            len,
        )
    })?;
    Ok(())
}

/// All stations on the interface's link.
fn broadcast(interface: usize) -> io::Result<libc::sockaddr_ll> {
    // SAFETY: `sockaddr_ll` is plain old data, for which all zeros is a valid value.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    to.sll_protocol = u16::try_from(libc::ETH_P_ARP)
        .map_err(io::Error::other)?
        .to_be();
    to.sll_ifindex = i32::try_from(interface).map_err(io::Error::other)?;
    to.sll_halen = 6;
    for (to, from) in to.sll_addr.iter_mut().zip(BROADCAST) {
        *to = from;
    }
    Ok(to)
}

/// An ARP request (RFC 826) for the address by the address itself.
fn request(hardware: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    // Ethernet, IPv4, their lengths, request.
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, 1];
    message.extend(hardware);
    message.extend(address.octets());
    message.extend([0; 6]);
    message.extend(address.octets());
    message
}

#[cfg(test)]
mod tests {
    use super::request;

    #[test]
    fn sender_and_target_of_a_gratuitous_arp_are_the_same_address() {
        let message = request([2, 0, 0, 0, 0, 7], [10, 0, 0, 1].into());
        assert_eq!(message.len(), 28);
        assert_eq!(message[14..18], message[24..28]);
    }
}
