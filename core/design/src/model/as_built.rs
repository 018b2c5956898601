//! What stands besides the Plan's devices, or was configured by hand: facts that `check` compares
//! with what the platform needs. Nothing else reads them.

use inet::Asn;

use crate::reader::{At, record};
use crate::scalars::{Count, words};

record! {
    /// Facts of a region as it is built, where they differ from what Longhaul sets up by itself.
    AsBuiltText {
        /// Route Server's public address.
        public_ip: PublicIpText = r#"{"sku": "standard", "allocation": "static"}"#,
        /// A VPN gateway beside Route Server.
        vpn_gateway: VpnGatewayText = r#"{"active_active": true, "asn": 65515}"#,
        /// Subnets of the hub that have a service-endpoint policy.
        service_endpoint_policies: Vec<At<SubnetName>> = r#"["nva"]"#,
        /// Spokes that are connected to a hub of Virtual WAN.
        virtual_wan_spokes: Vec<At<String>> = r#"["spoke1"]"#,
        /// The NVAs, where they are of other make.
        nvas: NvaFactsText = r#"{"os_forwarding": true}"#,
    }
}

/// A subnet by the platform's name, upper case included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubnetName(pub(crate) String);

impl crate::reader::Shape for SubnetName {
    fn read(node: &crate::tree::Node, reports: &mut Vec<crate::report::Report>) -> Option<Self> {
        crate::scalars::Text::read(node, reports).map(|text| Self(text.0))
    }

    fn schema(definitions: &mut serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
        crate::scalars::Text::schema(definitions)
    }
}

record! {
    /// Route Server's public address.
    PublicIpText {
        /// SKU.
        sku: PublicIpSku = "standard",
        /// How it is assigned.
        allocation: Allocation = "static",
    }
}

words! {
    /// SKU of a public address.
    PublicIpSku {
        /// Retired.
        Basic = "basic",
        /// What the platform asks for.
        Standard = "standard",
    }
}

words! {
    /// How an address is assigned.
    Allocation {
        /// Once and for all.
        Static = "static",
        /// While in use.
        Dynamic = "dynamic",
    }
}

record! {
    /// A VPN gateway.
    VpnGatewayText {
        /// Whether both of its instances carry traffic.
        active_active: bool = "true",
        /// Its AS.
        asn: Asn = "65515",
    }
}

record! {
    /// Facts of a region's NVAs.
    NvaFactsText {
        /// The platform lets packets pass at their interfaces that are not their own.
        ip_forwarding: bool = "true",
        /// Their operating system forwards.
        os_forwarding: bool = "true",
        /// Interfaces that carry traffic of sites.
        traffic_interfaces: Count<1, 8> = "1",
        /// The number of hops of their BGP sessions with Route Server.
        multihop: Count<1, 255> = "2",
        /// They have routes of their own to both addresses of Route Server.
        static_routes: bool = "true",
        /// They speak Route Refresh (RFC 2918).
        route_refresh: bool = "true",
        /// They take the platform's AS out of paths before they announce them to another region.
        as_override: bool = "true",
        /// They keep state about flows and drop what does not belong to one.
        stateful: bool = "false",
        /// They translate sources to their own address.
        source_nat: bool = "false",
        /// A load balancer stands before their tunnel endpoints.
        load_balancer: bool = "false",
        /// What carries the tunnels.
        transport: Transport = "udp",
    }
}

words! {
    /// What carries tunnels.
    Transport {
        /// UDP: WireGuard, VXLAN, IPsec with NAT traversal.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
        /// ESP without NAT traversal.
        Esp = "esp",
        /// GRE.
        Gre = "gre",
        /// IP in IP.
        Ipip = "ipip",
    }
}
