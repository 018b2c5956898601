//! The table by examples: each change of paths, links or static routes, and what a kernel is told.

use core::net::Ipv4Addr;

use bgp::{Command, Input, Origination, Output, Settings, Speaker};
use inet::{Asn, Instant};

use super::*;

struct Bench {
    speaker: Speaker,
    fib: Fib,
}

impl Bench {
    fn new() -> Self {
        let mut settings = Settings::new(Asn(65010), Ipv4Addr::new(10, 0, 0, 1));
        settings.multipath_max = 4;
        Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            fib: Fib::new(vec![
                interface("net0", "172.30.0.0", 31),
                interface("net1", "172.30.0.2", 31),
                interface("lan0", "10.1.0.1", 24),
            ]),
        }
    }

    /// A path whose next hop is the given one; none is the speaker itself.
    fn originate(&mut self, net: &str, next_hop: Option<&str>) -> Vec<Change> {
        let origination = Origination {
            next_hop: next_hop.map(|text| text.parse().expect("an address")),
            ..Origination::default()
        };
        self.command(Command::Originate(prefix(net).into(), origination))
    }

    fn command(&mut self, command: Command) -> Vec<Change> {
        let mut out = Vec::new();
        let input = Input::Command(command);
        self.speaker.handle(Instant::ZERO, input, &mut out);
        let nets = out.into_iter().filter_map(|output| match output {
            Output::Changed { net } => Some(net),
            _ => None,
        });
        nets.filter_map(|net| self.fib.changed(&self.speaker, net))
            .collect()
    }
}

fn interface(name: &str, address: &str, len: u8) -> Interface {
    let address = address.parse().expect("an address");
    Interface::new(name, address, len).expect("a prefix length")
}

fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

fn add(net: &str, next_hops: &[(&str, &str)]) -> Change {
    let next_hop = |(address, interface): &(&str, &str)| NextHop {
        address: address.parse().expect("an address"),
        interface: (*interface).to_owned(),
    };
    Change::Add {
        prefix: prefix(net),
        next_hops: next_hops.iter().map(next_hop).collect(),
    }
}

fn remove(net: &str) -> Change {
    Change::Remove {
        prefix: prefix(net),
    }
}

#[test]
fn a_path_becomes_a_route_over_the_link_of_its_next_hop() {
    let mut bench = Bench::new();
    let added = bench.originate("10.9.0.0/16", Some("172.30.0.1"));
    assert_eq!(added, [add("10.9.0.0/16", &[("172.30.0.1", "net0")])]);
    let again = bench.originate("10.9.0.0/16", Some("172.30.0.1"));
    assert_eq!(again, []);
    let withdrawn = bench.command(Command::Withdraw(prefix("10.9.0.0/16").into()));
    assert_eq!(withdrawn, [remove("10.9.0.0/16")]);
}

#[test]
fn own_announcements_and_connected_prefixes_make_no_routes() {
    let mut bench = Bench::new();
    assert_eq!(bench.originate("10.9.0.0/16", None), []);
    assert_eq!(bench.originate("10.1.0.0/24", Some("172.30.0.1")), []);
    assert_eq!(bench.originate("10.8.0.0/16", Some("192.0.2.1")), []);
    assert_eq!(bench.fib.routes().count(), 0);
}

#[test]
fn a_static_route_goes_before_bgp_and_discards_without_next_hops() {
    let mut bench = Bench::new();
    bench.originate("10.9.0.0/16", Some("172.30.0.1"));
    let discard = bench.fib.set_statics([(prefix("10.9.0.0/16"), Vec::new())]);
    assert_eq!(discard, [add("10.9.0.0/16", &[])]);
    let gone = bench.fib.set_statics([]);
    assert_eq!(gone, [add("10.9.0.0/16", &[("172.30.0.1", "net0")])]);
}

#[test]
fn a_next_hop_is_reached_over_a_static_route_and_follows_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.originate("10.9.0.0/16", Some("192.0.2.1")), []);
    let both = ["172.30.0.3", "172.30.0.1"].map(|text| text.parse().expect("an address"));
    let changes = bench
        .fib
        .set_statics([(prefix("192.0.2.0/24"), both.to_vec())]);
    let shared = [("172.30.0.1", "net0"), ("172.30.0.3", "net1")];
    assert_eq!(
        changes,
        [add("10.9.0.0/16", &shared), add("192.0.2.0/24", &shared)]
    );
}

#[test]
fn routes_leave_an_interface_that_goes_down_and_come_back() {
    let mut bench = Bench::new();
    bench.originate("10.9.0.0/16", Some("172.30.0.1"));
    assert_eq!(bench.fib.set_link("net0", false), [remove("10.9.0.0/16")]);
    let back = bench.fib.set_link("net0", true);
    assert_eq!(back, [add("10.9.0.0/16", &[("172.30.0.1", "net0")])]);
    assert_eq!(bench.fib.set_link("lan0", false), []);
}
