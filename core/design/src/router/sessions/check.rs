//! What a speaker would trip over, or could never do.

use core::time::Duration;

use bgp::{Neighbor, Settings};

use crate::model::router::NeighborText;
use crate::reader::At;
use crate::report::{Report, Span};

/// The shortest hold time that is not zero (RFC 4271 §4.2).
const HOLD_TIME_MIN: Duration = Duration::from_secs(3);
/// The longest restart time (RFC 4724 §3).
const RESTART_TIME_MAX: Duration = Duration::from_secs(4_095);

/// Reports what cannot be meant.
pub(super) fn check(
    settings: &Settings,
    neighbor: &Neighbor,
    text: &NeighborText,
    reports: &mut Vec<Report>,
) {
    let mut wrong = |at: Option<Span>, says: &str, advice: &str| {
        if let Some(at) = at {
            reports.push(Report::shape(at, says).try_this(advice));
        }
    };
    let hold = neighbor.hold_time;
    let whole = hold.subsec_nanos() == 0 && hold.as_secs() <= u64::from(u16::MAX);
    if !hold.is_zero() && hold < HOLD_TIME_MIN || !whole {
        let says = "a hold time is 0s, or 3s to 65535s in whole seconds (RFC 4271 §4.2)";
        wrong(span(&text.hold_time), says, "");
    }
    if neighbor.address == neighbor.local_address {
        let at = span(&text.local_address).or(span(&text.address));
        wrong(at, "both ends have the same address", "");
    }
    if neighbor.address.is_ipv4() != neighbor.local_address.is_ipv4() {
        let says = "the two ends have addresses of different families";
        wrong(span(&text.local_address), says, "");
    }
    if neighbor.remote_as.0 == 0 {
        wrong(span(&text.asn), "AS 0 is nobody's (RFC 7607)", "");
    }
    if !neighbor.families.ipv4 && !neighbor.families.ipv6 {
        let says = "a session without an address family carries nothing";
        wrong(span(&text.families), says, "name `ipv4` or `ipv6`");
    }
    if let Some(restart) = &neighbor.graceful_restart
        && restart.restart_time > RESTART_TIME_MAX
    {
        let says = "a restart time is at most 4095s (RFC 4724 §3)";
        wrong(span(&text.graceful_restart), says, "use `long_lived` too");
    }
    if let (Some(_), Some(at)) = (&text.ttl_security, &text.multihop) {
        let says = "`multihop` has no meaning beside `ttl_security`";
        wrong(Some(at.span), says, "say the hops in `ttl_security`");
    }
    classes(settings, neighbor, text, reports);
}

/// What only internal or only external neighbours have.
fn classes(
    settings: &Settings,
    neighbor: &Neighbor,
    text: &NeighborText,
    reports: &mut Vec<Report>,
) {
    let external = neighbor.is_external(settings.local_as);
    let mut wrong = |wrong: bool, at: Option<Span>, says: &str| {
        if let (true, Some(at)) = (wrong, at) {
            let advice = "remove it, or look at this neighbour's `asn`";
            reports.push(Report::shape(at, says).try_this(advice));
        }
    };
    wrong(
        external && neighbor.route_reflector_client,
        span(&text.route_reflector_client),
        "an external neighbour is no route reflection client (RFC 4456)",
    );
    wrong(
        !external && neighbor.as_override,
        span(&text.as_override),
        "`as_override` is for external neighbours",
    );
    wrong(
        !external && neighbor.role.is_some(),
        span(&text.role),
        "roles are for external neighbours (RFC 9234 §4.1)",
    );
}

fn span<T>(field: &Option<At<T>>) -> Option<Span> {
    field.as_ref().map(|at| at.span)
}
