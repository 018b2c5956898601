//! The fabric process: holds every device's interfaces and carries packets between them when the
//! modelled network says so.
//!
//! One thread, one epoll set. Packets wait inside the core; the loop sleeps exactly until the core
//! wants to be woken.

mod clients;
mod ports;

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use azure::Fabric;
use azure::fabric::{Input, Output};
use design::plan::FabricConfig;
use linux::epoll::Poller;

use crate::clock::Clock;
use crate::config::read_config;
use crate::{Error, daemon};
use clients::Clients;
pub use ports::PortName;
use ports::Ports;

/// Real-time priority; ordinary daemons have none.
const PRIORITY: u8 = 10;
/// Tokens of the two listeners; clients count upwards from `CLIENTS`, ports from 0.
const CONTROL: u64 = 1 << 32;
const PROGRAMMING: u64 = CONTROL + 1;
const CLIENTS: u64 = 1 << 33;

/// What the fabric process is started with. The interfaces arrive on standard input, which is a Unix
/// socket: lists of [`PortName`]s as JSON, each message with as many TUN descriptors.
#[derive(Clone, Debug)]
pub struct FabricSettings {
    /// The fabric's configuration file.
    pub config: PathBuf,
    /// Unix socket to answer queries on.
    pub control: PathBuf,
    /// Unix socket on which Route Server instances, gateways and MSEEs say what they decide.
    pub programming: PathBuf,
}

/// Runs until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or an interface that it names never came.
pub fn run_fabric(settings: &FabricSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, FabricConfig::from_yaml)?;
    let clock = Clock::start();
    let fabric = Fabric::new(&config, clock.now()).map_err(|error| Error::Refused {
        path: settings.config.clone(),
        reason: error.to_string(),
    })?;
    let interfaces = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::system("standard input"))?;
    let ports = Ports::receive(&UnixStream::from(interfaces), &fabric)?;
    be_on_time();
    let system = Error::system("waiting for packets");
    let poller = Poller::new().map_err(system)?;
    ports
        .watch(&poller)
        .map_err(Error::system("watching the interfaces"))?;
    let control = daemon::listen(&settings.control)?;
    let programming = daemon::listen(&settings.programming)?;
    let mut process = Process {
        clock,
        fabric,
        ports,
        poller,
        control,
        programming,
        clients: Clients::new(CLIENTS),
        out: Vec::new(),
    };
    process.run().map_err(Error::system("carrying packets"))
}

/// Scheduling that keeps latencies exact. Where it is not allowed, a busy machine shows in them.
fn be_on_time() {
    if let Err(error) = linux::realtime::schedule_first(PRIORITY) {
        tracing::debug!(%error, "no real-time priority");
    }
    if let Err(error) = linux::realtime::exact_timers() {
        tracing::debug!(%error, "no exact timers");
    }
}

struct Process {
    clock: Clock,
    fabric: Fabric,
    ports: Ports,
    poller: Poller,
    control: UnixListener,
    programming: UnixListener,
    clients: Clients,
    out: Vec<Output>,
}

impl Process {
    fn run(&mut self) -> io::Result<()> {
        self.poller.add_readable(&self.control, CONTROL)?;
        self.poller.add_readable(&self.programming, PROGRAMMING)?;
        let mut ready = Vec::new();
        loop {
            let wake = [self.fabric.wake(), self.clients.rests_until()];
            let wake = wake.into_iter().flatten().min();
            let patience = wake.map(|at| self.clock.until(at));
            self.poller.wait(patience, &mut ready)?;
            self.listen_again()?;
            if self.fabric.wake().is_some_and(|at| at <= self.clock.now()) {
                self.feed(Input::Wake);
            }
            for token in ready.drain(..) {
                match token {
                    CONTROL | PROGRAMMING => self.accept(token)?,
                    token if token >= CLIENTS => {
                        let now = self.clock.now();
                        let stop = self
                            .clients
                            .serve(token, now, &mut self.fabric, &mut self.out);
                        self.deliver();
                        if stop {
                            return Ok(());
                        }
                    }
                    port => self.carry(port),
                }
            }
        }
    }

    /// Lets a client in. When the system has no room for one, nobody is let in for a while: packets
    /// go on, and others may close what they have.
    fn accept(&mut self, token: u64) -> io::Result<()> {
        let (listener, decides) = match token {
            CONTROL => (&self.control, false),
            _ => (&self.programming, true),
        };
        let Err(error) = self.clients.accept(listener, decides, &self.poller) else {
            return Ok(());
        };
        tracing::warn!(%error, "letting a client of the fabric in");
        if self.clients.rests_until().is_none() {
            self.poller.remove(&self.control)?;
            self.poller.remove(&self.programming)?;
        }
        self.clients.rest(self.clock.now());
        Ok(())
    }

    /// Lets clients in again when the time has come.
    fn listen_again(&mut self) -> io::Result<()> {
        if self.clients.is_rested(self.clock.now()) {
            self.poller.add_readable(&self.control, CONTROL)?;
            self.poller.add_readable(&self.programming, PROGRAMMING)?;
        }
        Ok(())
    }

    /// Takes what waits at a port, but not for longer than others can bear.
    fn carry(&mut self, token: u64) {
        for _ in 0..ports::BUDGET {
            let Some((port, bytes)) = self.ports.read(token) else {
                return;
            };
            self.feed(Input::Packet { port, bytes });
        }
    }

    fn feed(&mut self, input: Input) {
        self.fabric.handle(self.clock.now(), input, &mut self.out);
        self.deliver();
    }

    fn deliver(&mut self) {
        for output in self.out.drain(..) {
            match output {
                Output::Deliver { port, bytes } => self.ports.write(port, &bytes),
                Output::Drop { port, flow, reason } => {
                    tracing::debug!(?port, ?flow, ?reason, "drop");
                }
                Output::Refused(fault) => tracing::warn!(?fault, "refused"),
            }
        }
    }
}
