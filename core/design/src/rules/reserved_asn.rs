//! AS numbers that Route Server does not peer with.

use inet::Asn;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::{Settled, Val};

pub(super) static RULE: Rule = Rule {
    id: "reserved-asn",
    severity: Severity::Error,
    says: "An AS number is reserved, or does not fit 16 bits.",
    because: "Route Server takes peers with 16-bit AS numbers that neither Azure nor IANA reserves",
    try_this: "choose one of 64512 to 65514 or 65521 to 65534",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
overlay: {asn: 65010}
regions: {westeurope: {foreign: {bird1: {asn: 65020}}}}
",
    failing: "longhaul: 1
name: d
overlay: {asn: 65515}
regions: {westeurope: {foreign: {bird1: {asn: 4200000000}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    if settled
        .regions
        .iter()
        .any(|region| region.route_server.is_some())
    {
        asn(rule, &settled.overlay.asn, "the overlay", reports);
    }
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        for router in region.foreign.iter().filter(|router| router.peers.value) {
            let by = format!("{}.{}", router.name.value, region.name.value);
            asn(rule, &router.asn, &by, reports);
        }
    }
}

fn asn(rule: &Rule, asn: &Val<Asn>, by: &str, reports: &mut Vec<Report>) {
    let at = [asn.why.span()];
    let Asn(number) = asn.value;
    if let Some(whose) = reserved(number) {
        reports.push(rule.report(&at, format!("AS {number} of {by} is reserved {whose}")));
    } else if !asn.value.is_two_octet() {
        reports.push(rule.report(&at, format!("AS {number} of {by} does not fit 16 bits")));
    } else if !asn.value.is_private() {
        let mut report = rule.report(&at, format!("AS {number} of {by} is a public AS number"));
        report.severity = Severity::Warning;
        reports.push(
            report
                .because("routes that leave over ExpressRoute would seem to come from its holder"),
        );
    }
}

/// Whom an AS number that neither Route Server nor its route maps take is reserved for.
pub(super) const fn reserved(number: u32) -> Option<&'static str> {
    match number {
        8_074 | 8_075 | 12_076 => Some("for Azure (public)"),
        65_515 | 65_517..=65_520 => Some("for Azure (private)"),
        0 | 23_456 | 64_496..=64_511 | 65_535..=65_551 => Some("by IANA"),
        _ => None,
    }
}
