//! Octets of anybody as a story: time, datagrams of all sorts, commands. Used by the fuzz target and by tests.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bfd::wire::Packet;
use bfd::{
    Auth, AuthKey, AuthKind, Command, Diagnostic, Endpoint, Hops, Input, Output, SessionKey,
    Settings, State,
};
use inet::Instant;

const STATES: [State; 4] = [State::AdminDown, State::Down, State::Init, State::Up];

/// Lives through the story and holds to what an endpoint promises whatever it is told.
pub(crate) fn drive(bytes: &[u8]) {
    let mut story = Story::new(bytes);
    while story.step() {
        story.give(Input::Wake);
        assert!(
            story.endpoint.wake().is_none_or(|wake| wake > story.now),
            "drained"
        );
        assert!(
            story.endpoint.sessions().len() <= 1,
            "only commands make sessions"
        );
    }
}

struct Story<'a> {
    bytes: core::slice::Iter<'a, u8>,
    now: Instant,
    endpoint: Endpoint,
    key: SessionKey,
    settings: Settings,
}

impl<'a> Story<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let mut story = Self {
            bytes: bytes.iter(),
            now: Instant::from_secs(1),
            endpoint: Endpoint::new(1),
            key: SessionKey {
                local: address(1),
                remote: address(2),
                hops: Hops::Single,
            },
            settings: Settings::new(Duration::from_millis(50), 3),
        };
        let kind = match story.octet() % 4 {
            0 | 1 => None,
            2 => Some(AuthKind::SimplePassword),
            _ => Some(AuthKind::KeyedMd5),
        };
        let keys = vec![AuthKey::new(1, vec![2; 3])];
        story.settings.auth = kind.and_then(|kind| Auth::new(kind, keys).ok());
        let command = Command::Set(story.key, story.settings.clone());
        story.give(Input::Command(command));
        story
    }

    fn octet(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    /// Whether there was one more.
    fn step(&mut self) -> bool {
        let Some(kind) = self.bytes.next() else {
            return false;
        };
        let value = self.octet();
        match kind % 5 {
            0 => self.now = self.now + Duration::from_millis(u64::from(value) * 8),
            1 => {
                let (head, tail) = self
                    .bytes
                    .as_slice()
                    .split_at(usize::from(value).min(self.bytes.len()));
                self.bytes = tail.iter();
                self.hear(head);
            }
            2 | 3 => {
                let packet = self.packet(value);
                self.hear(&packet.encode());
            }
            _ => {
                let command = match value % 4 {
                    0 => Command::Set(
                        self.key,
                        Settings {
                            detect_mult: value,
                            ..self.settings.clone()
                        },
                    ),
                    1 => Command::Remove(self.key),
                    2 => Command::AdminDown(self.key),
                    _ => Command::AdminUp(self.key),
                };
                self.give(Input::Command(command));
            }
        }
        true
    }

    fn packet(&mut self, value: u8) -> Packet {
        let known = self.endpoint.session(self.key).filter(|_| value & 32 != 0);
        Packet {
            diagnostic: Diagnostic::new(value),
            state: STATES[usize::from(value & 3)],
            poll: value & 4 != 0,
            is_final: value & 8 != 0,
            control_plane_independent: false,
            authenticated: false,
            demand: value & 16 != 0,
            detect_mult: self.octet(),
            my_discriminator: 7,
            your_discriminator: known.map_or(0, |view| view.discriminator),
            desired_min_tx: Duration::from_millis(self.octet().into()),
            required_min_rx: Duration::from_millis(self.octet().into()),
            required_min_echo_rx: Duration::ZERO,
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let from = SocketAddr::new(self.key.remote, 50_000);
        let to = SocketAddr::new(self.key.local, 3784);
        self.give(Input::Datagram {
            from,
            to,
            ttl: 255,
            bytes,
        });
    }

    fn give(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.endpoint.handle(self.now, input, &mut out);
        let sent = out
            .iter()
            .filter(|output| matches!(output, Output::Send { .. }))
            .count();
        assert!(sent <= 3, "one packet in, {sent} out");
    }
}
