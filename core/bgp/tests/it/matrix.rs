//! RFC 4271 §8: every state × every event, as the speaker really behaves, held against the table in
//! `matrix.txt`. Its reader lays it beside §8.2.2; its head says where we differ and why.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use bgp::wire::capability::Family;
use bgp::wire::header::{self, Kind};
use bgp::wire::open::Open;
use bgp::wire::{refresh, update};
use bgp::{
    AsPath, Attributes, Capability, Command, ConnId, DownReason, Ended, Event, Input, NeighborId,
    Notification, Output, Settings, Speaker,
};
use inet::{Asn, Instant};

use crate::net::{ip, neighbor, prefix};

const PEER: NeighborId = NeighborId(0);
const TABLE: &str = include_str!("matrix.txt");

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Idle,
    IdleHold,
    Connect,
    Delaying,
    Active,
    OpenSent,
    OpenConfirm,
    Established,
}

const PLACES: [(Place, &str); 8] = [
    (Place::Idle, "Idle"),
    (Place::IdleHold, "Idle, IdleHoldTimer"),
    (Place::Connect, "Connect"),
    (Place::Delaying, "Connect, DelayOpenTimer"),
    (Place::Active, "Active"),
    (Place::OpenSent, "OpenSent"),
    (Place::OpenConfirm, "OpenConfirm"),
    (Place::Established, "Established"),
];

/// The events of RFC 4271 §8.1 by number, and those of later RFCs.
const EVENTS: [(u8, &str); 24] = [
    (1, "ManualStart"),
    (2, "ManualStop"),
    (8, "AutomaticStop (BFD down)"),
    (9, "ConnectRetryTimer_Expires"),
    (10, "HoldTimer_Expires"),
    (11, "KeepaliveTimer_Expires"),
    (12, "DelayOpenTimer_Expires"),
    (13, "IdleHoldTimer_Expires"),
    (15, "Tcp_CR_Invalid"),
    (16, "Tcp_CR_Acked"),
    (17, "TcpConnectionConfirmed"),
    (18, "TcpConnectionFails"),
    (19, "BGPOpen"),
    (21, "BGPHeaderErr"),
    (22, "BGPOpenMsgErr"),
    (23, "OpenCollisionDump"),
    (24, "NotifMsgVerErr"),
    (25, "NotifMsg"),
    (26, "KeepAliveMsg"),
    (27, "UpdateMsg"),
    (28, "UpdateMsgErr"),
    (29, "ROUTE-REFRESH (RFC 2918)"),
    (30, "SendHoldTimer_Expires (9687)"),
    (31, "NotifMsg malformed (§6.4)"),
];

struct Rig {
    speaker: Speaker,
    now: Instant,
    place: Place,
    /// The first connection and the one that comes second.
    conns: [Option<ConnId>; 2],
}

impl Rig {
    fn at(place: Place) -> Self {
        let mut neighbor = neighbor(0, 1, 65_001);
        neighbor.start_enabled = place != Place::Idle;
        neighbor.idle_hold = Duration::from_secs(5);
        neighbor.bfd = true;
        if place == Place::Delaying {
            neighbor.delay_open = Duration::from_secs(10);
        }
        let mut settings = Settings::new(Asn(65_000), ip(0));
        settings.neighbors.push(neighbor);
        let mut rig = Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            now: Instant::ZERO,
            place,
            conns: [None; 2],
        };
        rig.give(Input::Wake);
        match place {
            Place::Idle | Place::Connect => {}
            Place::Active => {
                rig.on_first(|conn| Input::ConnectFailed { conn });
            }
            _ => {
                let local = SocketAddr::from((ip(0), 40_000));
                rig.on_first(|conn| Input::Connected { conn, local });
            }
        }
        if place >= Place::OpenConfirm {
            rig.bytes(&open());
        }
        if place >= Place::Established {
            rig.bytes(&header::keepalive());
        }
        if place == Place::IdleHold {
            rig.bytes(&[0; 16]);
        }
        rig
    }

    fn give(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        self.speaker.handle(self.now, input, &mut out);
        if let Some(Output::Connect { conn, .. }) = out.first() {
            self.conns[0].get_or_insert(*conn);
        }
        out.iter().filter_map(|output| self.shown(output)).collect()
    }

    fn on_first(&mut self, input: impl Fn(ConnId) -> Input<'static>) -> Vec<String> {
        match self.conns[0] {
            Some(conn) => self.give(input(conn)),
            None => Vec::new(),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Vec<String> {
        match self.conns[0] {
            Some(conn) => self.give(Input::Bytes { conn, bytes }),
            None => Vec::new(),
        }
    }

    fn accept(&mut self, from: usize) -> Vec<String> {
        let conn = ConnId::accepted(9);
        self.conns[1] = Some(conn);
        let local = SocketAddr::from((ip(0), 179));
        let remote = SocketAddr::from((ip(from), 40_000));
        self.give(Input::Accepted {
            conn,
            local,
            remote,
        })
    }

    /// Lets time pass until a timer has done something that the name fits.
    fn wait(&mut self, until: impl Fn(&[String]) -> bool) -> Vec<String> {
        for _ in 0..20 {
            let Some(at) = self.speaker.wake() else { break };
            self.now = at;
            let said = self.give(Input::Wake);
            if until(&said) {
                return said;
            }
        }
        vec!["?".into()]
    }

    fn shown(&self, output: &Output) -> Option<String> {
        let name = |conn: &ConnId| {
            if self.conns[1] == Some(*conn) {
                "2nd "
            } else {
                ""
            }
        };
        Some(match output {
            Output::Connect { .. } => "connect".into(),
            Output::Send { conn, bytes } => format!("{}{}", name(conn), messages(bytes)),
            Output::Close { conn } => format!("{}close", name(conn)),
            Output::Event(Event::Established { .. }) => "[established]".into(),
            Output::Event(Event::Ended { reason, .. }) => format!("[{}]", ended(reason)),
            Output::Event(Event::Refused { .. }) => "[refused]".into(),
            Output::Event(Event::RefreshReceived { .. }) => "[refresh]".into(),
            Output::Event(_) | Output::Changed { .. } | Output::Message { .. } => return None,
        })
    }

    /// What an event does; `None` where it cannot happen.
    fn event(&mut self, number: u8) -> Option<Vec<String>> {
        let place = self.place;
        let connected = place >= Place::OpenSent || place == Place::Delaying;
        let bytes = |rig: &mut Self, bytes: &[u8]| connected.then(|| rig.bytes(bytes));
        let notify = |code, subcode| Notification::new(code, subcode, Vec::new()).encode();
        let any = |_: &[String]| true;
        match number {
            1 => Some(self.give(Input::Command(Command::Up(PEER)))),
            2 => Some(self.give(Input::Command(Command::Down(PEER, DownReason::Admin)))),
            8 => Some(self.give(Input::Command(Command::BfdDown(PEER)))),
            9 => matches!(place, Place::Connect | Place::Active).then(|| self.wait(any)),
            10 => (place >= Place::OpenSent)
                .then(|| self.wait(|said| said.iter().any(|word| word.contains("4/0")))),
            11 => (place >= Place::OpenConfirm).then(|| self.wait(any)),
            12 => (place == Place::Delaying).then(|| self.wait(any)),
            13 => (place == Place::IdleHold).then(|| self.wait(any)),
            15 => Some(self.accept(7)),
            16 => {
                let local = SocketAddr::from((ip(0), 40_000));
                let acked = |conn| Input::Connected { conn, local };
                (place == Place::Connect).then(|| self.on_first(acked))
            }
            17 => Some(self.accept(1)),
            18 if place == Place::Connect => {
                Some(self.on_first(|conn| Input::ConnectFailed { conn }))
            }
            18 => connected.then(|| self.on_first(|conn| Input::Closed { conn })),
            19 => bytes(self, &open()),
            21 => bytes(self, &[0; 19]),
            22 => bytes(self, &header::message(Kind::Open, &[3; 10])),
            23 => connected.then(|| {
                self.accept(1);
                let conn = self.conns[1].expect("just accepted");
                let bytes = &open();
                self.give(Input::Bytes { conn, bytes })
            }),
            24 => bytes(self, &notify(2, 1)),
            25 => bytes(self, &notify(6, 4)),
            26 => bytes(self, &header::keepalive()),
            27 => bytes(self, &announcement()),
            28 => bytes(self, &header::message(Kind::Update, &[0, 0, 0, 9])),
            29 => {
                let family = Family::IPV4_UNICAST;
                bytes(self, &refresh::encode(family, refresh::Subtype::Request))
            }
            30 => (place == Place::Established).then(|| {
                let conn = self.conns[0].expect("established");
                self.give(Input::Blocked { conn });
                for _ in 0..30 {
                    // The other side goes on talking, so that the hold timer does not expire.
                    self.bytes(&header::keepalive());
                    let said = self.wait(any);
                    if said.iter().any(|word| word.contains("8/0")) {
                        return said;
                    }
                }
                vec!["?".into()]
            }),
            31 => bytes(self, &[&[0xff; 16][..], &[0, 19, 3]].concat()),
            _ => None,
        }
    }
}

fn open() -> Vec<u8> {
    let open = Open {
        my_as: 65_001,
        hold_time_s: 90,
        router_id: ip(1),
        capabilities: vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::FourOctetAs(Asn(65_001)),
        ],
    };
    open.encode()
}

fn announcement() -> Vec<u8> {
    let mut attributes = Attributes::new(ip(1));
    attributes.as_path = AsPath::sequence([Asn(65_001)]);
    let mut bytes = Vec::new();
    let prefixes = [prefix("192.0.2.0/24")];
    update::write_announcements(&attributes.encode(true), prefixes, &mut bytes);
    bytes
}

fn messages(mut bytes: &[u8]) -> String {
    let mut names = Vec::new();
    while let Ok(Some(frame)) = header::frame(bytes, header::MESSAGE_MAX) {
        bytes = &bytes[frame.len..];
        names.push(match frame.kind {
            Kind::Open => "OPEN".into(),
            Kind::Update => "UPDATE".into(),
            Kind::Keepalive => "KEEPALIVE".into(),
            Kind::RouteRefresh => "ROUTE-REFRESH".into(),
            Kind::Notification => format!("NOTIFICATION {}/{}", frame.body[0], frame.body[1]),
        });
    }
    names.join(" ")
}

const fn ended(reason: &Ended) -> &'static str {
    match reason {
        Ended::Sent(_) => "ended by us",
        Ended::Received(_) => "ended by them",
        Ended::Replaced => "replaced",
        Ended::Malformed => "ended by them, unreadable",
        Ended::Closed => "closed",
        Ended::ConnectFailed => "connecting failed",
    }
}

#[test]
fn rfc4271_8_every_state_with_every_event_is_as_the_reviewed_table_says() {
    let mut table = String::new();
    for (place, state) in PLACES {
        for (number, event) in EVENTS {
            let mut rig = Rig::at(place);
            let Some(said) = rig.event(number) else {
                continue;
            };
            let said = if said.is_empty() {
                "-".into()
            } else {
                said.join(", ")
            };
            let next = rig
                .speaker
                .neighbor(PEER)
                .expect("a neighbour")
                .state
                .name();
            let number = match number {
                29.. => "  ".into(),
                _ => format!("{number:>2}"),
            };
            writeln!(table, "{state:<24}{number} {event:<30}{said} -> {next}")
                .expect("to a string");
        }
    }
    let head = |line: &&str| line.starts_with('#') || line.is_empty();
    let reviewed: Vec<&str> = TABLE.lines().filter(|line| !head(line)).collect();
    let found: Vec<&str> = table.lines().collect();
    assert!(
        reviewed == found,
        "matrix.txt differs; what happens is:\n{table}"
    );
}
