//! What is said about routes, asked of a router with neighbours.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bgp::{
    Command, ConnId, ConnectMode, Input, Neighbor, Origination, Output, Policy, Settings, Speaker,
};
use inet::{Asn, Instant, Prefix};

const NOW: Instant = Instant::ZERO;

fn ip(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, n)
}

fn neighbor(from: u8, to: u8, import: Policy) -> Neighbor {
    let asn = Asn(65_000 + u32::from(to));
    let mut neighbor = Neighbor::new(format!("n{to}"), ip(from), ip(to), asn);
    neighbor.import = Some(import);
    neighbor.export = Some(Policy::accept_all());
    neighbor.connect = match to {
        1 => ConnectMode::Active,
        _ => ConnectMode::Passive,
    };
    neighbor
}

fn speaker(n: u8, neighbors: Vec<Neighbor>) -> Speaker {
    let settings = Settings {
        neighbors,
        ..Settings::new(Asn(65_000 + u32::from(n)), ip(n))
    };
    Speaker::new(settings, u64::from(n), NOW)
}

/// What is on its way to a speaker.
enum Happening {
    Accept(ConnId, SocketAddr, SocketAddr),
    Connect(ConnId, SocketAddr),
    Bytes(ConnId, Arc<[u8]>),
}

/// A router (0) and its neighbours, all of them joined without latency.
struct Net {
    speakers: Vec<Speaker>,
    far: BTreeMap<(usize, ConnId), (usize, ConnId)>,
    happenings: VecDeque<(usize, Happening)>,
}

impl Net {
    fn tell(&mut self, whom: usize, input: Input<'_>) {
        self.hear(whom, input);
        while let Some((whom, happening)) = self.happenings.pop_front() {
            match happening {
                Happening::Accept(conn, local, remote) => {
                    let input = Input::Accepted {
                        conn,
                        local,
                        remote,
                    };
                    self.hear(whom, input);
                }
                Happening::Connect(conn, local) => {
                    self.hear(whom, Input::Connected { conn, local });
                }
                Happening::Bytes(conn, bytes) => {
                    let bytes = &bytes;
                    self.hear(whom, Input::Bytes { conn, bytes });
                }
            }
        }
    }

    fn hear(&mut self, whom: usize, input: Input<'_>) {
        let mut out = Vec::new();
        self.speakers[whom].handle(NOW, input, &mut out);
        for output in out {
            match output {
                Output::Connect {
                    conn,
                    local,
                    remote,
                    ..
                } => {
                    let accepted = ConnId::accepted(whom as u64);
                    self.far.insert((whom, conn), (0, accepted));
                    self.far.insert((0, accepted), (whom, conn));
                    let local = SocketAddr::new(local, 40_000);
                    let accept = Happening::Accept(accepted, remote, local);
                    self.happenings.push_back((0, accept));
                    let connect = Happening::Connect(conn, local);
                    self.happenings.push_back((whom, connect));
                }
                Output::Send { conn, bytes, .. } => {
                    if let Some((other, conn)) = self.far.get(&(whom, conn)).copied() {
                        let happening = Happening::Bytes(conn, bytes);
                        self.happenings.push_back((other, happening));
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_route_says_at_which_step_it_lost_and_why_it_was_refused() {
    let take = Policy::accept_all;
    let router = vec![
        neighbor(1, 2, take()),
        neighbor(1, 3, take()),
        neighbor(1, 4, Policy::reject_all()),
    ];
    let mut net = Net {
        speakers: vec![speaker(1, router)],
        far: BTreeMap::new(),
        happenings: VecDeque::new(),
    };
    for n in 2..=4 {
        net.speakers.push(speaker(n, vec![neighbor(n, 1, take())]));
    }
    let prefix: Prefix = "198.51.100.0/24".parse().expect("a prefix");
    for (whom, path) in [(1, vec![]), (2, vec![Asn(7)]), (3, vec![])] {
        let as_path = path;
        let origination = Origination {
            as_path,
            ..Origination::default()
        };
        let command = Command::Originate(prefix.into(), origination);
        net.tell(whom, Input::Command(command));
        net.tell(whom, Input::Command(Command::Up(bgp::NeighborId(0))));
    }
    for whom in [1, 2, 3, 0] {
        net.tell(whom, Input::Wake);
    }
    let said = |only| {
        let routes = super::routes("r1", &net.speakers[0], only).routes;
        let lines = routes.into_iter().map(|route| {
            let neighbor = route.neighbor.unwrap_or_default();
            format!("{neighbor}: {}", route.why)
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        said(Some(prefix)),
        [
            "n2: best",
            "n3: AS_PATH of 2 over 1",
            "n4: refused by the import policy",
        ]
    );
    assert_eq!(said(None), ["n2: best", "n3: AS_PATH of 2 over 1"]);
}
