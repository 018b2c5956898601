//! Classes that leave to the internet at the site.
//!
//! The kernel sends into the overlay device what comes from LANs and has no better route; what breaks out
//! comes back to it as it went, to leave by an underlay that reaches the internet, with that underlay's address. A
//! flow is known outside by that address, so the underlay is left only when it goes down, and not gone
//! back to before the next one does. While none is up the last one stays: tunnels may be down where the
//! internet is not.

use inet::Prefix;

use super::Node;
use crate::fib::{Source, Target};
use crate::id::{InterfaceId, LocatorId};
use crate::output::Output;

impl Node {
    /// Takes the default route and an exit, if classes break out.
    pub(super) fn start_breakout(&mut self, out: &mut Vec<Output>) {
        if self.tables.facts.exits.is_empty() {
            return;
        }
        let default = (Prefix::DEFAULT, Source::Breakout);
        self.route(default.0, default.1, Some(Target::Exit), out);
        self.choose_exit(out);
    }

    /// Leaves an exit that is down, if another one is up.
    pub(super) fn choose_exit(&mut self, out: &mut Vec<Output>) {
        let exits = &self.tables.facts.exits;
        let Some(first) = exits.first().copied() else {
            return;
        };
        let keeps = self.exit.filter(|exit| self.is_exit_up(*exit));
        let up = || exits.iter().copied().find(|exit| self.is_exit_up(*exit));
        let exit = keeps.or_else(up).or(self.exit).unwrap_or(first);
        if self.exit == Some(exit) {
            return;
        }
        self.exit = Some(exit);
        let interface = self.exit_interface(exit);
        out.push(Output::Exit { interface });
    }

    /// The interface by which flows leave that break out.
    pub(super) fn exit(&self) -> Option<InterfaceId> {
        Some(self.exit_interface(self.exit?))
    }

    fn exit_interface(&self, exit: LocatorId) -> InterfaceId {
        let address = self.settings.locators[exit.index()].address;
        let mut interfaces = self.settings.interfaces.iter();
        let place = interfaces.position(|interface| interface.address == address);
        InterfaceId(place.expect("a locator is bound to an interface") as u16)
    }

    fn is_exit_up(&self, exit: LocatorId) -> bool {
        let paths = self.settings.paths.iter().zip(&self.paths);
        let own = paths.filter(|(settings, _)| settings.locator == exit);
        own.filter_map(|(_, path)| path.prober.as_ref())
            .any(path::Prober::is_up)
    }
}
