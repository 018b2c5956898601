//! Routes as bytes, for recorders (MRT, BMP): a prefix at a time as they change, or the whole table in pages.

use inet::Net;

use super::Speaker;
use crate::rib::Route;
use crate::view::{Page, RecordedRoute};

impl Speaker {
    /// All routes to a prefix, refused ones included.
    pub fn recorded(&self, net: impl Into<Net>) -> Vec<RecordedRoute<'_>> {
        let net = net.into();
        let Some(id) = self.rib.id(net) else {
            return Vec::new();
        };
        let routes = self.rib.entry(id).routes.iter();
        routes.map(|route| self.record(net, route)).collect()
    }

    /// The routes of the table's places from `from` on, `places` of them; begin with 0. What changes between two
    /// pages may be missed or met twice.
    pub fn page(&self, from: u32, places: u32) -> Page<'_> {
        let until = from.saturating_add(places);
        let met = self.rib.iter_from(from).take_while(|(id, _)| *id < until);
        let routes = met.flat_map(|(id, entry)| {
            let net = self.rib.net(id);
            entry
                .routes
                .iter()
                .map(move |route| self.record(net, route))
        });
        Page {
            routes: routes.collect(),
            next: self.rib.iter_from(until).next().map(|(id, _)| id),
        }
    }

    fn record(&self, net: Net, route: &Route) -> RecordedRoute<'_> {
        RecordedRoute {
            net,
            neighbor: route.source.neighbor(),
            path_id: route.path,
            received: self.interner.block(route.received),
            accepted: route.accepted.map(|id| self.interner.block(id)),
        }
    }
}
