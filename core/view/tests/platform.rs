//! The platform's JSON and tables, against what was captured of it (`cases/route-server`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use view::platform::{
    BgpConnection, BgpPeerStatus, List, PeerRoute, PeerRoutes, PlatformError, RoutesByRole,
    platform_table,
};
use view::{EffectiveRoute, EffectiveRoutes};

macro_rules! case {
    ($name:literal) => {
        include_str!(concat!("../../../cases/route-server/", $name))
    };
}

/// Reads a case and asserts that it is written back as it was.
fn same<T: Serialize + DeserializeOwned>(text: &str) -> T {
    let value: T = serde_json::from_str(text).expect("it fits");
    let written = serde_json::to_value(&value).expect("plain data");
    assert_eq!(written, serde_json::from_str::<Value>(text).expect("JSON"));
    value
}

fn table(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    platform_table(heads, rows.iter().map(Vec::as_slice))
}

#[test]
fn learned_and_advertised_routes_have_the_platforms_shape_and_table() {
    let learned: RoutesByRole = same(case!("learned-routes.json"));
    let rows = learned.0["RouteServiceRole_IN_0"].iter();
    let shown = table(&PeerRoutes::LEARNED, rows.map(PeerRoute::row).collect());
    assert_eq!(shown, case!("learned-routes.txt"));
    let advertised: RoutesByRole = same(case!("advertised-routes.json"));
    let rows = advertised.0["RouteServiceRole_IN_0"].iter();
    let shown = table(&PeerRoutes::ADVERTISED, rows.map(PeerRoute::row).collect());
    assert_eq!(shown, case!("advertised-routes.txt"));
}

#[test]
fn effective_routes_have_the_platforms_shape_and_table() {
    let list: List<EffectiveRoute> = same(case!("effective-routes.json"));
    let routes = EffectiveRoutes {
        value: list.value,
        ..EffectiveRoutes::default()
    };
    let rows = routes.rows().map(Vec::from).collect();
    let shown = table(&EffectiveRoutes::COLUMNS, rows);
    assert_eq!(shown, case!("effective-routes.txt"));
}

#[test]
fn peers_and_their_status_have_the_platforms_shape_and_table() {
    let peers: List<BgpConnection> = same(case!("peerings.json"));
    let routing = peers.value[0].properties.routing_configuration.clone();
    let inbound = routing.and_then(|routing| routing.inbound_route_map);
    assert_eq!(inbound.expect("attached").name(), "drop-default");
    let rows = peers.value.iter().map(BgpConnection::row).collect();
    assert_eq!(table(&BgpConnection::COLUMNS, rows), case!("peerings.txt"));
    let _: List<BgpPeerStatus> = same(case!("peer-status.json"));
}

#[test]
fn errors_have_the_platforms_shape() {
    let text = case!("error.json");
    let case: Value = serde_json::from_str(text).expect("JSON");
    let error: PlatformError = serde_json::from_value(case["error"].clone()).expect("it fits");
    assert_eq!((error.to_body(), error.status()), (case, 409));
}
