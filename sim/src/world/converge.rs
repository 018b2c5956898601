//! When is a network done?
//!
//! It has converged when nothing changed for a settle time (no session, path, forwarding table or
//! programmed route), and the sessions agree with each other: a session is up at both of its ends or at neither. While
//! nothing has failed, all of them must be up. So a Route Server that has not yet noticed a dead
//! NVA keeps the network from having converged until its hold timer runs out; so does a session over a link
//! that has failed.

use core::fmt;
use core::time::Duration;

use design::plan::WireEnd;
use inet::Instant;
use view::{Query, Target};

use super::{DeviceIndex, SessionEnd, World};

/// How often the question is asked.
const STEP: Duration = Duration::from_millis(100);
/// Sessions named in a refusal; the others are only counted.
const NAMED_MAX: usize = 10;

/// A network that has converged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convergence {
    /// When the last change happened.
    pub at: Instant,
    /// Ends of sessions that are up.
    pub sessions_up: u32,
    /// Ends of sessions configured on devices that run.
    pub sessions: u32,
}

/// A network that has not converged in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotConverged {
    /// When it was given up.
    pub at: Instant,
    /// When something last changed.
    pub last_change: Instant,
    /// Ends of sessions that are not as they should be, the first few: `cpe1.paris to nva1.westeurope: down`.
    pub sessions: Vec<String>,
    /// How many there are.
    pub wrong: usize,
}

impl fmt::Display for NotConverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at, last_change, ..
        } = self;
        write!(f, "not converged at {at}, last change at {last_change}")?;
        if self.wrong > 0 {
            let named = self.sessions.join(", ");
            write!(
                f,
                "; {} sessions are not as they should be: {named}",
                self.wrong
            )?;
        }
        Ok(())
    }
}

impl core::error::Error for NotConverged {}

impl World {
    /// Lets time pass until the network has converged and then for `settle` longer, at most until
    /// `limit`.
    pub fn run_until_converged(
        &mut self,
        settle: Duration,
        limit: Instant,
    ) -> Result<Convergence, NotConverged> {
        loop {
            if self.now() >= self.last_change() + settle {
                let (sessions, wrong) = self.sessions();
                if wrong.is_empty() {
                    let at = self.last_change();
                    return Ok(Convergence { at, ..sessions });
                }
            }
            if self.now() >= limit {
                let (_, wrong) = self.sessions();
                return Err(self.not_converged(&wrong));
            }
            self.run_until((self.now() + STEP).min(limit));
        }
    }

    fn not_converged(&self, wrong: &[String]) -> NotConverged {
        NotConverged {
            at: self.now(),
            last_change: self.last_change(),
            sessions: wrong.iter().take(NAMED_MAX).cloned().collect(),
            wrong: wrong.len(),
        }
    }

    /// Counts sessions, and names those that are not as they should be.
    fn sessions(&self) -> (Convergence, Vec<String>) {
        let mut all: Vec<(DeviceIndex, SessionEnd, &str)> = Vec::new();
        let mut up: Vec<SessionEnd> = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let device = slot.device.as_ref();
            let Some(speaker) = device.and_then(|device| device.core.speaker()) else {
                continue;
            };
            for neighbor in speaker.neighbors() {
                let name = neighbor.settings.name.as_str();
                // Foreign software does not run here: its sessions stay down and are not waited for.
                if self.plan.foreign.iter().any(|foreign| foreign.name == name) {
                    continue;
                }
                let end = (neighbor.settings.local_address, neighbor.settings.address);
                all.push((index as DeviceIndex, end, name));
                if neighbor.state == bgp::State::Established {
                    up.push(end);
                }
            }
        }
        up.sort_unstable();
        let is_up = |end: SessionEnd| up.binary_search(&end).is_ok();
        let intact = self.is_intact();
        let cut = self.cut();
        let wrong = all.iter().filter(|(_, end, name)| {
            let other = (end.1, end.0);
            let known = self.ends.contains(&other) || self.by_name.contains_key(*name);
            let right = match is_up(*end) {
                true => is_up(other) && !cut.contains(end),
                false => !is_up(other) && !intact,
            };
            known && !right
        });
        let wrong = wrong.map(|(index, end, name)| {
            let state = match is_up(*end) {
                true => "up at this end only",
                false => "down",
            };
            let device = &self.slots[*index as usize].name;
            format!("{device} to {name}: {state}")
        });
        let counts = Convergence {
            at: self.now(),
            sessions_up: up.len() as u32,
            sessions: all.len() as u32,
        };
        (counts, wrong.collect())
    }

    /// Ends of sessions that run over links that have failed: nobody has noticed yet where they are up.
    fn cut(&self) -> Vec<SessionEnd> {
        let links = self.failed().iter().filter_map(|target| match target {
            Target::Link { device, interface } => Some((device, interface)),
            _ => None,
        });
        let wires = links.flat_map(|link| {
            let is_end = move |end: &WireEnd| (&end.device, &end.interface) == link;
            let wires = self.plan().fabric.wires.iter();
            wires.filter(move |wire| is_end(&wire.a) || is_end(&wire.b))
        });
        let ends = wires.map(|wire| (wire.a.address.into(), wire.b.address.into()));
        ends.flat_map(|(a, b): SessionEnd| [(a, b), (b, a)])
            .collect()
    }

    /// The forwarding tables of all devices that run, and of the platform.
    pub fn forwarding(&self) -> view::Forwarding {
        let names = self.slots.iter().map(|slot| slot.name.as_str());
        let answers = names.chain([view::FABRIC]).filter_map(|name| {
            match self.ask(name, &Query::Forwarding).ok()? {
                view::Answer::Forwarding(forwarding) => Some(forwarding),
                _ => None,
            }
        });
        view::Forwarding::merge(answers)
    }
}
