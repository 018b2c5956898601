//! BFD on a thread of its own, so that it stays in time however busy the rest of the daemon is.
//!
//! The thread owns the [`bfd::Endpoint`] and its sockets and, where that is allowed, runs before all ordinary
//! threads. The daemon says which neighbours to watch ([`Watch::watch`]) and hears what became of them
//! ([`Watch::next`]). What waits to be heard is bounded: of each session the last verdict, and before it that the
//! session failed.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use ::bfd::{SessionKey, SessionView, Settings, Verdict};
use tokio::sync::{Notify, oneshot};

use crate::error::Error;

mod sockets;
mod thread;

pub(crate) use sockets::Sockets;

/// The thread, as the daemon sees it. Dropping it tells all neighbours AdminDown, so that a daemon that stops is not
/// taken for one that failed.
#[derive(Debug)]
pub struct Watch {
    /// What is watched.
    wanted: BTreeMap<SessionKey, Settings>,
    requests: mpsc::Sender<Request>,
    /// A byte here wakes the thread.
    alarm: UnixStream,
    verdicts: Arc<Verdicts>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked for.
#[derive(Debug)]
enum Request {
    Command(::bfd::Command),
    Show(oneshot::Sender<Vec<SessionView>>),
    Stop,
}

impl Watch {
    /// Starts the thread, which watches nobody yet.
    ///
    /// # Errors
    ///
    /// Too many threads or open files.
    pub fn start() -> Result<Self, Error> {
        let what = "starting BFD";
        let mut seed = [0; 8];
        linux::random(&mut seed).map_err(Error::system("randomness"))?;
        let (alarm, heard) = UnixStream::pair().map_err(Error::system(what))?;
        for end in [&alarm, &heard] {
            end.set_nonblocking(true).map_err(Error::system(what))?;
        }
        let (requests, queue) = mpsc::channel();
        let verdicts = Arc::new(Verdicts::default());
        let work = thread::Work::new(u64::from_ne_bytes(seed), heard, queue, verdicts.clone())
            .map_err(Error::system(what))?;
        let thread = std::thread::Builder::new().name("bfd".to_owned());
        let thread = thread
            .spawn(move || work.run())
            .map_err(Error::system(what))?;
        Ok(Self {
            wanted: BTreeMap::new(),
            requests,
            alarm,
            verdicts,
            thread: Some(thread),
        })
    }

    /// Watches exactly these; sessions whose settings are the same go on untouched.
    pub fn watch(&mut self, wanted: BTreeMap<SessionKey, Settings>) {
        for key in self.wanted.keys().filter(|key| !wanted.contains_key(key)) {
            self.ask(Request::Command(::bfd::Command::Remove(*key)));
        }
        for (key, settings) in &wanted {
            if self.wanted.get(key) != Some(settings) {
                let command = ::bfd::Command::Set(*key, settings.clone());
                self.ask(Request::Command(command));
            }
        }
        self.wanted = wanted;
    }

    /// The next thing that became of a session. Cancelling the wait loses nothing.
    pub async fn next(&self) -> (SessionKey, Verdict) {
        loop {
            if let Some(told) = self.verdicts.take() {
                return told;
            }
            self.verdicts.told.notified().await;
        }
    }

    /// All sessions as they are now.
    pub async fn sessions(&self) -> Vec<SessionView> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Show(answer));
        answered.await.unwrap_or_default()
    }

    fn ask(&self, request: Request) {
        // The thread ends with this value only; an alarm that is not heard yet wakes it as well as two.
        drop(self.requests.send(request));
        drop((&self.alarm).write(&[0]));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ask(Request::Stop);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}

/// Verdicts on their way to the daemon.
#[derive(Debug, Default)]
struct Verdicts {
    waiting: Mutex<BTreeMap<SessionKey, Waiting>>,
    told: Notify,
}

/// What the daemon has not heard yet of one session.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// It failed before the last verdict came.
    failed: bool,
    last: Verdict,
}

impl Verdicts {
    fn tell(&self, session: SessionKey, verdict: Verdict) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.get(&session);
        let failed = before.is_some_and(|before| before.failed || before.last == Verdict::Failed);
        waiting.insert(
            session,
            Waiting {
                failed,
                last: verdict,
            },
        );
        drop(waiting);
        self.told.notify_one();
    }

    fn take(&self) -> Option<(SessionKey, Verdict)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = waiting.first_entry()?;
        let session = *first.key();
        if std::mem::take(&mut first.get_mut().failed) {
            return Some((session, Verdict::Failed));
        }
        Some((session, first.remove().last))
    }
}

/// Whether a system call is to be made again later.
fn is_would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests;
