//! `/metrics`: the numbers of a daemon in OpenMetrics' text form, as Prometheus reads it.
//!
//! The platform's own metrics have the names under which exporters of its monitoring publish them,
//! `azure_{type}_{metric}_{aggregation}_{unit}` in lower case, so that a dashboard made for the
//! platform shows this Route Server too; their dimensions keep the platform's names. Everything
//! else begins with `longhaul_` or, what any process has, with `process_`.

mod budget;
mod counters;
mod express_route;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use view::platform::{PlatformError, role};
use view::{Answer, Measures, Query, RouteServerMeasures, SessionMeasures, TunnelMeasures};

use super::process::ProcessNumbers;
use super::resources::{Reply, misunderstood};
use super::sources::Sources;

/// OpenMetrics 1.0.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What the platform calls the kind of a peer that an operator created.
const PEER_TYPE: &str = "NVA";

/// The page.
pub(crate) async fn page(sources: &Sources) -> Result<Reply, PlatformError> {
    match sources.ask(Query::Measures).await? {
        Answer::Measures(measures) => Ok(Reply {
            status: 200,
            content_type: CONTENT_TYPE,
            body: text(
                &measures,
                utilization(sources, &measures).await,
                &ProcessNumbers::read(),
            ),
        }),
        _ => Err(misunderstood()),
    }
}

/// How much of the limit of VMs is used, in percent, where there is a fabric that counts them.
async fn utilization(sources: &Sources, measures: &Measures) -> Option<f64> {
    sources.hub()?.fabric.as_ref()?;
    let instance = measures.status.device.clone();
    match sources.ask_fabric(Query::Vms { instance }).await {
        Ok(Answer::Vms { vms, most }) if most > 0 => Some(f64::from(vms) * 100.0 / f64::from(most)),
        _ => None,
    }
}

/// The page's text.
fn text(measures: &Measures, utilization: Option<f64>, process: &ProcessNumbers) -> String {
    let mut sheet = Sheet::default();
    sheet.device(measures);
    sheet.sessions(&measures.sessions);
    sheet.tunnels(&measures.tunnels);
    if let Some(server) = &measures.route_server {
        sheet.platform(server, utilization, &measures.sessions);
        sheet.route_server(server);
    }
    if let Some(express_route) = &measures.express_route {
        sheet.express_route(express_route, &measures.sessions);
    }
    if let Some(budget) = &measures.budget {
        sheet.budget(budget);
    }
    if !measures.counters.is_empty() {
        sheet.node_counters(&measures.counters);
    }
    sheet.process(process);
    let mut text = String::new();
    encode(&mut text, &sheet.registry)
        .unwrap_or_else(|fmt::Error| unreachable!("a string takes all"));
    text
}

/// Names and values of dimensions.
type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;

/// A page in the making.
#[derive(Default)]
struct Sheet {
    registry: Registry,
}

impl Sheet {
    fn gauges(&mut self, name: &str, help: &str) -> Gauges {
        let family = Gauges::default();
        self.registry.register(name, help, family.clone());
        family
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help)
            .get_or_create(&Vec::new())
            .set(value);
    }

    fn device(&mut self, measures: &Measures) {
        let status = &measures.status;
        self.gauge(
            "longhaul_bgp_sessions",
            "BGP sessions that are configured",
            f64::from(status.sessions),
        );
        self.gauge(
            "longhaul_bgp_sessions_established",
            "BGP sessions that are established",
            f64::from(status.sessions_up),
        );
        self.gauge(
            "longhaul_bgp_prefixes",
            "Prefixes with a best path",
            measures.prefixes as f64,
        );
    }

    /// A row of each table for each session.
    fn sessions(&mut self, sessions: &[SessionMeasures]) {
        for (name, help, value) in SESSION_GAUGES {
            let family = self.gauges(name, help);
            for session in sessions {
                if let Some(value) = value(session) {
                    family.get_or_create(&of(session)).set(value);
                }
            }
        }
        for (name, help, value) in SESSION_COUNTERS {
            let family = Counters::default();
            self.registry.register(*name, *help, family.clone());
            for session in sessions {
                family.get_or_create(&of(session)).inc_by(value(session));
            }
        }
    }

    fn tunnels(&mut self, tunnels: &[TunnelMeasures]) {
        if tunnels.is_empty() {
            return;
        }
        let up = self.gauges("longhaul_path_up", "Whether the path of the tunnel works");
        let over_tls = self.gauges(
            "longhaul_path_over_tls",
            "Whether the path goes over TLS because UDP is blocked",
        );
        let rtt = self.gauges(
            "longhaul_path_round_trip_seconds",
            "Average round trip over the probe window",
        );
        let loss = self.gauges(
            "longhaul_path_loss_ratio",
            "Share of probes lost over the probe window",
        );
        for tunnel in tunnels {
            let labels = vec![
                ("neighbor", tunnel.neighbor.clone()),
                ("local", tunnel.local.clone()),
                ("remote", tunnel.remote.clone()),
            ];
            up.get_or_create(&labels)
                .set(f64::from(u8::from(tunnel.up)));
            over_tls
                .get_or_create(&labels)
                .set(f64::from(u8::from(tunnel.over_tls)));
            if let Some(us) = tunnel.rtt_us {
                rtt.get_or_create(&labels).set(us as f64 / 1e6);
            }
            if let Some(ppm) = tunnel.loss_ppm {
                loss.get_or_create(&labels).set(f64::from(ppm) / 1e6);
            }
        }
    }

    /// The platform's metrics of a Route Server.
    fn platform(
        &mut self,
        server: &RouteServerMeasures,
        utilization: Option<f64>,
        sessions: &[SessionMeasures],
    ) {
        let labels = |session: &SessionMeasures| -> Labels {
            vec![
                ("bgppeerip", session.address.to_string()),
                ("bgppeertype", PEER_TYPE.to_owned()),
                ("routeserviceinstance", role(server.instance)),
            ]
        };
        let status = self.gauges(
            "azure_microsoft_network_virtualhubs_bgppeerstatus_maximum_count",
            "BgpPeerStatus: 1 connected, 0 not",
        );
        let advertised = self.gauges(
            "azure_microsoft_network_virtualhubs_countofroutesadvertisedtopeer_maximum_count",
            "CountOfRoutesAdvertisedToPeer",
        );
        let learned = self.gauges(
            "azure_microsoft_network_virtualhubs_countofrouteslearnedfrompeer_maximum_count",
            "CountOfRoutesLearnedFromPeer",
        );
        for session in sessions {
            let labels = labels(session);
            status
                .get_or_create(&labels)
                .set(f64::from(u8::from(session.established)));
            advertised
                .get_or_create(&labels)
                .set(session.advertised as f64);
            learned.get_or_create(&labels).set(session.received as f64);
        }
        self.gauge(
            "azure_microsoft_network_virtualhubs_routinginfrastructureunits_maximum_count",
            "RoutingInfrastructureUnits",
            server.units as f64,
        );
        if let Some(percent) = utilization {
            self.gauge(
                "azure_microsoft_network_virtualhubs_spokevmutilization_maximum_percent",
                "SpokeVMUtilization",
                percent,
            );
        }
    }

    fn route_server(&mut self, server: &RouteServerMeasures) {
        self.gauge(
            "longhaul_route_server_peers_max",
            "Peers that there may be",
            server.peers_max as f64,
        );
        self.gauge(
            "longhaul_route_server_programmed_prefixes",
            "Prefixes that the network interfaces are to have",
            server.programmed as f64,
        );
        self.gauge(
            "longhaul_route_server_prefixes",
            "Prefixes handled in all, the VNets' address space included",
            server.prefixes as f64,
        );
        if let Some(most) = server.prefixes_max {
            self.gauge(
                "longhaul_route_server_prefixes_max",
                "Prefixes that may be handled in all",
                most as f64,
            );
        }
        self.gauge(
            "longhaul_route_server_in_service",
            "Whether the instance is in service: 0 during maintenance",
            f64::from(u8::from(server.serving)),
        );
        if let Some(programming) = &server.programming {
            self.gauge(
                "longhaul_route_server_fabric_connected",
                "Whether the fabric that programs network interfaces is reached",
                f64::from(u8::from(programming.connected)),
            );
            self.gauge(
                "longhaul_route_server_programming_queue",
                "Decisions that the fabric has not taken",
                programming.queued as f64,
            );
            self.gauge(
                "longhaul_route_server_programming_lag_seconds",
                "How long the decision that the fabric took last had waited",
                programming.lag_us as f64 / 1e6,
            );
        }
    }

    fn process(&mut self, process: &ProcessNumbers) {
        self.gauge(
            "process_resident_memory_bytes",
            "Resident memory",
            process.resident_octets as f64,
        );
        self.gauge(
            "process_open_fds",
            "Open file descriptors",
            process.descriptors as f64,
        );
        let cpu: Counter<f64, AtomicU64> = Counter::default();
        cpu.inc_by(process.cpu_seconds);
        self.registry.register(
            "process_cpu_seconds",
            "Processor time used, in user mode and in the kernel",
            cpu,
        );
    }
}

/// A metric of a session: its name, its help text, and what it is at a session.
type Row<T> = (&'static str, &'static str, fn(&SessionMeasures) -> T);

const SESSION_GAUGES: &[Row<Option<f64>>] = &[
    (
        "longhaul_bgp_session_established",
        "Whether the session is established",
        |session| Some(f64::from(u8::from(session.established))),
    ),
    (
        "longhaul_bgp_session_age_seconds",
        "Time since the session was established, or since it ended",
        |session| Some(session.since_ms as f64 / 1000.0),
    ),
    (
        "longhaul_bgp_session_prefixes_received",
        "Prefixes held from the neighbour",
        |session| Some(session.received as f64),
    ),
    (
        "longhaul_bgp_session_prefixes_accepted",
        "Prefixes held from the neighbour that passed policy and loop checks",
        |session| Some(session.accepted as f64),
    ),
    (
        "longhaul_bgp_session_prefixes_advertised",
        "Prefixes announced to the neighbour",
        |session| Some(session.advertised as f64),
    ),
    (
        "longhaul_bgp_session_prefixes_max",
        "Prefixes that the neighbour may have; one without a limit is left out",
        |session| session.prefixes_max.map(|max| max as f64),
    ),
];

/// Their names get `_total`.
const SESSION_COUNTERS: &[Row<u64>] = &[
    (
        "longhaul_bgp_session_establishments",
        "Times that the session was established: more than one is a flap",
        |session| session.established_count,
    ),
    (
        "longhaul_bgp_session_updates_received",
        "UPDATE messages received",
        |session| session.updates_in,
    ),
    (
        "longhaul_bgp_session_updates_sent",
        "UPDATE messages sent",
        |session| session.updates_out,
    ),
    (
        "longhaul_bgp_session_messages_received",
        "Messages received",
        |session| session.messages_in,
    ),
    (
        "longhaul_bgp_session_messages_sent",
        "Messages sent",
        |session| session.messages_out,
    ),
    (
        "longhaul_bgp_session_update_faults",
        "UPDATE messages with a fault that the session survived (RFC 7606)",
        |session| session.faults,
    ),
];

fn of(session: &SessionMeasures) -> Labels {
    vec![
        ("neighbor", session.neighbor.clone()),
        ("address", session.address.to_string()),
    ]
}
