//! Bytes of anybody as a whole life of a session: two connections, messages, time, back-pressure and
//! commands. Whatever comes, the speaker makes progress, answers a connection with one NOTIFICATION
//! at the most, says nothing on a closed one, and keeps nothing in the end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bgp::wire::capability::Family;
use bgp::wire::header::{self, Kind};
use bgp::wire::open::Open;
use bgp::{
    AddPath, AddPaths, Capability, Command, ConnId, ConnectMode, Families, GracefulRestart, Input,
    Neighbor, NeighborId, Origination, Output, Policy, Role, Settings, Speaker,
};
use inet::{Asn, Instant};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THEIRS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: NeighborId = NeighborId(0);
/// Slices of work after one input: more would mean no progress.
const WAKES_MAX: usize = 10_000;

/// The first octet says what we offer; then come steps: what, how many octets, the octets.
pub(crate) fn run(input: &[u8]) {
    let Some((offers, mut rest)) = input.split_first() else {
        return;
    };
    let mut life = Life::new(*offers);
    let mut octets = 0;
    while let [what, len, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        octets += bytes.len();
        life.step(*what, bytes);
        assert!(
            life.speaker.adj_in(PEER).len() <= octets + 1,
            "bounded by what came"
        );
    }
    life.end();
}

struct Life {
    speaker: Speaker,
    now: Instant,
    calls: u64,
    /// Open connections, and whether each was answered with a NOTIFICATION.
    open: BTreeMap<ConnId, bool>,
}

impl Life {
    fn new(offers: u8) -> Self {
        let mut neighbor = Neighbor::new("fuzz", OURS, THEIRS, Asn(65_001));
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        if offers & 1 != 0 {
            neighbor.connect = ConnectMode::Passive;
        }
        if offers & 2 != 0 {
            neighbor.families = Families::BOTH;
            neighbor.extended_next_hop = true;
        }
        if offers & 4 != 0 {
            neighbor.graceful_restart = Some(GracefulRestart {
                forwarding: true,
                long_lived: Some(Duration::from_secs(500)),
                ..GracefulRestart::HELPER
            });
        }
        if offers & 8 != 0 {
            let ipv4 = AddPath {
                receive: true,
                send: Some(3),
            };
            neighbor.add_path = AddPaths { ipv4, ipv6: ipv4 };
        }
        neighbor.extended_messages = offers & 16 != 0;
        neighbor.enhanced_refresh = offers & 32 != 0;
        if offers & 64 != 0 {
            neighbor.role = Some(Role::Customer);
        }
        if offers & 128 != 0 {
            neighbor.delay_open = Duration::from_secs(5);
        }
        let mut settings = Settings::new(Asn(65_000), OURS);
        settings.tap = offers & 2 != 0;
        settings.neighbors.push(neighbor);
        let mut life = Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            now: Instant::ZERO,
            calls: 0,
            open: BTreeMap::new(),
        };
        life.wake();
        life
    }

    fn step(&mut self, what: u8, bytes: &[u8]) {
        let first = self.open.keys().next().copied();
        let last = self.open.keys().next_back().copied();
        match (what % 12, first, last) {
            (0 | 11, Some(conn), _) | (1, _, Some(conn)) => {
                self.give(Input::Bytes { conn, bytes });
            }
            (2, ..) => {
                let ms = bytes.iter().take(4);
                let ms = ms.fold(0, |sum, byte| sum * 256 + u64::from(*byte));
                self.now = self.now + Duration::from_millis(ms % 1_000_000);
                self.wake();
            }
            (3, ..) => self.call(),
            (4, _, Some(conn)) => self.close(conn),
            (5, Some(conn), _) => self.give(Input::Blocked { conn }),
            (6, Some(conn), _) => self.give(Input::Writable { conn }),
            (7, _, Some(conn)) => self.introduce(conn, bytes),
            (8, ..) => self.command(bytes),
            (9, Some(conn), _) => {
                let kind = [
                    Kind::Open,
                    Kind::Update,
                    Kind::Notification,
                    Kind::RouteRefresh,
                ];
                let at = bytes.first().map_or(1, |byte| usize::from(*byte) % 4);
                let body = bytes.get(1..).unwrap_or_default();
                let bytes = &header::message(kind[at], body);
                self.give(Input::Bytes { conn, bytes });
            }
            (10, Some(conn), _) => {
                let bytes = &header::keepalive();
                self.give(Input::Bytes { conn, bytes });
            }
            _ => {}
        }
    }

    fn command(&mut self, bytes: &[u8]) {
        let net = "192.0.2.0/24".parse().expect("a prefix");
        let command = match bytes.first().map_or(0, |byte| byte % 9) {
            0 => Command::Up(PEER),
            1 => Command::Reset(PEER),
            2 => Command::Refresh(PEER),
            3 => Command::Resend(PEER),
            4 => Command::Originate(net, Origination::default()),
            5 => Command::Withdraw(net),
            6 => Command::GracefulShutdown {
                neighbor: None,
                on: bytes.len() & 1 != 0,
            },
            7 => Command::BfdUp(PEER),
            _ => Command::ResetSaying {
                neighbor: PEER,
                text: String::from_utf8_lossy(bytes).into_owned(),
            },
        };
        self.give(Input::Command(command));
    }

    /// A good OPEN and KEEPALIVE, with the capabilities that the octets are.
    fn introduce(&mut self, conn: ConnId, bytes: &[u8]) {
        let mut capabilities = vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::FourOctetAs(Asn(65_001)),
            Capability::RouteRefresh,
        ];
        let mut rest = bytes;
        while let [code, len, tail @ ..] = rest {
            let (value, tail) = tail.split_at(usize::from(*len).min(tail.len()));
            rest = tail;
            let (code, value) = (*code, value.to_vec());
            capabilities.push(Capability::Other { code, value });
        }
        let open = Open {
            my_as: 65_001,
            hold_time_s: 90,
            router_id: THEIRS,
            capabilities,
        };
        let mut bytes = open.encode();
        bytes.extend_from_slice(&header::keepalive());
        self.give(Input::Bytes {
            conn,
            bytes: &bytes,
        });
    }

    fn call(&mut self) {
        let conn = ConnId::accepted(self.calls);
        self.calls += 1;
        self.open.insert(conn, false);
        self.give(Input::Accepted {
            conn,
            local: SocketAddr::from((OURS, 179)),
            remote: SocketAddr::from((THEIRS, 40_000)),
        });
    }

    fn close(&mut self, conn: ConnId) {
        self.open.remove(&conn);
        self.give(Input::Closed { conn });
    }

    fn give(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.speaker.handle(self.now, input, &mut out);
        self.take(out);
    }

    /// Wakes the speaker until it has nothing to do for now.
    fn wake(&mut self) {
        for _ in 0..WAKES_MAX {
            self.give(Input::Wake);
            if self.speaker.wake().is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("it wants to be woken for ever");
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Connect { conn, .. } => {
                    self.open.insert(conn, false);
                    let local = SocketAddr::from((OURS, 40_001));
                    self.give(Input::Connected { conn, local });
                }
                Output::Send { conn, bytes } => {
                    let told = self
                        .open
                        .get_mut(&conn)
                        .expect("said on an open connection");
                    assert!(!*told, "nothing follows a NOTIFICATION");
                    *told = has_notification(&bytes);
                }
                Output::Close { conn } => {
                    self.open.remove(&conn).expect("closed once");
                }
                Output::Changed { .. } | Output::Message { .. } | Output::Event(_) => {}
            }
        }
    }

    /// Without connections and after a long time nothing is left of the neighbour.
    fn end(mut self) {
        let withdraw = Command::Withdraw("192.0.2.0/24".parse().expect("a prefix"));
        self.give(Input::Command(withdraw));
        self.give(Input::Command(Command::RemoveNeighbor(PEER)));
        self.wake();
        assert!(self.open.is_empty(), "all connections are closed");
        assert!(self.speaker.adj_in(PEER).is_empty() && self.speaker.loc_rib().is_empty());
        assert_eq!(self.speaker.wake(), None);
    }
}

fn has_notification(mut bytes: &[u8]) -> bool {
    while let Ok(Some(frame)) = header::frame(bytes, header::MESSAGE_EXTENDED_MAX) {
        if frame.kind == Kind::Notification {
            return true;
        }
        bytes = &bytes[frame.len..];
    }
    false
}
