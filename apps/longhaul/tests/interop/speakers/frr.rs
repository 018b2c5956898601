//! FRR's bgpd, without zebra: nothing goes to the kernel.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use super::{
    COMMUNITY, LARGE, Speaker, TARGET, Wish, holds, number_after, others, own, own_v6, parts, path,
};
use crate::meeting::{Far, OUR_AS};

pub(crate) struct Frr {
    far: Far,
    wish: Wish,
}

impl Frr {
    pub(crate) fn vtysh(&self, question: &str) -> String {
        let sockets = self.far.directory.join("frr");
        let sockets = sockets.to_str().expect("the path is UTF-8");
        self.far
            .ask("/usr/bin/vtysh", &["--vty_socket", sockets, "-c", question])
    }

    fn run(&mut self) {
        let config = self.far.write("frr.conf", &config(&self.far, self.wish));
        let sockets = self.far.directory.join("frr");
        std::fs::create_dir_all(&sockets).expect("a directory can be made");
        let mut command = Command::new("/usr/lib/frr/bgpd");
        command.args(["-n", "-Z", "-S", "-u", "root", "-g", "root", "--skip_runas"]);
        command.arg("-f").arg(config);
        command.arg("-i").arg(self.far.directory.join("frr.pid"));
        command.arg("--vty_socket").arg(sockets);
        self.far.start(command);
    }
}

impl Speaker for Frr {
    fn start(far: Far, wish: Wish) -> Self {
        let mut frr = Self { far, wish };
        frr.run();
        frr
    }

    fn far(&self) -> &Far {
        &self.far
    }

    fn far_mut(&mut self) -> &mut Far {
        &mut self.far
    }

    fn start_again(&mut self) {
        self.run();
    }

    fn is_established(&self) -> Result<(), String> {
        holds(self.describe(), &[r#""bgpState":"Established""#.to_owned()])
    }

    fn has(&self, prefix: &str, as_path: &[u32], tagged: bool) -> Result<(), String> {
        let mut parts = vec![format!(r#""string":"{}""#, path(as_path))];
        if tagged {
            let (a, b) = COMMUNITY;
            parts.push(format!(r#""{a}:{b}""#));
            let (a, b, c) = LARGE;
            parts.push(format!("{a}:{b}:{c}"));
            let (a, b) = TARGET;
            parts.push(format!("RT:{a}:{b}"));
        }
        holds(self.paths(prefix).1, &parts)
    }

    fn paths(&self, prefix: &str) -> (usize, String) {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        let text = self.vtysh(&format!("show bgp {family} unicast {prefix} json"));
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let paths = answer["paths"].as_array().cloned().unwrap_or_default();
        // Its own route is one without a neighbour's AS.
        let learned = paths.iter().filter(|path| path["aspath"]["length"] != 0);
        (learned.count(), answer.to_string())
    }

    fn describe(&self) -> String {
        let text = self.vtysh(&format!("show bgp neighbors {} json", self.far.ours()));
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        format!("{answer}\n{}", self.far.said())
    }

    fn reports_capabilities(&self) -> Result<(), String> {
        let words = [
            r#""4byteAs":"advertisedAndReceived""#,
            r#""extendedMessage":"advertisedAndReceived""#,
            r#""addPath":{"ipv4Unicast":{"rxAdvertisedAndReceived":true,"txAdvertisedAndReceived":true}"#,
            r#""routeRefresh":"advertisedAndReceived"#,
            r#""enhancedRouteRefresh":"advertisedAndReceived""#,
            r#""ipv4Unicast":{"advertisedAndReceived":true}"#,
            r#""ipv6Unicast":{"advertisedAndReceived":true}"#,
            r#""gracefulRestart":"advertisedAndReceived""#,
        ];
        holds(self.describe(), &parts(&words))
    }

    fn reports_too_many_prefixes(&self) -> Result<(), String> {
        holds(
            self.describe(),
            &parts(&["Maximum Number of Prefixes Reached"]),
        )
    }

    fn reports_our_excess(&self) -> Result<(), String> {
        holds(self.describe(), &parts(&["Maximum Number of Prefixes"]))
    }

    fn announcements_heard(&self) -> u64 {
        number_after(&self.describe(), "\"updatesRecv\":")
    }

    fn wish_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }

    fn ask_for_refresh(&self) {
        self.vtysh(&format!("clear bgp {} soft in", self.far.ours()));
    }
}

fn config(far: &Far, wish: Wish) -> String {
    let (address, ours, asn) = (far.address(), far.ours(), far.asn());
    let ((a, b), (c, d, e), (f, g)) = (COMMUNITY, LARGE, TARGET);
    let leaves = if wish.leaves {
        " graceful-shutdown"
    } else {
        ""
    };
    let mut text = format!(
        "route-map tag permit 10\n set community {a}:{b}{leaves}\n set large-community {c}:{d}:{e}\n \
         set extcommunity rt {f}:{g}\nexit\n\
         route-map next-hop permit 10\n set ipv6 next-hop global {}\nexit\n\
         router bgp {asn}\n bgp router-id {address}\n no bgp ebgp-requires-policy\n \
         no bgp network import-check\n",
        far.address_v6()
    );
    if wish.restart {
        text.push_str(" bgp graceful-restart\n bgp graceful-restart restart-time 20\n");
        text.push_str(" bgp graceful-restart preserve-fw-state\n");
    }
    let _ = write!(
        text,
        " neighbor {ours} remote-as {OUR_AS}\n neighbor {ours} timers 3 9\n \
         neighbor {ours} timers connect 1\n"
    );
    if !wish.active {
        let _ = writeln!(text, " neighbor {ours} passive");
    }
    if let Some(password) = wish.password {
        let _ = writeln!(text, " neighbor {ours} password {password}");
    }
    let _ = writeln!(text, " address-family ipv4 unicast");
    let _ = writeln!(text, "  network {} route-map tag", own(far));
    for prefix in others(wish) {
        let _ = writeln!(text, "  network {prefix}");
    }
    if wish.add_path {
        let _ = writeln!(text, "  neighbor {ours} addpath-tx-all-paths");
    }
    if let Some(limit) = wish.limit {
        let _ = writeln!(text, "  neighbor {ours} maximum-prefix {limit}");
    }
    let _ = write!(
        text,
        " exit-address-family\n address-family ipv6 unicast\n  network {}\n  \
         neighbor {ours} activate\n  neighbor {ours} route-map next-hop out\n \
         exit-address-family\n",
        own_v6(far)
    );
    text
}
