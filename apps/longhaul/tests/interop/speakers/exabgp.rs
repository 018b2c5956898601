//! ExaBGP: no table of its own; what it hears goes as JSON into a file, and the last word on a
//! prefix is what it has.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Command;

use serde_json::Value;

use super::{COMMUNITY, LARGE, SHARED, Speaker, TARGET, Wish, holds, others, own, own_v6, parts};
use crate::meeting::{Far, OUR_AS};

pub(crate) struct ExaBgp {
    far: Far,
    wish: Wish,
}

impl ExaBgp {
    fn run(&mut self) {
        let directory = self.far.directory.display().to_string();
        let script = format!("cat <> {directory}/commands &\nexec cat >> {directory}/heard\n");
        let script = self.far.write("process.sh", &script);
        let pipe = self.far.directory.join("commands");
        if !pipe.exists() {
            let made = Command::new("mkfifo").arg(&pipe).status();
            assert!(made.is_ok_and(|made| made.success()), "a pipe can be made");
        }
        let config = config(&self.far, self.wish, &script.display().to_string());
        let config = self.far.write("exabgp.conf", &config);
        let mut command = Command::new("/usr/sbin/exabgp");
        command.arg(config).current_dir(&self.far.directory);
        command.env("exabgp_daemon_user", "root");
        command.env("exabgp_api_cli", "false");
        command.env("exabgp_api_ack", "false");
        command.env("exabgp_log_all", "false");
        if !self.wish.active {
            command.env("exabgp_tcp_bind", self.far.address().to_string());
            command.env("exabgp_tcp_port", "179");
        }
        self.far.start(command);
    }

    /// Tells it a command of its API.
    fn command(&self, text: &str) {
        let pipe = fs::OpenOptions::new()
            .write(true)
            .open(self.far.directory.join("commands"));
        let mut pipe = pipe.expect("the pipe is there");
        writeln!(pipe, "{text}").expect("the pipe takes a line");
    }

    fn heard(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.far.directory.join("heard")).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The messages since the session last came up that announce or withdraw a prefix.
    fn about(&self, prefix: &str) -> Vec<Value> {
        let heard = self.heard();
        let down = heard
            .iter()
            .rposition(|one| one["neighbor"]["state"] == "down");
        let heard = heard.into_iter().skip(down.map_or(0, |place| place + 1));
        let quoted = format!("\"{prefix}\"");
        let update = |one: &Value| one["neighbor"]["message"]["update"].to_string();
        heard.filter(|one| update(one).contains(&quoted)).collect()
    }
}

impl Speaker for ExaBgp {
    fn start(far: Far, wish: Wish) -> Self {
        let mut exabgp = Self { far, wish };
        exabgp.run();
        exabgp
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
        let heard = self.heard();
        let mut states = heard
            .iter()
            .rev()
            .filter_map(|one| one["neighbor"]["state"].as_str());
        match states.find(|state| ["up", "down"].contains(state)) {
            Some("up") => Ok(()),
            _ => Err(self.describe()),
        }
    }

    fn has(&self, prefix: &str, as_path: &[u32], tagged: bool) -> Result<(), String> {
        let numbers = std::iter::once(OUR_AS).chain(as_path.iter().copied());
        let numbers: Vec<String> = numbers.map(|asn| asn.to_string()).collect();
        let mut parts = vec![format!("[{}]", numbers.join(","))];
        if tagged {
            let (a, b) = COMMUNITY;
            parts.push(format!("[[{a},{b}]"));
            let (a, b, c) = LARGE;
            parts.push(format!("[[{a},{b},{c}]"));
            let (a, b) = TARGET;
            parts.push(format!("target:{a}:{b}"));
        }
        let last = self.about(prefix).pop();
        let update = last.map(|last| last["neighbor"]["message"]["update"].to_string());
        holds(update.unwrap_or_else(|| self.describe()), &parts)
    }

    fn paths(&self, prefix: &str) -> (usize, String) {
        let mut paths = std::collections::BTreeSet::new();
        for one in self.about(prefix) {
            let update = &one["neighbor"]["message"]["update"];
            for (announced, part) in [(false, "withdraw"), (true, "announce")] {
                for entry in entries(&update[part]) {
                    let path = entry["path-information"].to_string();
                    if entry["nlri"] != prefix {
                    } else if announced {
                        paths.insert(path);
                    } else {
                        paths.remove(&path);
                    }
                }
            }
        }
        (paths.len(), self.describe())
    }

    fn describe(&self) -> String {
        let heard: Vec<String> = self.heard().iter().map(Value::to_string).collect();
        format!("{}\n{}", heard.join("\n"), self.far.said())
    }

    fn reports_capabilities(&self) -> Result<(), String> {
        let open = self
            .heard()
            .into_iter()
            .find(|one| one["type"] == "open" && one["neighbor"]["direction"] == "receive");
        let text = open.map_or_else(|| self.describe(), |open| open.to_string());
        let words = [
            "ipv4/unicast",
            "ipv6/unicast",
            "asn4",
            "route-refresh",
            "graceful restart",
            "addpath",
            "extended-message",
        ];
        holds(text, &parts(&words))
    }

    fn reports_too_many_prefixes(&self) -> Result<(), String> {
        let found = self.heard().into_iter().find(|one| {
            let said = &one["neighbor"]["message"]["notification"];
            let said = if said.is_null() {
                &one["neighbor"]["notification"]
            } else {
                said
            };
            (&said["code"], &said["subcode"]) == (&Value::from(6), &Value::from(1))
        });
        found.map(drop).ok_or_else(|| self.describe())
    }

    fn reports_our_excess(&self) -> Result<(), String> {
        Err("ExaBGP has no limits".to_owned())
    }

    fn announcements_heard(&self) -> u64 {
        let heard = self.heard();
        heard.iter().filter(|one| one["type"] == "update").count() as u64
    }

    fn wish_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }

    fn ask_for_refresh(&self) {
        self.command("announce route-refresh ipv4 unicast");
    }
}

/// Every prefix in an announcement or a withdrawal, wherever it stands.
fn entries(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) if map.contains_key("nlri") => vec![value.clone()],
        Value::Object(map) => map.values().flat_map(entries).collect(),
        Value::Array(list) => list.iter().flat_map(entries).collect(),
        _ => Vec::new(),
    }
}

fn config(far: &Far, wish: Wish, script: &str) -> String {
    let (address, ours, asn) = (far.address(), far.ours(), far.asn());
    let ((a, b), (c, d, e), (f, g)) = (COMMUNITY, LARGE, TARGET);
    let leaves = if wish.leaves { " 65535:0" } else { "" };
    let mut routes = format!(
        "    unicast {} next-hop {address} community [ {a}:{b}{leaves} ] \
         large-community [ {c}:{d}:{e} ] extended-community [ target:{f}:{g} ];\n",
        own(far)
    );
    for prefix in others(wish) {
        let _ = writeln!(routes, "    unicast {prefix} next-hop {address};");
    }
    let mut capability =
        String::from("asn4 enable; route-refresh enable; extended-message enable;");
    if wish.add_path {
        capability.push_str(" add-path send/receive;");
        for number in [1, 2] {
            let _ = writeln!(
                routes,
                "    unicast {SHARED} path-information 0.0.0.{number} next-hop {address};"
            );
        }
    }
    if wish.restart {
        capability.push_str(" graceful-restart 20;");
    }
    let mut more = String::new();
    if let Some(password) = wish.password {
        let _ = writeln!(more, "  md5-password \"{password}\";");
    }
    if !wish.active {
        more.push_str("  passive true;\n");
    }
    let add_path = if wish.add_path {
        "  add-path { ipv4 unicast; }\n"
    } else {
        ""
    };
    format!(
        "process log {{\n  run /bin/sh {script};\n  encoder json;\n}}\n\
         neighbor {ours} {{\n  router-id {address};\n  local-address {address};\n  \
         local-as {asn};\n  peer-as {OUR_AS};\n  hold-time 9;\n{more}  \
         family {{ ipv4 unicast; ipv6 unicast; }}\n{add_path}  capability {{ {capability} }}\n  \
         api {{\n    processes [ log ];\n    neighbor-changes;\n    \
         receive {{ parsed; update; notification; refresh; open; }}\n  }}\n  \
         announce {{\n    ipv4 {{\n{routes}    }}\n    ipv6 {{\n      unicast {} next-hop {};\n    }}\n  }}\n}}\n",
        own_v6(far),
        far.address_v6()
    )
}
