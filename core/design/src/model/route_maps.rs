//! Route maps of a Route Server as they are written.

use inet::{Asn, Prefix};
use serde_json::{Map, Value, json};

use crate::plan::Community;
use crate::reader::{At, Shape, expected, record};
use crate::report::Report;
use crate::scalars::{Text, scalar};
use crate::tree::Node;

record! {
    /// A route map: what no rule matches is permitted.
    RouteMapText {
        /// The rules, in order; one that matches ends the map unless it says `next`.
        rules: Vec<At<RouteMapRuleText>> = r#"[{"prefix_equals": ["0.0.0.0/0"], "drop": true}]"#,
    }
}

record! {
    /// A rule of a route map: all that it matches by must hold.
    RouteMapRuleText {
        /// The prefix is one of these.
        prefix_equals: Vec<At<Prefix>> = r#"["0.0.0.0/0"]"#,
        /// The prefix is one of these or inside one.
        prefix_contains: Vec<At<Prefix>> = r#"["10.0.0.0/8"]"#,
        /// The route has these communities and no others.
        community_equals: Vec<At<Community>> = r#"["65010:1"]"#,
        /// The route has all of these communities.
        community_contains: Vec<At<Community>> = r#"["65010:1"]"#,
        /// AS_PATH is this sequence.
        as_path_equals: Vec<At<Asn>> = "[65010]",
        /// AS_PATH has all of these.
        as_path_contains: Vec<At<Asn>> = "[65010]",
        /// The route is dropped.
        drop: bool = "true",
        /// The route counts under this prefix, without AS_PATH and communities.
        replace_prefix: Prefix = "10.0.0.0/8",
        /// Put before AS_PATH.
        add_as_path: Vec<At<Asn>> = "[65010, 65010]",
        /// AS_PATH becomes this.
        replace_as_path: Vec<At<Asn>> = "[65010]",
        /// Added.
        add_community: Vec<At<Community>> = r#"["65010:1"]"#,
        /// In place of all that are not the platform's.
        replace_community: Vec<At<Community>> = r#"["65010:1"]"#,
        /// Removed.
        remove_community: Vec<At<Community>> = r#"["65010:1"]"#,
        /// The next rule has its say as well.
        next: bool = "true",
    }
}

record! {
    /// What route maps are attached to.
    AttachText {
        /// Every NVA and foreign router that peers.
        nvas: MapPairText = r#"{"inbound": "no-default"}"#,
        /// The ExpressRoute connection.
        express_route: MapPairText = r#"{"outbound": "no-default"}"#,
        /// The VPN connection.
        vpn: MapPairText = r#"{"outbound": "no-default"}"#,
    }
}

record! {
    /// Names of route maps.
    MapPairText {
        /// For what is learned.
        inbound: Text = "no-default",
        /// For what is announced.
        outbound: Text = "no-default",
    }
}

impl Shape for Community {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a community such as 65010:1";
        let community = scalar(node, what, reports)?.parse().ok();
        if community.is_none() {
            reports.push(expected(node, what).try_this("put it in quotes"));
        }
        community
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9]{1,5}:[0-9]{1,5}$" })
    }
}
