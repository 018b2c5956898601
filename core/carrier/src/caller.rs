//! One path that can be carried two ways: by UDP as long as that works, over TLS when it does not.

use core::time::Duration;

use inet::Instant;

/// Without an answer by UDP for so long, a connection is begun: a handshake that is lost is repeated once before, and
/// two seconds and a connection's round trips are within the five after which people notice.
pub const SILENCE: Duration = Duration::from_secs(2);
/// How long a connection may take to stand, a proxy on the way included.
const CALL: Duration = Duration::from_secs(10);
/// Before the first new attempt; doubles with every one in vain.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Between attempts when many were in vain.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A connection over which the tunnel has had no answer for so long is as good as none.
const USELESS: Duration = Duration::from_secs(15);
/// How often UDP is asked while the tunnel goes over TLS.
const ECHO: Duration = Duration::from_secs(5);
/// How often once it has answered: longer than a round trip by satellite.
const ECHO_AGAIN: Duration = Duration::from_secs(2);
/// Answers in a row after which UDP is tried again.
const ANSWERS: u32 = 3;
/// As many as are ever wanted, when UDP comes back only to go again.
const ANSWERS_MAX: u32 = 24;
/// How long the connection is kept when the tunnel is back on UDP, in case it does not stay there.
const TRIAL: Duration = Duration::from_secs(5);
/// UDP that works for so long is trusted as before.
const TRUST: Duration = Duration::from_secs(60);

/// How the datagrams of a path go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// As they are.
    #[default]
    Udp,
    /// In frames over TLS.
    Tls,
}

impl Way {
    /// Its name for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tls => "tls",
        }
    }
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Wake,
    /// The path answers.
    Up,
    /// The path does not answer any more.
    Down {
        /// When it last did.
        last: Instant,
    },
    /// The connection stands.
    Connected,
    /// It came to nothing, or it broke.
    Disconnected,
    /// An echo came back by UDP.
    Echoed,
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Begin a connection.
    Connect,
    /// End it.
    Close,
    /// Send the tunnel's datagrams this way from now on.
    Move(Way),
    /// Ask the other side for an echo by UDP.
    Echo,
}

/// Decides how one path is carried.
#[derive(Clone, Debug)]
pub struct Caller {
    state: State,
    /// Since when the path has not answered; `None` while it does.
    silent: Option<Instant>,
    /// Connections in vain, in a row.
    vain: u32,
    /// Answers in a row that UDP has to give.
    wanted: u32,
    /// When UDP was trusted again.
    returned: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// By UDP; no connection before this, however silent it is.
    Udp { not_before: Instant },
    /// By UDP, and a connection is being made.
    Calling { until: Instant },
    /// Over TLS.
    Tls {
        /// When UDP is asked again.
        echo_at: Instant,
        /// Whether it has answered the last time.
        answered: bool,
        /// How often in a row it has.
        answers: u32,
        /// Since when.
        since: Instant,
    },
    /// By UDP again, and the connection is kept.
    Trial { until: Instant },
}

impl Caller {
    /// A caller for a path that has not answered yet.
    pub const fn new(now: Instant) -> Self {
        Self {
            state: State::Udp { not_before: now },
            silent: Some(now),
            vain: 0,
            wanted: ANSWERS,
            returned: None,
        }
    }

    /// How the datagrams go.
    pub const fn way(&self) -> Way {
        match self.state {
            State::Udp { .. } | State::Calling { .. } | State::Trial { .. } => Way::Udp,
            State::Tls { .. } => Way::Tls,
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        match self.state {
            State::Udp { not_before } => Some((self.silent? + SILENCE).max(not_before)),
            State::Calling { until } | State::Trial { until } => Some(until),
            State::Tls { echo_at, since, .. } => {
                let useless = self.silent.map(|silent| silent.max(since) + USELESS);
                Some(useless.map_or(echo_at, |useless| useless.min(echo_at)))
            }
        }
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Wake => {}
            Input::Up => self.on_up(now, out),
            Input::Down { last } => self.on_down(now, last, out),
            Input::Connected => self.on_connected(now, out),
            Input::Disconnected => self.on_disconnected(now, out),
            Input::Echoed => self.on_echoed(now, out),
        }
        while self.wake().is_some_and(|at| at <= now) {
            self.on_due(now, out);
        }
    }

    fn on_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.silent = None;
        match self.state {
            // UDP was only slow.
            State::Calling { .. } => {
                out.push(Output::Close);
                self.vain = 0;
                self.state = State::Udp { not_before: now };
            }
            State::Udp { .. } | State::Tls { .. } => self.vain = 0,
            State::Trial { .. } => {}
        }
    }

    fn on_down(&mut self, now: Instant, last: Instant, out: &mut Vec<Output>) {
        self.silent = Some(last.min(now));
        if let State::Trial { .. } = self.state {
            // Echoes pass and packets do not.
            self.distrust();
            self.take_tls(now, out);
        }
    }

    fn on_connected(&mut self, now: Instant, out: &mut Vec<Output>) {
        if let State::Calling { .. } = self.state {
            let is_soon = |returned: Instant| now.since(returned) < TRUST;
            if self.returned.is_some_and(is_soon) {
                self.distrust();
            } else {
                self.wanted = ANSWERS;
            }
            self.take_tls(now, out);
        }
    }

    fn on_disconnected(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.state {
            State::Udp { .. } => {}
            State::Calling { .. } => self.give_up(now),
            State::Trial { .. } => self.trust(now),
            State::Tls { .. } => {
                out.push(Output::Move(Way::Udp));
                self.silent.get_or_insert(now);
                self.give_up(now);
            }
        }
    }

    fn on_echoed(&mut self, now: Instant, out: &mut Vec<Output>) {
        let State::Tls {
            echo_at,
            answered,
            answers,
            ..
        } = &mut self.state
        else {
            return;
        };
        if core::mem::replace(answered, true) {
            return;
        }
        *answers += 1;
        *echo_at = (*echo_at).min(now + ECHO_AGAIN);
        if *answers >= self.wanted {
            self.state = State::Trial { until: now + TRIAL };
            out.push(Output::Move(Way::Udp));
        }
    }

    fn on_due(&mut self, now: Instant, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Udp { .. } => {
                out.push(Output::Connect);
                self.state = State::Calling { until: now + CALL };
            }
            State::Calling { .. } => {
                out.push(Output::Close);
                self.give_up(now);
            }
            State::Trial { .. } => {
                out.push(Output::Close);
                self.trust(now);
            }
            State::Tls {
                echo_at,
                answered,
                answers,
                ..
            } if *echo_at <= now => {
                if !core::mem::take(answered) {
                    *answers = 0;
                }
                *echo_at = now + if *answers == 0 { ECHO } else { ECHO_AGAIN };
                out.push(Output::Echo);
            }
            State::Tls { .. } => {
                out.push(Output::Close);
                out.push(Output::Move(Way::Udp));
                self.give_up(now);
            }
        }
    }

    fn take_tls(&mut self, now: Instant, out: &mut Vec<Output>) {
        out.push(Output::Move(Way::Tls));
        self.state = State::Tls {
            echo_at: now + ECHO,
            answered: false,
            answers: 0,
            since: now,
        };
    }

    /// A connection came to nothing: the next one later.
    fn give_up(&mut self, now: Instant) {
        let delay = (RETRY_FIRST * (1 << self.vain.min(8))).min(RETRY_MAX);
        self.vain = self.vain.saturating_add(1);
        self.state = State::Udp {
            not_before: now + delay,
        };
    }

    /// UDP has stood its trial.
    fn trust(&mut self, now: Instant) {
        self.returned = Some(now);
        self.state = State::Udp { not_before: now };
    }

    /// UDP came back only to go again: the next time it has to answer more often.
    fn distrust(&mut self) {
        self.wanted = (self.wanted * 2).min(ANSWERS_MAX);
    }
}
