//! The platform: its limits by date, and what it does where it publishes nothing.

use serde_json::{Map, Value, json};

use crate::platform::{
    ErGwNumbersText, ErGwScaleNumbersText, ExpressRouteNumbersText, Month, VmNumbersText,
    VnetNumbersText,
};
use crate::reader::{Shape, expected, record};
use crate::report::Report;
use crate::scalars::{Count, TimeSpan, scalar, words};
use crate::tree::Node;

record! {
    /// The platform's limits, and what it does where it publishes nothing.
    PlatformText {
        /// The month whose published limits hold.
        as_of: Month = "2025-09",
        /// BGP peers of a Route Server.
        peers: Count<1, 1000> = "8",
        /// Routes that a Route Server takes from one peer, held and incoming counted together.
        routes_per_peer: Count<1, 100000> = "4000",
        /// Prefixes that a Route Server handles in all; 0 is no limit.
        routes_total: Count<0, 10000000> = "10000",
        /// VMs that a Route Server is sure to program; 0 is no limit.
        vms: Count<0, 1000000> = "4000",
        /// VMs that each further infrastructure unit adds.
        vms_per_unit: Count<0, 1000000> = "1000",
        /// VMs with all infrastructure units.
        vms_max: Count<0, 1000000> = "50000",
        /// Infrastructure units that every Route Server has.
        units: Count<1, 1000> = "2",
        /// Infrastructure units that a Route Server can have.
        units_max: Count<1, 1000> = "48",
        /// VNets around a Route Server, its own included; 0 is no limit.
        vnets: Count<0, 100000> = "500",
        /// Equal next hops of a prefix.
        next_hops: Count<1, 255> = "8",
        /// Prefixes sent on to an ExpressRoute circuit, those of the VNets included.
        routes_to_express_route: Count<1, 100000> = "1000",
        /// Length of the longest prefix that RouteServerSubnet can have.
        subnet: Count<8, 29> = "26",
        /// Figures of the gateway SKU ErGw1AZ.
        ergw1az: ErGwNumbersText = r#"{"learned": 4000}"#,
        /// Figures of the gateway SKU ErGw2AZ.
        ergw2az: ErGwNumbersText = r#"{"learned": 9500}"#,
        /// Figures of the gateway SKU ErGw3AZ.
        ergw3az: ErGwNumbersText = r#"{"learned": 9500}"#,
        /// Figures of the gateway SKU ErGwScale, for each of its units.
        ergwscale: ErGwScaleNumbersText = r#"{"learned": 9500}"#,
        /// Figures of circuits, and of gateways of every size.
        express_route: ExpressRouteNumbersText = r#"{"announced": 1000}"#,
        /// Limits of virtual networks, route tables and security groups.
        vnet: VnetNumbersText = r#"{"peerings": 500}"#,
        /// Figures of VMs.
        vm: VmNumbersText = r#"{"mtu": 1500}"#,
        /// What the platform does where it publishes nothing.
        choices: ChoicesText = r#"{"smaller_hold_time": true}"#,
    }
}

record! {
    /// What the platform does where it publishes nothing, or where its texts differ.
    ChoicesText {
        /// A peer's smaller hold time is used; otherwise Route Server's is.
        smaller_hold_time: bool = "true",
        /// How routes count against `routes_per_peer`.
        routes_counted: CountedText = "held-plus-incoming",
        /// Announcements further apart than this are counted anew.
        burst_gap: TimeSpan = "1s",
        /// Subcode of the Cease that ends a session over `routes_per_peer`.
        over_routes_subcode: Count<0, 255> = "1",
        /// What happens at `routes_total`.
        over_total: OverTotalText = "refuse",
        /// Which VMs are not programmed when there are more than `vms`.
        over_vms: OverVmsText = "last",
        /// Which instance programs which network interface.
        nic_share: NicShareText = "hash",
        /// NO_EXPORT is obeyed towards NVAs.
        obeys_no_export: bool = "false",
        /// ORIGIN takes part in the decision.
        compares_origin: bool = "false",
        /// MULTI_EXIT_DISC takes part in the decision.
        compares_med: bool = "false",
        /// A gateway's own routes come before all others.
        static_before_bgp: bool = "false",
        /// Of paths that are otherwise equal those of ExpressRoute win.
        expressroute_breaks_ties: bool = "false",
        /// Several ExpressRoute next hops share a prefix.
        expressroute_multipath: bool = "false",
        /// A prefix that ExpressRoute lost stays where it went when ExpressRoute is back.
        sticky_failback: bool = "false",
        /// Gateways' routes are programmed without branch-to-branch.
        gateway_routes_always: bool = "true",
        /// How long the upgrade takes which the first route map brings.
        route_map_upgrade: TimeSpan = "25min",
    }
}

words! {
    /// How routes count against the limit of a peer.
    CountedText {
        /// Distinct prefixes.
        Held = "held",
        /// Those held plus those that arrive.
        HeldPlusIncoming = "held-plus-incoming",
    }
}

words! {
    /// What happens at the limit of all prefixes.
    OverTotalText {
        /// The session that brought one too many ends.
        Drop = "drop",
        /// New prefixes are not taken.
        Refuse = "refuse",
    }
}

words! {
    /// Which VMs are not programmed when there are too many.
    OverVmsText {
        /// Any, by a hash of the name.
        Hash = "hash",
        /// The last ones of the design.
        Last = "last",
        /// None.
        Nobody = "nobody",
    }
}

words! {
    /// Which instance programs which network interface.
    NicShareText {
        /// In turns.
        Alternate = "alternate",
        /// By a hash of the name.
        Hash = "hash",
    }
}

impl Shape for Month {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a month such as 2025-09";
        let month = scalar(node, what, reports)?.parse().ok();
        if month.is_none() {
            reports.push(expected(node, what));
        }
        month
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$" })
    }
}
