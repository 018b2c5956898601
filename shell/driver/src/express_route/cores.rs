//! The two kinds of core that one device has.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use azure::express_route::{Gateway, GatewayCommand, Input, Msee, MseeCommand, Output};
use design::plan::{ErGatewayConfig, MseeConfig};
use inet::{Instant, Prefix};
use view::{Answer, Query};

use crate::config::read_config;
use crate::error::Error;
use crate::programming::Table;

/// What can happen to either.
pub(super) enum Happening<'a> {
    Wake,
    Bgp(bgp::Input<'a>),
    Bfd(::bfd::Input<'a>),
}

impl<'a> Happening<'a> {
    fn input<C>(self) -> Input<'a, C> {
        match self {
            Self::Wake => Input::Wake,
            Self::Bgp(input) => Input::Bgp(input),
            Self::Bfd(input) => Input::Bfd(input),
        }
    }
}

/// A gateway's instance or an MSEE.
pub(super) enum Core {
    Gateway(Box<Gateway>),
    Msee(Box<Msee>),
}

impl Core {
    pub(super) fn gateway(
        config: &ErGatewayConfig,
        seed: u64,
        now: Instant,
    ) -> Result<Self, String> {
        let core = Gateway::new(config, seed, now).map_err(|fault| fault.to_string())?;
        Ok(Self::Gateway(Box::new(core)))
    }

    pub(super) fn msee(config: &MseeConfig, seed: u64, now: Instant) -> Result<Self, String> {
        let core = Msee::new(config, seed, now).map_err(|fault| fault.to_string())?;
        Ok(Self::Msee(Box::new(core)))
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Gateway(core) => &core.config().name,
            Self::Msee(core) => &core.config().name,
        }
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Self::Gateway(core) => gateway_addresses(core.config()),
            Self::Msee(core) => msee_addresses(core.config()),
        }
    }

    pub(super) fn handle(&mut self, now: Instant, happening: Happening<'_>, out: &mut Vec<Output>) {
        match self {
            Self::Gateway(core) => core.handle(now, happening.input(), out),
            Self::Msee(core) => core.handle(now, happening.input(), out),
        }
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        match self {
            Self::Gateway(core) => core.wake(),
            Self::Msee(core) => core.wake(),
        }
    }

    pub(super) fn answer(&self, now: Instant, query: &Query) -> Answer {
        match self {
            Self::Gateway(core) => view::gateway_answer(core, now, query),
            Self::Msee(core) => view::msee_answer(core, now, query),
        }
    }

    /// Everything that it has decided.
    pub(super) fn decided(&self) -> Vec<(Prefix, Vec<Ipv4Addr>, Table)> {
        let mut all = Vec::new();
        match self {
            Self::Gateway(core) => {
                for (prefix, next_hops) in core.forwarded() {
                    all.push((prefix, next_hops.to_vec(), Table::Own));
                }
                for (prefix, next_hops) in core.programmed() {
                    all.push((prefix, next_hops.to_vec(), Table::Nics));
                }
            }
            Self::Msee(core) => {
                for (prefix, next_hops) in core.forwarded() {
                    all.push((prefix, next_hops.to_vec(), Table::Own));
                }
            }
        }
        all
    }

    /// Reads the configuration file that is to be in force next; whatever stands against it is the
    /// error.
    pub(super) fn next(&self, path: &Path) -> Result<Next, Error> {
        let refused = |fault: azure::express_route::ConfigFault| Error::Refused {
            path: path.to_owned(),
            reason: fault.to_string(),
        };
        match self {
            Self::Gateway(core) => {
                let next = read_config(path, ErGatewayConfig::from_yaml)?;
                core.check_next(&next).map_err(refused)?;
                Ok(Next::Gateway(Box::new(next)))
            }
            Self::Msee(core) => {
                let next = read_config(path, MseeConfig::from_yaml)?;
                core.check_next(&next).map_err(refused)?;
                Ok(Next::Msee(Box::new(next)))
            }
        }
    }

    /// Puts a configuration in force that [`Self::next`] has found good.
    pub(super) fn configure(&mut self, now: Instant, next: Next, out: &mut Vec<Output>) {
        match (self, next) {
            (Self::Gateway(core), Next::Gateway(config)) => {
                core.handle(now, Input::Command(GatewayCommand::Configure(config)), out);
            }
            (Self::Msee(core), Next::Msee(config)) => {
                core.handle(now, Input::Command(MseeCommand::Configure(config)), out);
            }
            (Self::Gateway(_), Next::Msee(_)) | (Self::Msee(_), Next::Gateway(_)) => {
                unreachable!("a configuration was read for the device that it is given to")
            }
        }
    }
}

/// A configuration that can take the place of the one in force.
pub(super) enum Next {
    Gateway(Box<ErGatewayConfig>),
    Msee(Box<MseeConfig>),
}

impl Next {
    /// Where the device listens from then on.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Self::Gateway(config) => gateway_addresses(config),
            Self::Msee(config) => msee_addresses(config),
        }
    }
}

fn gateway_addresses(config: &ErGatewayConfig) -> Vec<IpAddr> {
    vec![config.interface.address.into()]
}

fn msee_addresses(config: &MseeConfig) -> Vec<IpAddr> {
    let interfaces = config.interfaces.iter();
    interfaces.map(|it| it.address.into()).collect()
}
