//! scratch
use core::time::Duration;
use inet::Instant;
fn main() {
    let path = std::env::args().nth(1);
    let text = path.map_or_else(
        || design::EXAMPLE_GLOBAL.to_owned(),
        |p| std::fs::read_to_string(p).unwrap(),
    );
    let t = std::time::Instant::now();
    let (design, reports) = design::read("x.yaml", &text, &design::NoFiles);
    let plan = design::resolve(
        &design.unwrap_or_else(|| panic!("{reports:?}")),
        &sim::public_key,
    )
    .unwrap_or_else(|r| panic!("{r:?}"));
    println!("resolve {:?}: {} nodes", t.elapsed(), plan.nodes.len());
    let t = std::time::Instant::now();
    let suite = if plan.nodes.len() > 100 {
        tunnel::Suite::Null
    } else {
        tunnel::Suite::WireGuard
    };
    let mut world = sim::World::new(plan, sim::Options { suite, seed: 1 }).unwrap();
    println!("build {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let c = world.run_until_converged(
        Duration::from_millis(std::env::var("SETTLE").map_or(1000, |s| s.parse().unwrap())),
        Instant::from_secs(60),
    );
    println!(
        "{c:?} now {} wall {:?} events {:?}",
        world.now(),
        t.elapsed(),
        world.events()
    );
    println!("drops {:?}", world.drops().collect::<Vec<_>>());
    let status = world.status(None);
    println!("{:?}", status.totals);
    println!("hash {:x}", world.trace_hash());
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", rss.lines().find(|l| l.starts_with("VmHWM")).unwrap());
    if std::env::var("PING").is_ok() {
        let p = world.ping_all().verification();
        println!("{} of {}", p.reached, p.pairs);
        for f in p.failures.iter().take(20) {
            println!("{f}");
        }
    }
}
