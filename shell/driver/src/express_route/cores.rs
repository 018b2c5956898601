//! The two kinds of device that one loop drives.

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
pub(super) enum Device {
    Gateway(Box<Gateway>),
    Msee(Box<Msee>),
}

impl Device {
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
            Self::Gateway(core) => vec![core.config().interface.address.into()],
            Self::Msee(core) => {
                let interfaces = core.config().interfaces.iter();
                interfaces.map(|it| it.address.into()).collect()
            }
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

    /// Puts a configuration file in force, all of it or nothing.
    pub(super) fn reload(
        &mut self,
        path: &Path,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<(), Error> {
        let refused = |fault: azure::express_route::ConfigFault| Error::Refused {
            path: path.to_owned(),
            reason: fault.to_string(),
        };
        match self {
            Self::Gateway(core) => {
                let next = read_config(path, ErGatewayConfig::from_yaml)?;
                core.check_next(&next).map_err(refused)?;
                let command = GatewayCommand::Configure(Box::new(next));
                core.handle(now, Input::Command(command), out);
            }
            Self::Msee(core) => {
                let next = read_config(path, MseeConfig::from_yaml)?;
                core.check_next(&next).map_err(refused)?;
                let command = MseeCommand::Configure(Box::new(next));
                core.handle(now, Input::Command(command), out);
            }
        }
        Ok(())
    }
}
