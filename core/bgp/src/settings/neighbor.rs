//! One neighbour, as the operator decided.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use inet::Asn;

use super::{
    AddPaths, Auth, Families, GracefulRestart, Group, Pace, PrefixLimit, Role, TcpOptions,
};
use crate::policy::Policy;

/// TCP port of BGP (RFC 4271 §8).
const BGP_PORT: u16 = 179;

/// One neighbour.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an operator's switch of its own, none depends on another"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// For people.
    pub name: String,
    /// Our end of the session.
    pub local_address: IpAddr,
    /// Its end of the session.
    pub address: IpAddr,
    /// Its TCP port.
    pub port: u16,
    /// Ourselves as next hop of IPv4 routes, on a session over IPv6. Without it, IPv4 routes go
    /// out with an IPv6 next hop where RFC 8950 was negotiated.
    pub local_address_v4: Option<Ipv4Addr>,
    /// Ourselves as next hop of IPv6 routes, on a session over IPv4. Without it, they go out with
    /// our IPv4-mapped address.
    pub local_address_v6: Option<Ipv6Addr>,
    /// Its AS; equal to ours makes the session internal.
    pub remote_as: Asn,
    /// Its class, for policies.
    pub group: Group,
    /// Who opens the connection.
    pub connect: ConnectMode,
    /// Starts with the speaker; otherwise waits for [`crate::Command::Up`].
    pub start_enabled: bool,
    /// What we offer; zero, or at least three seconds.
    pub hold_time: Duration,
    /// Which hold time is in force.
    pub hold_time_rule: HoldTimeRule,
    /// A smaller hold time of the neighbour's is unacceptable (RFC 4271 §6.2); none at all is not.
    pub hold_time_min: Duration,
    /// The longest pause between our KEEPALIVEs, before jitter. A third of the hold time in force
    /// when that is shorter, or `None`.
    pub keepalive: Option<Duration>,
    /// How long its connection may take no bytes before the session ends (RFC 9687); zero is for
    /// ever.
    pub send_hold_time: Duration,
    /// How long our OPEN waits for the neighbour's on a new connection (RFC 4271 §8.1.1,
    /// DelayOpen); zero sends it at once.
    pub delay_open: Duration,
    /// Between attempts to connect, before jitter.
    pub connect_retry: Duration,
    /// The first pause after a session failed, before jitter; doubles with each further failure,
    /// up to 64 times as long (RFC 4271 §8.1.1, DampPeerOscillations).
    pub idle_hold: Duration,
    /// It is our route reflection client (internal sessions only).
    pub route_reflector_client: bool,
    /// The interior cost of next hops behind it (RFC 4271 §9.1.2.2 e).
    pub interior_cost: u32,
    /// On export its own AS in AS_PATH is replaced by ours (external sessions only).
    pub as_override: bool,
    /// How often our own AS may stand in a received AS_PATH; 0 as RFC 4271 §9.1.2 says.
    pub own_as_allowed: u8,
    /// Whether the first AS of a received AS_PATH must be its own (external sessions only).
    pub enforce_first_as: bool,
    /// Time to live of outgoing connections; at least 2 for external multihop sessions. Without
    /// meaning beside `ttl_security`.
    pub ebgp_multihop_ttl: u8,
    /// Takes packets only from at most this many hops away (RFC 5082); 1 is a direct link.
    pub ttl_security: Option<u8>,
    /// What its TCP segments are authenticated with.
    pub auth: Option<Auth>,
    /// Whether its liveness is watched with BFD; [`crate::Command::Down`] tells of its end.
    pub bfd: bool,
    /// How many routes it may send. Without one, [`PrefixLimit::ALWAYS`] holds.
    pub prefix_limit: Option<PrefixLimit>,
    /// How much it is told at once; everything when `None`.
    pub pace: Option<Pace>,
    /// Whether an external neighbour without a policy gets and gives nothing (RFC 8212).
    pub require_policy: bool,
    /// Whether its routes with the community GRACEFUL_SHUTDOWN get LOCAL_PREF 0 (RFC 8326 §4.2).
    pub graceful_shutdown: bool,
    /// Whether NO_EXPORT (RFC 1997) keeps a route from it, if it is external; otherwise it is told
    /// the community and the route.
    pub honour_no_export: bool,
    /// What to take. `None`: everything from an internal neighbour, and what `require_policy`
    /// says from an external one.
    pub import: Option<Policy>,
    /// What to tell. `None`: as for `import`.
    pub export: Option<Policy>,
    /// Whose address it is told as NEXT_HOP.
    pub next_hop: NextHopRule,
    /// The families we offer.
    pub families: Families,
    /// Whether its IPv6 routes are kept; otherwise they are checked and dropped, as Azure Route
    /// Server does.
    pub accept_ipv6: bool,
    /// Whether we offer four-octet AS numbers (RFC 6793).
    pub four_octet_as: bool,
    /// Whether we offer route refresh (RFC 2918).
    pub route_refresh: bool,
    /// Whether we offer enhanced route refresh (RFC 7313).
    pub enhanced_refresh: bool,
    /// Whether we offer messages of up to 65,535 octets (RFC 8654).
    pub extended_messages: bool,
    /// Whether we offer IPv4 routes with IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// What we offer of several paths for each prefix (RFC 7911).
    pub add_path: AddPaths,
    /// What we are to it (RFC 9234); external sessions only.
    pub role: Option<Role>,
    /// Whether it must say its role as well (RFC 9234 §4.2, strict mode).
    pub role_strict: bool,
    /// What we offer of graceful restart (RFC 4724).
    pub graceful_restart: Option<GracefulRestart>,
}

impl Neighbor {
    /// A neighbour with the usual values: hold time 90 s, connect retry 30 s, no policies.
    pub fn new(
        name: impl Into<String>,
        local_address: impl Into<IpAddr>,
        address: impl Into<IpAddr>,
        remote_as: Asn,
    ) -> Self {
        Self {
            name: name.into(),
            local_address: local_address.into(),
            address: address.into(),
            port: BGP_PORT,
            local_address_v4: None,
            local_address_v6: None,
            remote_as,
            group: Group(0),
            connect: ConnectMode::Both,
            start_enabled: true,
            hold_time: Duration::from_secs(90),
            hold_time_rule: HoldTimeRule::Minimum,
            hold_time_min: Duration::ZERO,
            keepalive: None,
            send_hold_time: Duration::from_secs(480),
            delay_open: Duration::ZERO,
            connect_retry: Duration::from_secs(30),
            idle_hold: Duration::from_secs(1),
            route_reflector_client: false,
            interior_cost: 0,
            as_override: false,
            own_as_allowed: 0,
            enforce_first_as: true,
            ebgp_multihop_ttl: 64,
            ttl_security: None,
            auth: None,
            bfd: false,
            prefix_limit: None,
            pace: None,
            require_policy: true,
            graceful_shutdown: false,
            honour_no_export: true,
            import: None,
            export: None,
            next_hop: NextHopRule::Standard,
            families: Families::IPV4,
            accept_ipv6: true,
            four_octet_as: true,
            route_refresh: true,
            enhanced_refresh: false,
            extended_messages: false,
            extended_next_hop: false,
            add_path: AddPaths::default(),
            role: None,
            role_strict: false,
            graceful_restart: None,
        }
    }

    /// Whether its AS is another one than ours.
    pub fn is_external(&self, local_as: Asn) -> bool {
        self.remote_as != local_as
    }

    /// Ourselves as the next hop of IPv4 routes; `None` when we have only an IPv6 address here.
    pub const fn next_hop_v4(&self) -> Option<Ipv4Addr> {
        match self.local_address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => self.local_address_v4,
        }
    }

    /// Ourselves as the next hop of IPv6 routes; an IPv4-mapped address when there is no other.
    pub fn next_hop_v6(&self) -> Ipv6Addr {
        match self.local_address {
            IpAddr::V6(address) => address,
            IpAddr::V4(address) => self
                .local_address_v6
                .unwrap_or_else(|| address.to_ipv6_mapped()),
        }
    }

    /// What its connections need of TCP.
    pub fn tcp_options(&self) -> TcpOptions {
        TcpOptions {
            auth: self.auth.clone(),
            ttl_security: self.ttl_security,
        }
    }
}

/// Which hold time is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldTimeRule {
    /// The smaller of both offers; none when one side offers zero (RFC 4271 §4.2).
    #[default]
    Minimum,
    /// Ours, whatever the neighbour offers.
    Fixed,
}

/// Who opens the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectMode {
    /// Either side; the collision rule picks one of two.
    #[default]
    Both,
    /// We do; calls of the neighbour are refused.
    Active,
    /// The neighbour does; we only listen.
    Passive,
}

/// Whose address a neighbour is told as NEXT_HOP. A policy's `Action::NextHop` goes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHopRule {
    /// RFC 4271 §5.1.3: ours to external neighbours and for what we originate without a next
    /// hop, unchanged to internal ones.
    #[default]
    Standard,
    /// Always ours, for reflected routes as well.
    Ourselves,
    /// As received; ours only for what we originate without a next hop.
    Unchanged,
}
