//! Sessions with one far side that this file plays: what is refused and how, what is agreed on, who
//! may connect, and what a change of settings costs.

use std::net::SocketAddr;
use std::time::Duration;

use bgp::wire::capability::Family;
use bgp::wire::header::{self, Kind};
use bgp::wire::open::Open;
use bgp::wire::{refresh, update};
use bgp::{
    AsPath, Attributes, Capability, Command, ConnId, ConnectMode, Counting, Direction,
    DynamicNeighbors, Ended, Event, Families, Group, Input, Neighbor, NeighborId, NextHopRule,
    Notification, Output, PrefixLimit, Role, Secret, Settings, Speaker, State,
};
use inet::{Asn, Instant};

use crate::net::{ip, neighbor, prefix};

const PEER: NeighborId = NeighborId(0);
const V4: Family = Family::IPV4_UNICAST;

struct Far {
    speaker: Speaker,
    now: Instant,
    calls: u64,
}

impl Far {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Asn(65_000), ip(0));
        let mut neighbor = neighbor(0, 1, 65_001);
        neighbor.connect = ConnectMode::Passive;
        settings.neighbors.push(neighbor);
        change(&mut settings);
        let mut far = Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            now: Instant::ZERO,
            calls: 0,
        };
        far.give(Input::Wake);
        far
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.speaker.handle(self.now, input, &mut out);
        out
    }

    fn call(&mut self, from: usize) -> (ConnId, Vec<Output>) {
        self.calls += 1;
        let conn = ConnId::accepted(self.calls);
        let local = SocketAddr::from((ip(0), 179));
        let remote = SocketAddr::from((ip(from), 40_000));
        let out = self.give(Input::Accepted {
            conn,
            local,
            remote,
        });
        (conn, out)
    }

    fn say(&mut self, conn: ConnId, bytes: &[u8]) -> Vec<Output> {
        self.give(Input::Bytes { conn, bytes })
    }

    fn established(mut self) -> (Self, ConnId) {
        let (conn, _) = self.call(1);
        self.say(conn, &open(|_| ()));
        self.say(conn, &header::keepalive());
        assert!(self.speaker.is_established(PEER));
        (self, conn)
    }

    /// The answer to an OPEN on a new connection.
    fn answer(&mut self, open: &[u8]) -> Option<Notification> {
        let (conn, _) = self.call(1);
        notification(&self.say(conn, open))
    }

    fn state(&self) -> State {
        self.speaker.neighbor(PEER).expect("a neighbour").state
    }
}

fn open(change: impl FnOnce(&mut Open)) -> Vec<u8> {
    let mut open = Open {
        my_as: 65_001,
        hold_time_s: 90,
        router_id: ip(1),
        capabilities: vec![
            Capability::Multiprotocol(V4),
            Capability::RouteRefresh,
            Capability::FourOctetAs(Asn(65_001)),
        ],
    };
    change(&mut open);
    open.encode()
}

fn sent(out: &[Output]) -> Vec<(Kind, Vec<u8>)> {
    let mut messages = Vec::new();
    for output in out {
        let Output::Send { bytes, .. } = output else {
            continue;
        };
        let mut rest = &bytes[..];
        while let Ok(Some(frame)) = header::frame(rest, header::MESSAGE_MAX) {
            messages.push((frame.kind, frame.body.to_vec()));
            rest = &rest[frame.len..];
        }
    }
    messages
}

fn notification(out: &[Output]) -> Option<Notification> {
    let messages = sent(out);
    let found = messages
        .iter()
        .find(|(kind, _)| *kind == Kind::Notification);
    found.and_then(|(_, body)| Notification::parse(body))
}

fn code(notification: Option<Notification>) -> Option<(u8, u8, Vec<u8>)> {
    notification.map(|said| (said.code, said.subcode, said.data))
}

fn ends(out: &[Output]) -> Option<&Ended> {
    out.iter().find_map(|output| match output {
        Output::Event(Event::Ended { reason, .. }) => Some(reason),
        _ => None,
    })
}

fn closes(out: &[Output]) -> bool {
    out.iter()
        .any(|output| matches!(output, Output::Close { .. }))
}

#[test]
fn rfc4271_6_2_each_error_in_an_open_has_its_answer() {
    let answer = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = open(|_| ());
        change(&mut bytes);
        code(Far::new(|_| ()).answer(&bytes))
    };
    let at = header::LEN;
    assert_eq!(
        answer(&|open| open[at] = 3),
        Some((2, 1, vec![0, 4])),
        "version"
    );
    assert_eq!(
        code(Far::new(|_| ()).answer(&open(|open| {
            open.capabilities = vec![Capability::FourOctetAs(Asn(65_002))];
        }))),
        Some((2, 2, vec![])),
        "AS"
    );
    assert_eq!(
        answer(&|open| open[at + 5..at + 9].fill(0)),
        Some((2, 3, vec![])),
        "ID"
    );
    for short in [1, 2] {
        let expected = Some((2, 6, vec![0, short]));
        assert_eq!(
            answer(&|open| {
                open[at + 3] = 0;
                open[at + 4] = short;
            }),
            expected
        );
    }
    assert_eq!(
        answer(&|open| open[at + 10] = 1),
        Some((2, 4, vec![])),
        "parameter"
    );
    assert_eq!(
        answer(&|open| open[at + 11] += 1),
        Some((2, 0, vec![])),
        "lengths"
    );
}

#[test]
fn rfc7607_2_as_0_is_refused_wherever_it_stands() {
    let zero = |change: fn(&mut Open)| code(Far::new(|_| ()).answer(&open(change)));
    assert_eq!(zero(|open| open.my_as = 0), Some((2, 2, vec![])));
    let four = zero(|open| open.capabilities = vec![Capability::FourOctetAs(Asn(0))]);
    assert_eq!(four, Some((2, 2, vec![])));
}

#[test]
fn rfc6286_2_1_equal_identifiers_are_refused_inside_the_as_only() {
    let mut internal = Far::new(|settings| settings.neighbors[0].remote_as = Asn(65_000));
    let same = open(|open| {
        open.my_as = 65_000;
        open.router_id = ip(0);
        open.capabilities = Vec::new();
    });
    assert_eq!(code(internal.answer(&same)), Some((2, 3, vec![])));
    let external = open(|open| open.router_id = ip(0));
    assert_eq!(code(Far::new(|_| ()).answer(&external)), None);
}

#[test]
fn rfc6608_3_the_answer_to_an_unexpected_message_names_its_type() {
    let (mut far, conn) = Far::new(|_| ()).established();
    let out = far.say(conn, &open(|_| ()));
    assert_eq!(code(notification(&out)), Some((5, 3, vec![1])));
    let (conn, _) = {
        far.now = Instant::from_secs(100);
        far.give(Input::Wake);
        far.call(1)
    };
    let out = far.say(conn, &header::keepalive());
    assert_eq!(code(notification(&out)), Some((5, 1, vec![4])));
}

#[test]
fn rfc4271_4_2_without_a_hold_time_nothing_expires_and_no_keepalives_go_out() {
    let mut far = Far::new(|_| ());
    let (conn, _) = far.call(1);
    far.say(conn, &open(|open| open.hold_time_s = 0));
    assert!(
        far.speaker.wake().is_some(),
        "a half-open one is bounded in time"
    );
    far.say(conn, &header::keepalive());
    assert!(far.speaker.is_established(PEER));
    assert_eq!(far.speaker.wake(), None);
}

#[test]
fn an_open_that_never_comes_and_a_keepalive_that_never_comes_are_not_waited_for_for_ever() {
    for confirm in [false, true] {
        let mut far = Far::new(|settings| settings.open_hold_time = Duration::from_secs(20));
        let (conn, _) = far.call(1);
        if confirm {
            far.say(conn, &open(|open| open.hold_time_s = 0));
        }
        far.now = Instant::from_secs(20);
        let out = far.give(Input::Wake);
        assert_eq!(code(notification(&out)), Some((4, 0, vec![])), "{confirm}");
    }
}

#[test]
fn hold_timers_are_judged_when_all_that_was_read_has_been_handed_in() {
    let (mut far, conn) = Far::new(|_| ()).established();
    far.now = Instant::from_secs(90);
    let out = far.say(conn, &header::keepalive());
    assert!(far.speaker.is_established(PEER), "{out:?}");
    far.give(Input::Wake);
    assert!(far.speaker.is_established(PEER));
}

#[test]
fn rfc9072_2_extended_optional_parameters_are_taken() {
    let plain = open(|_| ());
    let body = &plain[header::LEN..];
    let mut extended = body[..9].to_vec();
    let capabilities = &body[12..];
    extended.extend_from_slice(&[255, 255, 0, capabilities.len() as u8 + 3]);
    extended.extend_from_slice(&[2, 0, capabilities.len() as u8]);
    extended.extend_from_slice(capabilities);
    let mut far = Far::new(|_| ());
    let answer = far.answer(&header::message(Kind::Open, &extended));
    assert_eq!((answer, far.state()), (None, State::OpenConfirm));
}

#[test]
fn rfc5492_4_unknown_and_repeated_capabilities_are_ignored() {
    let other = |code| Capability::Other {
        code,
        value: vec![1, 2, 3],
    };
    let bytes = open(|open| {
        open.capabilities.extend([other(73), other(128), other(73)]);
        open.capabilities.push(Capability::Multiprotocol(V4));
        open.capabilities
            .push(Capability::Multiprotocol(Family { afi: 25, safi: 70 }));
    });
    assert_eq!(Far::new(|_| ()).answer(&bytes), None);
}

#[test]
fn rfc9234_4_2_a_role_mismatch_ends_the_session() {
    let mut far = Far::new(|settings| settings.neighbors[0].role = Some(Role::Provider));
    let peer = open(|open| open.capabilities.push(Capability::Role(Some(Role::Peer))));
    assert_eq!(code(far.answer(&peer)), Some((2, 11, vec![])));
}

#[test]
fn rfc9003_2_texts_go_both_ways() {
    let (mut far, _) = Far::new(|_| ()).established();
    let text = "rebooting; back at 04:00 UTC".to_owned();
    let reset = Command::ResetSaying {
        neighbor: PEER,
        text: text.clone(),
    };
    let said = notification(&far.give(Input::Command(reset))).expect("a Cease");
    assert_eq!((said.code, said.subcode), (6, 4));
    assert_eq!(said.shutdown_text(), Some(text.clone()));
    let (mut far, conn) = Far::new(|_| ()).established();
    far.say(conn, &Notification::shutdown(&text).encode());
    let view = far.speaker.neighbor(PEER).expect("a neighbour");
    let (_, told) = view.last_received.expect("it is kept");
    assert_eq!(
        told.to_string(),
        format!("administrative shutdown (6/2): {text}")
    );
    assert_eq!(view.last_sent, None, "and not answered");
}

#[test]
fn rfc4271_6_4_an_unreadable_notification_is_not_answered() {
    for bytes in [
        [&[0xff; 16][..], &[0, 19, 3]].concat(),
        [&[0xff; 16][..], &[0, 20, 3, 6]].concat(),
        [&[0xff; 16][..], &[0x20, 0, 3, 6]].concat(),
    ] {
        let (mut far, conn) = Far::new(|_| ()).established();
        let out = far.say(conn, &bytes);
        assert!(sent(&out).is_empty() && closes(&out), "{out:?}");
        assert_eq!(ends(&out), Some(&Ended::Malformed));
    }
}

fn long_update() -> Vec<u8> {
    let mut attributes = Attributes::new(ip(1));
    attributes.as_path = AsPath::sequence([Asn(65_001)]);
    attributes.communities = (1..=1_200).collect();
    let block = attributes.encode(true);
    let mut body = vec![0, 0];
    body.extend_from_slice(&(block.len() as u16).to_be_bytes());
    body.extend_from_slice(&block);
    body.extend_from_slice(&[24, 192, 0, 2]);
    header::message(Kind::Update, &body)
}

#[test]
fn rfc8654_4_a_long_message_is_taken_exactly_where_we_offered_that() {
    let bytes = long_update();
    assert!(bytes.len() > header::MESSAGE_MAX);
    let (mut far, conn) = Far::new(|_| ()).established();
    let length = bytes[16..18].to_vec();
    assert_eq!(
        code(notification(&far.say(conn, &bytes))),
        Some((1, 2, length))
    );
    let offers = |settings: &mut Settings| settings.neighbors[0].extended_messages = true;
    let (mut far, conn) = Far::new(offers).established();
    assert_eq!(notification(&far.say(conn, &bytes)), None);
    assert_eq!(far.speaker.adj_in(PEER).len(), 1);
}

#[test]
fn rfc2918_4_a_request_for_a_family_that_was_not_agreed_on_is_ignored() {
    let (mut far, conn) = Far::new(|_| ()).established();
    let asks = |family| refresh::encode(family, refresh::Subtype::Request);
    let heard =
        |out: &[Output]| out.contains(&Output::Event(Event::RefreshReceived { neighbor: PEER }));
    assert!(heard(&far.say(conn, &asks(V4))));
    assert!(!heard(&far.say(conn, &asks(Family::IPV6_UNICAST))));
    assert!(far.speaker.is_established(PEER));
}

#[test]
fn a_neighbour_is_asked_for_each_family_that_was_agreed_on_if_it_answers() {
    let ask = |answers: bool| {
        let both = |settings: &mut Settings| settings.neighbors[0].families = Families::BOTH;
        let mut far = Far::new(both);
        let (conn, _) = far.call(1);
        far.say(
            conn,
            &open(|open| {
                open.capabilities
                    .push(Capability::Multiprotocol(Family::IPV6_UNICAST));
                open.capabilities
                    .retain(|c| answers || *c != Capability::RouteRefresh);
            }),
        );
        far.say(conn, &header::keepalive());
        sent(&far.give(Input::Command(Command::Refresh(PEER)))).len()
    };
    assert_eq!((ask(true), ask(false)), (2, 0));
}

#[test]
fn rfc4271_6_8_the_connection_of_the_higher_identifier_stays_whichever_comes_first() {
    for theirs_is_higher in [true, false] {
        for ours_first in [true, false] {
            let mut far = Far::new(|settings| {
                settings.neighbors[0].connect = ConnectMode::Both;
                settings.router_id = if theirs_is_higher { ip(0) } else { ip(9) };
            });
            let ours = ConnId(1);
            let local = SocketAddr::from((ip(0), 40_000));
            far.give(Input::Connected { conn: ours, local });
            let (theirs, _) = far.call(1);
            assert_eq!(far.state(), State::OpenSent);
            let order = if ours_first {
                [ours, theirs]
            } else {
                [theirs, ours]
            };
            for conn in order {
                far.say(conn, &open(|_| ()));
            }
            let stays = if theirs_is_higher { theirs } else { ours };
            far.say(stays, &header::keepalive());
            let session = far.speaker.neighbor(PEER).expect("a neighbour").session;
            assert_eq!(session.map(|session| session.conn), Some(stays));
        }
    }
}

#[test]
fn only_configured_neighbours_that_we_let_call_are_let_in() {
    let refused = |out: &[Output]| {
        closes(out)
            && out
                .iter()
                .any(|o| matches!(o, Output::Event(Event::Refused { .. })))
    };
    let mut far = Far::new(|_| ());
    assert!(refused(&far.call(5).1), "unknown");
    assert!(!refused(&far.call(1).1));
    let mut active = Far::new(|settings| settings.neighbors[0].connect = ConnectMode::Active);
    assert!(refused(&active.call(1).1), "we call it");
    far.give(Input::Command(Command::RemoveNeighbor(PEER)));
    assert!(refused(&far.call(1).1), "removed");
}

#[test]
fn half_open_connections_are_bounded_over_all_neighbours_and_for_each() {
    let mut far = Far::new(|settings| {
        settings.half_open_max = 3;
        for at in 2..10 {
            let mut more = neighbor(0, at, 65_001);
            more.connect = ConnectMode::Passive;
            settings.neighbors.push(more);
        }
    });
    let refused = |out: &[Output]| !sent(out).iter().any(|(kind, _)| *kind == Kind::Open);
    let turned_away = (1..10).filter(|at| refused(&far.call(*at).1)).count();
    assert_eq!(turned_away, 6);
    for _ in 0..100 {
        let (_, out) = far.call(1);
        assert!(!refused(&out), "its own older call makes room");
    }
    let (conn, _) = far.call(1);
    far.say(conn, &open(|_| ()));
    far.say(conn, &header::keepalive());
    assert!(
        !refused(&far.call(9).1),
        "an established one is not half-open"
    );
}

fn range(limit: u32, remote_as: &[u32]) -> impl FnOnce(&mut Settings) {
    let mut template = Neighbor::new("range", ip(0), ip(0), Asn(65_001));
    template.import = Some(bgp::Policy::accept_all());
    let dynamic = DynamicNeighbors {
        prefix: "10.0.0.0/28".parse().expect("a range"),
        limit,
        remote_as: remote_as.iter().copied().map(Asn).collect(),
        template,
    };
    move |settings| {
        settings.neighbors.clear();
        settings.dynamic.push(dynamic);
    }
}

#[test]
fn whoever_connects_from_a_range_is_a_neighbour_for_as_long_as_it_is_there() {
    let mut far = Far::new(range(2, &[65_001, 65_007]));
    let (conn, out) = far.call(3);
    assert!(out.contains(&Output::Event(Event::Added { neighbor: PEER })));
    let seven = open(|open| {
        open.my_as = 65_007;
        open.capabilities = Vec::new();
    });
    far.say(conn, &seven);
    far.say(conn, &header::keepalive());
    let view = far.speaker.neighbor(PEER).expect("a neighbour");
    assert_eq!((view.state, view.dynamic), (State::Established, true));
    assert_eq!(view.settings.remote_as, Asn(65_007));
    assert_eq!(view.settings.name, "range 10.0.0.4");
    let out = far.give(Input::Closed { conn });
    assert!(out.contains(&Output::Event(Event::Removed { neighbor: PEER })));
    assert_eq!(far.speaker.neighbors().count(), 0);
}

#[test]
fn a_range_has_a_limit_and_lets_in_only_its_ases() {
    let mut far = Far::new(range(2, &[]));
    let calls: Vec<_> = (3..7).map(|at| closes(&far.call(at).1)).collect();
    assert_eq!(calls, [false, false, true, true]);
    assert!(closes(&far.call(40).1), "outside of the range");
    let mut far = Far::new(range(2, &[65_009]));
    let (conn, _) = far.call(3);
    let out = far.say(
        conn,
        &open(|open| {
            open.my_as = 65_002;
            open.capabilities = Vec::new();
        }),
    );
    assert_eq!(code(notification(&out)), Some((2, 2, vec![])));
    assert_eq!(far.speaker.neighbors().count(), 0);
}

#[test]
fn a_flood_from_a_range_does_not_make_the_speaker_grow() {
    let mut far = Far::new(range(2, &[]));
    for round in 0..1_000 {
        let (conn, out) = far.call(round % 14);
        let added = out.iter().find_map(|output| match output {
            Output::Event(Event::Added { neighbor }) => Some(*neighbor),
            _ => None,
        });
        assert!(added.is_some_and(|id| id.0 < 2), "{added:?}");
        far.give(Input::Closed { conn });
    }
}

#[test]
fn whoever_calls_twice_from_a_range_is_one_neighbour_and_leaves_nothing_behind() {
    let mut far = Far::new(range(2, &[]));
    for _ in 0..3_000 {
        let (first, _) = far.call(7);
        let (second, _) = far.call(7);
        assert_eq!(far.speaker.neighbors().count(), 1);
        far.give(Input::Closed { conn: first });
        far.give(Input::Closed { conn: second });
        assert_eq!(far.speaker.neighbors().count(), 0);
    }
    let (_, out) = far.call(9);
    let added = |output: &Output| matches!(output, Output::Event(Event::Added { .. }));
    assert!(out.iter().any(added), "there is room for others");
}

#[test]
fn settings_that_do_not_touch_the_session_keep_it_and_others_end_it() {
    type Change = (&'static str, fn(&mut Neighbor));
    let keep: [Change; 14] = [
        ("name", |n| n.name = "other".into()),
        ("group", |n| n.group = Group(3)),
        ("cost", |n| n.interior_cost = 7),
        ("limit", |n| {
            n.prefix_limit = Some(PrefixLimit::new(9, Counting::Held))
        }),
        ("import", |n| n.import = None),
        ("export", |n| n.export = None),
        ("next hop", |n| n.next_hop = NextHopRule::Unchanged),
        ("own AS", |n| n.own_as_allowed = 2),
        ("override", |n| n.as_override = true),
        ("retry", |n| n.connect_retry = Duration::from_secs(5)),
        ("idle hold", |n| n.idle_hold = Duration::from_secs(5)),
        ("send hold", |n| n.send_hold_time = Duration::ZERO),
        ("policy", |n| n.require_policy = false),
        ("connect", |n| n.connect = ConnectMode::Both),
    ];
    let end: [Change; 12] = [
        ("AS", |n| n.remote_as = Asn(65_009)),
        ("hold", |n| n.hold_time = Duration::from_secs(30)),
        ("local", |n| n.local_address = ip(8).into()),
        ("families", |n| n.families = Families::BOTH),
        ("key", |n| n.auth = Some(bgp::Auth::Md5(Secret::new("key")))),
        ("GTSM", |n| n.ttl_security = Some(1)),
        ("role", |n| n.role = Some(Role::Peer)),
        ("add-path", |n| n.add_path.ipv4.receive = true),
        ("extended", |n| n.extended_messages = true),
        ("restart", |n| {
            n.graceful_restart = Some(bgp::GracefulRestart::HELPER)
        }),
        ("refresh", |n| n.enhanced_refresh = true),
        ("four-octet", |n| n.four_octet_as = false),
    ];
    let change = |change: fn(&mut Neighbor)| {
        let (mut far, _) = Far::new(|_| ()).established();
        let view = far.speaker.neighbor(PEER).expect("a neighbour");
        let mut settings = view.settings.clone();
        change(&mut settings);
        let set = Command::SetNeighbor(PEER, Box::new(settings));
        let said = code(notification(&far.give(Input::Command(set))));
        assert_eq!(said.is_none(), far.speaker.is_established(PEER));
        said
    };
    for (name, kept) in keep {
        assert_eq!(change(kept), None, "{name}");
    }
    for (name, ended) in end {
        assert_eq!(change(ended), Some((6, 6, vec![])), "{name}");
    }
}

#[test]
fn the_speakers_own_settings_change_without_ending_sessions_but_for_as_and_router_id() {
    type Change = (&'static str, bool, fn(&mut Settings));
    let changes: [Change; 6] = [
        ("multipath", true, |s| s.multipath_max = 8),
        ("tap", true, |s| s.tap = true),
        ("cluster", true, |s| s.cluster_id = Some(ip(7))),
        ("ORIGIN", true, |s| s.compare_origin = false),
        ("router ID", false, |s| s.router_id = ip(7)),
        ("AS", false, |s| s.local_as = Asn(65_010)),
    ];
    for (name, kept, change) in changes {
        let (mut far, _) = Far::new(|_| ()).established();
        let mut settings = far.speaker.settings().clone();
        change(&mut settings);
        far.give(Input::Command(Command::SetSettings(Box::new(settings))));
        assert_eq!(far.speaker.is_established(PEER), kept, "{name}");
    }
}

#[test]
fn with_the_tap_open_each_message_shows_once_each_way() {
    let mut far = Far::new(|settings| settings.tap = true);
    let (conn, mut out) = far.call(1);
    out.extend(far.say(conn, &open(|_| ())));
    out.extend(far.say(conn, &header::keepalive()));
    out.extend(far.give(Input::Command(Command::Reset(PEER))));
    let shown = out.iter().filter_map(|output| match output {
        Output::Message {
            direction, bytes, ..
        } => Some((*direction, bytes[18])),
        _ => None,
    });
    use Direction::{In, Out};
    let expected = [(Out, 1), (In, 1), (Out, 4), (In, 4), (Out, 3)];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_over_ipv6_asks_for_what_its_socket_needs_and_is_found_by_its_address() {
    let (ours, theirs) = ("2001:db8::1", "2001:db8::2");
    let address = |text: &str| text.parse::<std::net::IpAddr>().expect("an address");
    let mut far = Far::new(|settings| {
        let neighbor = &mut settings.neighbors[0];
        neighbor.local_address = address(ours);
        neighbor.address = address(theirs);
        neighbor.port = 1179;
        neighbor.ttl_security = Some(1);
        neighbor.auth = Some(bgp::Auth::Md5(Secret::new("key")));
        neighbor.families = Families::IPV6;
    });
    let remote = SocketAddr::from((address(theirs), 40_000));
    let local = SocketAddr::from((address(ours), 179));
    let conn = ConnId::accepted(1);
    far.give(Input::Accepted {
        conn,
        local,
        remote,
    });
    let v6 =
        |open: &mut Open| open.capabilities[0] = Capability::Multiprotocol(Family::IPV6_UNICAST);
    far.say(conn, &open(v6));
    far.say(conn, &header::keepalive());
    assert!(far.speaker.is_established(PEER));
    let view = far.speaker.neighbor(PEER).expect("a neighbour");
    let mut settings = view.settings.clone();
    settings.connect = ConnectMode::Both;
    settings.hold_time = Duration::from_secs(30);
    far.give(Input::Command(Command::SetNeighbor(
        PEER,
        Box::new(settings),
    )));
    let out = far.give(Input::Command(Command::Up(PEER)));
    let wanted = out.iter().find_map(|output| match output {
        Output::Connect {
            local,
            remote,
            ttl,
            options,
            ..
        } => Some((*local, *remote, *ttl, options.clone())),
        _ => None,
    });
    let (local, remote, ttl, options) = wanted.expect("it connects");
    assert_eq!(
        (local, remote),
        (address(ours), SocketAddr::from((address(theirs), 1179)))
    );
    assert_eq!((ttl, options.ttl_security), (255, Some(1)), "RFC 5082 §3");
    assert!(options.auth.is_some());
}

#[test]
fn counters_tell_the_types_of_messages_apart() {
    let (mut far, conn) = Far::new(|_| ()).established();
    let mut bytes = Vec::new();
    let mut attributes = Attributes::new(ip(1));
    attributes.as_path = AsPath::sequence([Asn(65_001)]);
    update::write_announcements(
        &attributes.encode(true),
        [prefix("192.0.2.0/24")],
        &mut bytes,
    );
    far.say(conn, &bytes);
    far.say(conn, &refresh::encode(V4, refresh::Subtype::Request));
    far.say(conn, &Notification::cease(4).encode());
    let counters = far.speaker.neighbor(PEER).expect("a neighbour").counters;
    let seen = [
        counters.opens_in,
        counters.updates_in,
        counters.notifications_in,
        counters.keepalives_in,
        counters.refreshes_in,
        counters.messages_in,
    ];
    assert_eq!(seen, [1, 1, 1, 1, 1, 5]);
    assert_eq!((counters.opens_out, counters.keepalives_out), (1, 1));
}
