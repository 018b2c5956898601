//! The router file as it is written: `longhaul router` starts from it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use inet::{Asn, Net};

use serde_json::{Map, Value, json};

use crate::reader::{At, Named, Shape, record};
use crate::report::Report;
use crate::scalars::{Community, Count, DeviceName, ExtCommunity, Lines, Text, TimeSpan, words};
use crate::tree::{Kind, Node};

record! {
    /// A BGP router for `longhaul router`, format version 1.
    RouterFile required router name asn router_id {
        /// Version of the format.
        router: Count<1, 1> = "1",
        /// The router's name.
        name: DeviceName = "edge1",
        /// Its AS.
        asn: Asn = "65001",
        /// Its BGP identifier: one of its addresses, usually a loopback.
        router_id: Ipv4Addr = "192.0.2.1",
        /// Its cluster as a route reflector (RFC 4456); the router ID when absent.
        cluster_id: Ipv4Addr = "192.0.2.1",
        /// Where it listens; `[]` is nowhere.
        listen: Vec<At<SocketAddr>> = r#"["192.0.2.1:179"]"#,
        /// Path of the control socket, which `longhaul show --control` asks.
        control: Text = "/run/longhaul/edge1.sock",
        /// How many equal paths a prefix may use.
        multipath: MultipathText = r#"{"paths": 8, "as_path": "same-length"}"#,
        /// Between which paths MULTI_EXIT_DISC is compared.
        compare_med: CompareMed = "same-neighbor-as",
        /// Whether ORIGIN takes part in the decision.
        compare_origin: bool = "true",
        /// Whether external routes go before internal ones.
        prefer_external: bool = "true",
        /// Sets and policies in the policy language (docs/policy.md).
        policies: Lines = "policy customer { if prefix length > 24 { reject } set local-pref 200 accept }",
        /// Values that neighbours share, by name.
        templates: Named<NeighborText> = r#"{"customer": {"import": "accept", "multihop": 2}}"#,
        /// The neighbours by name.
        neighbors: Named<NeighborText> = r#"{"bird1": {"address": "192.0.2.2", "local_address": "192.0.2.1", "asn": 65002, "import": "accept", "export": "accept"}}"#,
        /// Ranges of addresses from which neighbours may connect unannounced, by name.
        dynamic: Named<DynamicText> = r#"{"rack": {"prefix": "10.0.0.0/24", "limit": 40, "asns": [65101], "template": "customer"}}"#,
        /// Routes of its own.
        originate: Vec<At<OriginateText>> = r#"[{"prefix": "203.0.113.0/24"}]"#,
        /// Whether what it has chosen goes into the kernel, so that packets follow.
        kernel: bool = "true",
        /// Routes that are not learned; told to nobody unless they are originated too.
        static_routes: Vec<At<StaticRouteText>> = r#"[{"prefix": "198.51.100.0/24", "next_hop": "192.0.2.9"}]"#,
        /// Timers of BFD, for neighbours that have none of their own.
        bfd: BfdText = r#"{"min_tx": "300ms", "min_rx": "300ms", "multiplier": 3}"#,
        /// Where MRT files go (RFC 6396).
        mrt: MrtText = r#"{"directory": "/var/lib/longhaul/mrt"}"#,
        /// BMP stations (RFC 7854).
        bmp: Vec<At<BmpText>> = r#"[{"address": "198.51.100.7:11019"}]"#,
    }
}

record! {
    /// How many equal paths a prefix may use.
    MultipathText {
        /// The most; 1 is the best one only.
        paths: Count<1, 64> = "8",
        /// Which AS_PATHs count as equal.
        as_path: EqualPaths = "same-length",
    }
}

words! {
    /// Which AS_PATHs count as equal for multipath.
    EqualPaths {
        /// The same numbers in the same order.
        Identical = "identical",
        /// The same length.
        SameLength = "same-length",
    }
}

words! {
    /// Between which paths MULTI_EXIT_DISC is compared (RFC 4271 §9.1.2.2 c).
    CompareMed {
        /// Between all.
        Always = "always",
        /// Between none.
        Never = "never",
        /// Between paths from the same neighbouring AS.
        SameNeighborAs = "same-neighbor-as",
    }
}

record! {
    /// A neighbour, or values that neighbours share.
    NeighborText {
        /// Name of the template that has the values which are not here.
        template: String = "customer",
        /// Its address.
        address: IpAddr = "192.0.2.2",
        /// Its AS.
        asn: Asn = "65002",
        /// Our end; the first `listen` address of the family when absent.
        local_address: IpAddr = "192.0.2.1",
        /// TCP port on which it listens.
        port: Count<1, 65535> = "179",
        /// Ourselves as next hop of IPv4 routes, on a session over IPv6.
        local_address_v4: Ipv4Addr = "192.0.2.1",
        /// Ourselves as next hop of IPv6 routes, on a session over IPv4.
        local_address_v6: Ipv6Addr = "2001:db8::1",
        /// Who opens the connection.
        connect: Connect = "both",
        /// Whether the session starts with the daemon.
        enabled: bool = "true",
        /// After how long without a message it is lost; `0s` is never, else at least `3s`.
        hold_time: TimeSpan = "90s",
        /// The longest pause between our KEEPALIVEs; a third of the hold time when absent.
        keepalive: TimeSpan = "30s",
        /// How long it may take none of our bytes (RFC 9687); `0s` is for ever.
        send_hold_time: TimeSpan = "8min",
        /// Time between attempts to connect.
        connect_retry: TimeSpan = "30s",
        /// The first pause after a session failed; doubles with each further failure.
        idle_hold: TimeSpan = "1s",
        /// It is our route reflection client (internal sessions only).
        route_reflector_client: bool = "false",
        /// The interior cost of next hops behind it.
        interior_cost: Count<0, 4294967295> = "10",
        /// On export its own AS in AS_PATH is replaced by ours (external sessions only).
        as_override: bool = "false",
        /// How often our own AS may stand in an AS_PATH that it sends.
        own_as_allowed: Count<0, 10> = "0",
        /// Whether the first AS of an AS_PATH must be its own (external sessions only).
        enforce_first_as: bool = "true",
        /// Time to live of our packets: how many hops away an external neighbour may be.
        multihop: Count<1, 255> = "2",
        /// GTSM (RFC 5082): packets from further away are dropped; `1` is a direct link.
        ttl_security: Count<1, 254> = "1",
        /// File with the password of TCP MD5 (RFC 2385); only its owner may read it.
        password_file: Text = "/etc/longhaul/bird1.password",
        /// TCP-AO (RFC 5925).
        tcp_ao: TcpAoText = r#"{"key_file": "/etc/longhaul/bird1.key", "send_id": 1, "receive_id": 1}"#,
        /// Whether BFD (RFC 5880) watches it and takes the session down, or with which timers.
        bfd: NeighborBfdText = "true",
        /// How many routes it may send.
        prefix_limit: PrefixLimitText = r#"{"max": 1000}"#,
        /// The policy for what it tells us: `accept`, `reject`, or the name of one.
        import: Text = "accept",
        /// The policy for what it is told: `accept`, `reject`, or the name of one.
        export: Text = "accept",
        /// Whether an external neighbour without a policy tells and is told nothing (RFC 8212).
        require_policy: bool = "true",
        /// Whether its routes with GRACEFUL_SHUTDOWN are used last (RFC 8326).
        graceful_shutdown: bool = "true",
        /// Whose address it is told as NEXT_HOP.
        next_hop: NextHop = "standard",
        /// The address families that we offer.
        families: Vec<At<Family>> = r#"["ipv4", "ipv6"]"#,
        /// Whether we offer four-octet AS numbers (RFC 6793).
        four_octet_as: bool = "true",
        /// Whether we offer route refresh (RFC 2918).
        route_refresh: bool = "true",
        /// Whether we offer enhanced route refresh (RFC 7313).
        enhanced_refresh: bool = "true",
        /// Whether we offer messages of up to 65,535 octets (RFC 8654).
        extended_messages: bool = "true",
        /// Whether we offer IPv4 routes with IPv6 next hops (RFC 8950).
        extended_next_hop: bool = "true",
        /// Several paths for a prefix (RFC 7911), in all families.
        add_path: AddPathText = r#"{"receive": true, "send": 4}"#,
        /// What we are to it (RFC 9234).
        role: RoleWord = "provider",
        /// Whether it must say its role as well (RFC 9234 §4.2).
        role_strict: bool = "false",
        /// Graceful restart (RFC 4724).
        graceful_restart: GracefulRestartText = r#"{"restart_time": "120s"}"#,
    }
}

record! {
    /// A range of addresses from which neighbours may connect unannounced.
    DynamicText required prefix template {
        /// The range.
        prefix: Net = "10.0.0.0/24",
        /// How many neighbours it may make at once.
        limit: Count<1, 100000> = "40",
        /// The ASes that they may have; the template's when absent.
        asns: Vec<At<Asn>> = "[65101, 65102]",
        /// Name of the template with their values.
        template: String = "customer",
    }
}

words! {
    /// Who opens the connection.
    Connect {
        /// Either side.
        Both = "both",
        /// We do.
        Active = "active",
        /// The neighbour does; we only listen.
        Passive = "passive",
    }
}

words! {
    /// An address family.
    Family {
        /// IPv4 unicast.
        Ipv4 = "ipv4",
        /// IPv6 unicast.
        Ipv6 = "ipv6",
    }
}

record! {
    /// TCP-AO (RFC 5925) with one key.
    TcpAoText required key_file send_id receive_id {
        /// File with the master key; only its owner may read it.
        key_file: Text = "/etc/longhaul/bird1.key",
        /// The key's ID in what we send.
        send_id: Count<0, 255> = "1",
        /// The key's ID in what we receive.
        receive_id: Count<0, 255> = "1",
        /// The MAC (RFC 5926).
        algorithm: AoMac = "hmac-sha-1-96",
    }
}

words! {
    /// A MAC of TCP-AO.
    AoMac {
        /// HMAC-SHA-1-96.
        HmacSha1 = "hmac-sha-1-96",
        /// AES-128-CMAC-96.
        Aes128Cmac = "aes-128-cmac-96",
        /// HMAC-SHA-256, which Linux has beyond the RFC.
        HmacSha256 = "hmac-sha-256",
    }
}

record! {
    /// Several paths for a prefix (RFC 7911).
    AddPathText {
        /// Whether we take several paths.
        receive: bool = "true",
        /// How many it is told at the most; the best one only when absent.
        send: Count<1, 255> = "4",
    }
}

words! {
    /// What we are to a neighbour (RFC 9234).
    RoleWord {
        /// We sell it transit.
        Provider = "provider",
        /// We are a route server.
        RouteServer = "route-server",
        /// It is a route server.
        RouteServerClient = "route-server-client",
        /// It sells us transit.
        Customer = "customer",
        /// Lateral peers.
        Peer = "peer",
    }
}

record! {
    /// Graceful restart (RFC 4724).
    GracefulRestartText {
        /// How long it is to keep our routes while we are away; at most `4095s`.
        restart_time: TimeSpan = "120s",
        /// How long its routes stay as stale once it is back, when it does not say End-of-RIB.
        stale_time: TimeSpan = "360s",
        /// Whether our forwarding survives our restart, so that it is to keep our routes.
        forwarding: bool = "true",
        /// Whether routes also survive NOTIFICATIONs and expired hold timers (RFC 8538).
        notification: bool = "true",
        /// How long its routes are kept beyond that, as the last choice (RFC 9494).
        long_lived: TimeSpan = "24h",
    }
}

words! {
    /// Whose address is told as NEXT_HOP.
    NextHop {
        /// Ours to external neighbours, as received to internal ones (RFC 4271 §5.1.3).
        Standard = "standard",
        /// Always ours.
        Ourselves = "self",
        /// As received.
        Unchanged = "unchanged",
    }
}

record! {
    /// How many routes a neighbour may send.
    PrefixLimitText required max {
        /// The most that is tolerated.
        max: Count<0, 4000000> = "1000",
        /// How routes are counted.
        count: CountedRoutes = "held",
        /// At this share of `max` a warning is logged, in percent.
        warning_percent: Count<1, 100> = "80",
        /// What one more does.
        on_exceed: LimitAction = "teardown",
        /// How long the neighbour then stays down; the usual pause when absent.
        restart_after: TimeSpan = "5min",
    }
}

words! {
    /// What a route over the limit does.
    LimitAction {
        /// The session ends.
        Teardown = "teardown",
        /// It is logged, and the routes are taken.
        Warn = "warn",
    }
}

words! {
    /// How routes are counted against a limit.
    CountedRoutes {
        /// Distinct prefixes held.
        Held = "held",
        /// Those held when a burst begins, plus every announcement of the burst.
        HeldPlusIncoming = "held-plus-incoming",
    }
}

record! {
    /// A route of the router's own.
    OriginateText required prefix {
        /// The prefix.
        prefix: Net = "203.0.113.0/24",
        /// Who forwards; ourselves when absent.
        next_hop: IpAddr = "192.0.2.9",
        /// ORIGIN.
        origin: OriginWord = "igp",
        /// MULTI_EXIT_DISC.
        med: Count<0, 4294967295> = "50",
        /// LOCAL_PREF, towards internal neighbours.
        local_pref: Count<0, 4294967295> = "200",
        /// AS_PATH that the route comes with.
        as_path: Vec<At<Asn>> = "[65010, 65011]",
        /// Communities, or names of well-known ones.
        communities: Vec<At<Community>> = r#"["65001:100", "no-export"]"#,
        /// Extended communities.
        ext_communities: Vec<At<ExtCommunity>> = r#"["rt:65001:100"]"#,
    }
}

words! {
    /// ORIGIN of a route.
    OriginWord {
        /// Interior to the originating AS.
        Igp = "igp",
        /// Learned by EGP.
        Egp = "egp",
        /// Learned in some other way.
        Incomplete = "incomplete",
    }
}

record! {
    /// A route that is not learned.
    StaticRouteText required prefix {
        /// Where to.
        prefix: Net = "198.51.100.0/24",
        /// By whom; the route discards when absent, which keeps an aggregate from looping.
        next_hop: IpAddr = "192.0.2.9",
    }
}

/// BFD for a neighbour: on or off, or on with timers of its own.
#[derive(Clone, Debug)]
pub(crate) enum NeighborBfdText {
    Switch(bool),
    Timers(BfdText),
}

impl Shape for NeighborBfdText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => BfdText::read(node, reports).map(Self::Timers),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, BfdText::schema(definitions)] })
    }
}

record! {
    /// Timers of BFD (RFC 5880).
    BfdText {
        /// How often we would send.
        min_tx: TimeSpan = "300ms",
        /// How often we would receive.
        min_rx: TimeSpan = "300ms",
        /// How many packets in a row may be lost.
        multiplier: Count<1, 255> = "3",
    }
}

record! {
    /// MRT files (RFC 6396).
    MrtText required directory {
        /// The directory they are written to; it must exist.
        directory: Text = "/var/lib/longhaul/mrt",
        /// Whether messages are written as they come and go.
        messages: bool = "true",
        /// How often the whole table is written; never when absent.
        table_every: TimeSpan = "2h",
        /// After how long a new file is begun.
        rotate_every: TimeSpan = "15min",
    }
}

record! {
    /// A BMP station (RFC 7854).
    BmpText required address {
        /// Where it listens.
        address: SocketAddr = "198.51.100.7:11019",
        /// How often statistics are sent.
        statistics_every: TimeSpan = "1min",
    }
}
