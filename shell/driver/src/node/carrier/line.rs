//! One connection at work: frames out in large writes, frames in to a forwarding thread in batches of equal datagrams.

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use carrier::frame::{ALIVE, Decoder};
use node::{Handed, LocatorId};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::lines::Batch;
use crate::node::mailbox::{self, ToShard};

/// Octets of one write, about: TLS makes four records of them, and the kernel one call.
const WRITE: usize = 64 * 1024;
/// Octets of one read.
const READ: usize = 64 * 1024;
/// A connection that is silent for so long says that it lives, for the firewalls on the way.
const SILENCE: Duration = Duration::from_secs(20);
/// Datagrams and octets that a forwarding thread takes at once.
const RUN_DATAGRAMS: usize = 64;
const RUN_OCTETS: usize = 65_535;

/// Where a connection's datagrams go.
pub(super) struct Inbox {
    pub(super) locator: LocatorId,
    /// The address that stands for the connection.
    pub(super) from: SocketAddrV4,
    pub(super) shard: ToShard,
}

/// Carries frames both ways until the connection or what feeds it ends.
pub(super) async fn run(
    stream: impl AsyncRead + AsyncWrite,
    batches: mpsc::Receiver<Batch>,
    inbox: Inbox,
) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        ended = receive(reader, inbox) => ended,
        ended = send(writer, batches) => ended,
    }
}

async fn send(
    mut writer: impl AsyncWrite + Unpin,
    mut batches: mpsc::Receiver<Batch>,
) -> io::Result<()> {
    let mut octets = Vec::with_capacity(2 * WRITE);
    loop {
        octets.clear();
        match timeout(SILENCE, batches.recv()).await {
            Err(_) => octets.extend_from_slice(&ALIVE),
            Ok(None) => return Ok(()),
            Ok(Some(first)) => {
                let mut next = Some(first);
                while let Some(batch) = next {
                    octets.extend_from_slice(batch.fresh().unwrap_or_default());
                    let is_full = octets.len() >= WRITE;
                    next = if is_full {
                        None
                    } else {
                        batches.try_recv().ok()
                    };
                }
            }
        }
        writer.write_all(&octets).await?;
        writer.flush().await?;
    }
}

async fn receive(mut reader: impl AsyncRead + Unpin, inbox: Inbox) -> io::Result<()> {
    let mut octets = vec![0; READ];
    let mut decoder = Decoder::default();
    let mut run = Run::default();
    loop {
        let len = reader.read(&mut octets).await?;
        if len == 0 {
            return Ok(());
        }
        let read = octets.get(..len).unwrap_or_default();
        decoder.take(read, |datagram| {
            if !run.fits(datagram) {
                inbox.hand(&mut run);
            }
            run.add(datagram);
        });
        inbox.hand(&mut run);
    }
}

impl Inbox {
    fn hand(&self, run: &mut Run) {
        if run.octets.is_empty() {
            return;
        }
        let handed = Handed::carried(self.locator, self.from, &run.octets, run.segment);
        // Beyond its bound a forwarding thread is too slow for what comes, by whatever way.
        if self.shard.hand(handed) {
            mailbox::ring(std::slice::from_ref(&self.shard), 1);
        }
        run.octets.clear();
        run.count = 0;
    }
}

/// Datagrams of one length, the last of which may be shorter, as forwarding threads take them.
#[derive(Default)]
struct Run {
    octets: Vec<u8>,
    segment: usize,
    count: usize,
}

impl Run {
    fn fits(&self, datagram: &[u8]) -> bool {
        let is_whole = self.octets.len() == self.count * self.segment;
        let is_room =
            self.count < RUN_DATAGRAMS && self.octets.len() + datagram.len() <= RUN_OCTETS;
        self.count == 0 || is_whole && is_room && datagram.len() <= self.segment
    }

    fn add(&mut self, datagram: &[u8]) {
        if self.count == 0 {
            self.segment = datagram.len();
        }
        self.octets.extend_from_slice(datagram);
        self.count += 1;
    }
}
