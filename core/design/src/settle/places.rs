//! Places: cities, Azure regions, coordinates.

use inet::Coordinates;

use super::{Region, Val, unknown};
use crate::geography::{self, Atlas};
use crate::reader::At;
use crate::report::Report;
use crate::scalars::Text;

/// The place of a city that is built in.
pub(super) fn city(
    atlas: &Atlas,
    at: &At<Text>,
    reports: &mut Vec<Report>,
) -> Option<Val<Coordinates>> {
    let At {
        value: Text(name),
        span,
    } = at;
    let place = atlas.city(name);
    if place.is_none() {
        let known = geography::cities().map(|(name, _)| name);
        let meant =
            crate::reader::nearest(name, known).map(|name| format!("did you mean `{name}`?"));
        let advice =
            meant.unwrap_or_else(|| "give `coordinates: [latitude, longitude]`".to_owned());
        let says = format!("`{name}` is not one of the built-in cities");
        reports.push(
            Report {
                rule: "unknown-name",
                ..Report::shape(*span, says)
            }
            .try_this(advice),
        );
    }
    place.map(|place| Val::line(place, *span))
}

/// The place of a region of the design, or of Azure.
pub(super) fn near(
    atlas: &Atlas,
    regions: &[Region],
    at: &At<String>,
    reports: &mut Vec<Report>,
) -> Option<Val<Coordinates>> {
    let At { value, span } = at;
    let own = regions.iter().find(|region| region.name.value == *value);
    let place = own
        .map(|region| region.place.value)
        .or_else(|| atlas.region(value));
    if place.is_none() {
        let known = geography::regions().map(|(name, _)| name).collect();
        reports.push(unknown("Azure region", value, *span, known));
    }
    place.map(|place| Val::line(place, *span))
}
