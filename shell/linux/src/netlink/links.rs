//! Hears when interfaces or their IPv4 addresses come, go or change (rtnetlink(7)). What changed is
//! asked for afterwards: that it did is all that is heard, so that nothing is lost when much comes at
//! once.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};

use crate::WatchedPoller;
use crate::epoll::Poller;

/// Messages forgotten at once. More are forgotten with the next time.
const FORGOTTEN_MAX: usize = 1024;

/// The changes in the network namespace in which it was opened.
#[derive(Debug)]
pub struct LinkChanges {
    socket: OwnedFd,
    poller: WatchedPoller,
}

impl LinkChanges {
    /// Hears of changes from now on, in the event loop of the calling task.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkRoute,
        )?;
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR;
        let groups = NetlinkAddr::new(0, groups.cast_unsigned());
        bind(socket.as_raw_fd(), &groups)?;
        let poller = Poller::new()?;
        poller.add_readable(&socket, 0)?;
        Ok(Self {
            socket,
            poller: WatchedPoller::new(poller)?,
        })
    }

    /// Waits until something has changed that was not forgotten yet. Cancelling the wait loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub async fn changed(&self) -> io::Result<()> {
        self.poller.ready(&mut Vec::new()).await
    }

    /// Forgets what has changed until now.
    pub fn forget(&self) {
        let mut buffer = [0; 4096];
        for _ in 0..FORGOTTEN_MAX {
            let read = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty());
            // Too much at once is an error that comes once.
            if !matches!(read, Ok(_) | Err(Errno::ENOBUFS | Errno::EINTR)) {
                return;
            }
        }
    }
}
