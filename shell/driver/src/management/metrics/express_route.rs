//! Metrics of a gateway and of an MSEE, with the platform's names where it has them.
//!
//! The platform's metrics of traffic (flows, packets, bits, processor) are left out: the fabric
//! forwards, and its devices have no load. Names and dimensions are those of
//! `Microsoft.Network/virtualNetworkGateways` and `Microsoft.Network/expressRouteCircuits`.

use prometheus_client::metrics::counter::Counter;
use view::platform::gateway_role;
use view::{CustomerMeasures, ExpressRouteMeasures, SessionMeasures};

use super::{Labels, Sheet};

impl Sheet {
    /// What only a gateway or an MSEE has.
    pub(super) fn express_route(
        &mut self,
        measures: &ExpressRouteMeasures,
        sessions: &[SessionMeasures],
    ) {
        match measures {
            ExpressRouteMeasures::Gateway {
                instance,
                routes_changed,
                sessions_shed,
                learned,
                learned_max,
                announced_max,
                serving,
            } => {
                let role = gateway_role(*instance);
                self.gateway_sessions(&role, sessions);
                self.count(
                    "azure_microsoft_network_virtualnetworkgateways_expressroutegatewayfrequencyofrouteschanged",
                    "ExpressRouteGatewayFrequencyOfRoutesChanged is its rate",
                    *routes_changed,
                );
                self.count(
                    "longhaul_gateway_sessions_shed",
                    "Sessions that ended because there were too many routes",
                    *sessions_shed,
                );
                self.gauge(
                    "longhaul_gateway_routes_learned",
                    "Routes learned from circuits",
                    f64::from(*learned),
                );
                self.limit(
                    "longhaul_gateway_routes_learned_max",
                    "Routes that may be learned from circuits",
                    *learned_max,
                );
                self.limit(
                    "longhaul_gateway_routes_advertised_max",
                    "Routes that may be announced to one circuit",
                    *announced_max,
                );
                self.gauge(
                    "longhaul_gateway_in_service",
                    "Whether the instance is in service: 0 during maintenance",
                    f64::from(u8::from(*serving)),
                );
            }
            ExpressRouteMeasures::Msee {
                circuit,
                primary,
                customers,
                serving,
            } => {
                let peer = if *primary { "Primary" } else { "Secondary" };
                self.availability(circuit, peer, customers, sessions);
                self.gauge(
                    "longhaul_msee_in_service",
                    "Whether the MSEE is in service: 0 during maintenance",
                    f64::from(u8::from(*serving)),
                );
            }
        }
    }

    /// Whether the sessions with the customer's routers stand.
    fn availability(
        &mut self,
        circuit: &str,
        peer: &str,
        customers: &[CustomerMeasures],
        sessions: &[SessionMeasures],
    ) {
        let family = self.gauges(
            "azure_microsoft_network_expressroutecircuits_bgpavailability_average_percent",
            "BgpAvailability: 100 while the session with the customer's router stands",
        );
        for customer in customers {
            let mut found = sessions.iter();
            let stands = found
                .find(|session| session.address == customer.address)
                .is_some_and(|session| session.established);
            let labels = vec![
                ("circuit", circuit.to_owned()),
                ("peeringtype", customer.peering.clone()),
                ("peer", peer.to_owned()),
            ];
            let percent = if stands { 100.0 } else { 0.0 };
            family.get_or_create(&labels).set(percent);
        }
    }

    fn gateway_sessions(&mut self, role: &str, sessions: &[SessionMeasures]) {
        let advertised = self.gauges(
            "azure_microsoft_network_virtualnetworkgateways_expressroutegatewaycountofroutesadvertisedtopeer_maximum_count",
            "ExpressRouteGatewayCountOfRoutesAdvertisedToPeer",
        );
        let learned = self.gauges(
            "azure_microsoft_network_virtualnetworkgateways_expressroutegatewaycountofrouteslearnedfrompeer_maximum_count",
            "ExpressRouteGatewayCountOfRoutesLearnedFromPeer",
        );
        for session in sessions {
            let labels: Labels = vec![
                ("roleinstance", role.to_owned()),
                ("bgppeeraddress", session.address.to_string()),
            ];
            advertised
                .get_or_create(&labels)
                .set(session.advertised as f64);
            learned.get_or_create(&labels).set(session.received as f64);
        }
    }

    /// A number that only grows; its name gets `_total`.
    fn count(&mut self, name: &str, help: &str, value: u64) {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        self.registry.register(name, help, counter);
    }

    /// A limit, where there is one.
    fn limit(&mut self, name: &str, help: &str, most: u32) {
        if most > 0 {
            self.gauge(name, help, f64::from(most));
        }
    }
}
