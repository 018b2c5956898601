//! Two watches on the loopback, with real sockets and real time.

use std::net::Ipv4Addr;
use std::time::Duration;

use ::bfd::{Hops, State};

use super::*;

/// Addresses of the loopback that no other test uses.
fn key(local: u8, remote: u8, hops: Hops) -> SessionKey {
    let address = |last| Ipv4Addr::new(127, 38, 84, last).into();
    SessionKey {
        local: address(local),
        remote: address(remote),
        hops,
    }
}

fn quick() -> Settings {
    Settings::new(Duration::from_millis(50), 3)
}

fn watching(key: SessionKey) -> Watch {
    let mut watch = Watch::start().expect("a thread and an epoll set");
    watch.watch(BTreeMap::from([(key, quick())]));
    watch
}

async fn told(watch: &Watch) -> Verdict {
    let patience = Duration::from_secs(20);
    let told = tokio::time::timeout(patience, watch.next()).await;
    told.expect("something becomes of the session").1
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn two_watches_find_each_other_and_notice_when_one_no_longer_wants() {
    block_on(async {
        for hops in [Hops::Single, Hops::Multi] {
            let near = watching(key(1, 2, hops));
            let mut far = watching(key(2, 1, hops));
            assert_eq!(
                (told(&near).await, told(&far).await),
                (Verdict::Alive, Verdict::Alive)
            );
            let views = near.sessions().await;
            assert_eq!((views.len(), views[0].state), (1, State::Up));
            far.watch(BTreeMap::new());
            assert_eq!(
                told(&near).await,
                Verdict::Unknown,
                "no longer wanted is no failure"
            );
        }
    });
}

#[test]
fn a_watch_that_stops_is_no_failure() {
    block_on(async {
        let near = watching(key(3, 4, Hops::Single));
        let far = watching(key(4, 3, Hops::Single));
        assert_eq!(told(&near).await, Verdict::Alive);
        drop(far);
        assert_eq!(told(&near).await, Verdict::Unknown);
    });
}

/// The neighbour is an endpoint of the test's own, which stops without a word.
#[test]
fn a_neighbour_that_falls_silent_has_failed() {
    use ::bfd::{Command, Endpoint, Input, Output, SOURCE_PORT_MIN};
    use linux::datagram::{TtlSocket, send_only};
    let (ours, theirs) = (key(5, 6, Hops::Single), key(6, 5, Hops::Single));
    let address = std::net::SocketAddr::new(theirs.local, 3784);
    let mut socket = TtlSocket::bind(address, 255).expect("an address of the loopback");
    let from = std::net::SocketAddr::new(theirs.local, SOURCE_PORT_MIN);
    let sender = send_only(from, 255).expect("a free port");
    let near = watching(ours);
    let clock = crate::clock::Clock::start();
    let mut endpoint = Endpoint::new(1);
    let mut out = Vec::new();
    let mut buffer = [0; 64];
    let command = Command::Set(theirs, quick());
    endpoint.handle(clock.now(), Input::Command(command), &mut out);
    block_on(async {
        let lively = async {
            loop {
                while let Ok((len, from, ttl)) = socket.receive(&mut buffer) {
                    let bytes = &buffer[..len];
                    let input = Input::Datagram {
                        from,
                        to: address,
                        ttl,
                        bytes,
                    };
                    endpoint.handle(clock.now(), input, &mut out);
                }
                endpoint.handle(clock.now(), Input::Wake, &mut out);
                for output in out.drain(..) {
                    if let Output::Send { session, bytes, .. } = output {
                        drop(sender.send_to(&bytes, (session.remote, 3784)));
                    }
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            () = lively => {}
            verdict = told(&near) => assert_eq!(verdict, Verdict::Alive),
        }
        assert_eq!(told(&near).await, Verdict::Failed);
    });
}

#[test]
fn a_failure_is_heard_even_if_it_is_over_before_anybody_listens() {
    let verdicts = Verdicts::default();
    let (one, other) = (key(7, 8, Hops::Single), key(7, 9, Hops::Single));
    for verdict in [
        Verdict::Alive,
        Verdict::Failed,
        Verdict::Alive,
        Verdict::Failed,
        Verdict::Alive,
    ] {
        verdicts.tell(one, verdict);
    }
    verdicts.tell(other, Verdict::Failed);
    let heard: Vec<_> = std::iter::from_fn(|| verdicts.take()).collect();
    let expected = [
        (one, Verdict::Failed),
        (one, Verdict::Alive),
        (other, Verdict::Failed),
    ];
    assert_eq!(heard, expected);
}
