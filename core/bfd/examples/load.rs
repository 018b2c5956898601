//! What many sessions cost: pairs of sessions between two endpoints in virtual time, measured by the real clock.
//!
//! `cargo run --release -p bfd --example load [SESSIONS] [INTERVAL_MS] [SECONDS]`

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the measurement itself is by the real clock"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bfd::{Command, Endpoint, Hops, Input, Output, SessionKey, Settings, State};
use inet::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: u32| {
        let text = arguments.next();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (sessions, interval_ms, seconds) = (argument(1_000), argument(50), argument(60));
    let settings = Settings::new(Duration::from_millis(interval_ms.into()), 3);
    let mut pair = Pair {
        ends: [Endpoint::new(1), Endpoint::new(2)],
        now: Instant::from_secs(1),
        out: Vec::new(),
        packets: 0,
    };
    for number in 0..sessions {
        pair.connect(number, &settings);
    }
    let began = std::time::Instant::now();
    pair.run(Duration::from_secs(seconds.into()));
    let (spent, packets) = (began.elapsed(), pair.packets);
    let views = pair.ends[0].sessions();
    let up = views.iter().filter(|view| view.state == State::Up).count();
    println!(
        "{sessions} sessions of {interval_ms} ms for {seconds} s: {up} up, {packets} packets, \
         {} ns each to send and receive, {:.2} % of one core for one end",
        spent.as_nanos() / u128::from(packets),
        50.0 * spent.as_secs_f64() / f64::from(seconds),
    );
}

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Two endpoints that hear each other at once.
struct Pair {
    ends: [Endpoint; 2],
    now: Instant,
    out: Vec<Output>,
    packets: u64,
}

impl Pair {
    fn connect(&mut self, number: u32, settings: &Settings) {
        let (near, far) = (NEAR.into(), Ipv4Addr::from(0x0a80_0000 + number).into());
        for (end, (local, remote)) in self.ends.iter_mut().zip([(near, far), (far, near)]) {
            let key = SessionKey {
                local,
                remote,
                hops: Hops::Multi,
            };
            let command = Command::Set(key, settings.clone());
            end.handle(self.now, Input::Command(command), &mut self.out);
        }
    }

    fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.now < until {
            for output in std::mem::take(&mut self.out) {
                self.carry(output);
            }
            if self.out.is_empty() {
                let wake = self.ends.iter().filter_map(Endpoint::wake).min();
                self.now = wake.expect("sessions wait").max(self.now);
                for end in &mut self.ends {
                    end.handle(self.now, Input::Wake, &mut self.out);
                }
            }
        }
    }

    fn carry(&mut self, output: Output) {
        let Output::Send {
            session,
            ttl,
            bytes,
        } = output
        else {
            return;
        };
        self.packets += 1;
        let from = SocketAddr::new(session.local, 50_000);
        let to = SocketAddr::new(session.remote, session.hops.port());
        let end = usize::from(session.remote != IpAddr::V4(NEAR));
        let input = Input::Datagram {
            from,
            to,
            ttl,
            bytes: &bytes,
        };
        self.ends[end].handle(self.now, input, &mut self.out);
    }
}
