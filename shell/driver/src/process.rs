//! The loop of every daemon whose core speaks BGP and carries no packets itself.
//!
//! ```text
//!  BGP's connections ──┐                        ┌──▶ BGP's connections
//!  time                ├──▶ Device ─ carry_out ─┤
//!  news of its own     │                        └──▶ what else it drives
//!  questions, SIGHUP ──┘
//! ```
//!
//! Everything that follows from a thing heard is carried out before the next thing is heard.

use std::path::PathBuf;

use inet::Instant;
use tokio::sync::mpsc;
use view::platform::PlatformError;
use view::{Answer, Query};

use crate::clock::Clock;
use crate::control::{self, Question};
use crate::daemon::{self, Hangup, Termination};
use crate::error::Error;
use crate::management::{self, Service};
use crate::transport::{Event, Transport};

/// What the loop drives: a core, and what it needs beside BGP's connections.
pub(crate) trait Device {
    /// What it hears of beside BGP, time and its operator.
    type News;

    /// Waits for news. Cancelling the wait loses nothing.
    async fn news(&mut self) -> Self::News;

    /// Takes news.
    fn hear(&mut self, now: Instant, news: Self::News);

    /// Takes what happened to a connection of BGP.
    fn bgp(&mut self, now: Instant, input: bgp::Input<'_>);

    /// When [`Self::due`] has something to do.
    fn wake(&self) -> Option<Instant>;

    /// Does what is due.
    fn due(&mut self, now: Instant);

    /// Does all that follows from what it took.
    fn carry_out(&mut self, now: Instant, transport: &mut Transport);

    /// What it answers; [`Query::Reload`] and [`Query::Stop`] are not asked.
    fn answer(&mut self, now: Instant, transport: &mut Transport, query: &Query) -> Answer;

    /// Reads its file again and puts it in force, all of it or nothing.
    fn reload(&mut self, now: Instant, transport: &mut Transport) -> Result<(), Error>;

    /// Takes its leave.
    async fn end(self, clock: Clock, transport: Transport);
}

/// Where a daemon's operator reaches it.
#[derive(Debug)]
pub(crate) struct Access {
    /// Unix socket to answer queries on.
    pub(crate) control: Option<PathBuf>,
    /// Management over HTTP.
    pub(crate) management: Option<Service>,
}

/// Runs the device that `begin` makes on the calling thread until it is told to stop. The event
/// loop runs when `begin` is called.
pub(crate) fn run<D: Device>(
    clock: Clock,
    access: Access,
    begin: impl FnOnce(&mut Transport) -> Result<D, Error>,
) -> Result<(), Error> {
    daemon::block_on(async {
        let termination = Termination::new()?;
        let hangup = Hangup::new()?;
        let (asker, questions) = control::channel();
        control::serve(access.control.as_deref(), asker.clone())?;
        if let Some(service) = access.management {
            management::serve(service, asker)?;
        }
        let mut transport = Transport::new()?;
        let device = begin(&mut transport)?;
        let process = Process {
            clock,
            device,
            transport,
        };
        process.run(questions, termination, hangup).await;
        Ok(())
    })
}

struct Process<D> {
    clock: Clock,
    device: D,
    transport: Transport,
}

impl<D: Device> Process<D> {
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut termination: Termination,
        mut hangup: Hangup,
    ) {
        let mut stop = false;
        self.due();
        while !stop {
            let wake = self.device.wake().map(|at| self.clock.tokio(at));
            tokio::select! {
                event = self.transport.next() => {
                    self.hear(event);
                    self.round();
                }
                () = daemon::sleep_until(wake) => {
                    // What has arrived comes first: it may keep a session alive.
                    self.transport.begin_round();
                    self.round();
                    self.due();
                }
                news = self.device.news() => {
                    let now = self.clock.now();
                    self.device.hear(now, news);
                    self.device.carry_out(now, &mut self.transport);
                }
                Some(question) = questions.recv() => stop = self.answer(question),
                () = hangup.heard() => drop(self.reload()),
                () = termination.asked() => stop = true,
            }
            // However busy the sockets are: signals and control connections are heard.
            tokio::task::yield_now().await;
        }
        self.device.end(self.clock, self.transport).await;
    }

    /// Takes what connections have, each once.
    fn round(&mut self) {
        while let Some(event) = self.transport.try_next() {
            self.hear(event);
        }
    }

    fn hear(&mut self, event: Event) {
        let now = self.clock.now();
        let device = &mut self.device;
        self.transport
            .deliver(event, |input| device.bgp(now, input));
        self.device.carry_out(now, &mut self.transport);
    }

    fn due(&mut self) {
        let now = self.clock.now();
        self.device.due(now);
        self.device.carry_out(now, &mut self.transport);
    }

    /// Whether the process is to end.
    fn answer(&mut self, question: Question) -> bool {
        let stop = question.query == Query::Stop;
        question.reply(|query| match query {
            Query::Reload => match self.reload() {
                Ok(()) => Answer::Done,
                Err(error) => Answer::Unable(PlatformError::new(
                    "InvalidConfiguration",
                    error.to_string(),
                )),
            },
            query => {
                let now = self.clock.now();
                self.device.answer(now, &mut self.transport, query)
            }
        });
        stop
    }

    fn reload(&mut self) -> Result<(), Error> {
        let now = self.clock.now();
        let done = self.device.reload(now, &mut self.transport);
        match &done {
            Ok(()) => tracing::warn!("the file was read again and is in force"),
            Err(error) => tracing::error!(%error, "the file is refused: what was in force stays"),
        }
        done
    }
}
