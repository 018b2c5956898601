//! The file of a router, as an operator would write it.

use core::fmt::Write;
use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Prefix};

use crate::explain::time;
use crate::report::{Report, Severity, Span};
use crate::settle::policies::is_name;

/// What a router takes or tells.
#[derive(Clone, Debug)]
pub(super) enum Policy {
    /// Everything.
    Accept,
    /// The site's LANs, and addresses of CPEs on links to underlays.
    Own,
    /// The site's LANs.
    OwnOnly,
    /// Addresses of CPEs on links to underlays.
    Transit,
    /// The customer's public prefixes.
    Public,
    /// What did not come from Microsoft.
    NotFromMicrosoft,
    /// These.
    Only(Vec<Prefix>),
    /// What the design says, and where.
    Written(String, Option<Span>),
}

/// A neighbour.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) local: Ipv4Addr,
    pub(super) address: Ipv4Addr,
    pub(super) asn: Asn,
    pub(super) import: Policy,
    pub(super) export: Policy,
    pub(super) next_hop_self: bool,
    pub(super) bfd: bool,
    /// Keepalive and hold time.
    pub(super) timers: Option<(Duration, Duration)>,
    /// Timers for a neighbour without BFD that is one cable away.
    pub(super) fast: bool,
}

impl Peer {
    /// A neighbour in an AS, of which nothing else is known.
    pub(super) const fn of(asn: Asn) -> Self {
        Self {
            name: String::new(),
            local: Ipv4Addr::UNSPECIFIED,
            address: Ipv4Addr::UNSPECIFIED,
            asn,
            import: Policy::Accept,
            export: Policy::Accept,
            next_hop_self: false,
            bfd: false,
            timers: None,
            fast: false,
        }
    }
}

/// What a router's file says.
pub(super) struct File<'a> {
    pub(super) name: String,
    pub(super) asn: Asn,
    pub(super) router_id: Option<Ipv4Addr>,
    /// The design's policies with names.
    pub(super) library: Option<&'a str>,
    /// LANs.
    pub(super) own: Vec<Prefix>,
    /// Links of CPEs to underlays.
    pub(super) transit: Vec<Prefix>,
    /// The customer's public prefixes.
    pub(super) public: Vec<Prefix>,
    pub(super) peers: Vec<Peer>,
}

impl File<'_> {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let name = &self.name;
        let id = self.router_id.unwrap_or(Ipv4Addr::new(192, 0, 2, 1));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "router: 1\nname: {name}\nasn: {}\nrouter_id: {id}\nkernel: true\n\
             multipath: {{paths: 8, as_path: same-length}}\n",
            self.asn.0
        );
        self.policies(&mut text);
        if !self.peers.is_empty() {
            text.push_str("neighbors:\n");
        }
        for peer in &self.peers {
            self.neighbor(peer, &mut text);
        }
        let originated = [&self.own, &self.transit, &self.public];
        let originated: Vec<&Prefix> = originated.into_iter().flatten().collect();
        if !originated.is_empty() {
            text.push_str("originate:\n");
        }
        for prefix in originated {
            let _ = writeln!(text, "  - {{prefix: {prefix}}}");
        }
        if !self.public.is_empty() {
            text.push_str("static_routes:\n");
        }
        for prefix in &self.public {
            let _ = writeln!(text, "  - {{prefix: {prefix}}}");
        }
        text
    }

    fn neighbor(&self, peer: &Peer, text: &mut String) {
        let Peer {
            name,
            local,
            address,
            ..
        } = peer;
        let asn = peer.asn.0;
        let _ = write!(
            text,
            "  {name}:\n    address: {address}\n    local_address: {local}\n    asn: {asn}\n"
        );
        if peer.asn != self.asn {
            let import = policy_name(&peer.import, "import", name);
            let export = policy_name(&peer.export, "export", name);
            let _ = writeln!(
                text,
                "    multihop: 1\n    import: {import}\n    export: {export}"
            );
        }
        if peer.next_hop_self {
            text.push_str("    next_hop: self\n");
        }
        if peer.bfd {
            text.push_str("    bfd: true\n");
        }
        if let Some((keepalive, hold)) = peer.timers {
            let (keepalive, hold) = (time(keepalive), time(hold));
            let _ = writeln!(text, "    hold_time: {hold}\n    keepalive: {keepalive}");
        }
        if peer.fast {
            text.push_str("    hold_time: 9s\n    keepalive: 3s\n    connect_retry: 5s\n");
        }
    }

    /// The policies that neighbours use, each once.
    fn policies(&self, text: &mut String) {
        let mut block = String::new();
        if let (Some(library), true) = (self.library, self.is_written()) {
            block.push_str(library.trim_end());
            block.push('\n');
        }
        let mut seen = std::collections::BTreeSet::new();
        for peer in self.peers.iter().filter(|peer| peer.asn != self.asn) {
            for (policy, side) in [(&peer.import, "import"), (&peer.export, "export")] {
                let name = policy_name(policy, side, &peer.name);
                if let Some(body) = self.body(policy)
                    && seen.insert(name.clone())
                {
                    let _ = writeln!(block, "policy {name} {{");
                    for line in body.lines() {
                        let _ = writeln!(block, "    {line}");
                    }
                    block.push_str("}\n");
                }
            }
        }
        if block.is_empty() {
            return;
        }
        text.push_str("policies: |2\n");
        for line in block.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }

    fn body(&self, policy: &Policy) -> Option<String> {
        let only = |prefixes: &[Prefix]| {
            let list: Vec<String> = prefixes.iter().map(Prefix::to_string).collect();
            match list.is_empty() {
                true => "reject".to_owned(),
                false => format!("if prefix in [{}] {{ accept }}\nreject", list.join(", ")),
            }
        };
        match policy {
            Policy::Accept => None,
            Policy::Own => Some(only(&[&self.own[..], &self.transit].concat())),
            Policy::OwnOnly => Some(only(&self.own)),
            Policy::Transit => Some(only(&self.transit)),
            Policy::Public => Some(only(&self.public)),
            Policy::NotFromMicrosoft => {
                let microsoft = super::super::express_route::MSEE_ASN.0;
                Some(format!(
                    "if as-path contains {microsoft} {{ reject }}\naccept"
                ))
            }
            Policy::Only(prefixes) => Some(only(prefixes)),
            Policy::Written(text, _) if is_name(text) => None,
            Policy::Written(text, _) => Some(text.trim().to_owned()),
        }
    }

    fn is_written(&self) -> bool {
        let mut policies = self
            .peers
            .iter()
            .flat_map(|peer| [&peer.import, &peer.export]);
        policies.any(|policy| matches!(policy, Policy::Written(..)))
    }

    /// What the design says may fit no neighbour of this router; a router would refuse its file.
    pub(super) fn check(&self, text: &str, reports: &mut Vec<Report>) {
        if !self.is_written() {
            return;
        }
        let (_, found) = crate::read_router(&self.name, text);
        let mut policies = self
            .peers
            .iter()
            .flat_map(|peer| [&peer.import, &peer.export]);
        let at = policies.find_map(|policy| match policy {
            Policy::Written(_, at) => *at,
            Policy::Accept
            | Policy::Own
            | Policy::OwnOnly
            | Policy::Transit
            | Policy::Public
            | Policy::NotFromMicrosoft
            | Policy::Only(_) => None,
        });
        let errors = found
            .iter()
            .filter(|report| report.severity == Severity::Error);
        for (report, at) in errors.zip(core::iter::repeat(at)) {
            if let Some(at) = at {
                let says = format!("{} cannot use its policies: {}", self.name, report.says);
                reports.push(Report::shape(at, says).try_this(report.try_this.clone()));
            }
        }
    }
}

/// The name that a neighbour's policy has in the file.
fn policy_name(policy: &Policy, side: &str, neighbor: &str) -> String {
    match policy {
        Policy::Accept => "accept".to_owned(),
        Policy::Own => "own".to_owned(),
        Policy::OwnOnly => "lans".to_owned(),
        Policy::Transit => "transit".to_owned(),
        Policy::Public => "public".to_owned(),
        Policy::NotFromMicrosoft => "not-from-microsoft".to_owned(),
        Policy::Written(text, _) if is_name(text) => text.trim().to_owned(),
        Policy::Only(_) | Policy::Written(..) => format!("{side}-{neighbor}"),
    }
}
