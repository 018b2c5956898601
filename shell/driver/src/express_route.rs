//! An instance of an ExpressRoute gateway, or an MSEE, with the machine's sockets.
//!
//! Any router can be the customer's end of a circuit. In a lab the fabric is told what the device's
//! packets follow; without a fabric that is only logged.

mod cores;
mod datagrams;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use azure::express_route::Output;
use design::plan::{ErGatewayConfig, MseeConfig};
use inet::Instant;
use view::{Answer, Query};

use crate::clock::Clock;
use crate::config::read_config;
use crate::error::Error;
use crate::log::Log;
use crate::management::{ManagementAddress, Service};
use crate::process::{self, Access};
use crate::programming::{self, Fabric, Table};
use crate::transport::{BGP_PORT, Transport};
use cores::{Core, Happening};
use datagrams::Datagrams;

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
    let core = Core::gateway(&config, seed()?, clock.now());
    run(settings, clock, core)
}

/// Runs an MSEE until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_msee(settings: &ExpressRouteSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, MseeConfig::from_yaml)?;
    let clock = Clock::start();
    let core = Core::msee(&config, seed()?, clock.now());
    run(settings, clock, core)
}

fn seed() -> Result<u64, Error> {
    let mut seed = [0; 8];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    Ok(u64::from_ne_bytes(seed))
}

fn run(
    settings: &ExpressRouteSettings,
    clock: Clock,
    core: Result<Core, String>,
) -> Result<(), Error> {
    let core = core.map_err(|reason| Error::Refused {
        path: settings.config.clone(),
        reason,
    })?;
    let access = Access {
        control: settings.control.clone(),
        management: settings
            .management
            .clone()
            .map(|at| Service { at, hub: None }),
    };
    process::run(clock, access, |transport| {
        transport.listen(&sockets(&core.addresses()))?;
        let name = core.name().to_owned();
        Ok(Device {
            path: settings.config.clone(),
            core,
            datagrams: Datagrams::new()?,
            fabric: settings.fabric.clone().map(|path| Fabric::call(path, name)),
            log: Log::default(),
            out: Vec::new(),
        })
    })
}

/// Where BGP is listened to on these addresses.
fn sockets(addresses: &[IpAddr]) -> Vec<SocketAddr> {
    addresses.iter().map(|at| (*at, BGP_PORT).into()).collect()
}

struct Device {
    path: PathBuf,
    core: Core,
    /// BFD's.
    datagrams: Datagrams,
    fabric: Option<Fabric>,
    log: Log,
    out: Vec<Output>,
}

/// What it hears of beside BGP.
enum News {
    /// A packet of BFD waits.
    Datagrams,
    /// The fabric has just answered the call and knows nothing.
    Fabric,
}

impl process::Device for Device {
    type News = News;

    async fn news(&mut self) -> News {
        tokio::select! {
            () = self.datagrams.ready() => News::Datagrams,
            () = programming::connected(self.fabric.as_mut()) => News::Fabric,
        }
    }

    fn hear(&mut self, now: Instant, news: News) {
        match news {
            News::Datagrams => self.receive(now),
            News::Fabric => {
                for (prefix, next_hops, table) in self.core.decided() {
                    programming::decide(self.fabric.as_ref(), prefix, next_hops, table);
                }
            }
        }
    }

    fn bgp(&mut self, now: Instant, input: bgp::Input<'_>) {
        self.core.handle(now, Happening::Bgp(input), &mut self.out);
    }

    fn wake(&self) -> Option<Instant> {
        let wakes = [self.core.wake(), self.datagrams.retry_at()];
        wakes.into_iter().flatten().min()
    }

    fn due(&mut self, now: Instant) {
        self.receive(now);
        self.datagrams.retry(now);
        self.core.handle(now, Happening::Wake, &mut self.out);
    }

    fn carry_out(&mut self, now: Instant, transport: &mut Transport) {
        for output in self.out.drain(..) {
            match output {
                Output::Bgp(output) => transport.apply(output),
                Output::Bfd(output) => self.datagrams.apply(now, output),
                Output::Forward { prefix, next_hops } => {
                    programming::decide(self.fabric.as_ref(), prefix, next_hops, Table::Own);
                }
                Output::Program { prefix, next_hops } => {
                    programming::decide(self.fabric.as_ref(), prefix, next_hops, Table::Nics);
                }
                Output::Event(event) => self.log.write(now, &event),
                Output::Serving(serving) => programming::serving(self.fabric.as_ref(), serving),
            }
        }
    }

    fn answer(&mut self, now: Instant, _: &mut Transport, query: &Query) -> Answer {
        self.core.answer(now, query)
    }

    fn reload(&mut self, now: Instant, transport: &mut Transport) -> Result<(), Error> {
        let next = self.core.next(&self.path)?;
        transport.listen(&sockets(&next.addresses()))?;
        self.core.configure(now, next, &mut self.out);
        self.carry_out(now, transport);
        Ok(())
    }

    /// The platform ends without a word.
    async fn end(self, _: Clock, _: Transport) {}
}

impl Device {
    /// Takes the BFD packets that wait.
    fn receive(&mut self, now: Instant) {
        let Self {
            core,
            datagrams,
            out,
            ..
        } = self;
        datagrams.receive(|input| core.handle(now, Happening::Bfd(input), out));
    }
}

#[cfg(test)]
mod tests;
