//! What changes while an instance runs: single things by management, everything by its file.

use azure::route_server::{Command, Input, Obstacle, Output, Peerings};
use design::plan::RouteServerConfig;
use design::{ConfigError, Step};
use inet::Instant;
use view::Change;
use view::platform::PlatformError;

use super::Device;
use crate::config::read;
use crate::error::Error;
use crate::process::Device as _;
use crate::transport::Transport;

impl Device {
    /// Does what management wants. What the core refuses changes nothing.
    pub(super) fn change(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        change: &Change,
    ) -> Result<(), PlatformError> {
        // What is due is done first, so that no refusal but the commands' own is heard below.
        self.due(now);
        self.carry_out(now, transport);
        let mut peerings = self.peerings.clone();
        for command in view::route_server_commands(&self.server, &mut peerings, change)? {
            self.order(now, transport, command)?;
        }
        self.peerings = peerings;
        Ok(())
    }

    /// Reads the configuration file again and puts it in force, or says everything that stands
    /// against it and leaves all as it is. The file is read whole before anything is done, and
    /// everything is done before anything else is heard. What management changed is as the file
    /// has it.
    pub(super) fn read_again(
        &mut self,
        now: Instant,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        let text = read(&self.path)?;
        let next = RouteServerConfig::from_yaml(&text).map_err(|error| Error::Content {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        // What is due is done first, so that no refusal but the commands' own is heard below.
        self.due(now);
        self.carry_out(now, transport);
        let commands = self.server.changes_to(&next).map_err(|obstacles| {
            let lines = obstacles.iter().map(|obstacle| at_line(&text, obstacle));
            Error::Refused {
                path: self.path.clone(),
                reason: lines.collect::<Vec<_>>().join("; "),
            }
        })?;
        for command in commands {
            self.order(now, transport, command)
                .map_err(|error| Error::Refused {
                    path: self.path.clone(),
                    reason: error.message,
                })?;
        }
        self.peerings = Peerings::default();
        Ok(())
    }

    fn order(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        command: Command,
    ) -> Result<(), PlatformError> {
        self.server
            .handle(now, Input::Command(command), &mut self.out);
        let refusal = self.out.iter().find_map(|output| match output {
            Output::Refused(refusal) => Some(view::peer_refused(refusal)),
            _ => None,
        });
        self.carry_out(now, transport);
        refusal.map_or(Ok(()), Err)
    }
}

/// What stands against a configuration, with its line.
fn at_line(text: &str, obstacle: &Obstacle) -> String {
    let path = match obstacle {
        Obstacle::Fixed { field } => vec![Step::Field(field)],
        Obstacle::Peer { index, .. } => vec![Step::Field("peers"), Step::Item(*index)],
        Obstacle::RouteMaps(_) => vec![Step::Field("route_maps")],
        Obstacle::Gateway { index, .. } => vec![Step::Field("gateways"), Step::Item(*index)],
    };
    let (line, column) = design::locate(text, &path).unwrap_or((0, 0));
    let error = ConfigError {
        line,
        column,
        reason: obstacle.to_string(),
    };
    error.to_string()
}
