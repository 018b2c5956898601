//! The documents that rules come from, with the date of the revision that was read.

use crate::report::Source;

/// A page of Microsoft's documentation.
macro_rules! pages {
    ($( $name:ident $dated:literal $page:literal )+) => {$(
        pub(super) const $name: Source = Source {
            document: concat!("https://learn.microsoft.com/azure/", $page),
            dated: $dated,
        };
    )+};
}

pages! {
    FAQ "2025-09-17" "route-server/route-server-faq"
    QUICKSTART "2025-09-17" "route-server/quickstart-create-route-server-portal"
    LIMITS "2025-02-07" "azure-resource-manager/management/azure-subscription-service-limits"
    CAPACITY "2025-10-31" "route-server/route-server-capacity"
    EXPRESS_ROUTE_VPN "2025-09-17" "route-server/expressroute-vpn-support"
    ROUTE_MAPS "2026-07-17" "route-server/route-maps-about"
    TROUBLESHOOT "2023-12-17" "route-server/troubleshoot-route-server"
    MULTI_REGION "2024-03-01" "route-server/multiregion"
    INJECTION "2024-03-01" "route-server/route-injection-in-spokes"
    ER_ROUTING "2026-03-12" "expressroute/expressroute-routing"
    ER_GATEWAYS "2026-09-05" "expressroute/expressroute-about-virtual-network-gateways"
    ER_LOCATIONS "2023-11-06" "expressroute/expressroute-locations-providers"
    ER_PEERINGS "2026-03-12" "expressroute/expressroute-circuit-peerings"
    FAST_PATH "2026-09-05" "expressroute/about-fastpath"
    VM_MTU "2025-02-01" "virtual-network/how-to-virtual-machine-mtu"
    USER_ROUTES "2023-05-01" "virtual-network/virtual-networks-udr-overview"
    PEERING "2025-02-01" "virtual-network/virtual-network-peering-overview"
    NSG "2025-07-01" "virtual-network/network-security-groups-overview"
    VNET_FAQ "2025-02-01" "virtual-network/virtual-networks-faq"
    PUBLIC_ADDRESSES "2025-02-01" "virtual-network/ip-services/public-ip-addresses"
    SDWAN "2024-03-01" "architecture/networking/guide/sdwan-integration-in-hub-and-spoke-network-topologies"
}
