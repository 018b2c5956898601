//! All sessions of a machine: whose packet it is, and who is next.

use std::collections::BTreeSet;

use core::net::SocketAddr;

use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{Instant, Rng};

use crate::discard::{Discard, Discards};
use crate::session::Session;
use crate::wire::Packet;
use crate::{Command, Hops, Input, Output, SessionKey, SessionView, Settings, State};

/// As many sessions as there are source ports for them (RFC 5881 §4). A further one is refused.
pub const SESSIONS_MAX: usize = 16_384;

/// All BFD sessions of a machine.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// By place; a place that is free waits in `free`.
    sessions: Vec<Option<Armed>>,
    free: Vec<usize>,
    by_key: HashMap<SessionKey, usize, Seeded>,
    by_discriminator: HashMap<u32, usize, Seeded>,
    /// Who is due when. Each session is in here at most once.
    due: BTreeSet<(Instant, usize)>,
    /// Packets that belong to no session.
    discards: Discards,
    chance: Rng,
}

/// A session and its place among those due.
#[derive(Clone, Debug)]
struct Armed {
    session: Session,
    /// Not later than the session's own wake-up time. Packets that come put that off many times before it counts.
    at: Option<Instant>,
}

impl Endpoint {
    /// Without sessions. The seed makes discriminators, first sequence numbers and jitter.
    pub fn new(seed: u64) -> Self {
        Self {
            sessions: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::with_hasher(Seeded(seed)),
            by_discriminator: HashMap::with_hasher(Seeded(seed)),
            due: BTreeSet::new(),
            discards: Discards::default(),
            chance: Rng::new(seed),
        }
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                from,
                to,
                ttl,
                bytes,
            } => {
                if let Err(discard) = self.on_datagram(now, from, to, ttl, bytes, out) {
                    self.discards.add(discard);
                }
            }
            Input::Wake => self.on_wake(now, out),
            Input::Command(command) => self.on_command(now, command, out),
        }
    }

    /// When to come back with [`Input::Wake`]; later than the last one. After a datagram it may have passed already:
    /// silence is judged only once all waiting datagrams are handed in.
    pub fn wake(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// All sessions, by address.
    pub fn sessions(&self) -> Vec<SessionView> {
        let armed = self.sessions.iter().flatten();
        let mut views: Vec<_> = armed.map(|armed| SessionView::of(&armed.session)).collect();
        views.sort_unstable_by_key(|view| view.session);
        views
    }

    /// One session.
    pub fn session(&self, key: SessionKey) -> Option<SessionView> {
        let armed = self.sessions.get(*self.by_key.get(&key)?)?.as_ref()?;
        Some(SessionView::of(&armed.session))
    }

    /// Packets that belong to no session, by reason.
    pub const fn discards(&self) -> &Discards {
        &self.discards
    }

    fn on_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        ttl: u8,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Discard> {
        let (packet, _) = Packet::decode(bytes)?;
        let hops = [Hops::Single, Hops::Multi]
            .into_iter()
            .find(|hops| hops.port() == to.port());
        let key = SessionKey {
            local: to.ip().to_canonical(),
            remote: from.ip().to_canonical(),
            hops: hops.ok_or(Discard::Address)?,
        };
        let place = self.belongs_to(&packet, key)?;
        self.tell(place, out, |session, out| {
            session.on_packet(now, &packet, bytes, ttl, out);
            true
        });
        Ok(())
    }

    /// The session's place (RFC 5880 §6.3, §6.8.6).
    fn belongs_to(&self, packet: &Packet, key: SessionKey) -> Result<usize, Discard> {
        if packet.your_discriminator == 0 {
            if !matches!(packet.state, State::Down | State::AdminDown) {
                return Err(Discard::YourDiscriminator);
            }
            return self.by_key.get(&key).copied().ok_or(Discard::NoSession);
        }
        let place = self
            .by_discriminator
            .get(&packet.your_discriminator)
            .copied();
        let place = place.ok_or(Discard::NoSession)?;
        // A guessed discriminator must not be enough: our sessions have one path and so one pair of addresses.
        match self.by_key.get(&key) {
            Some(expected) if *expected == place => Ok(place),
            _ => Err(Discard::Address),
        }
    }

    fn on_wake(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((at, place)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            self.armed(place).at = None;
            self.tell(place, out, |session, out| session.on_wake(now, out));
        }
    }

    fn on_command(&mut self, now: Instant, command: Command, out: &mut Vec<Output>) {
        let key = match command {
            Command::Set(key, _)
            | Command::Remove(key)
            | Command::AdminDown(key)
            | Command::AdminUp(key) => key,
        };
        let place = match (self.by_key.get(&key).copied(), &command) {
            (Some(place), _) => place,
            (None, Command::Set(_, settings)) => {
                let Some(place) = self.insert(key, settings) else {
                    out.push(Output::Refused { session: key });
                    return;
                };
                place
            }
            (None, Command::Remove(_) | Command::AdminDown(_) | Command::AdminUp(_)) => return,
        };
        self.tell(place, out, |session, out| {
            match command {
                Command::Set(_, settings) => session.set(now, settings, out),
                Command::Remove(_) if !session.is_leaving() => session.leave(now, out),
                Command::AdminDown(_) => session.admin_down(now, out),
                Command::AdminUp(_) if !session.is_leaving() => session.admin_up(now, out),
                Command::Remove(_) | Command::AdminUp(_) => {}
            }
            session.on_wake(now, out)
        });
    }

    /// Lets a session do something, then finds out when it is due next, or that it has gone.
    fn tell(
        &mut self,
        place: usize,
        out: &mut Vec<Output>,
        what: impl FnOnce(&mut Session, &mut Vec<Output>) -> bool,
    ) {
        let armed = self.armed(place);
        if !what(&mut armed.session, out) {
            self.remove(place, out);
            return;
        }
        let (before, wake) = (armed.at, armed.session.wake());
        // Being woken early is harmless, so that a session that is put off keeps its place.
        if let Some(wake) = wake
            && before.is_none_or(|before| wake < before)
        {
            armed.at = Some(wake);
            if let Some(before) = before {
                self.due.remove(&(before, place));
            }
            self.due.insert((wake, place));
        }
    }

    fn armed(&mut self, place: usize) -> &mut Armed {
        let armed = self.sessions.get_mut(place).and_then(Option::as_mut);
        armed.expect("the tables lead to sessions only")
    }

    /// A new session's place; `None` when there is no room.
    fn insert(&mut self, key: SessionKey, settings: &Settings) -> Option<usize> {
        if self.by_key.len() >= SESSIONS_MAX {
            return None;
        }
        let name = format!("{} {} {}", key.local, key.remote, key.hops.port());
        let mut chance = self.chance.named(&name);
        let discriminator = loop {
            let candidate = chance.next_u64() as u32;
            if candidate != 0 && !self.by_discriminator.contains_key(&candidate) {
                break candidate;
            }
        };
        let session = Session::new(key, settings.clone(), discriminator, chance);
        let armed = Some(Armed { session, at: None });
        let place = match self.free.pop() {
            Some(place) => {
                self.sessions[place] = armed;
                place
            }
            None => {
                self.sessions.push(armed);
                self.sessions.len() - 1
            }
        };
        self.by_key.insert(key, place);
        self.by_discriminator.insert(discriminator, place);
        Some(place)
    }

    fn remove(&mut self, place: usize, out: &mut Vec<Output>) {
        let Some(armed) = self.sessions.get_mut(place).and_then(Option::take) else {
            return;
        };
        if let Some(at) = armed.at {
            self.due.remove(&(at, place));
        }
        let session = armed.session.key;
        self.by_key.remove(&session);
        self.by_discriminator.remove(&armed.session.discriminator);
        self.free.push(place);
        out.push(Output::Removed { session });
    }
}
