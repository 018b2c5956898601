//! The prober of one path: a STAMP session-sender (RFC 8762 §4.2) and the judge of whether the path is up.

use std::time::Duration;

use inet::{Instant, Rng};

use crate::stats::{Answer, History};
use crate::wire::{Reply, Request, Timestamp};
use crate::{Event, Input, Output, Settings, Statistics};

/// Probes one path.
#[derive(Clone, Debug)]
pub struct Prober {
    settings: Settings,
    state: State,
    schedule: Probing,
    history: History,
    /// The shape of the next probe.
    shape: u8,
    /// When packets went through the path the last time, as far as is known.
    used: Option<Instant>,
    /// Since when it is up; what was lost before says nothing about how good it is now.
    up_since: Instant,
    unexpected_replies: u64,
}

/// Whether the path is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never was.
    New,
    Up {
        last_reply: Instant,
    },
    /// Was, and has answered `replies` times in a row since.
    Down {
        replies: u32,
        last_reply: Instant,
    },
}

/// What the time of the next probe is counted from.
#[derive(Clone, Copy, Debug)]
enum Probing {
    /// Settled: the first probe, or one that was asked for.
    At(Instant),
    /// The last probe; the state says how long after it.
    After(Instant),
}

impl Prober {
    /// A prober for a path that is down until its first reply. The first probe goes out within one idle interval;
    /// the seed spreads the probes of many paths over it.
    pub fn new(settings: Settings, seed: u64, now: Instant) -> Self {
        let interval = settings.idle_interval.max(settings.interval);
        let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let phase = Duration::from_nanos(Rng::new(seed).below(interval).max(1));
        Self {
            settings,
            shape: 0,
            used: None,
            up_since: now,
            state: State::New,
            schedule: Probing::At(now + phase),
            history: History::default(),
            unexpected_replies: 0,
        }
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Wake => {}
            Input::Reply(bytes) => self.on_reply(now, bytes, out),
            Input::Probe => self.schedule = Probing::At(now),
            Input::Used => self.used = Some(now),
        }
        self.check_liveness(now, out);
        if self.next_probe() <= now {
            self.probe(now, out);
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        Some(match self.state {
            State::Up { last_reply } => {
                self.next_probe().min(last_reply + self.settings.dead_after)
            }
            State::New | State::Down { .. } => self.next_probe(),
        })
    }

    /// Whether the path is up.
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// When the last reply came.
    pub const fn last_reply(&self) -> Option<Instant> {
        match self.state {
            State::New => None,
            State::Up { last_reply } | State::Down { last_reply, .. } => Some(last_reply),
        }
    }

    /// What the probes of the window say.
    pub fn statistics(&self, now: Instant) -> Statistics {
        self.history.statistics(now, self.settings.window)
    }

    /// What the probes of a shape say for a class, since the path is up.
    pub fn judged(&self, now: Instant, shape: u8) -> Statistics {
        let back = (self.settings.window, self.up_since);
        self.history.judged(now, back, shape)
    }

    /// How far back statistics look.
    pub const fn window(&self) -> Duration {
        self.settings.window
    }

    /// Packets that were no reply to an outstanding probe: late beyond the window, doubled, or not ours.
    pub const fn unexpected_replies(&self) -> u64 {
        self.unexpected_replies
    }

    fn on_reply(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<Output>) {
        let Some((sequence, answer)) = self.read(now, bytes) else {
            self.unexpected_replies += 1;
            return;
        };
        self.history.answer(sequence, answer);
        self.state = match self.state {
            State::New => self.up(now, out),
            State::Up { .. } => State::Up { last_reply: now },
            State::Down {
                replies,
                last_reply,
            } => {
                let in_a_row = now.since(last_reply) < self.settings.dead_after;
                let replies = if in_a_row { replies + 1 } else { 1 };
                match replies >= self.settings.up_after {
                    true => self.up(now, out),
                    false => State::Down {
                        replies,
                        last_reply: now,
                    },
                }
            }
        };
    }

    fn up(&mut self, now: Instant, out: &mut Vec<Output>) -> State {
        self.up_since = now;
        out.push(Output::Event(Event::Up));
        State::Up { last_reply: now }
    }

    /// The exchange, if the packet answers a probe that waits for it.
    fn read(&self, now: Instant, bytes: &[u8]) -> Option<(u32, Answer)> {
        let reply = Reply::decode(bytes)?;
        let sequence = reply.request.sequence;
        let sent = self.history.outstanding(sequence)?;
        let expected = Request {
            sequence,
            sent: Timestamp::at(sent),
            ssid: self.settings.ssid,
        };
        if reply.request != expected {
            return None;
        }
        let (received, returned) = (reply.received.as_nanos(), reply.sent.as_nanos());
        let round = now.since(sent).as_nanos() as u64;
        Some((
            sequence,
            Answer {
                rtt: round.saturating_sub(returned.saturating_sub(received)),
                there: i128::from(received) - i128::from(sent.as_nanos()),
                back: i128::from(now.as_nanos()) - i128::from(returned),
            },
        ))
    }

    fn check_liveness(&mut self, now: Instant, out: &mut Vec<Output>) {
        if let State::Up { last_reply } = self.state
            && now.since(last_reply) >= self.settings.dead_after
        {
            self.state = State::Down {
                replies: 0,
                last_reply,
            };
            out.push(Output::Event(Event::Down { last_reply }));
        }
    }

    fn probe(&mut self, now: Instant, out: &mut Vec<Output>) {
        let shape = self.shape;
        self.shape = (shape + 1) % self.settings.shapes.max(1);
        let sequence = self.history.send(now, self.settings.window, shape);
        let request = Request {
            sequence,
            sent: Timestamp::at(now),
            ssid: self.settings.ssid,
        };
        out.push(Output::Probe {
            shape,
            payload: request.encode(),
        });
        self.schedule = Probing::After(now);
    }

    /// When to probe next: at the interval for a path in use or idle, but four times as often as one in use while the path is
    /// in doubt, which is from half an interval after a reply was due until the path is down, and twice as often from
    /// the first new reply until it is up again.
    fn next_probe(&self) -> Instant {
        let last_probe = match self.schedule {
            Probing::At(time) => return time,
            Probing::After(last_probe) => last_probe,
        };
        let interval = self.interval(last_probe);
        let busy = self.settings.interval.max(INTERVAL_MIN);
        match self.state {
            State::Up { last_reply } => {
                let doubt = last_reply + interval + interval / 2;
                (last_probe + interval).min(doubt.max(last_probe + busy / 4))
            }
            State::Down {
                replies: 1..,
                last_reply,
            } if last_probe.since(last_reply) < self.settings.dead_after => last_probe + busy / 2,
            State::New | State::Down { .. } => last_probe + interval,
        }
    }

    /// Between the last probe and the next one, as long as nothing is in doubt.
    fn interval(&self, last_probe: Instant) -> Duration {
        let busy = self.settings.interval.max(INTERVAL_MIN);
        let is_used = self
            .used
            .is_some_and(|used| last_probe.since(used) < USED_FOR);
        if is_used {
            return busy;
        }
        let idle = self.settings.idle_interval;
        idle.min(self.settings.dead_after / 3).max(busy)
    }
}

/// For how long a path counts as in use. Whoever sees the packets tells so at least every [`USED_EVERY`] while there are any.
pub const USED_FOR: Duration = Duration::from_secs(2);
/// How often it has to be told that packets go through a path.
pub const USED_EVERY: Duration = Duration::from_secs(1);
/// Quicker probing than this measures the timer and not the path.
const INTERVAL_MIN: Duration = Duration::from_millis(4);
