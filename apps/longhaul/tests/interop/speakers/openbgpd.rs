//! OpenBGPD: three processes; the kernel's table is left alone.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use super::{
    COMMUNITY, LARGE, Speaker, TARGET, Wish, holds, number_after, others, own, own_v6, parts, path,
};
use crate::meeting::{Far, OUR_AS};

/// Where its processes lock themselves in; Debian makes it when the service starts.
const JAIL: &str = "/run/openbgpd";

pub(crate) struct OpenBgpd {
    far: Far,
    wish: Wish,
}

impl OpenBgpd {
    fn bgpctl(&self, words: &[&str]) -> String {
        let socket = self.far.directory.join("bgpd.sock");
        let socket = socket.to_str().expect("the path is UTF-8");
        let words = [&["-s", socket, "-j"], words].concat();
        self.far.ask("/usr/sbin/bgpctl", &words)
    }

    fn run(&mut self) {
        let config = self.far.write("bgpd.conf", &config(&self.far, self.wish));
        let private = fs::set_permissions(&config, Permissions::from_mode(0o600));
        private.expect("a file can be made private");
        fs::create_dir_all(JAIL).expect("a directory can be made");
        let mut command = Command::new("/usr/sbin/bgpd");
        command.arg("-d").arg("-f").arg(config);
        self.far.start(command);
    }
}

impl Speaker for OpenBgpd {
    const GIVES_IPV6: bool = false;

    fn start(far: Far, wish: Wish) -> Self {
        let mut openbgpd = Self { far, wish };
        openbgpd.run();
        openbgpd
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
        holds(self.describe(), &[r#""state":"Established""#.to_owned()])
    }

    fn has(&self, prefix: &str, as_path: &[u32], tagged: bool) -> Result<(), String> {
        let mut parts = vec![format!(r#""aspath":"{}""#, path(as_path))];
        if tagged {
            let (a, b) = COMMUNITY;
            parts.push(format!(r#""{a}:{b}""#));
            let (a, b, c) = LARGE;
            parts.push(format!(r#""{a}:{b}:{c}""#));
            let (a, b) = TARGET;
            parts.push(format!(r#""rt {a}:{b}""#));
        }
        holds(self.paths(prefix).1, &parts)
    }

    fn paths(&self, prefix: &str) -> (usize, String) {
        let ours = self.far.ours().to_string();
        let text = self.bgpctl(&["show", "rib", "neighbor", &ours, "detail", prefix]);
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let paths = answer["rib"].as_array().map_or(0, Vec::len);
        (paths, format!("{answer}\n{text}"))
    }

    fn describe(&self) -> String {
        let ours = self.far.ours().to_string();
        let text = self.bgpctl(&["show", "neighbor", &ours]);
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        format!("{answer}\n{}", self.far.said())
    }

    fn reports_capabilities(&self) -> Result<(), String> {
        let text = self.describe();
        let theirs = text.split(r#""capabilities":"#).last().unwrap_or_default();
        let words = [
            "IPv4 unicast",
            "IPv6 unicast",
            r#""as4byte":true"#,
            r#""refresh":true"#,
            r#""graceful_restart""#,
            r#""add-path":[{"family":"IPv4 unicast","mode":"bidir"}"#,
        ];
        holds(theirs.to_owned(), &parts(&words))
    }

    fn reports_too_many_prefixes(&self) -> Result<(), String> {
        holds(
            self.describe(),
            &parts(&["received notification: Cease, received max-prefix exceeded"]),
        )
    }

    fn reports_our_excess(&self) -> Result<(), String> {
        holds(self.describe(), &parts(&["ax-prefix"]))
    }

    fn announcements_heard(&self) -> u64 {
        let text = self.describe();
        let received = text.split(r#""received":{"#).nth(1).unwrap_or_default();
        number_after(received, r#""updates":"#)
    }

    fn wish_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }

    fn ask_for_refresh(&self) {
        let ours = self.far.ours().to_string();
        self.bgpctl(&["neighbor", &ours, "refresh"]);
    }
}

fn config(far: &Far, wish: Wish) -> String {
    let (address, ours, asn) = (far.address(), far.ours(), far.asn());
    let ((a, b), (c, d, e), (f, g)) = (COMMUNITY, LARGE, TARGET);
    let leaves = if wish.leaves {
        " community GRACEFUL_SHUTDOWN"
    } else {
        ""
    };
    let mut text = format!(
        "AS {asn}\nrouter-id {address}\nfib-update no\nholdtime 9\nlisten on {address}\n\
         socket \"{}\"\n\
         network {} set {{ community {a}:{b}{leaves} large-community {c}:{d}:{e} \
         ext-community rt {f}:{g} }}\n\
         network {}\n",
        far.directory.join("bgpd.sock").display(),
        own(far),
        own_v6(far),
    );
    for prefix in others(wish) {
        let _ = writeln!(text, "network {prefix}");
    }
    let _ = write!(
        text,
        "neighbor {ours} {{\n  remote-as {OUR_AS}\n  local-address {address}\n  \
         announce IPv4 unicast\n  announce IPv6 unicast\n"
    );
    if !wish.active {
        text.push_str("  passive\n");
    }
    if let Some(password) = wish.password {
        let _ = writeln!(text, "  tcp md5sig password {password}");
    }
    if wish.add_path {
        text.push_str("  announce add-path recv yes\n  announce add-path send all\n");
    }
    if let Some(limit) = wish.limit {
        let _ = writeln!(text, "  max-prefix {limit}");
    }
    text.push_str("}\nallow from any\nallow to any\n");
    text
}
