//! One instance of a Route Server, with the machine's sockets.
//!
//! Any router can peer with it. In a lab it tells the fabric what to program; without a fabric
//! what it would program is only logged.

mod changes;

use std::path::PathBuf;

use azure::RouteServer;
use azure::route_server::{Input, Output, Peerings};
use design::plan::RouteServerConfig;
use inet::Instant;
use view::{Answer, Query};

use crate::clock::Clock;
use crate::config::read_config;
use crate::error::Error;
use crate::log::Log;
use crate::management::{Hub, ManagementAddress, Service};
use crate::process::{self, Access};
use crate::programming::{self, Fabric, Table};
use crate::transport::{BGP_PORT, Transport};

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
    let hub = Hub {
        name: view::platform::hub_name(&config),
        instance: config.instance,
        vnet: config.vnet.clone(),
        twin: settings.twin.clone(),
        fabric: settings.fabric_control.clone(),
    };
    let access = Access {
        control: settings.control.clone(),
        management: settings
            .management
            .clone()
            .map(|at| Service { at, hub: Some(hub) }),
    };
    process::run(clock, access, |transport| {
        transport.listen(&[(config.interface.address, BGP_PORT).into()])?;
        Ok(Device {
            path: settings.config.clone(),
            server,
            peerings: Peerings::default(),
            fabric: settings
                .fabric
                .clone()
                .map(|path| Fabric::call(path, config.name.clone())),
            log: Log::default(),
            out: Vec::new(),
        })
    })
}

struct Device {
    path: PathBuf,
    server: RouteServer,
    peerings: Peerings,
    fabric: Option<Fabric>,
    log: Log,
    out: Vec<Output>,
}

impl process::Device for Device {
    /// The fabric has just answered the call and knows nothing.
    type News = ();

    async fn news(&mut self) {
        programming::connected(self.fabric.as_mut()).await;
    }

    fn hear(&mut self, _: Instant, (): ()) {
        for (prefix, next_hops) in self.server.programmed() {
            let next_hops = next_hops.to_vec();
            programming::decide(self.fabric.as_ref(), prefix, next_hops, Table::Nics);
        }
    }

    fn bgp(&mut self, now: Instant, input: bgp::Input<'_>) {
        self.server.handle(now, Input::Bgp(input), &mut self.out);
    }

    fn wake(&self) -> Option<Instant> {
        self.server.wake()
    }

    fn due(&mut self, now: Instant) {
        self.server.handle(now, Input::Wake, &mut self.out);
    }

    fn carry_out(&mut self, now: Instant, transport: &mut Transport) {
        for output in self.out.drain(..) {
            match output {
                Output::Bgp(output) => transport.apply(output),
                Output::Program { prefix, next_hops } => {
                    programming::decide(self.fabric.as_ref(), prefix, next_hops, Table::Nics);
                }
                Output::Event(event) => self.log.write(now, &event),
                Output::Serving(serving) => programming::serving(self.fabric.as_ref(), serving),
                Output::Refused(refusal) => tracing::warn!(%refusal),
            }
        }
    }

    fn answer(&mut self, now: Instant, transport: &mut Transport, query: &Query) -> Answer {
        match query {
            Query::Change { change } => {
                let changed = self.change(now, transport, change);
                changed.map_or_else(Answer::Unable, |()| Answer::Done)
            }
            Query::VnetPeerings => {
                Answer::VnetPeerings(view::vnet_peerings(&self.server, &self.peerings))
            }
            query => {
                let name = &self.server.config().name;
                let answer = view::route_server_answer(&self.server, name, now, query);
                self.with_programming(answer)
            }
        }
    }

    fn reload(&mut self, now: Instant, transport: &mut Transport) -> Result<(), Error> {
        self.read_again(now, transport)
    }

    /// The platform ends without a word.
    async fn end(self, _: Clock, _: Transport) {}
}

impl Device {
    /// Adds what the core does not know to its numbers.
    fn with_programming(&self, mut answer: Answer) -> Answer {
        if let Answer::Measures(measures) = &mut answer
            && let Some(server) = &mut measures.route_server
        {
            server.programming = self.fabric.as_ref().map(Fabric::measures);
        }
        answer
    }
}
