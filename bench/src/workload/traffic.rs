//! Sending and watching at the same time: senders have a thread each, one more reads what the
//! daemon tells the senders and forgets it, the calling thread is the monitor.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use linux::epoll::Poller;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::Error;
use crate::monitor::Monitor;
use crate::session::Session;

/// Octets read at once.
const READ: usize = 256 * 1024;
/// A state is final when nothing changed it for so long.
const QUIET: Duration = Duration::from_millis(300);
/// How often a monitor that hears nothing looks at the time.
const LOOK: Duration = Duration::from_millis(20);

/// A session with what it is to send.
pub(super) struct Outgoing<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) bytes: &'a [u8],
}

/// Sends everything and watches until the monitor's table is right for good; the time from the first
/// octet to there.
pub(super) fn exchange(
    outgoing: &[Outgoing<'_>],
    session: &mut Session,
    monitor: &mut Monitor<'_>,
    patience: Duration,
) -> Result<Duration, Error> {
    let start = OnceLock::new();
    let barrier = Barrier::new(outgoing.len() + 1);
    let (done, lost) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for one in outgoing {
            scope.spawn(|| {
                barrier.wait();
                start.get_or_init(Instant::now);
                let mut stream = one.stream;
                if stream.write_all(one.bytes).is_err() {
                    lost.store(true, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            if drain(outgoing, &done).is_err() {
                lost.store(true, Ordering::Relaxed);
            }
        });
        barrier.wait();
        let reached = watch(session, monitor, &|seen| seen.is_right(), &lost, patience);
        done.store(true, Ordering::Relaxed);
        if reached.is_err() {
            for one in outgoing {
                // So that a sender that waits for the daemon goes on.
                let _ = one.stream.shutdown(Shutdown::Both);
            }
        }
        let start = start.get().copied().unwrap_or_else(Instant::now);
        Ok(reached?.saturating_duration_since(start))
    })
}

/// Reads until the goal is reached and stays so; when it was.
pub(super) fn watch(
    session: &mut Session,
    monitor: &mut Monitor<'_>,
    goal: &dyn Fn(&Monitor<'_>) -> bool,
    lost: &AtomicBool,
    patience: Duration,
) -> Result<Instant, Error> {
    let failed = |cause| Error::system("reading from the daemon")(cause);
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; READ];
    let mut last = Instant::now();
    let mut reached = None;
    monitor.feed(&std::mem::take(&mut session.received), last);
    session
        .stream
        .set_read_timeout(Some(LOOK))
        .map_err(failed)?;
    loop {
        match session.stream.read(&mut buffer) {
            Ok(len) => {
                last = Instant::now();
                if len == 0 || !monitor.feed(&buffer[..len], last) {
                    let why = monitor.fault.as_deref().unwrap_or("closed");
                    return Err(Error::Daemon(format!("the monitor's session ended: {why}")));
                }
                reached = goal(monitor).then(|| reached.unwrap_or(last));
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        let now = Instant::now();
        if let Some(at) = reached
            && now > last + QUIET
        {
            return verdict(monitor, at);
        }
        if lost.load(Ordering::Relaxed) {
            return Err(Error::Daemon("a sender's session ended".to_owned()));
        }
        if now > deadline {
            let seconds = patience.as_secs();
            let (present, right) = (monitor.present, monitor.right);
            return Err(Error::Daemon(format!(
                "not in {seconds} s: the monitor has {present} prefixes, {right} with the right path"
            )));
        }
    }
}

/// A table reached with wrong attributes on the way does not count.
fn verdict(monitor: &Monitor<'_>, at: Instant) -> Result<Instant, Error> {
    match &monitor.fault {
        Some(fault) => Err(Error::Daemon(format!("the monitor was told {fault}"))),
        None => Ok(at),
    }
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Throws away what the daemon tells the senders, without copying it, until `done`.
fn drain(sessions: &[Outgoing<'_>], done: &AtomicBool) -> io::Result<()> {
    let poller = Poller::new()?;
    for (token, one) in sessions.iter().enumerate() {
        poller.add_readable(one.stream, token as u64)?;
    }
    let mut nowhere = vec![0; READ];
    let mut ready = Vec::new();
    while !done.load(Ordering::Relaxed) {
        ready.clear();
        poller.wait(Some(LOOK), &mut ready)?;
        for token in &ready {
            let socket = sessions[*token as usize].stream.as_raw_fd();
            // TCP throws octets away when asked for truncated ones (tcp(7)).
            match recv(
                socket,
                &mut nowhere,
                MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
