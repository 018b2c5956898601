//! The way to the fabric: decisions go out as fast as it takes them, and how fast is measured.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};
use view::ProgrammingMeasures;

use super::{Decision, Hello, line};

/// Pause before the fabric is called again.
const REDIAL: Duration = Duration::from_millis(100);

/// Decisions that wait for the fabric. Beyond it the connection is given up: the next one is told
/// the whole table, which is smaller.
const QUEUE_MAX: u64 = 100_000;

/// The task that talks to the fabric, as the loop sees it.
pub(crate) struct Fabric {
    decisions: mpsc::UnboundedSender<(Instant, Decision)>,
    /// Says each time that a new connection stands and knows of nothing yet.
    connected: mpsc::Receiver<()>,
    /// Asks for this connection to end and for another one.
    hung_up: Arc<Notify>,
    state: Arc<State>,
}

/// How the way to the fabric is.
#[derive(Debug, Default)]
struct State {
    connected: AtomicBool,
    queued: AtomicU64,
    /// How long the decision that went out last had waited, microseconds.
    lag_us: AtomicU64,
}

impl Fabric {
    /// Starts the task that talks to the fabric.
    pub(crate) fn call(path: PathBuf, instance: String) -> Self {
        let (decisions, mut queue) = mpsc::unbounded_channel();
        let (connects, connected) = mpsc::channel(1);
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        let hung_up = Arc::new(Notify::new());
        let asked = Arc::clone(&hung_up);
        tokio::spawn(async move {
            loop {
                if let Ok(stream) = UnixStream::connect(&path).await {
                    seen.connected.store(true, Ordering::Relaxed);
                    if connects.send(()).await.is_err() {
                        return;
                    }
                    tokio::select! {
                        () = talk(stream, &instance, &mut queue, &seen) => {}
                        () = asked.notified() => {}
                    }
                    seen.connected.store(false, Ordering::Relaxed);
                    // What was decided before is told anew, from the whole table.
                    while queue.try_recv().is_ok() {}
                    seen.queued.store(0, Ordering::Relaxed);
                }
                tokio::time::sleep(REDIAL).await;
            }
        });
        Self {
            decisions,
            connected,
            hung_up,
            state,
        }
    }

    /// Ends the connection and calls again. For the fabric the instance is then one that knows
    /// nothing yet: the other one serves until this one has caught up.
    pub(crate) fn hang_up(&self) {
        self.hung_up.notify_one();
    }

    /// Tells the fabric. Without a connection it is told everything when there is one.
    pub(crate) fn decide(&self, decision: Decision) {
        if self.state.connected.load(Ordering::Relaxed) {
            if self.state.queued.fetch_add(1, Ordering::Relaxed) >= QUEUE_MAX {
                return self.hang_up();
            }
            // The task ends with the runtime only.
            drop(self.decisions.send((Instant::now(), decision)));
        }
    }

    /// How far behind the fabric is.
    pub(crate) fn measures(&self) -> ProgrammingMeasures {
        ProgrammingMeasures {
            connected: self.state.connected.load(Ordering::Relaxed),
            queued: self.state.queued.load(Ordering::Relaxed),
            lag_us: self.state.lag_us.load(Ordering::Relaxed),
        }
    }
}

/// Waits for a new connection to the fabric; for ever where there is none.
pub(crate) async fn connected(fabric: Option<&mut Fabric>) {
    if let Some(fabric) = fabric
        && fabric.connected.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Tells decisions until the fabric is gone.
async fn talk(
    mut stream: UnixStream,
    instance: &str,
    queue: &mut mpsc::UnboundedReceiver<(Instant, Decision)>,
    state: &State,
) {
    let hello = Hello {
        instance: instance.to_owned(),
    };
    if stream.write_all(&line(&hello)).await.is_err() {
        return;
    }
    let (mut gone, mut writer) = stream.into_split();
    let end = async {
        // The fabric says nothing; that reading ends means that it is gone.
        drop(tokio::io::AsyncReadExt::read_u8(&mut gone).await);
    };
    tokio::select! {
        () = end => {}
        () = async {
            while let Some((decided, decision)) = queue.recv().await {
                if writer.write_all(&line(&decision)).await.is_err() {
                    return;
                }
                state.queued.fetch_sub(1, Ordering::Relaxed);
                let lag_us = u64::try_from(decided.elapsed().as_micros()).unwrap_or(u64::MAX);
                state.lag_us.store(lag_us, Ordering::Relaxed);
            }
        } => {}
    }
}
