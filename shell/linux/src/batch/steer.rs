//! Which of the sockets that share a port gets a datagram: the one whose thread has the keys, by a program of classic
//! BPF in the kernel (`SO_ATTACH_REUSEPORT_CBPF` of socket(7)).
//!
//! WireGuard's messages begin with a type; data and cookie replies go on with the receiver's index at octet 4, in
//! little-endian order, so its low bits are there. Handshakes go to the first socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Of the message types of WireGuard (whitepaper section 5.4): cookie reply and transport data.
const TYPES_WITH_RECEIVER_FIRST: [u32; 2] = [4, 3];
/// The lowest octet of the receiver's index.
const RECEIVER: u32 = 4;
/// The lanes of a session are numbered by the low bits of its index.
const LANE_MASK: u32 = 0x0f;
const SO_ATTACH_REUSEPORT_CBPF: libc::c_int = 51;

/// Steers what comes to the `count` sockets that share the port of `socket`, numbered as they were opened: a datagram
/// of lane `l` goes to socket `l mod count`.
///
/// # Errors
///
/// The socket shares its port with none, or the kernel takes no such program.
pub fn steer_by_receiver(socket: impl AsFd, count: usize) -> io::Result<()> {
    let count = u32::try_from(count.clamp(1, 16)).expect("a small number");
    let [data, cookie] = TYPES_WITH_RECEIVER_FIRST;
    let mut program = [
        load_octet(0),
        jump_if_equal(data, 2, 0),
        jump_if_equal(cookie, 1, 0),
        statement(libc::BPF_RET | libc::BPF_K, 0),
        load_octet(RECEIVER),
        statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, LANE_MASK),
        statement(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, count),
        statement(libc::BPF_RET | libc::BPF_A, 0),
    ];
    let program = libc::sock_fprog {
        len: libc::c_ushort::try_from(program.len()).expect("a short program"),
        filter: program.as_mut_ptr(),
    };
    let len = libc::socklen_t::try_from(size_of_val(&program)).expect("a small struct");
    // SAFETY: `program` points at as many instructions as it says; both live through the call.
    Errno::result(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            len,
        )
    })?;
    Ok(())
}

fn load_octet(at: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, at)
}

fn jump_if_equal(value: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K),
        jt,
        jf,
        k: value,
    }
}

fn statement(operation: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code(operation),
        jt: 0,
        jf: 0,
        k,
    }
}

fn code(operation: u32) -> u16 {
    u16::try_from(operation).expect("operations have 16 bits")
}
