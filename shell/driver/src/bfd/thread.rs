//! The thread's loop: datagrams first, then what the daemon asks for, then time.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};

use ::bfd::{Command, Endpoint, Input, Output};
use linux::epoll::Poller;

use super::sockets::Sockets;
use super::{Request, Verdicts};
use crate::clock::Clock;

const ALARM: u64 = 0;
const FIRST_SOCKET: u64 = 1;
/// Above ordinary threads, below what a machine's administrator runs at a high priority on purpose.
const PRIORITY: u8 = 10;

/// Everything that the thread owns.
pub(super) struct Work {
    clock: Clock,
    endpoint: Endpoint,
    sockets: Sockets,
    alarm: UnixStream,
    requests: mpsc::Receiver<Request>,
    verdicts: Arc<Verdicts>,
    out: Vec<Output>,
}

impl Work {
    pub(super) fn new(
        seed: u64,
        alarm: UnixStream,
        requests: mpsc::Receiver<Request>,
        verdicts: Arc<Verdicts>,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add_readable(&alarm, ALARM)?;
        Ok(Self {
            clock: Clock::start(),
            endpoint: Endpoint::new(seed),
            sockets: Sockets::new(poller, FIRST_SOCKET, seed),
            alarm,
            requests,
            verdicts,
            out: Vec::new(),
        })
    }

    /// Until the daemon says stop.
    pub(super) fn run(mut self) {
        if let Err(error) = linux::realtime::schedule_first(PRIORITY) {
            tracing::debug!(%error, "BFD is as punctual as the machine is idle");
        }
        if let Err(error) = linux::realtime::exact_timers() {
            tracing::debug!(%error, "timers are coarse");
        }
        let mut ready = Vec::new();
        loop {
            let wake = [self.endpoint.wake(), self.sockets.retry_at()];
            let wake = wake.into_iter().flatten().min();
            let timeout = wake.map(|at| self.clock.until(at));
            ready.clear();
            if let Err(error) = self.sockets.poller().wait(timeout, &mut ready) {
                tracing::error!(%error, "BFD ends: waiting is not possible");
                return;
            }
            for token in ready.drain(..) {
                match token {
                    ALARM => self.hear_alarm(),
                    token => self.receive(token),
                }
            }
            if self.serve_requests() {
                return;
            }
            let now = self.clock.now();
            self.sockets.retry(now);
            self.endpoint.handle(now, Input::Wake, &mut self.out);
            self.carry_out();
        }
    }

    fn hear_alarm(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.alarm).read(&mut bytes), Ok(1..)) {}
    }

    fn receive(&mut self, token: u64) {
        let Self {
            clock,
            endpoint,
            sockets,
            out,
            ..
        } = self;
        sockets.receive(token, |from, to, ttl, bytes| {
            let input = Input::Datagram {
                from,
                to,
                ttl,
                bytes,
            };
            endpoint.handle(clock.now(), input, out);
        });
        self.carry_out();
    }

    /// Whether the thread is to end.
    fn serve_requests(&mut self) -> bool {
        loop {
            match self.requests.try_recv() {
                Ok(Request::Command(command)) => self.obey(command),
                Ok(Request::Show(answer)) => {
                    // Nobody may wait for it any more.
                    drop(answer.send(self.endpoint.sessions()));
                }
                Err(mpsc::TryRecvError::Empty) => return false,
                Ok(Request::Stop) | Err(mpsc::TryRecvError::Disconnected) => {
                    for view in self.endpoint.sessions() {
                        self.obey(Command::AdminDown(view.session));
                    }
                    return true;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.now();
        if let Command::Set(session, _) = &command {
            self.sockets.add(now, *session);
        }
        self.endpoint
            .handle(now, Input::Command(command), &mut self.out);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for output in self.out.drain(..) {
            match output {
                Output::Send { session, bytes, .. } => self.sockets.send(session, &bytes),
                Output::State {
                    session,
                    state,
                    diagnostic,
                } => tracing::info!(
                    local = %session.local, remote = %session.remote, %state, %diagnostic, "BFD"
                ),
                Output::Client { session, verdict } => self.verdicts.tell(session, verdict),
                Output::Removed { session } => self.sockets.remove(session),
                Output::Refused { session } => {
                    tracing::error!(remote = %session.remote, "too many BFD sessions");
                    self.sockets.remove(session);
                }
            }
        }
    }
}
