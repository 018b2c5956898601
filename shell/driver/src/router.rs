//! A plain BGP router: a speaker with the machine's sockets, and nothing around it.
//!
//! It learns, decides and tells; with `kernel: true` in its file the machine forwards as it decides.
//! SIGHUP makes it read its file again: a file
//! with errors changes nothing, and sessions whose neighbour's settings are the same go on.

mod kernel;
mod reload;
mod secrets;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::bfd::{SessionKey, Verdict};
use ::router::Fib;
use bgp::{Command, Input, NeighborId, Output, Speaker};
use design::plan::RouterConfig;
use inet::Net;
use tokio::sync::mpsc;
use view::Query;

use crate::bfd::Watch;
use crate::clock::Clock;
use crate::config;
use crate::control::{self, Question};
use crate::daemon::{self, Hangup, Termination};
use crate::error::Error;
use crate::management::{self, ManagementAddress, Service};
use crate::monitor::{Monitor, Us};
use crate::transport::{Event, Guard, Transport};
use kernel::Kernel;
use reload::Neighbors;

/// What neighbours' operators read when a router is stopped (RFC 9003).
const FAREWELL: &str = "stopped by its operator";
/// How long the farewell may take.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(500);

/// What a router is started with.
#[derive(Clone, Debug)]
pub struct RouterSettings {
    /// The router's configuration file.
    pub config: PathBuf,
    /// Unix socket to answer queries on; goes before the one that the file names.
    pub control: Option<PathBuf>,
    /// Where to serve metrics.
    pub management: Option<ManagementAddress>,
    /// Whether neighbours keep this router's routes while it is restarted (RFC 4724): it ends
    /// without a farewell, and begins by waiting for their routes.
    pub graceful_restart: bool,
    /// The name under which it answers questions; that in the file when `None`.
    pub name: Option<String>,
}

/// Runs a router until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_router(settings: &RouterSettings) -> Result<(), Error> {
    let config = read(&settings.config)?;
    let mut first = config.settings.clone();
    if settings.graceful_restart {
        first.restarting = Some(deferral(&config));
    }
    let clock = Clock::start();
    let mut seed = [0; 8];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    let speaker = Speaker::new(first, u64::from_ne_bytes(seed), clock.now());
    let control = settings
        .control
        .clone()
        .or_else(|| config.control.clone().map(PathBuf::from));
    daemon::block_on(async {
        let termination = Termination::new()?;
        let hangup = Hangup::new()?;
        let (asker, questions) = control::channel();
        control::serve(control.as_deref(), asker.clone())?;
        if let Some(at) = settings.management.clone() {
            management::serve(Service { at, hub: None }, asker)?;
        }
        let mut transport = Transport::new()?;
        transport.guard(Guard::all(&config.settings))?;
        transport.listen(&config.listen)?;
        let us = Us {
            name: config.name.clone(),
            asn: config.settings.local_as,
            router_id: config.settings.router_id,
        };
        let monitor = Monitor::start(us, config.mrt.as_ref(), &config.bmp)?;
        let mut process = Process {
            path: settings.config.clone(),
            silent: settings.graceful_restart,
            name: settings.name.clone(),
            clock,
            neighbors: Neighbors::of(&speaker),
            speaker,
            config,
            transport,
            watch: None,
            monitor,
            routes: None,
            out: Vec::new(),
        };
        process.route()?;
        process.watch()?;
        process.run(questions, termination, hangup).await
    })
}

/// How long a router that restarts waits for its neighbours' routes (RFC 4724 section 4.1): as long
/// as they wait for it.
fn deferral(config: &RouterConfig) -> Duration {
    let neighbors = config.settings.neighbors.iter();
    neighbors
        .filter_map(|neighbor| Some(neighbor.graceful_restart.as_ref()?.restart_time))
        .max()
        .unwrap_or(bgp::GracefulRestart::HELPER.restart_time)
}

/// Reads a router's file as [`run_router`] would.
///
/// # Errors
///
/// The file cannot be read or has errors; all of them are in the error.
pub fn check_router(config: &Path) -> Result<(), Error> {
    read(config).map(drop)
}

/// The file with the keys that it names.
fn read(path: &Path) -> Result<RouterConfig, Error> {
    let mut config = config::read_router(path)?;
    secrets::add(&mut config, path)?;
    // Somebody wants to see every message.
    config.settings.tap = config.mrt.is_some() || !config.bmp.is_empty();
    Ok(config)
}

struct Process {
    path: PathBuf,
    /// Ends without a farewell, so that neighbours wait for the next start.
    silent: bool,
    /// The name under which it answers, unless it is the file's.
    name: Option<String>,
    clock: Clock,
    speaker: Speaker,
    neighbors: Neighbors,
    config: RouterConfig,
    transport: Transport,
    /// BFD, once a neighbour wants it.
    watch: Option<Watch>,
    /// MRT and BMP, if anybody wants them.
    monitor: Option<Monitor>,
    /// What the kernel is told, if it is to be told anything.
    routes: Option<Routes>,
    out: Vec<Output>,
}

/// The routes that are wanted in the kernel, and the way there.
struct Routes {
    fib: Fib,
    kernel: Kernel,
}

impl Routes {
    /// The paths in use for a prefix have changed.
    fn changed(&mut self, speaker: &Speaker, net: Net) {
        if let Some(change) = self.fib.changed(speaker, net) {
            self.kernel.note(&change);
        }
    }
}

impl Process {
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut termination: Termination,
        mut hangup: Hangup,
    ) -> Result<(), Error> {
        for (prefix, origination) in self.config.originate.clone() {
            self.feed(Input::Command(Command::Originate(prefix, origination)));
        }
        self.feed(Input::Wake);
        let mut stop = false;
        while !stop {
            let wake = self.speaker.wake().map(|at| self.clock.tokio(at));
            tokio::select! {
                event = self.transport.next() => {
                    self.hear(event);
                    self.round();
                }
                () = daemon::sleep_until(wake) => {
                    // What has arrived comes first: it may keep a session alive.
                    self.transport.begin_round();
                    self.round();
                    self.feed(Input::Wake);
                }
                (session, verdict) = found(self.watch.as_ref()) => self.judge(session, verdict),
                () = due(self.monitor.as_mut()) => {
                    if let Some(monitor) = &mut self.monitor {
                        monitor.turn(&self.speaker);
                    }
                }
                Some(question) = questions.recv() => stop = self.answer(question),
                () = hangup.heard() => self.reload(),
                () = termination.asked() => stop = true,
            }
            // However busy the sockets are: signals and control connections are heard.
            tokio::task::yield_now().await;
        }
        let told = if self.silent { Vec::new() } else { self.ids() };
        for neighbor in told {
            self.feed(Input::Command(Command::Shutdown {
                neighbor,
                text: FAREWELL.to_owned(),
            }));
        }
        if let Some(monitor) = &mut self.monitor {
            monitor.finish();
        }
        self.transport.finish(FAREWELL_PATIENCE).await;
        // Whoever restarts and keeps its neighbours waiting goes on forwarding meanwhile.
        if let Some(routes) = self.routes.as_mut().filter(|_| !self.silent) {
            routes.kernel.finish();
        }
        Ok(())
    }

    /// Has the kernel's routes told, or no more, as the configuration says.
    fn route(&mut self) -> Result<(), Error> {
        if !self.config.kernel {
            if let Some(mut routes) = self.routes.take() {
                routes.kernel.finish();
            }
            return Ok(());
        }
        if self.routes.is_none() {
            let (kernel, interfaces) = Kernel::prepare()?;
            let fib = Fib::new(interfaces);
            let routes = self.routes.insert(Routes { fib, kernel });
            for net in self.speaker.loc_rib() {
                routes.changed(&self.speaker, net);
            }
        }
        if let Some(routes) = &mut self.routes {
            let statics = ::router::statics(&self.config);
            for change in routes.fib.set_statics(statics) {
                routes.kernel.note(&change);
            }
            routes.kernel.flush();
        }
        Ok(())
    }

    /// Has those neighbours watched that the configuration says.
    fn watch(&mut self) -> Result<(), Error> {
        let wanted = ::router::bfd_sessions(&self.config);
        let watch = match &mut self.watch {
            None if wanted.is_empty() => return Ok(()),
            None => self.watch.insert(Watch::start()?),
            Some(watch) => watch,
        };
        watch.watch(wanted);
        Ok(())
    }

    /// BFD has found something out about a neighbour.
    fn judge(&mut self, session: SessionKey, verdict: Verdict) {
        tracing::info!(neighbor = %session.remote, ?verdict, "BFD");
        let Some(neighbor) = self.neighbors.id(session.remote) else {
            return;
        };
        for command in ::router::on_verdict(neighbor, verdict) {
            self.feed(Input::Command(command));
        }
    }

    fn ids(&self) -> Vec<NeighborId> {
        self.speaker.neighbors().map(|view| view.id).collect()
    }

    /// Takes what connections have, each once.
    fn round(&mut self) {
        while let Some(event) = self.transport.try_next() {
            self.hear(event);
        }
    }

    fn hear(&mut self, event: Event) {
        let Self {
            clock,
            speaker,
            transport,
            out,
            ..
        } = self;
        transport.deliver(event, |input| speaker.handle(clock.now(), input, out));
        self.carry_out();
    }

    fn feed(&mut self, input: Input<'_>) {
        self.speaker.handle(self.clock.now(), input, &mut self.out);
        self.carry_out();
    }

    /// Whether the process is to end.
    fn answer(&mut self, question: Question) -> bool {
        let stop = question.query == Query::Stop;
        question.reply(|query| {
            let fib = self.routes.as_ref().map(|routes| &routes.fib);
            view::router_answer(
                &self.speaker,
                fib,
                self.name.as_ref().unwrap_or(&self.config.name),
                self.clock.now(),
                query,
            )
        });
        stop
    }

    fn carry_out(&mut self) {
        for output in self.out.drain(..) {
            if let Some(monitor) = &mut self.monitor {
                monitor.see(&self.speaker, &output);
            }
            match output {
                Output::Changed { net } => {
                    if let Some(routes) = &mut self.routes {
                        routes.changed(&self.speaker, net);
                    }
                }
                // Whoever can reach the port can make as many of these as it likes.
                Output::Event(
                    event @ (bgp::Event::Refused { .. }
                    | bgp::Event::Ended {
                        established: false, ..
                    }),
                ) => tracing::debug!(?event),
                Output::Event(event) => tracing::info!(?event),
                output => self.transport.apply(output),
            }
        }
        if let Some(routes) = &mut self.routes {
            routes.kernel.flush();
        }
    }

    /// Reads the file again and does what it says, all of it or nothing.
    fn reload(&mut self) {
        let next = match read(&self.path) {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the file is refused, the running configuration stays");
                return;
            }
        };
        let guards = Guard::all(&next.settings);
        let transport = &mut self.transport;
        if let Err(error) = transport
            .listen(&next.listen)
            .and_then(|()| transport.guard(guards))
        {
            tracing::error!(%error, "the file is refused, the running configuration stays");
            return;
        }
        for command in self.neighbors.changes(&self.config, &next) {
            self.feed(Input::Command(command));
        }
        self.neighbors = Neighbors::of(&self.speaker);
        for command in self.neighbors.policies(&self.speaker, &next) {
            self.feed(Input::Command(command));
        }
        self.config = next;
        if let Err(error) = self.watch() {
            tracing::error!(%error, "neighbours are not watched");
        }
        if let Err(error) = self.route() {
            tracing::error!(%error, "the kernel is not told any routes");
        }
        tracing::info!("the file is read again");
    }
}

/// Waits for the next thing that BFD finds out; for ever where nobody is watched.
async fn found(watch: Option<&Watch>) -> (SessionKey, Verdict) {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until the monitor has something to do; for ever where there is none.
async fn due(monitor: Option<&mut Monitor>) {
    match monitor {
        Some(monitor) => monitor.due().await,
        None => std::future::pending().await,
    }
}
