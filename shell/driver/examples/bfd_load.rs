//! What many BFD sessions cost with real sockets and time: two watches on the loopback, each with all sessions.
//!
//! `cargo run --release -p driver --example bfd_load [SESSIONS] [INTERVAL_MS] [SECONDS]`

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bfd::{Hops, SessionKey, Settings, State};
use driver::Watch;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: u32| {
        let text = arguments.next();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (sessions, interval_ms, seconds) = (argument(1_000), argument(50), argument(20));
    linux::realtime::many_descriptors()?;
    let settings = Settings::new(Duration::from_millis(interval_ms.into()), 3);
    let far = Ipv4Addr::new(127, 99, 0, 1).into();
    let keys = (0..sessions).map(|number| {
        let near = Ipv4Addr::from(0x7f64_0000 + number).into();
        SessionKey {
            local: near,
            remote: far,
            hops: Hops::Multi,
        }
    });
    let keys: Vec<SessionKey> = keys.collect();
    let turned = |key: &SessionKey| SessionKey {
        local: key.remote,
        remote: key.local,
        ..*key
    };
    let (mut many, mut one) = (Watch::start()?, Watch::start()?);
    many.watch(
        keys.iter()
            .map(|key| (*key, settings.clone()))
            .collect::<BTreeMap<_, _>>(),
    );
    one.watch(
        keys.iter()
            .map(|key| (turned(key), settings.clone()))
            .collect(),
    );
    std::thread::sleep(Duration::from_secs(5));
    let (before, began) = (cpu_time()?, Instant::now());
    std::thread::sleep(Duration::from_secs(seconds.into()));
    let (after, passed) = (cpu_time()?, began.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let views = runtime.block_on(one.sessions());
    let up = views.iter().filter(|view| view.state == State::Up).count();
    let failures: u64 = views.iter().map(|view| view.failures).sum();
    let share = (after - before).as_secs_f64() / passed.as_secs_f64() / 2.0;
    println!(
        "{sessions} sessions of {interval_ms} ms: {up} up, {failures} failures, {:.1} % of one core for one end",
        100.0 * share
    );
    Ok(())
}

/// What this process has used so far, in user and kernel mode.
fn cpu_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("a process has a name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
