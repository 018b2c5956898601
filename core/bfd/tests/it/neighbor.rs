//! One endpoint with one session, and a neighbour whose packets a test writes by hand.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bfd::wire::Packet;
use bfd::{
    Command, Diagnostic, Discard, Endpoint, Hops, Input, Output, SessionKey, SessionView, Settings,
    State, Verdict,
};
use inet::Instant;

pub(crate) const THEIRS: u32 = 0xbeef;

pub(crate) fn key(hops: Hops) -> SessionKey {
    SessionKey {
        local: address(1),
        remote: address(2),
        hops,
    }
}

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A packet that was sent: when, and what it says.
pub(crate) type Sent = (Instant, Packet);

pub(crate) struct Bench {
    pub(crate) now: Instant,
    pub(crate) endpoint: Endpoint,
    pub(crate) key: SessionKey,
    pub(crate) sent: Vec<Sent>,
    pub(crate) states: Vec<(Instant, State, Diagnostic)>,
    pub(crate) verdicts: Vec<Verdict>,
    /// The next packet's values that tests rarely change.
    pub(crate) theirs: Packet,
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::between(key(Hops::Single), settings)
    }

    pub(crate) fn between(key: SessionKey, settings: Settings) -> Self {
        let mut bench = Self {
            now: Instant::from_secs(10),
            endpoint: Endpoint::new(1),
            key,
            sent: Vec::new(),
            states: Vec::new(),
            verdicts: Vec::new(),
            theirs: Packet {
                diagnostic: Diagnostic::NONE,
                state: State::Down,
                poll: false,
                is_final: false,
                control_plane_independent: false,
                authenticated: false,
                demand: false,
                detect_mult: 3,
                my_discriminator: THEIRS,
                your_discriminator: 0,
                desired_min_tx: ms(1_000),
                required_min_rx: ms(50),
                required_min_echo_rx: Duration::ZERO,
            },
        };
        bench.command(Command::Set(key, settings));
        bench
    }

    /// A session that has just come up by three-way handshake.
    pub(crate) fn up(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.hear(State::Down);
        bench.hear(State::Init);
        assert_eq!(bench.view().state, State::Up);
        bench
    }

    pub(crate) fn view(&self) -> SessionView {
        self.endpoint.session(self.key).expect("the session exists")
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.give(Input::Command(command));
    }

    /// The neighbour says that it is in this state, knowing us if it should.
    pub(crate) fn hear(&mut self, state: State) {
        self.theirs.state = state;
        self.theirs.your_discriminator = match state {
            State::Down | State::AdminDown => 0,
            State::Init | State::Up => self.view().discriminator,
        };
        self.hear_packet(self.theirs);
    }

    pub(crate) fn hear_packet(&mut self, packet: Packet) {
        self.hear_bytes(255, &packet.encode());
    }

    pub(crate) fn hear_bytes(&mut self, ttl: u8, bytes: &[u8]) {
        let from = SocketAddr::new(self.key.remote, 50_000);
        let to = SocketAddr::new(self.key.local, self.key.hops.port());
        self.give(Input::Datagram {
            from,
            to,
            ttl,
            bytes,
        });
    }

    /// Why the session or the endpoint has not taken a packet since the last question.
    pub(crate) fn discarded(&self, reason: Discard) -> u64 {
        let session = self
            .endpoint
            .session(self.key)
            .map_or(0, |view| view.discards.count(reason));
        self.endpoint.discards().count(reason) + session
    }

    pub(crate) fn give(&mut self, input: Input<'_>) {
        let is_wake = matches!(input, Input::Wake);
        let mut out = Vec::new();
        self.endpoint.handle(self.now, input, &mut out);
        if is_wake {
            assert!(
                self.endpoint.wake().is_none_or(|wake| wake > self.now),
                "drained"
            );
        }
        for output in out {
            match output {
                Output::Send { bytes, ttl, .. } => {
                    assert_eq!(ttl, 255);
                    let (packet, _) = Packet::decode(&bytes).expect("our packets are right");
                    self.sent.push((self.now, packet));
                }
                Output::State {
                    state, diagnostic, ..
                } => {
                    self.states.push((self.now, state, diagnostic));
                }
                Output::Client { verdict, .. } => self.verdicts.push(verdict),
                Output::Removed { .. } | Output::Refused { .. } => {}
            }
        }
    }

    /// Lets time pass in silence.
    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(wake) = self.endpoint.wake().filter(|wake| *wake <= end) {
            self.now = self.now.max(wake);
            self.give(Input::Wake);
        }
        self.now = end;
    }

    /// Lets time pass while the neighbour says the same again at every interval.
    pub(crate) fn run_hearing(&mut self, duration: Duration, interval: Duration) {
        let end = self.now + duration;
        while self.now + interval <= end {
            self.run(interval);
            self.hear_packet(self.theirs);
        }
        self.run(end.since(self.now));
    }

    pub(crate) fn last(&self) -> Packet {
        self.sent.last().expect("something was sent").1
    }

    /// Times between the packets sent from now on, while the neighbour goes on as it does.
    pub(crate) fn gaps(&mut self, duration: Duration, interval: Duration) -> Vec<Duration> {
        self.sent.clear();
        self.run_hearing(duration, interval);
        let pairs = self.sent.windows(2);
        pairs.map(|pair| pair[1].0.since(pair[0].0)).collect()
    }
}
