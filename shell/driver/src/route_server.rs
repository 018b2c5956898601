//! One instance of a Route Server, with the machine's sockets.
//!
//! Any router can peer with it. In a lab it tells the fabric what to program; without a fabric
//! what it would program is only logged.

mod changes;

use std::path::PathBuf;

use azure::RouteServer;
use azure::route_server::{Input, Output, Peerings};
use design::plan::RouteServerConfig;
use tokio::sync::mpsc;
use view::platform::PlatformError;
use view::{Answer, Query};

use crate::clock::Clock;
use crate::config::read_config;
use crate::control::{self, Question};
use crate::daemon::{self, Hangup, Termination};
use crate::error::Error;
use crate::management::{self, Hub, ManagementAddress, Service};
use crate::programming::{self, Decision, Fabric, Table};
use crate::transport::{BGP_PORT, Event, Transport};

/// What a Route Server instance is started with.
#[derive(Clone, Debug)]
pub struct RouteServerSettings {
    /// The instance's configuration file.
    pub config: PathBuf,
    /// Unix socket to answer queries on.
    pub control: Option<PathBuf>,
    /// Unix socket of the fabric that programs the routes.
    pub fabric: Option<PathBuf>,
    /// Where to serve management.
    pub management: Option<ManagementAddress>,
    /// Control socket of the other instance, for management.
    pub twin: Option<PathBuf>,
    /// Control socket of the fabric, for management.
    pub fabric_control: Option<PathBuf>,
}

/// Runs an instance until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_route_server(settings: &RouteServerSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, RouteServerConfig::from_yaml)?;
    let clock = Clock::start();
    let mut seed = [0; 8];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    let server = RouteServer::new(&config, u64::from_ne_bytes(seed), clock.now());
    let server = server.map_err(|error| Error::Refused {
        path: settings.config.clone(),
        reason: error.to_string(),
    })?;
    daemon::block_on(async {
        let termination = Termination::new()?;
        let hangup = Hangup::new()?;
        let (asker, questions) = control::channel();
        control::serve(settings.control.as_deref(), asker.clone())?;
        if let Some(at) = settings.management.clone() {
            let hub = Some(Hub {
                name: view::platform::hub_name(&config),
                instance: config.instance,
                vnet: config.vnet.clone(),
                twin: settings.twin.clone(),
                fabric: settings.fabric_control.clone(),
            });
            management::serve(Service { at, hub }, asker)?;
        }
        let mut transport = Transport::new()?;
        transport.listen(&[(config.interface.address, BGP_PORT).into()])?;
        let process = Process {
            path: settings.config.clone(),
            clock,
            server,
            peerings: Peerings::default(),
            transport,
            fabric: settings
                .fabric
                .clone()
                .map(|path| Fabric::call(path, config.name.clone())),
            out: Vec::new(),
        };
        process.run(questions, termination, hangup).await
    })
}

struct Process {
    path: PathBuf,
    clock: Clock,
    server: RouteServer,
    peerings: Peerings,
    transport: Transport,
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
        self.feed(Input::Wake);
        while !stop {
            let wake = self.server.wake().map(|at| self.clock.tokio(at));
            tokio::select! {
                () = daemon::sleep_until(wake) => {
                    // What has arrived comes first: it may keep a session alive.
                    self.transport.begin_round();
                    self.round();
                    self.feed(Input::Wake);
                }
                event = self.transport.next() => {
                    self.hear(event);
                    self.round();
                }
                () = programming::connected(self.fabric.as_mut()) => self.program_everything(),
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
            server,
            transport,
            out,
            ..
        } = self;
        transport.deliver(event, |input| {
            server.handle(clock.now(), Input::Bgp(input), out)
        });
        self.carry_out();
    }

    fn feed(&mut self, input: Input<'_>) {
        self.server.handle(self.clock.now(), input, &mut self.out);
        self.carry_out();
    }

    /// Whether the process is to end.
    fn answer(&mut self, question: Question) -> bool {
        let stop = question.query == Query::Stop;
        question.reply(|query| match query {
            Query::Change { change } => done(self.change(change)),
            Query::Reload => done(
                self.reload()
                    .map_err(|error| PlatformError::new("InvalidConfiguration", error.to_string())),
            ),
            Query::VnetPeerings => {
                Answer::VnetPeerings(view::vnet_peerings(&self.server, &self.peerings))
            }
            query => {
                let name = &self.server.config().name;
                let answer = view::route_server_answer(&self.server, name, self.clock.now(), query);
                self.with_programming(answer)
            }
        });
        stop
    }

    /// Adds what the core does not know to its numbers.
    fn with_programming(&self, mut answer: Answer) -> Answer {
        if let Answer::Measures(measures) = &mut answer
            && let Some(server) = &mut measures.route_server
        {
            server.programming = self.fabric.as_ref().map(Fabric::measures);
        }
        answer
    }

    fn carry_out(&mut self) {
        for output in self.out.drain(..) {
            match output {
                Output::Bgp(output) => self.transport.apply(output),
                Output::Program { prefix, next_hops } => {
                    tracing::info!(%prefix, ?next_hops, "program");
                    if let Some(fabric) = &self.fabric {
                        fabric.decide(Decision {
                            prefix,
                            next_hops,
                            table: Table::Nics,
                        });
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
                Output::Serving(serving) => {
                    tracing::info!(serving);
                    if let Some(fabric) = self.fabric.as_ref().filter(|_| !serving) {
                        fabric.hang_up();
                    }
                }
                Output::Refused(refusal) => tracing::warn!(%refusal),
            }
        }
    }

    /// The fabric has just answered the call and knows nothing.
    fn program_everything(&self) {
        for (prefix, next_hops) in self.server.programmed() {
            if let Some(fabric) = &self.fabric {
                fabric.decide(Decision {
                    prefix,
                    next_hops: next_hops.to_vec(),
                    table: Table::Nics,
                });
            }
        }
    }
}

fn done(said: Result<(), PlatformError>) -> Answer {
    said.map_or_else(Answer::Unable, |()| Answer::Done)
}
