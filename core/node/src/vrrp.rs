//! VRRP version 3 for IPv4 on one LAN (RFC 9568): which of a site's CPEs is the hosts' gateway.
//!
//! One [`Router`] is one virtual router on one interface. It neither opens the raw socket nor
//! assigns addresses: the shell checks that advertisements arrive with TTL 255 and puts the virtual
//! address on the interface when asked. With the default interval of 250 ms a silent active router
//! is replaced within [`Settings::active_down`], which is under one second.
//!
//! Preemption is always on: the router with the most useful view of the overlay serves. A node that
//! loses all its hubs lowers its priority ([`Router::set_priority`]) and is replaced.

mod advertisement;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Instant;

pub use advertisement::{Advertisement, AdvertisementError};

/// What the operator decided for one virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Virtual router ID, 1 to 255.
    pub id: u8,
    /// The hosts' gateway address.
    pub virtual_address: Ipv4Addr,
    /// The own address on the LAN; breaks ties between equal priorities.
    pub address: Ipv4Addr,
    /// 1 to 254, highest becomes active.
    pub priority: u8,
    /// Centiseconds between advertisements, 1 to 4095.
    pub interval_cs: u16,
}

impl Settings {
    /// How long a backup waits in silence before it takes over: three intervals and the skew.
    pub fn active_down(&self) -> Duration {
        active_down(self.priority, self.interval_cs)
    }
}

/// The states of RFC 9568 §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not taking part, before the start or after a shutdown.
    Initialize,
    /// Watching the active router.
    Backup {
        /// `Active_Down_Timer`.
        active_down_at: Instant,
        /// `Active_Adver_Interval`, learned from the active router.
        interval_cs: u16,
    },
    /// Being the hosts' gateway.
    Active {
        /// `Adver_Timer`.
        advertise_at: Instant,
    },
}

/// What a virtual router asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send to 224.0.0.18, protocol 112, TTL 255.
    Advertise(Vec<u8>),
    /// Put the virtual address on the interface and answer for it.
    Acquire,
    /// Take the virtual address away.
    Release,
}

/// Why a received advertisement was not considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It cannot be read.
    Malformed(AdvertisementError),
    /// It is for another virtual router ID.
    OtherId,
    /// It does not carry the virtual address: a router of the same ID with other settings.
    OtherAddress,
    /// It is the own one, looped back.
    Own,
}

/// One virtual router.
#[derive(Clone, Debug)]
pub struct Router {
    settings: Settings,
    /// Priority in use: the configured one, or what tracking made of it.
    priority: u8,
    state: State,
}

impl Router {
    /// A virtual router in `Initialize`.
    pub const fn new(settings: Settings) -> Self {
        Self {
            priority: settings.priority,
            settings,
            state: State::Initialize,
        }
    }

    /// Starts: becomes backup, since nobody here owns the virtual address (RFC 9568 §6.4.1).
    pub fn start(&mut self, now: Instant) {
        if matches!(self.state, State::Initialize) {
            self.back_up(now, self.settings.interval_cs);
        }
    }

    /// Stops. An active router says so with priority zero, so that a backup follows at once.
    pub fn stop(&mut self, out: &mut Vec<Output>) {
        if matches!(self.state, State::Active { .. }) {
            self.advertise(PRIORITY_RELEASE, out);
            out.push(Output::Release);
        }
        self.state = State::Initialize;
    }

    /// Changes the priority in use. An active router tells the others at once.
    pub fn set_priority(&mut self, now: Instant, priority: u8, out: &mut Vec<Output>) {
        if priority == self.priority {
            return;
        }
        self.priority = priority;
        match &mut self.state {
            State::Initialize => {}
            State::Backup {
                active_down_at,
                interval_cs,
            } => {
                // A raised priority may only shorten the wait: the silence so far still counts.
                let latest = now + active_down(priority, *interval_cs);
                *active_down_at = (*active_down_at).min(latest);
            }
            State::Active { .. } => {
                self.state = self.advertised(now);
                self.advertise(priority, out);
            }
        }
    }

    /// Takes a received VRRP message, TTL 255 already checked.
    ///
    /// # Errors
    /// Says why the message had no effect.
    pub fn on_message(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        message: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Ignored> {
        let heard = Advertisement::decode(from, message).map_err(Ignored::Malformed)?;
        if from == self.settings.address {
            return Err(Ignored::Own);
        }
        if heard.id != self.settings.id {
            return Err(Ignored::OtherId);
        }
        if !heard.addresses.contains(&self.settings.virtual_address) {
            return Err(Ignored::OtherAddress);
        }
        match self.state {
            State::Initialize => {}
            State::Backup { interval_cs, .. } => self.on_heard_as_backup(now, &heard, interval_cs),
            State::Active { .. } => self.on_heard_as_active(now, from, &heard, out),
        }
        Ok(())
    }

    /// Acts on an expired timer. Early and repeated calls change nothing.
    pub fn on_wake(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.state {
            State::Backup { active_down_at, .. } if active_down_at <= now => {
                self.state = self.advertised(now);
                out.push(Output::Acquire);
                self.advertise(self.priority, out);
            }
            State::Active { advertise_at } if advertise_at <= now => {
                self.state = self.advertised(now);
                self.advertise(self.priority, out);
            }
            State::Initialize | State::Backup { .. } | State::Active { .. } => {}
        }
    }

    /// When to come back with [`Self::on_wake`].
    pub const fn wake(&self) -> Option<Instant> {
        match self.state {
            State::Initialize => None,
            State::Backup { active_down_at, .. } => Some(active_down_at),
            State::Active { advertise_at } => Some(advertise_at),
        }
    }

    /// The state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The priority in use.
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// RFC 9568 §6.4.2.
    fn on_heard_as_backup(&mut self, now: Instant, heard: &Advertisement, interval_cs: u16) {
        if heard.priority == PRIORITY_RELEASE {
            self.state = State::Backup {
                active_down_at: now + skew(self.priority, interval_cs),
                interval_cs,
            };
        } else if heard.priority >= self.priority {
            self.back_up(now, heard.interval_cs);
        }
    }

    /// RFC 9568 §6.4.3.
    fn on_heard_as_active(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        heard: &Advertisement,
        out: &mut Vec<Output>,
    ) {
        let theirs = (heard.priority, from);
        if heard.priority != PRIORITY_RELEASE && theirs > (self.priority, self.settings.address) {
            out.push(Output::Release);
            self.back_up(now, heard.interval_cs);
        } else {
            self.state = self.advertised(now);
            self.advertise(self.priority, out);
        }
    }

    fn back_up(&mut self, now: Instant, interval_cs: u16) {
        self.state = State::Backup {
            active_down_at: now + active_down(self.priority, interval_cs),
            interval_cs,
        };
    }

    fn advertised(&self, now: Instant) -> State {
        State::Active {
            advertise_at: now + centiseconds(self.settings.interval_cs),
        }
    }

    fn advertise(&self, priority: u8, out: &mut Vec<Output>) {
        let advertisement = Advertisement {
            id: self.settings.id,
            priority,
            interval_cs: self.settings.interval_cs,
            addresses: vec![self.settings.virtual_address],
        };
        out.push(Output::Advertise(advertisement.encode()));
    }
}

/// The priority by which an active router gives up its role (RFC 9568 §5.2.4).
const PRIORITY_RELEASE: u8 = 0;

fn centiseconds(count: u16) -> Duration {
    Duration::from_millis(u64::from(count) * 10)
}

/// `Skew_Time`: lower priorities wait longer (RFC 9568 §6.1).
fn skew(priority: u8, interval_cs: u16) -> Duration {
    centiseconds(interval_cs) * (256 - u32::from(priority)) / 256
}

/// `Active_Down_Interval` (RFC 9568 §6.1).
fn active_down(priority: u8, interval_cs: u16) -> Duration {
    centiseconds(interval_cs) * 3 + skew(priority, interval_cs)
}
