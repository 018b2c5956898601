//! An instance of an ExpressRoute gateway, or an MSEE, with the machine's sockets.
//!
//! Any router can be the customer's end of a circuit. In a lab the fabric is told what the device's
//! packets follow; without a fabric that is only logged.

mod datagrams;
mod device;

use std::path::PathBuf;

use azure::express_route::Output;
use design::plan::{ErGatewayConfig, MseeConfig};
use tokio::sync::mpsc;
use view::platform::PlatformError;
use view::{Answer, Query};

use crate::clock::Clock;
use crate::config::read_config;
use crate::control::{self, Question};
use crate::daemon::{self, Hangup, Termination};
use crate::error::Error;
use crate::management::{self, ManagementAddress, Service};
use crate::programming::{self, Decision, Fabric, Table};
use crate::transport::{BGP_PORT, Event, Transport};
use datagrams::Datagrams;
use device::{Device, Happening};

/// What a gateway's instance or an MSEE is started with.
#[derive(Clone, Debug)]
pub struct ExpressRouteSettings {
    /// The device's configuration file.
    pub config: PathBuf,
    /// Unix socket to answer queries on.
    pub control: Option<PathBuf>,
    /// Unix socket of the fabric that carries the packets.
    pub fabric: Option<PathBuf>,
    /// Where to serve metrics.
    pub management: Option<ManagementAddress>,
}

/// Runs an instance of a gateway until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_gateway(settings: &ExpressRouteSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, ErGatewayConfig::from_yaml)?;
    let clock = Clock::start();
    let device = Device::gateway(&config, seed()?, clock.now());
    run(settings, clock, device)
}

/// Runs an MSEE until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_msee(settings: &ExpressRouteSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, MseeConfig::from_yaml)?;
    let clock = Clock::start();
    let device = Device::msee(&config, seed()?, clock.now());
    run(settings, clock, device)
}

fn seed() -> Result<u64, Error> {
    let mut seed = [0; 8];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    Ok(u64::from_ne_bytes(seed))
}

fn run(
    settings: &ExpressRouteSettings,
    clock: Clock,
    device: Result<Device, String>,
) -> Result<(), Error> {
    let device = device.map_err(|reason| Error::Refused {
        path: settings.config.clone(),
        reason,
    })?;
    daemon::block_on(async {
        let termination = Termination::new()?;
        let hangup = Hangup::new()?;
        let (asker, questions) = control::channel();
        control::serve(settings.control.as_deref(), asker.clone())?;
        if let Some(at) = settings.management.clone() {
            management::serve(Service { at, hub: None }, asker)?;
        }
        let mut transport = Transport::new()?;
        let addresses = device.addresses();
        let listened: Vec<_> = addresses.iter().map(|at| (*at, BGP_PORT).into()).collect();
        transport.listen(&listened)?;
        let process = Process {
            path: settings.config.clone(),
            clock,
            fabric: settings
                .fabric
                .clone()
                .map(|path| Fabric::call(path, device.name().to_owned())),
            device,
            transport,
            datagrams: Datagrams::new()?,
            out: Vec::new(),
        };
        process.run(questions, termination, hangup).await
    })
}

struct Process {
    path: PathBuf,
    clock: Clock,
    device: Device,
    transport: Transport,
    /// BFD's.
    datagrams: Datagrams,
    fabric: Option<Fabric>,
    out: Vec<Output>,
}

impl Process {
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut termination: Termination,
        mut hangup: Hangup,
    ) -> Result<(), Error> {
        let mut stop = false;
        self.feed(Happening::Wake);
        while !stop {
            let wake = [self.device.wake(), self.datagrams.retry_at()];
            let wake = wake.into_iter().flatten().min();
            let wake = wake.map(|at| self.clock.tokio(at));
            tokio::select! {
                () = daemon::sleep_until(wake) => {
                    // What has arrived comes first: it may keep a session alive.
                    self.transport.begin_round();
                    self.round();
                    self.receive();
                    self.datagrams.retry(self.clock.now());
                    self.feed(Happening::Wake);
                }
                () = self.datagrams.ready() => self.receive(),
                event = self.transport.next() => {
                    self.hear(event);
                    self.round();
                }
                () = programming::connected(self.fabric.as_mut()) => self.tell_everything(),
                Some(question) = questions.recv() => stop = self.answer(question),
                () = hangup.heard() => match self.reload() {
                    Ok(()) => tracing::warn!("the configuration was read again and is in force"),
                    Err(error) => tracing::error!(%error, "what was in force stays"),
                },
                () = termination.asked() => stop = true,
            }
        }
        Ok(())
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
            device,
            transport,
            out,
            ..
        } = self;
        transport.deliver(event, |input| {
            device.handle(clock.now(), Happening::Bgp(input), out);
        });
        self.carry_out();
    }

    /// Takes the BFD packets that wait.
    fn receive(&mut self) {
        let Self {
            clock,
            device,
            datagrams,
            out,
            ..
        } = self;
        datagrams.receive(|input| device.handle(clock.now(), Happening::Bfd(input), out));
        self.carry_out();
    }

    fn feed(&mut self, happening: Happening<'_>) {
        self.device
            .handle(self.clock.now(), happening, &mut self.out);
        self.carry_out();
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
            query => self.device.answer(self.clock.now(), query),
        });
        stop
    }

    /// Reads the configuration file again and puts it in force, all of it or nothing.
    fn reload(&mut self) -> Result<(), Error> {
        let path = self.path.clone();
        let now = self.clock.now();
        self.device.reload(&path, now, &mut self.out)?;
        self.carry_out();
        Ok(())
    }

    fn carry_out(&mut self) {
        let now = self.clock.now();
        for output in self.out.drain(..) {
            match output {
                Output::Bgp(output) => self.transport.apply(output),
                Output::Bfd(output) => self.datagrams.apply(now, output),
                Output::Forward { prefix, next_hops } => {
                    tracing::info!(%prefix, ?next_hops, "forward");
                    decide(self.fabric.as_ref(), prefix, next_hops, Table::Own);
                }
                Output::Program { prefix, next_hops } => {
                    tracing::info!(%prefix, ?next_hops, "program");
                    decide(self.fabric.as_ref(), prefix, next_hops, Table::Nics);
                }
                // Whoever can reach the port can make as many of these as it likes.
                Output::Event(
                    event @ (bgp::Event::Refused { .. }
                    | bgp::Event::Ended {
                        established: false, ..
                    }),
                ) => tracing::debug!(?event),
                Output::Event(event) => tracing::info!(?event),
                Output::Serving(serving) => {
                    tracing::info!(serving);
                    if let Some(fabric) = self.fabric.as_ref().filter(|_| !serving) {
                        fabric.hang_up();
                    }
                }
            }
        }
    }

    /// The fabric has just answered the call and knows nothing.
    fn tell_everything(&self) {
        for (prefix, next_hops, table) in self.device.decided() {
            decide(self.fabric.as_ref(), prefix, next_hops, table);
        }
    }
}

fn decide(
    fabric: Option<&Fabric>,
    prefix: inet::Prefix,
    next_hops: Vec<std::net::Ipv4Addr>,
    table: Table,
) {
    if let Some(fabric) = fabric {
        fabric.decide(Decision {
            prefix,
            next_hops,
            table,
        });
    }
}
