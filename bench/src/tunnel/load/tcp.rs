//! TCP transfers that go on until their value is dropped.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};

use super::{End, on_processor};
use crate::Error;

/// Octets of one read or write.
const BLOCK: usize = 256 << 10;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);

/// Running transfers, all in the same direction.
pub(in crate::tunnel) struct Transfer {
    received: Vec<Arc<AtomicU64>>,
    streams: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Transfer {
    /// Starts so many streams from one end to the other.
    pub(in crate::tunnel) fn start(
        from: End<'_>,
        to: End<'_>,
        streams: usize,
    ) -> Result<Self, Error> {
        let mut transfer = Self {
            received: Vec::new(),
            streams: Vec::new(),
            threads: Vec::new(),
        };
        let listen = || TcpListener::bind((to.address, 0));
        let failed = |cause| Error::system("listening")(cause);
        let listener = to.place.run(listen).map_err(failed)?;
        let target = listener.local_addr().map_err(failed)?;
        for _ in 0..streams {
            transfer.add(from, to, &listener, target)?;
        }
        Ok(transfer)
    }

    fn add(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        listener: &TcpListener,
        target: SocketAddr,
    ) -> Result<(), Error> {
        let failed = |cause| Error::system("connecting through the tunnel")(cause);
        let near = from.place.run(|| open(from, target)).map_err(failed)?;
        let (far, _) = listener.accept().map_err(failed)?;
        self.streams.push(near.try_clone().map_err(failed)?);
        self.streams.push(far.try_clone().map_err(failed)?);
        let received = Arc::new(AtomicU64::new(0));
        self.received.push(received.clone());
        self.threads
            .push(on_processor(to.processor, move || read(far, &received))?);
        self.threads
            .push(on_processor(from.processor, move || write(near))?);
        Ok(())
    }

    /// Octets that have arrived so far.
    pub(in crate::tunnel) fn received(&self) -> u64 {
        self.each().into_iter().sum()
    }

    /// The same for each stream.
    pub(in crate::tunnel) fn each(&self) -> Vec<u64> {
        let counts = self.received.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        for stream in &self.streams {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Connects from an address.
fn open(from: End<'_>, target: SocketAddr) -> io::Result<TcpStream> {
    let SocketAddr::V4(target) = target else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let local = SockaddrIn::from(std::net::SocketAddrV4::new(from.address, 0));
    bind(std::os::fd::AsRawFd::as_raw_fd(&socket), &local)?;
    let patience = nix::sys::time::TimeVal::new(PATIENCE.as_secs().cast_signed(), 0);
    setsockopt(&socket.as_fd(), sockopt::SendTimeout, &patience)?;
    connect(
        std::os::fd::AsRawFd::as_raw_fd(&socket),
        &SockaddrIn::from(target),
    )?;
    let stream = TcpStream::from(socket);
    stream.set_write_timeout(None)?;
    Ok(stream)
}

fn write(mut stream: TcpStream) {
    let block = vec![0x5a; BLOCK];
    while stream.write_all(&block).is_ok() {}
}

fn read(mut stream: TcpStream, received: &AtomicU64) {
    let mut block = vec![0; BLOCK];
    while let Ok(len @ 1..) = stream.read(&mut block) {
        received.fetch_add(len as u64, Ordering::Relaxed);
    }
}
