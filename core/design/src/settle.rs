//! Every value of a design decided, each with the line or the default that it came from.
//!
//! Between the file, where most values are absent, and the Plan, where devices are made of them:
//! here each value is present once, and rules and explanations look here. Addresses of single
//! devices are given out later, in [`build`](crate::build).

pub(crate) mod regions;
pub(crate) mod sites;

use std::collections::BTreeMap;
use std::sync::Arc;

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Coordinates, Prefix};

use crate::geography::Atlas;
use crate::model::{DesignFile, NvaMode, Preference, UnderlayKind};
use crate::reader::At;
use crate::report::{Report, Sources, Span};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Written here.
    Line(Span),
    /// Not written; the sentence says why it is this.
    Default(&'static str),
}

impl Why {
    /// The place, when it is written.
    pub(crate) const fn span(self) -> Option<Span> {
        match self {
            Self::Line(span) => Some(span),
            Self::Default(_) => None,
        }
    }
}

/// A decided value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Val<T> {
    pub(crate) value: T,
    pub(crate) why: Why,
}

impl<T> Val<T> {
    pub(crate) const fn default(value: T, why: &'static str) -> Self {
        Self {
            value,
            why: Why::Default(why),
        }
    }

    pub(crate) const fn line(value: T, span: Span) -> Self {
        Self {
            value,
            why: Why::Line(span),
        }
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Val<U> {
        Val {
            value: change(self.value),
            why: self.why,
        }
    }
}

impl<T: Clone> Val<T> {
    /// The first of the candidates that is written, or the default.
    pub(crate) fn pick(candidates: &[Option<&At<T>>], default: T, why: &'static str) -> Self {
        match candidates.iter().flatten().next() {
            Some(at) => Self::line(at.value.clone(), at.span),
            None => Self::default(default, why),
        }
    }
}

/// Picks a value through a wrapper type of the file.
macro_rules! pick {
    ([$($candidate:expr),+ $(,)?], $default:expr, $why:expr, $($unwrap:tt)+) => {{
        let found = None$(.or_else(|| $candidate.as_ref()))+;
        match found {
            Some(at) => $crate::settle::Val::line(($($unwrap)+)(&at.value), at.span),
            None => $crate::settle::Val::default($default, $why),
        }
    }};
}
pub(crate) use pick;

/// A design with every value decided.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) format: Val<u32>,
    pub(crate) name: Val<String>,
    pub(crate) overlay: Overlay,
    pub(crate) region_latency: Val<Duration>,
    pub(crate) programming_delay: Val<Duration>,
    pub(crate) regions: Vec<Region>,
    pub(crate) backbone: Vec<Backbone>,
    pub(crate) underlays: Vec<Underlay>,
    pub(crate) sites: Vec<Site>,
}

/// Values of the overlay.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(crate) asn: Val<Asn>,
    pub(crate) loopbacks: Val<Prefix>,
    pub(crate) port: Val<u16>,
    pub(crate) keepalive: Val<Duration>,
    pub(crate) probe_interval: Val<Duration>,
    pub(crate) dead_after: Val<Duration>,
    pub(crate) summaries: Val<Vec<Prefix>>,
    pub(crate) mtu: Val<u16>,
    pub(crate) seed: Val<u64>,
    pub(crate) nva_public: Val<Prefix>,
    pub(crate) underlay_addresses: Val<Prefix>,
    pub(crate) behind_nat: Val<Prefix>,
    pub(crate) lans: Val<Prefix>,
}

/// A region.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) name: Val<String>,
    pub(crate) number: u16,
    pub(crate) place: Val<Coordinates>,
    pub(crate) hub: Vnet,
    pub(crate) spokes: Vec<Vnet>,
    pub(crate) nvas: Nvas,
    pub(crate) route_server: Option<RouteServer>,
    pub(crate) route_server_why: Why,
    pub(crate) nsgs: Vec<(Val<String>, Vec<crate::plan::NsgRuleConfig>)>,
    pub(crate) route_tables: Vec<(Val<String>, crate::plan::RouteTableConfig)>,
    pub(crate) foreign: Vec<ForeignRouter>,
}

impl Region {
    /// The hub first, then the spokes.
    pub(crate) fn vnets(&self) -> impl Iterator<Item = &Vnet> {
        core::iter::once(&self.hub).chain(&self.spokes)
    }
}

/// The NVAs of a region.
#[derive(Clone, Debug)]
pub(crate) struct Nvas {
    pub(crate) count: Val<u32>,
    pub(crate) mode: Val<NvaMode>,
    pub(crate) vm_size: Val<String>,
    pub(crate) public_addresses: Vec<Val<Ipv4Addr>>,
}

/// A Route Server.
#[derive(Clone, Debug)]
pub(crate) struct RouteServer {
    pub(crate) branch_to_branch: Val<bool>,
    pub(crate) preference: Val<Preference>,
    pub(crate) hold_time: Val<Duration>,
    pub(crate) routes_per_peer: Val<u32>,
}

/// A virtual network.
#[derive(Clone, Debug)]
pub(crate) struct Vnet {
    /// `hub-westeurope`, `spoke1-westeurope`.
    pub(crate) name: Val<String>,
    /// `hub`, or the spoke's name in its region.
    pub(crate) short: String,
    pub(crate) space: Val<Vec<Prefix>>,
    /// IPv6 prefixes among the address space, as written.
    pub(crate) space_v6: Vec<At<String>>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) vms: Val<u32>,
    pub(crate) peering: Peering,
}

/// A subnet.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) name: Val<String>,
    pub(crate) prefix: Val<Prefix>,
    pub(crate) nsg: Option<Val<String>>,
    pub(crate) route_table: Option<Val<String>>,
}

/// Flags of the peering between a hub and a spoke.
#[derive(Clone, Debug)]
pub(crate) struct Peering {
    pub(crate) access: Val<bool>,
    pub(crate) forwarded: Val<bool>,
    pub(crate) transit: Val<bool>,
    pub(crate) remote: Val<bool>,
}

/// A router of other make.
#[derive(Clone, Debug)]
pub(crate) struct ForeignRouter {
    pub(crate) name: Val<String>,
    pub(crate) asn: Val<Asn>,
    pub(crate) address: Option<Val<Ipv4Addr>>,
    pub(crate) peers: Val<bool>,
}

/// The backbone between two regions.
#[derive(Clone, Debug)]
pub(crate) struct Backbone {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) one_way_us: Val<u32>,
}

/// An underlay.
#[derive(Clone, Debug)]
pub(crate) struct Underlay {
    pub(crate) name: Val<String>,
    pub(crate) kind: Val<UnderlayKind>,
    /// Indices of the regions it reaches; `None` is all.
    pub(crate) regions: Option<Vec<usize>>,
    pub(crate) stretch: Val<u16>,
    pub(crate) loss_ppm: Val<u32>,
    pub(crate) jitter: Val<Duration>,
    pub(crate) addresses: Val<Prefix>,
}

impl Underlay {
    /// Whether a region is reached.
    pub(crate) fn reaches(&self, region: usize) -> bool {
        self.regions
            .as_ref()
            .is_none_or(|regions| regions.contains(&region))
    }
}

/// A site.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) name: Val<String>,
    pub(crate) place: Option<Val<Coordinates>>,
    /// Whether the file says where the site is, known or not.
    pub(crate) place_written: bool,
    pub(crate) home: Option<Val<usize>>,
    /// Whether the file names a home region, known or not.
    pub(crate) home_written: bool,
    pub(crate) backup: Option<Val<usize>>,
    pub(crate) cpes: Val<u32>,
    pub(crate) lans: Vec<Lan>,
    pub(crate) underlays: Vec<SiteUnderlay>,
    pub(crate) wireguard: Option<Wireguard>,
}

/// A LAN.
#[derive(Clone, Debug)]
pub(crate) struct Lan {
    pub(crate) prefix: Val<Prefix>,
    pub(crate) gateway: Val<Ipv4Addr>,
    pub(crate) hosts: Val<u32>,
}

/// A site's access to an underlay.
#[derive(Clone, Debug)]
pub(crate) struct SiteUnderlay {
    /// Index of the underlay.
    pub(crate) underlay: usize,
    pub(crate) why: Why,
    pub(crate) up: Access,
    pub(crate) down: Access,
    pub(crate) nat: Option<Nat>,
    pub(crate) nat_why: Why,
    pub(crate) addresses: Vec<Val<Ipv4Addr>>,
}

/// One direction of an access link.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) rate_bps: Val<u64>,
    pub(crate) latency: Val<Duration>,
    pub(crate) jitter: Val<Duration>,
    pub(crate) loss_ppm: Val<u32>,
}

/// A NAT.
#[derive(Clone, Debug)]
pub(crate) struct Nat {
    pub(crate) mapping: Val<crate::plan::NatBehavior>,
    pub(crate) filtering: Val<crate::plan::NatBehavior>,
    pub(crate) timeout: Val<Duration>,
}

/// A plain WireGuard device.
#[derive(Clone, Debug)]
pub(crate) struct Wireguard {
    pub(crate) public_key: Option<Val<String>>,
    pub(crate) nva: Val<String>,
    pub(crate) allowed: Val<Vec<Prefix>>,
}

/// A design as it was read: its file and the texts.
#[derive(Clone, Debug)]
pub struct Design {
    pub(crate) file: DesignFile,
    pub(crate) sites: Vec<At<crate::model::SiteText>>,
    pub(crate) sources: Arc<Sources>,
}

/// Decides every value. What refers to something that is not there is reported.
pub(crate) fn settle(design: &Design, reports: &mut Vec<Report>) -> Settled {
    let atlas = Atlas::load();
    let file = &design.file;
    let defaults = file
        .defaults
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let region_texts = file
        .regions
        .as_ref()
        .map(|at| &at.value.0[..])
        .unwrap_or_default();
    let regions = regions::settle_all(region_texts, &defaults, &atlas, reports);
    let backbone = regions::backbone(region_texts, &regions, &atlas, reports);
    let mut overlay = overlay(file);
    let underlays = underlays(file, &regions, &overlay, reports);
    let sites =
        sites::Settler::new(design, &defaults, &regions, &underlays, &overlay, &atlas).all(reports);
    if overlay.summaries.value.is_empty() && matches!(overlay.summaries.why, Why::Default(_)) {
        overlay.summaries.value = summaries(&regions, &sites);
    }
    Settled {
        format: pick!(
            [file.longhaul],
            1,
            "every design says its format",
            |version: &crate::scalars::Count<1, 1>| version.0
        ),
        name: pick!(
            [file.name],
            String::new(),
            "every design has a name",
            |name: &String| name.clone()
        ),
        overlay,
        region_latency: pick!(
            [defaults.region_latency],
            Duration::from_micros(400),
            "0.9 ms round trip measured inside a zone, rounded down",
            |span: &crate::scalars::TimeSpan| span.0
        ),
        programming_delay: pick!(
            [defaults.programming_delay],
            Duration::ZERO,
            "the platform publishes none",
            |span: &crate::scalars::TimeSpan| span.0
        ),
        regions,
        backbone,
        underlays,
        sites,
    }
}

fn overlay(file: &DesignFile) -> Overlay {
    let text = file
        .overlay
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let probe = text.probe.map(|at| at.value).unwrap_or_default();
    let addresses = text.addresses.map(|at| at.value).unwrap_or_default();
    let duration = |span: &crate::scalars::TimeSpan| span.0;
    let prefix = |a, b, c, d, len| {
        Prefix::around(Ipv4Addr::new(a, b, c, d), len).expect("a length up to 32")
    };
    let count = |at: &crate::scalars::Count<1024, 65535>| at.0 as u16;
    Overlay {
        asn: Val::pick(
            &[text.asn.as_ref()],
            Asn(65_010),
            "a private 16-bit AS number",
        ),
        loopbacks: Val::pick(
            &[text.loopbacks.as_ref()],
            prefix(10, 255, 0, 0, 16),
            "the top /16 of 10.0.0.0/8",
        ),
        port: pick!([text.port], 51_820, "WireGuard's port", count),
        keepalive: pick!(
            [text.keepalive],
            Duration::from_secs(25),
            "under the 30 s after which NATs forget a UDP mapping",
            duration
        ),
        probe_interval: pick!(
            [probe.interval],
            Duration::from_millis(200),
            "four probes fit into dead_after",
            duration
        ),
        dead_after: pick!(
            [probe.dead_after],
            Duration::from_millis(900),
            "a dead path is left within a second",
            duration
        ),
        summaries: pick!(
            [text.summaries],
            Vec::new(),
            "the RFC 1918 blocks that the design uses",
            |list: &Vec<At<Prefix>>| list.iter().map(|at| at.value).collect()
        ),
        mtu: pick!(
            [text.mtu],
            1_340,
            "1400 bytes pass Azure unfragmented, less 60 of WireGuard",
            |mtu: &crate::scalars::Count<576, 1440>| mtu.0 as u16
        ),
        seed: pick!(
            [text.seed],
            1,
            "any seed gives a run that repeats",
            |seed: &crate::scalars::Count<0, 4294967295>| u64::from(seed.0)
        ),
        nva_public: Val::pick(
            &[addresses.nva_public.as_ref()],
            prefix(203, 0, 113, 0, 24),
            "documentation addresses (RFC 5737): in the lab they stand for public ones",
        ),
        underlay_addresses: Val::pick(
            &[addresses.underlays.as_ref()],
            prefix(11, 0, 0, 0, 8),
            "public addresses seen nowhere on the internet, and not in Azure's None routes",
        ),
        behind_nat: Val::pick(
            &[addresses.behind_nat.as_ref()],
            prefix(172, 31, 0, 0, 16),
            "the top /16 of 172.16.0.0/12",
        ),
        lans: Val::pick(
            &[addresses.lans.as_ref()],
            prefix(10, 128, 0, 0, 10),
            "a quarter of 10.0.0.0/8 that regions and loopbacks do not use by default",
        ),
    }
}

/// Which RFC 1918 blocks hold a VNet or a LAN.
fn summaries(regions: &[Region], sites: &[Site]) -> Vec<Prefix> {
    let blocks = [
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
    ];
    let spaces = regions
        .iter()
        .flat_map(Region::vnets)
        .flat_map(|vnet| &vnet.space.value);
    let lans = sites
        .iter()
        .flat_map(|site| &site.lans)
        .map(|lan| &lan.prefix.value);
    let used: Vec<Prefix> = spaces.chain(lans).copied().collect();
    blocks
        .into_iter()
        .filter_map(|(address, len)| Prefix::new(address.into(), len))
        .filter(|block| used.iter().any(|prefix| block.covers(*prefix)))
        .collect()
}

fn underlays(
    file: &DesignFile,
    regions: &[Region],
    overlay: &Overlay,
    reports: &mut Vec<Report>,
) -> Vec<Underlay> {
    let texts = file
        .underlays
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let mut all = texts.0;
    if !all.iter().any(|(name, _)| name.value == "internet") {
        let span = file.name.as_ref().map_or(
            Span {
                file: 0,
                start: 0,
                end: 0,
            },
            |name| name.span,
        );
        all.insert(
            0,
            (
                At {
                    value: "internet".to_owned(),
                    span,
                },
                crate::model::UnderlayText::default(),
            ),
        );
    }
    let part = overlay.underlay_addresses.value.len().max(16);
    let mut underlays = Vec::new();
    for (index, (name, text)) in all.into_iter().enumerate() {
        let kind = if name.value == "internet" {
            UnderlayKind::Internet
        } else {
            UnderlayKind::Mpls
        };
        let kind = Val::pick(
            &[text.kind.as_ref()],
            kind,
            "`internet` is the internet, others are MPLS",
        );
        let (stretch, why) = match kind.value {
            UnderlayKind::Internet => (170, "the internet's paths: 1.7 times the distance"),
            UnderlayKind::Mpls => (150, "a provider's paths: 1.5 times the distance"),
        };
        let pool = overlay.underlay_addresses.value;
        let derived = pool.subnet(part, index as u64).unwrap_or(pool);
        underlays.push(Underlay {
            regions: text
                .regions
                .map(|list| region_indices(&list.value, regions, reports)),
            kind,
            stretch: pick!(
                [text.stretch],
                stretch,
                why,
                |stretch: &crate::scalars::Stretch| stretch.0
            ),
            loss_ppm: pick!(
                [text.loss],
                0,
                "no loss unless said",
                |loss: &crate::scalars::Loss| loss.0
            ),
            jitter: pick!(
                [text.jitter],
                Duration::ZERO,
                "no jitter unless said",
                |span: &crate::scalars::TimeSpan| span.0
            ),
            addresses: Val::pick(
                &[text.addresses.as_ref()],
                derived,
                "a /16 of overlay.addresses.underlays for each underlay, in order",
            ),
            name: Val::line(name.value, name.span),
        });
    }
    underlays
}

fn region_indices(
    list: &[At<String>],
    regions: &[Region],
    reports: &mut Vec<Report>,
) -> Vec<usize> {
    list.iter()
        .filter_map(|name| region_index(name, regions, reports))
        .collect()
}

/// The index of a region that the design names, or a report.
pub(crate) fn region_index(
    name: &At<String>,
    regions: &[Region],
    reports: &mut Vec<Report>,
) -> Option<usize> {
    let found = regions
        .iter()
        .position(|region| region.name.value == name.value);
    if found.is_none() {
        let known: Vec<&str> = regions
            .iter()
            .map(|region| region.name.value.as_str())
            .collect();
        reports.push(unknown("region", &name.value, name.span, known));
    }
    found
}

/// The report for a name that nothing has.
pub(crate) fn unknown(what: &str, name: &str, at: Span, known: Vec<&str>) -> Report {
    Report {
        rule: "unknown-name",
        ..Report::shape(at, format!("there is no {what} `{name}` in this design"))
    }
    .try_this(crate::reader::suggestion(name, known))
}

/// Reports names that are used twice; the first stays.
pub(crate) fn unique<'a>(
    what: &str,
    names: impl Iterator<Item = &'a At<String>>,
    reports: &mut Vec<Report>,
) {
    let mut seen = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.value.as_str()) {
            let says = format!("two {what}s have the name `{}`", name.value);
            let report = Report {
                rule: "duplicate-name",
                ..Report::shape(name.span, says)
            };
            reports.push(report.also(Some(*first), "first here"));
        } else {
            seen.insert(name.value.as_str(), name.span);
        }
    }
}
