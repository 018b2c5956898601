//! Our OPEN, and what both OPENs make of the session: families and extensions that both sides
//! offer, the hold time, and the reasons to refuse.
//!
//! RFC 5492 §3 lets a speaker try again without capabilities when its OPEN was refused for them. We do
//! not: every speaker of today ignores capabilities that it does not know, and a session without them
//! would be another one than the operator asked for.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Asn;

use crate::settings::{AddPath, Families, GracefulRestart, HoldTimeRule, Neighbor, Role, Settings};
use crate::wire::capability::{
    AFI_IPV6, Capability, Family, LongLivedFamily, PathDirection, RESTART_TIME_MAX_S, RestartOffer,
};
use crate::wire::notification::{Notification, code, open as open_error};
use crate::wire::open::Open;

/// Who speaks: what an OPEN needs of us beside the neighbour's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) local_as: Asn,
    pub(crate) router_id: Ipv4Addr,
    /// We have restarted and are not complete yet (RFC 4724 §4.1).
    pub(crate) restarted: bool,
}

impl Origin {
    pub(crate) const fn of(settings: &Settings, restarted: bool) -> Self {
        Self {
            local_as: settings.local_as,
            router_id: settings.router_id,
            restarted,
        }
    }
}

/// How UPDATEs look on a session, both ways. Index 0 is IPv4, 1 is IPv6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an extension of its own"
)]
pub struct Agreed {
    /// AS numbers have four octets (RFC 6793).
    pub four_octet: bool,
    /// IPv4 unicast.
    pub ipv4: bool,
    /// IPv6 unicast.
    pub ipv6: bool,
    /// IPv4 routes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// We may send up to 65,535 octets (RFC 8654).
    pub extended_messages: bool,
    /// The neighbour tells several paths (RFC 7911).
    pub add_path_in: [bool; 2],
    /// We tell several paths, and at most how many.
    pub add_path_out: [Option<u8>; 2],
    /// What we are to the neighbour (RFC 9234).
    pub role: Option<Role>,
}

impl Agreed {
    /// The families, IPv4 first.
    pub(crate) fn families(self) -> impl Iterator<Item = Family> + use<> {
        let families = [
            (self.ipv4, Family::IPV4_UNICAST),
            (self.ipv6, Family::IPV6_UNICAST),
        ];
        families
            .into_iter()
            .filter_map(|(spoken, family)| spoken.then_some(family))
    }
}

/// Everything that two OPENs make of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// How UPDATEs look.
    pub agreed: Agreed,
    /// Hold time in force; zero is none.
    pub hold_time: Duration,
    /// The pause between our KEEPALIVEs before jitter; zero is none.
    pub keepalive: Duration,
    /// The neighbour answers ROUTE-REFRESH (RFC 2918).
    pub refresh: bool,
    /// Refreshes have a beginning and an end (RFC 7313).
    pub enhanced_refresh: bool,
    /// What the neighbour offers of graceful restart, if we offer it too (RFC 4724).
    pub graceful_restart: Option<RestartOffer>,
    /// The same for long-lived graceful restart (RFC 9494).
    pub long_lived: Vec<LongLivedFamily>,
    /// What the neighbour says it is (RFC 9234).
    pub remote_role: Option<Role>,
}

impl Negotiated {
    /// From our settings and their OPEN, which has passed [`check_open`].
    pub(crate) fn new(neighbor: &Neighbor, local_as: Asn, open: &Open) -> Self {
        let families = common(neighbor.families, open);
        let add_path = |family, ours: AddPath| {
            let theirs = open.add_path(family);
            let takes = ours.receive && theirs.is_some_and(PathDirection::sends);
            let tells = ours
                .send
                .filter(|_| theirs.is_some_and(PathDirection::receives));
            (takes, tells)
        };
        let (in4, out4) = add_path(Family::IPV4_UNICAST, neighbor.add_path.ipv4);
        let (in6, out6) = add_path(Family::IPV6_UNICAST, neighbor.add_path.ipv6);
        let graceful_restart = neighbor
            .graceful_restart
            .and_then(|_| open.graceful_restart().cloned());
        let long_lived = match (neighbor.graceful_restart, &graceful_restart) {
            (Some(ours), Some(_)) if ours.long_lived.is_some() => open.long_lived().to_vec(),
            _ => Vec::new(),
        };
        let has = |capability| open.capabilities.contains(&capability);
        let hold_time = hold_time(neighbor, open);
        let third = hold_time / 3;
        let external = neighbor.is_external(local_as);
        Self {
            agreed: Agreed {
                four_octet: neighbor.four_octet_as && open.four_octet_as().is_some(),
                ipv4: families.ipv4,
                ipv6: families.ipv6,
                extended_next_hop: neighbor.extended_next_hop && open.extended_next_hop(),
                extended_messages: neighbor.extended_messages && has(Capability::ExtendedMessage),
                add_path_in: [in4, in6],
                add_path_out: [out4, out6],
                role: neighbor.role.filter(|_| external),
            },
            hold_time,
            keepalive: neighbor
                .keepalive
                .map_or(third, |ours| ours.max(KEEPALIVE_MIN).min(third)),
            refresh: open.refreshes(),
            enhanced_refresh: neighbor.enhanced_refresh && has(Capability::EnhancedRefresh),
            graceful_restart,
            long_lived,
            remote_role: open.role().ok().flatten().flatten(),
        }
    }

    /// Whether NOTIFICATIONs keep the routes (RFC 8538): both sides say so.
    pub(crate) fn survives_notifications(&self, neighbor: &Neighbor) -> bool {
        neighbor
            .graceful_restart
            .is_some_and(|ours| ours.notification)
            && self
                .graceful_restart
                .as_ref()
                .is_some_and(|theirs| theirs.notification)
    }
}

impl Negotiated {
    /// How long the neighbour asks for its routes of a family to be kept beyond the restart time
    /// (RFC 9494 §4.2), and we are willing to.
    pub(crate) fn long_lived_time(&self, family: Family) -> Duration {
        let one = self.long_lived.iter().find(|one| one.family == family);
        one.map_or(Duration::ZERO, |one| {
            Duration::from_secs(u64::from(one.stale_time_s))
        })
    }
}

/// Our OPEN to a neighbour. Capabilities stand in the order of their codes.
pub(crate) fn our_open(us: Origin, neighbor: &Neighbor) -> Open {
    Open {
        my_as: u16::try_from(us.local_as.0).unwrap_or(Asn::TRANS.0 as u16),
        hold_time_s: u16::try_from(neighbor.hold_time.as_secs()).unwrap_or(u16::MAX),
        router_id: us.router_id,
        capabilities: offers(us, neighbor),
    }
}

fn offers(us: Origin, neighbor: &Neighbor) -> Vec<Capability> {
    let families = listed(neighbor.families);
    let mut offers: Vec<Capability> = families
        .iter()
        .copied()
        .map(Capability::Multiprotocol)
        .collect();
    if neighbor.route_refresh {
        offers.push(Capability::RouteRefresh);
    }
    if neighbor.extended_next_hop {
        offers.push(Capability::ExtendedNextHop(vec![(
            Family::IPV4_UNICAST,
            AFI_IPV6,
        )]));
    }
    if neighbor.extended_messages {
        offers.push(Capability::ExtendedMessage);
    }
    if let Some(role) = neighbor.role.filter(|_| neighbor.is_external(us.local_as)) {
        offers.push(Capability::Role(Some(role)));
    }
    if let Some(restart) = &neighbor.graceful_restart {
        offers.push(restart_offer(us, restart, &families));
    }
    if neighbor.four_octet_as {
        offers.push(Capability::FourOctetAs(us.local_as));
    }
    let directions = families.iter().filter_map(|family| {
        let ours = match *family {
            Family::IPV4_UNICAST => neighbor.add_path.ipv4,
            _ => neighbor.add_path.ipv6,
        };
        Some((
            *family,
            PathDirection::new(ours.receive, ours.send.is_some())?,
        ))
    });
    let directions: Vec<_> = directions.collect();
    if !directions.is_empty() {
        offers.push(Capability::AddPath(directions));
    }
    if neighbor.enhanced_refresh {
        offers.push(Capability::EnhancedRefresh);
    }
    let restart = neighbor.graceful_restart;
    if let Some((restart, time)) = restart.and_then(|restart| Some((restart, restart.long_lived?)))
    {
        let family = |family: &Family| LongLivedFamily {
            family: *family,
            forwarding: restart.forwarding,
            stale_time_s: u32::try_from(time.as_secs())
                .map_or(STALE_TIME_MAX_S, |time| time.min(STALE_TIME_MAX_S)),
        };
        offers.push(Capability::LongLived(families.iter().map(family).collect()));
    }
    offers
}

/// RFC 4724 §3: families are listed only by a speaker whose forwarding survives its restart.
fn restart_offer(us: Origin, restart: &GracefulRestart, families: &[Family]) -> Capability {
    let kept: &[Family] = if restart.forwarding { families } else { &[] };
    let time = u16::try_from(restart.restart_time.as_secs());
    Capability::GracefulRestart(RestartOffer {
        restarted: us.restarted,
        notification: restart.notification,
        restart_time_s: time.unwrap_or(RESTART_TIME_MAX_S).min(RESTART_TIME_MAX_S),
        families: kept.iter().map(|family| (*family, true)).collect(),
    })
}

/// Whether their OPEN fits what the operator configured (RFC 4271 §6.2, RFC 5492 §3,
/// RFC 6286 §2.2, RFC 9234 §4.2).
pub(crate) fn check_open(
    open: &Open,
    settings: &Settings,
    neighbor: &Neighbor,
) -> Result<(), Notification> {
    let refuse = |subcode| Err(Notification::new(code::OPEN, subcode, Vec::new()));
    if open_as(open, neighbor) != neighbor.remote_as {
        return refuse(open_error::PEER_AS);
    }
    if neighbor.remote_as == settings.local_as && open.router_id == settings.router_id {
        return refuse(open_error::IDENTIFIER);
    }
    let theirs = Duration::from_secs(open.hold_time_s.into());
    if !theirs.is_zero() && theirs < neighbor.hold_time_min {
        return refuse(open_error::HOLD_TIME);
    }
    let families = common(neighbor.families, open);
    if families == Families::NONE {
        let mut data = Vec::new();
        for family in listed(neighbor.families) {
            Capability::Multiprotocol(family).write(&mut data);
        }
        return Err(Notification::new(code::OPEN, open_error::CAPABILITY, data));
    }
    let external = neighbor.is_external(settings.local_as);
    match (neighbor.role.filter(|_| external), open.role()) {
        (None, _) => Ok(()),
        (Some(ours), Ok(Some(theirs))) if theirs == Some(ours.counterpart()) => Ok(()),
        (Some(_), Ok(None)) if !neighbor.role_strict => Ok(()),
        (Some(_), _) => refuse(open_error::ROLE),
    }
}

/// The AS that an OPEN names, as far as we look at the four-octet capability.
pub(crate) fn open_as(open: &Open, neighbor: &Neighbor) -> Asn {
    if neighbor.four_octet_as {
        open.asn()
    } else {
        Asn(u32::from(open.my_as))
    }
}

fn common(ours: Families, open: &Open) -> Families {
    Families {
        ipv4: ours.ipv4 && open.speaks(Family::IPV4_UNICAST),
        ipv6: ours.ipv6 && open.speaks(Family::IPV6_UNICAST),
    }
}

fn listed(families: Families) -> Vec<Family> {
    let mut list = Vec::new();
    if families.ipv4 {
        list.push(Family::IPV4_UNICAST);
    }
    if families.ipv6 {
        list.push(Family::IPV6_UNICAST);
    }
    list
}

fn hold_time(neighbor: &Neighbor, open: &Open) -> Duration {
    let (ours, theirs) = (
        neighbor.hold_time,
        Duration::from_secs(u64::from(open.hold_time_s)),
    );
    match neighbor.hold_time_rule {
        HoldTimeRule::Fixed => ours,
        HoldTimeRule::Minimum => ours.min(theirs),
    }
}

/// RFC 4271 §4.4: not more than one KEEPALIVE in a second.
const KEEPALIVE_MIN: Duration = Duration::from_secs(1);
/// The longest stale time (RFC 9494 §3.1).
const STALE_TIME_MAX_S: u32 = 0x00ff_ffff;

#[cfg(test)]
mod tests;
