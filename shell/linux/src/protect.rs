//! What protects a TCP connection below the application: MD5 signatures (RFC 2385), TCP-AO
//! (RFC 5925) and the generalized TTL security mechanism (RFC 5082).
//!
//! Keys go to the kernel before a connection is begun, and to a listening socket before the
//! neighbour calls: the kernel then drops segments that do not bear the key, and the application
//! never hears of them.

#![expect(unsafe_code, reason = "these socket options have no safe binding")]

use std::io::{self, ErrorKind};
use std::mem::{size_of, zeroed};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Longest key, octets (`TCP_MD5SIG_MAXKEYLEN`, `TCP_AO_MAXKEYLEN`).
pub const KEY_MAX: usize = 80;

const TCP_MD5SIG: libc::c_int = 14;
const TCP_MD5SIG_EXT: libc::c_int = 32;
const TCP_MD5SIG_FLAG_PREFIX: u8 = 1;
const TCP_AO_ADD_KEY: libc::c_int = 38;
const TCP_AO_DEL_KEY: libc::c_int = 39;
const IP_MINTTL: libc::c_int = 21;
const IPV6_MINHOPCOUNT: libc::c_int = 73;

/// Whom a key is for: an address, or all addresses of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peers {
    /// The address, or the first of the prefix.
    pub address: IpAddr,
    /// The prefix's length; 32 or 128 is one address.
    pub len: u8,
}

/// A key of TCP-AO.
#[derive(Clone, Copy)]
pub struct AoKey<'a> {
    /// The kernel's name of the algorithm, such as `hmac(sha1)`.
    pub algorithm: &'static str,
    /// The key's ID in segments that we send.
    pub send_id: u8,
    /// The key's ID in segments that we receive.
    pub receive_id: u8,
    /// The master key.
    pub key: &'a [u8],
}

/// `struct tcp_md5sig` of `linux/tcp.h`.
#[repr(C)]
struct Md5Sig {
    address: libc::sockaddr_storage,
    flags: u8,
    prefix_len: u8,
    key_len: u16,
    interface: libc::c_int,
    key: [u8; KEY_MAX],
}

/// `struct tcp_ao_add` of `linux/tcp.h`.
#[repr(C, align(8))]
struct AoAdd {
    address: libc::sockaddr_storage,
    algorithm: [u8; 64],
    interface: i32,
    /// Bit 0: send with this key at once; bit 1: ask for it from the other side.
    roles: u32,
    reserved: u16,
    prefix_len: u8,
    send_id: u8,
    receive_id: u8,
    mac_len: u8,
    key_flags: u8,
    key_len: u8,
    key: [u8; KEY_MAX],
}

/// `struct tcp_ao_del` of `linux/tcp.h`.
#[repr(C, align(8))]
struct AoDel {
    address: libc::sockaddr_storage,
    interface: i32,
    roles: u32,
    reserved: u16,
    prefix_len: u8,
    send_id: u8,
    receive_id: u8,
    current: u8,
    next: u8,
    key_flags: u8,
}

impl Peers {
    /// One address.
    pub const fn one(address: IpAddr) -> Self {
        let len = if address.is_ipv4() { 32 } else { 128 };
        Self { address, len }
    }

    /// Whether an address is one of them.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = u32::from(ours) ^ u32::from(theirs);
                differ.leading_zeros() >= u32::from(self.len)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = u128::from(ours) ^ u128::from(theirs);
                differ.leading_zeros() >= u32::from(self.len)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    const fn is_one(self) -> bool {
        self.len == Self::one(self.address).len
    }

    fn storage(self) -> libc::sockaddr_storage {
        // SAFETY: all zeros is a valid value of every sockaddr.
        let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
        let place = &raw mut storage;
        match self.address {
            // SAFETY: a sockaddr_storage has room for, and the alignment of, every sockaddr.
            IpAddr::V4(address) => unsafe {
                let place = place.cast::<libc::sockaddr_in>();
                (*place).sin_family = libc::AF_INET as libc::sa_family_t;
                (*place).sin_addr.s_addr = u32::from(address).to_be();
            },
            // SAFETY: as above.
            IpAddr::V6(address) => unsafe {
                let place = place.cast::<libc::sockaddr_in6>();
                (*place).sin6_family = libc::AF_INET6 as libc::sa_family_t;
                (*place).sin6_addr.s6_addr = address.octets();
            },
        }
        storage
    }
}

/// Signs with MD5 what goes to `peers` and takes from them only what is signed so; an empty key ends
/// that. The key replaces an earlier one of the same peers.
///
/// # Errors
///
/// A key longer than [`KEY_MAX`], or a kernel without TCP MD5 (`CONFIG_TCP_MD5SIG`).
pub fn set_md5_key(socket: &impl AsFd, peers: Peers, key: &[u8]) -> io::Result<()> {
    let mut option = Md5Sig {
        address: peers.storage(),
        flags: 0,
        prefix_len: 0,
        key_len: 0,
        interface: 0,
        key: [0; KEY_MAX],
    };
    option.key_len = fill(&mut option.key, key)?.into();
    let mut name = TCP_MD5SIG;
    if !peers.is_one() {
        name = TCP_MD5SIG_EXT;
        option.flags = TCP_MD5SIG_FLAG_PREFIX;
        option.prefix_len = peers.len;
    }
    let done = set(socket, libc::IPPROTO_TCP, name, &option);
    option.key.fill(0);
    std::hint::black_box(&option.key);
    match done {
        // The key that is to go was not there.
        Err(error) if key.is_empty() && error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        done => done.map_err(|error| without(error, "TCP MD5 signatures (CONFIG_TCP_MD5SIG)")),
    }
}

/// Authenticates what goes to and comes from `peers` with TCP-AO.
///
/// # Errors
///
/// A key longer than [`KEY_MAX`] or with IDs in use already, or a kernel without TCP-AO
/// (Linux 6.7 with `CONFIG_TCP_AO`).
pub fn add_ao_key(socket: &impl AsFd, peers: Peers, key: &AoKey<'_>) -> io::Result<()> {
    let mut option = AoAdd {
        address: peers.storage(),
        algorithm: [0; 64],
        interface: 0,
        roles: 0,
        reserved: 0,
        prefix_len: peers.len,
        send_id: key.send_id,
        receive_id: key.receive_id,
        mac_len: 12,
        key_flags: 0,
        key_len: 0,
        key: [0; KEY_MAX],
    };
    for (slot, octet) in option.algorithm.iter_mut().zip(key.algorithm.bytes()) {
        *slot = octet;
    }
    option.key_len = fill(&mut option.key, key.key)?;
    let done = set(socket, libc::IPPROTO_TCP, TCP_AO_ADD_KEY, &option);
    option.key.fill(0);
    std::hint::black_box(&option.key);
    done.map_err(|error| without(error, "TCP-AO (Linux 6.7 with CONFIG_TCP_AO)"))
}

/// Takes a key of TCP-AO away from a listening socket; connections that stand keep it.
///
/// # Errors
///
/// No such key.
pub fn remove_ao_key(
    socket: &impl AsFd,
    peers: Peers,
    send_id: u8,
    receive_id: u8,
) -> io::Result<()> {
    let option = AoDel {
        address: peers.storage(),
        interface: 0,
        roles: 0,
        reserved: 0,
        prefix_len: peers.len,
        send_id,
        receive_id,
        current: 0,
        next: 0,
        key_flags: 0,
    };
    set(socket, libc::IPPROTO_TCP, TCP_AO_DEL_KEY, &option)
}

/// Drops packets of the connection whose time to live (hop limit) is below `least`.
///
/// # Errors
///
/// The socket is not of the family.
pub fn set_least_ttl(socket: &impl AsFd, is_ipv6: bool, least: u8) -> io::Result<()> {
    let (level, name) = if is_ipv6 {
        (libc::IPPROTO_IPV6, IPV6_MINHOPCOUNT)
    } else {
        (libc::IPPROTO_IP, IP_MINTTL)
    };
    set(socket, level, name, &libc::c_int::from(least))
}

fn fill(place: &mut [u8; KEY_MAX], key: &[u8]) -> io::Result<u8> {
    let too_long = || io::Error::new(ErrorKind::InvalidInput, "a key of more than 80 octets");
    place
        .get_mut(..key.len())
        .ok_or_else(too_long)?
        .copy_from_slice(key);
    u8::try_from(key.len()).map_err(|_| too_long())
}

/// Says what the kernel lacks when it does not know an option.
fn without(error: io::Error, what: &str) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP) => {
            io::Error::new(ErrorKind::Unsupported, format!("this kernel has no {what}"))
        }
        _ => error,
    }
}

fn set<T>(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).expect("a small struct");
    // SAFETY: `value` lives through the call and `len` is its size; callers pass structs of the
    // kernel's layout.
    Errno::result(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            len,
        )
    })?;
    Ok(())
}
