//! BIRD 2.

use std::fmt::Write as _;
use std::process::Command;

use super::{
    COMMUNITY, LARGE, Speaker, TARGET, Wish, holds, number_after, others, own, own_v6, parts, path,
};
use crate::meeting::{Far, OUR_AS};

pub(crate) struct Bird {
    far: Far,
    wish: Wish,
}

impl Bird {
    fn birdc(&self, words: &[&str]) -> String {
        let socket = self.far.directory.join("bird.sock");
        let socket = socket.to_str().expect("the path is UTF-8");
        let words = [&["-s", socket], words].concat();
        format!(
            "{}\n{}",
            self.far.ask("/usr/sbin/birdc", &words),
            self.far.said()
        )
    }

    fn run(&mut self) {
        let config = self.far.write("bird.conf", &config(&self.far, self.wish));
        let mut command = Command::new("/usr/sbin/bird");
        command.arg("-f").arg("-c").arg(config);
        command.arg("-s").arg(self.far.directory.join("bird.sock"));
        command.arg("-P").arg(self.far.directory.join("bird.pid"));
        self.far.start(command);
    }
}

impl Speaker for Bird {
    fn start(far: Far, wish: Wish) -> Self {
        let mut bird = Self { far, wish };
        bird.run();
        bird
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
        holds(self.describe(), &["Established".to_owned()])
    }

    fn has(&self, prefix: &str, as_path: &[u32], tagged: bool) -> Result<(), String> {
        let mut parts = vec![format!("BGP.as_path: {}\n", path(as_path))];
        if tagged {
            let (a, b) = COMMUNITY;
            parts.push(format!("BGP.community: ({a},{b})"));
            let (a, b, c) = LARGE;
            parts.push(format!("BGP.large_community: ({a}, {b}, {c})"));
            let (a, b) = TARGET;
            parts.push(format!("BGP.ext_community: (rt, {a}, {b})"));
        }
        holds(self.paths(prefix).1, &parts)
    }

    fn paths(&self, prefix: &str) -> (usize, String) {
        let words = ["show", "route", prefix, "protocol", "ours", "all"];
        let text = self.birdc(&words);
        (text.matches("BGP.as_path:").count(), text)
    }

    fn describe(&self) -> String {
        self.birdc(&["show", "protocols", "all", "ours"])
    }

    fn reports_capabilities(&self) -> Result<(), String> {
        let text = self.describe();
        let theirs = text
            .split("Neighbor capabilities")
            .nth(1)
            .unwrap_or_default();
        let theirs = theirs
            .split("Session:")
            .next()
            .unwrap_or_default()
            .to_owned();
        let words = [
            "AF announced: ipv4 ipv6",
            "Route refresh",
            "Extended message",
            "Graceful restart",
            "4-octet AS numbers",
            "ADD-PATH",
            "Enhanced refresh",
        ];
        holds(theirs, &parts(&words))
    }

    fn reports_too_many_prefixes(&self) -> Result<(), String> {
        holds(
            self.describe(),
            &parts(&["Maximum number of prefixes reached"]),
        )
    }

    fn reports_our_excess(&self) -> Result<(), String> {
        holds(self.describe(), &parts(&["Route limit exceeded"]))
    }

    fn announcements_heard(&self) -> u64 {
        number_after(&self.describe(), "Import updates:")
    }

    fn wish_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }

    fn ask_for_refresh(&self) {
        self.birdc(&["reload", "in", "ours"]);
    }
}

fn config(far: &Far, wish: Wish) -> String {
    let (address, ours, asn) = (far.address(), far.ours(), far.asn());
    let ((a, b), (c, d, e), (f, g)) = (COMMUNITY, LARGE, TARGET);
    let leaves = if wish.leaves {
        "bgp_community.add((65535,0));"
    } else {
        ""
    };
    let mut text = format!(
        "log stderr all;\nrouter id {address};\nprotocol device {{}}\n\
         protocol static own6 {{ ipv6; route {} blackhole; }}\n\
         protocol static own {{ ipv4;\n  route {} blackhole {{\n    \
         bgp_community.add(({a},{b})); {leaves}\n    bgp_large_community.add(({c},{d},{e}));\n    \
         bgp_ext_community.add((rt,{f},{g}));\n  }};\n",
        own_v6(far),
        own(far)
    );
    for prefix in others(wish) {
        let _ = writeln!(text, "  route {prefix} blackhole;");
    }
    text.push_str("}\n");
    let mut channel = String::from("import all; export where source = RTS_STATIC;");
    if wish.add_path {
        // A second route to the shared prefix, so that there is something to tell.
        let _ = writeln!(
            text,
            "protocol static second {{ ipv4 {{ preference 150; }}; route {} blackhole; }}",
            super::SHARED
        );
        channel.push_str(" add paths on;");
    }
    if let Some(limit) = wish.limit {
        let _ = write!(channel, " import limit {limit} action disable;");
    }
    let _ = write!(
        text,
        "protocol bgp ours {{\n  local {address} as {asn};\n  neighbor {ours} as {OUR_AS};\n  \
         hold time 9; connect delay time 1; connect retry time 1; error wait time 1, 2;\n  \
         enable extended messages yes;\n  ipv4 {{ {channel} }};\n  \
         ipv6 {{ import all; export where source = RTS_STATIC; next hop address {}; }};\n",
        far.address_v6()
    );
    if !wish.active {
        text.push_str("  passive;\n");
    }
    if wish.restart {
        text.push_str("  graceful restart on; graceful restart time 20;\n");
    }
    if let Some(password) = wish.password {
        let _ = writeln!(text, "  password \"{password}\";");
    }
    text.push_str("}\n");
    text
}
