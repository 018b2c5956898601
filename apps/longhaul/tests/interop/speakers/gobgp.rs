//! GoBGP. Its routes are given to it when it runs.

use std::fmt::Write as _;
use std::process::Command;

use super::{COMMUNITY, LARGE, Speaker, TARGET, Wish, holds, others, own, own_v6, parts};
use crate::meeting::{Far, OUR_AS, until};

pub(crate) struct GoBgp {
    far: Far,
    wish: Wish,
}

impl GoBgp {
    fn gobgp(&self, words: &[&str]) -> String {
        self.far.ask("/usr/bin/gobgp", words)
    }

    fn run(&mut self) {
        let config = self.far.write("gobgp.toml", &config(&self.far, self.wish));
        let mut command = Command::new("/usr/bin/gobgpd");
        command.arg("-f").arg(config);
        command.args(["--api-hosts=127.0.0.1:50051", "--pprof-disable"]);
        if self.wish.restart && self.far.said().contains("gobgpd") {
            command.arg("--graceful-restart");
        }
        self.far.start(command);
        until("GoBGP answers", || {
            holds(self.gobgp(&["global"]), &["AS:".to_owned()])
        });
        let ((a, b), (c, d, e), (f, g)) = (COMMUNITY, LARGE, TARGET);
        let (own, own_v6) = (own(&self.far), own_v6(&self.far));
        let (small, large) = (format!("{a}:{b}"), format!("{c}:{d}:{e}"));
        let small = if self.wish.leaves {
            format!("{small},65535:0")
        } else {
            small
        };
        let target = format!("{f}:{g}");
        let words = [
            "global",
            "rib",
            "add",
            &own,
            "origin",
            "igp",
            "community",
            &small,
        ];
        let more = ["large-community", &large, "rt", &target];
        self.gobgp(&[words.as_slice(), more.as_slice()].concat());
        for prefix in others(self.wish) {
            self.gobgp(&["global", "rib", "add", &prefix, "origin", "igp"]);
        }
        let next_hop = self.far.address_v6().to_string();
        let words = [
            "global", "rib", "-a", "ipv6", "add", &own_v6, "nexthop", &next_hop,
        ];
        self.gobgp(&words);
    }
}

impl Speaker for GoBgp {
    fn start(far: Far, wish: Wish) -> Self {
        let mut gobgp = Self { far, wish };
        gobgp.run();
        gobgp
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
        holds(self.describe(), &["BGP state = ESTABLISHED".to_owned()])
    }

    fn has(&self, prefix: &str, as_path: &[u32], tagged: bool) -> Result<(), String> {
        let numbers = std::iter::once(OUR_AS).chain(as_path.iter().copied());
        let numbers: Vec<String> = numbers.map(|asn| asn.to_string()).collect();
        let mut parts = vec![format!(r#""asns":[{}]"#, numbers.join(","))];
        if tagged {
            let (a, b) = COMMUNITY;
            parts.push(format!(r#""communities":[{}]"#, a << 16 | b));
            let (a, b, c) = LARGE;
            parts.push(format!(r#""ASN":{a},"LocalData1":{b},"LocalData2":{c}"#));
            let (a, b) = TARGET;
            parts.push(format!(r#""value":"{a}:{b}""#));
        }
        holds(self.paths(prefix).1, &parts)
    }

    fn paths(&self, prefix: &str) -> (usize, String) {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        let text = self.gobgp(&["global", "rib", prefix, "-a", family, "-j"]);
        // Its own route has no AS.
        (text.matches(&format!(r#""asns":[{OUR_AS}"#)).count(), text)
    }

    fn describe(&self) -> String {
        let ours = self.far.ours().to_string();
        let text = self.gobgp(&["neighbor", &ours]);
        format!("{text}\n{}", self.far.said())
    }

    fn reports_capabilities(&self) -> Result<(), String> {
        let words = [
            "ipv4-unicast:\tadvertised and received",
            "ipv6-unicast:\tadvertised and received",
            "route-refresh:\tadvertised and received",
            "graceful-restart:\tadvertised and received",
            "4-octet-as:\tadvertised and received",
            "add-path:\tadvertised and received",
        ];
        holds(self.describe(), &parts(&words))
    }

    fn reports_too_many_prefixes(&self) -> Result<(), String> {
        holds(
            self.describe(),
            &parts(&["subcode 1(maximum number of prefixes reached)"]),
        )
    }

    fn reports_our_excess(&self) -> Result<(), String> {
        holds(self.describe(), &parts(&["aximum"]))
    }

    fn announcements_heard(&self) -> u64 {
        let text = self.describe();
        let line = text
            .lines()
            .find(|line| line.trim().starts_with("Updates:"));
        let mut words = line.unwrap_or_default().split_whitespace().skip(1);
        words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    fn wish_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }

    fn ask_for_refresh(&self) {
        let ours = self.far.ours().to_string();
        self.gobgp(&["neighbor", &ours, "softresetin"]);
    }
}

fn config(far: &Far, wish: Wish) -> String {
    let (address, ours, asn) = (far.address(), far.ours(), far.asn());
    let mut text = format!(
        "[global.config]\nas = {asn}\nrouter-id = \"{address}\"\n\
         [[neighbors]]\n[neighbors.config]\nneighbor-address = \"{ours}\"\npeer-as = {OUR_AS}\n"
    );
    if let Some(password) = wish.password {
        let _ = writeln!(text, "auth-password = \"{password}\"");
    }
    let _ = write!(
        text,
        "[neighbors.timers.config]\nhold-time = 9\nkeepalive-interval = 3\nconnect-retry = 1\n\
         idle-hold-time-after-reset = 1\n[neighbors.transport.config]\n\
         local-address = \"{address}\"\npassive-mode = {}\n",
        !wish.active
    );
    if wish.restart {
        text.push_str("[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = 20\n");
    }
    for family in ["ipv4-unicast", "ipv6-unicast"] {
        let _ = write!(
            text,
            "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{family}\"\n"
        );
        if wish.restart {
            text.push_str("[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n");
        }
        if wish.add_path {
            text.push_str("[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = 8\n");
        }
        if let Some(limit) = wish.limit {
            text.push_str("[neighbors.afi-safis.prefix-limit.config]\n");
            let _ = writeln!(text, "max-prefixes = {limit}");
        }
    }
    text
}
