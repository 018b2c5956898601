//! What the router's loop drives: its speaker, BFD, the kernel's routes and the monitor.

use std::path::PathBuf;
use std::time::Duration;

use ::bfd::{SessionKey, Verdict};
use bgp::{Command, Input, NeighborId, Output, Speaker};
use design::plan::RouterConfig;
use inet::Instant;
use view::{Answer, Query};

use super::read;
use super::reload::Neighbors;
use super::routes::Routes;
use crate::bfd::Watch;
use crate::clock::Clock;
use crate::error::Error;
use crate::log::Log;
use crate::monitor::Monitor;
use crate::process;
use crate::transport::{Guard, Transport};

/// What neighbours' operators read when a router is stopped (RFC 9003).
const FAREWELL: &str = "stopped by its operator";
/// How long the farewell may take.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(500);

/// What a router is made of.
pub(super) struct Parts {
    /// Its file.
    pub(super) path: PathBuf,
    /// Ends without a farewell, so that neighbours wait for the next start, and begins as that start.
    pub(super) silent: bool,
    /// The name under which it answers, unless it is the file's.
    pub(super) name: Option<String>,
    /// What the file says.
    pub(super) config: RouterConfig,
    pub(super) speaker: Speaker,
    /// MRT and BMP, if anybody wants them.
    pub(super) monitor: Option<Monitor>,
}

pub(super) struct Device {
    parts: Parts,
    neighbors: Neighbors,
    /// BFD, once a neighbour wants it.
    watch: Option<Watch>,
    /// What the kernel is told, if it is to be told anything.
    routes: Option<Routes>,
    log: Log,
    out: Vec<Output>,
}

/// What it hears of beside BGP.
pub(super) enum News {
    /// BFD has found something out about a neighbour.
    Verdict(SessionKey, Verdict),
    /// The monitor has something to do.
    Monitor,
    /// An interface or an address came, went or changed.
    Links,
}

impl Device {
    pub(super) fn begin(parts: Parts, now: Instant) -> Result<Self, Error> {
        let mut device = Self {
            neighbors: Neighbors::of(&parts.speaker),
            parts,
            watch: None,
            routes: None,
            log: Log::default(),
            out: Vec::new(),
        };
        let restarts = device.parts.silent;
        device.route(now, restarts)?;
        device.watch()?;
        for (prefix, origination) in device.parts.config.originate.clone() {
            device.order(now, Command::Originate(prefix, origination));
        }
        Ok(device)
    }

    /// Has the kernel's routes told, or no more, as the configuration says. The routes of the run
    /// before are kept for a while when this one `restarts`.
    fn route(&mut self, now: Instant, restarts: bool) -> Result<(), Error> {
        let Parts {
            config, speaker, ..
        } = &self.parts;
        if !config.kernel {
            if let Some(routes) = self.routes.take() {
                routes.finish();
            }
            return Ok(());
        }
        let routes = match &mut self.routes {
            Some(routes) => {
                routes.look_at_once(now);
                routes
            }
            None => {
                let routes = self.routes.insert(Routes::prepare(restarts)?);
                for net in speaker.loc_rib() {
                    routes.changed(speaker, net);
                }
                routes
            }
        };
        routes.set_statics(::router::statics(config));
        routes.flush(now);
        Ok(())
    }

    /// Has those neighbours watched that the configuration says.
    fn watch(&mut self) -> Result<(), Error> {
        let wanted = ::router::bfd_sessions(&self.parts.config);
        let watch = match &mut self.watch {
            None if wanted.is_empty() => return Ok(()),
            None => self.watch.insert(Watch::start()?),
            Some(watch) => watch,
        };
        watch.watch(wanted);
        Ok(())
    }

    /// BFD has found something out about a neighbour.
    fn judge(&mut self, now: Instant, session: SessionKey, verdict: Verdict) {
        tracing::info!(neighbor = %session.remote, ?verdict, "BFD");
        let Some(neighbor) = self.neighbors.id(session.remote) else {
            return;
        };
        for command in ::router::on_verdict(neighbor, verdict) {
            self.order(now, command);
        }
    }

    fn order(&mut self, now: Instant, command: Command) {
        let Self { parts, out, .. } = self;
        parts.speaker.handle(now, Input::Command(command), out);
    }

    fn ids(&self) -> Vec<NeighborId> {
        self.parts.speaker.neighbors().map(|view| view.id).collect()
    }
}

impl process::Device for Device {
    type News = News;

    async fn news(&mut self) -> News {
        tokio::select! {
            (session, verdict) = found(self.watch.as_ref()) => News::Verdict(session, verdict),
            () = due(self.parts.monitor.as_mut()) => News::Monitor,
            () = changed(self.routes.as_ref()) => News::Links,
        }
    }

    fn hear(&mut self, now: Instant, news: News) {
        match news {
            News::Verdict(session, verdict) => self.judge(now, session, verdict),
            News::Monitor => {
                if let Some(monitor) = &mut self.parts.monitor {
                    monitor.turn(&self.parts.speaker);
                }
            }
            News::Links => {
                if let Some(routes) = &mut self.routes {
                    routes.links_changed(now);
                }
            }
        }
    }

    fn bgp(&mut self, now: Instant, input: Input<'_>) {
        self.parts.speaker.handle(now, input, &mut self.out);
    }

    fn wake(&self) -> Option<Instant> {
        let routes = self.routes.as_ref().and_then(Routes::wake);
        self.parts.speaker.wake().into_iter().chain(routes).min()
    }

    fn due(&mut self, now: Instant) {
        if let Some(routes) = &mut self.routes {
            routes.due(now);
        }
        self.bgp(now, Input::Wake);
    }

    fn carry_out(&mut self, now: Instant, transport: &mut Transport) {
        let Parts {
            speaker, monitor, ..
        } = &mut self.parts;
        for output in self.out.drain(..) {
            if let Some(monitor) = monitor {
                monitor.see(speaker, &output);
            }
            match output {
                Output::Changed { net } => {
                    if let Some(routes) = &mut self.routes {
                        routes.changed(speaker, net);
                    }
                }
                Output::Event(event) => {
                    if let (bgp::Event::Resumed, Some(routes)) = (&event, &mut self.routes) {
                        routes.resumed(now);
                    }
                    self.log.write(now, &event);
                }
                output => transport.apply(output),
            }
        }
        if let Some(routes) = &mut self.routes {
            routes.flush(now);
        }
    }

    fn answer(&mut self, now: Instant, _: &mut Transport, query: &Query) -> Answer {
        let Parts {
            name,
            config,
            speaker,
            ..
        } = &self.parts;
        let fib = self.routes.as_ref().map(Routes::fib);
        let name = name.as_ref().unwrap_or(&config.name);
        view::router_answer(speaker, fib, name, now, query)
    }

    fn reload(&mut self, now: Instant, transport: &mut Transport) -> Result<(), Error> {
        let next = read(&self.parts.path)?;
        transport.guard(Guard::all(&next.settings))?;
        if let Err(error) = transport.listen(&next.listen) {
            transport.guard(Guard::all(&self.parts.config.settings))?;
            return Err(error);
        }
        for command in self.neighbors.changes(&self.parts.config, &next) {
            self.order(now, command);
            self.carry_out(now, transport);
        }
        self.neighbors = Neighbors::of(&self.parts.speaker);
        for command in self.neighbors.policies(&self.parts.speaker, &next) {
            self.order(now, command);
            self.carry_out(now, transport);
        }
        self.parts.config = next;
        if let Err(error) = self.watch() {
            tracing::error!(%error, "neighbours are not watched");
        }
        if let Err(error) = self.route(now, false) {
            tracing::error!(%error, "the kernel is not told any routes");
        }
        Ok(())
    }

    async fn end(mut self, clock: Clock, mut transport: Transport) {
        let now = clock.now();
        let told = if self.parts.silent {
            Vec::new()
        } else {
            self.ids()
        };
        for neighbor in told {
            let text = FAREWELL.to_owned();
            self.order(now, Command::Shutdown { neighbor, text });
            self.carry_out(now, &mut transport);
        }
        if let Some(monitor) = &mut self.parts.monitor {
            monitor.finish();
        }
        transport.finish(FAREWELL_PATIENCE).await;
        // Whoever restarts and keeps its neighbours waiting goes on forwarding meanwhile.
        if let Some(routes) = self.routes.filter(|_| !self.parts.silent) {
            routes.finish();
        }
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

/// Waits until interfaces changed; for ever where the kernel is told nothing.
async fn changed(routes: Option<&Routes>) {
    match routes {
        Some(routes) => routes.links().await,
        None => std::future::pending().await,
    }
}
