//! What `check` looks for: one file for each rule.
//!
//! A rule is data and one function. Its texts are what the book and `explain` show; its two small
//! designs are its tests: one that passes and one that it must find something in.

mod announcement_not_programmed;
mod as_path_65515;
mod branch_to_branch_underlay;
mod circuit_asn;
mod circuit_links;
mod circuit_loop;
mod circuit_reach;
mod counts;
mod default_route_loop;
mod default_to_on_premises;
mod duplicate_address;
mod edges;
mod express_route_ecmp;
mod fast_path;
mod forbidden_range;
mod gateway_capacity;
mod gateway_circuits;
mod gateway_subnet_route;
mod hub_relay;
mod hub_to_hub_plain;
mod ip_forwarding;
mod ipv6_with_route_server;
mod microsoft_peering;
mod msee_timers;
mod no_advertise;
mod nsg_rules;
mod nva_bgp_reach;
mod nva_subnet_nsg;
mod one_route_server_instance;
mod overlapping_address_space;
mod prepend_invisible;
mod propagation_off;
mod reserved_asn;
mod reserved_community;
mod route_budget;
mod route_map;
mod route_refresh;
mod route_server_peers;
mod route_server_public_ip;
mod route_server_subnet;
mod routes_from_on_premises;
mod routes_per_peer;
mod routes_per_table;
mod routes_to_express_route;
mod routes_total;
mod service_endpoint_policy;
mod site_without_region;
mod sources;
mod spoke_peering;
mod stateful_nva;
mod subnet_name;
mod subnet_size;
mod tunnel_mtu;
mod tunnel_transport;
mod underlay_bypass;
mod underlay_mtu;
mod unreachable_region;
mod user_route_next_hop;
mod vms_per_route_server;
mod vnet_limits;
mod vpn_default_route;
mod vpn_gateway;

use crate::report::{Report, Severity, Source, Span};
use crate::settle::Settled;

/// A rule of `check`.
#[derive(Debug)]
pub struct Rule {
    /// Stable kebab-case name.
    pub id: &'static str,
    /// How bad a finding is at worst.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub says: &'static str,
    /// Why that matters.
    pub because: &'static str,
    /// What to do.
    pub try_this: &'static str,
    /// The document it comes from, with its date.
    pub source: Source,
    /// A design without findings.
    pub passing: &'static str,
    /// A design that it finds something in.
    pub failing: &'static str,
    check: fn(&Self, &Settled, &mut Vec<Report>),
}

impl Rule {
    /// A finding of this rule. The place is that of the value if it is written, else of what has it.
    fn report(&self, places: &[Option<Span>], says: String) -> Report {
        Report {
            rule: self.id,
            severity: self.severity,
            at: places.iter().flatten().next().copied(),
            says,
            because: self.because.to_owned(),
            try_this: self.try_this.to_owned(),
            source: self.source,
            also: Vec::new(),
        }
    }
}

/// All rules, by name.
pub fn rules() -> &'static [&'static Rule] {
    &RULES
}

static RULES: [&Rule; 59] = [
    &announcement_not_programmed::RULE,
    &as_path_65515::RULE,
    &branch_to_branch_underlay::RULE,
    &circuit_asn::RULE,
    &circuit_links::RULE,
    &circuit_loop::RULE,
    &circuit_reach::RULE,
    &default_route_loop::RULE,
    &default_to_on_premises::RULE,
    &duplicate_address::RULE,
    &express_route_ecmp::RULE,
    &fast_path::RULE,
    &forbidden_range::RULE,
    &gateway_capacity::RULE,
    &gateway_circuits::RULE,
    &gateway_subnet_route::RULE,
    &hub_relay::RULE,
    &hub_to_hub_plain::RULE,
    &ip_forwarding::RULE,
    &ipv6_with_route_server::RULE,
    &microsoft_peering::RULE,
    &msee_timers::RULE,
    &no_advertise::RULE,
    &nsg_rules::RULE,
    &nva_bgp_reach::RULE,
    &nva_subnet_nsg::RULE,
    &one_route_server_instance::RULE,
    &overlapping_address_space::RULE,
    &prepend_invisible::RULE,
    &propagation_off::RULE,
    &reserved_asn::RULE,
    &reserved_community::RULE,
    &route_budget::RULE,
    &route_map::RULE,
    &route_refresh::RULE,
    &route_server_peers::RULE,
    &route_server_public_ip::RULE,
    &route_server_subnet::RULE,
    &routes_from_on_premises::RULE,
    &routes_per_peer::RULE,
    &routes_per_table::RULE,
    &routes_to_express_route::RULE,
    &routes_total::RULE,
    &service_endpoint_policy::RULE,
    &site_without_region::RULE,
    &spoke_peering::RULE,
    &stateful_nva::RULE,
    &subnet_name::RULE,
    &subnet_size::RULE,
    &tunnel_mtu::RULE,
    &tunnel_transport::RULE,
    &underlay_bypass::RULE,
    &underlay_mtu::RULE,
    &unreachable_region::RULE,
    &user_route_next_hop::RULE,
    &vms_per_route_server::RULE,
    &vnet_limits::RULE,
    &vpn_default_route::RULE,
    &vpn_gateway::RULE,
];

/// Runs every rule.
pub(crate) fn run(settled: &Settled, reports: &mut Vec<Report>) {
    for rule in rules() {
        (rule.check)(rule, settled, reports);
    }
}

/// Reports what keeps a Plan from being made.
pub(crate) fn run_needed(settled: &Settled, reports: &mut Vec<Report>) {
    for rule in [&site_without_region::RULE, &unreachable_region::RULE] {
        (rule.check)(rule, settled, reports);
    }
}

#[cfg(test)]
mod tests;
