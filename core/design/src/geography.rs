//! Where Azure's regions and big cities are, how far apart, and how long packets take.
//!
//! The tables are data files with source and date in `data/README.md`. Distances are great
//! circles; results are whole metres and microseconds, so that every machine decides alike.

use std::collections::BTreeMap;

use inet::Coordinates;

use crate::scalars::degrees;

const REGIONS: &str = include_str!("../data/azure-regions.csv");
const RTTS: &str = include_str!("../data/azure-rtt.csv");
const CITIES: &str = include_str!("../data/cities.csv");

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Great-circle distance in metres.
pub fn distance_m(a: Coordinates, b: Coordinates) -> u32 {
    let radians = |udeg: i32| f64::from(udeg) / 1e6 * (core::f64::consts::PI / 180.0);
    let (lat_a, lat_b) = (radians(a.latitude_udeg), radians(b.latitude_udeg));
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((radians(b.longitude_udeg) - radians(a.longitude_udeg)) / 2.0);
    let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
    let metres = 2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(h.clamp(0.0, 1.0)));
    libm::round(metres) as u32
}

/// One-way latency in microseconds over a distance at 200 km/ms, lengthened to `percent`.
pub fn latency_us(distance_m: u32, percent: u16) -> u32 {
    let us = u64::from(distance_m) * u64::from(percent) / (200 * 100);
    u32::try_from(us).unwrap_or(u32::MAX)
}

/// Paths of the backbone between regions that the table lacks: the ratio of measured to physical
/// round trips has a median of 1.7.
pub(crate) const BACKBONE_STRETCH_PERCENT: u16 = 170;

/// Azure's regions with their places, in the table's (alphabetical) order.
pub(crate) fn regions() -> impl Iterator<Item = (&'static str, Coordinates)> + Clone {
    // Columns 5 and 6 are coordinates; quoted columns before them hold one comma at most.
    REGIONS.lines().skip(1).filter_map(|line| {
        let name = line.split(',').next()?;
        let (latitude_udeg, longitude_udeg) = first_coordinates(line)?;
        // ARM publishes Spain Central with the sign of its longitude lost.
        let sign = if name == "spaincentral" { -1 } else { 1 };
        Some((
            name,
            Coordinates {
                latitude_udeg,
                longitude_udeg: sign * longitude_udeg,
            },
        ))
    })
}

fn first_coordinates(line: &str) -> Option<(i32, i32)> {
    let mut cells = line
        .split(',')
        .skip(4)
        .skip_while(|cell| degrees(cell, 90).is_none());
    Some((degrees(cells.next()?, 90)?, degrees(cells.next()?, 180)?))
}

/// The geopolitical region of an Azure region, as ExpressRoute counts them: what a standard circuit
/// reaches ("ExpressRoute peering locations", 2023-11). Countries that the page lacks are one of their
/// own, unless they have a peering location in one of its regions.
pub(crate) fn geopolitical(region: &str) -> Option<&'static str> {
    let mut lines = REGIONS.lines().skip(1);
    let line = lines.find(|line| line.split(',').next() == Some(region))?;
    let mut cells = line.split(',').skip(2);
    let (country, group) = (cells.next()?, cells.next()?);
    Some(match (country, group) {
        (_, "Europe" | "UK") => "Europe",
        (_, "US" | "Canada" | "Mexico") => "North America",
        (_, "South America") => "South America",
        ("Australia", _) if region.starts_with("australiacentral") => "Australia Government",
        ("Australia" | "New Zealand", _) => "Oceania",
        ("Asia Pacific" | "Indonesia" | "Malaysia", _) => "Asia",
        ("Korea", _) => "South Korea",
        (country, _) => country,
    })
}

/// The geopolitical region around a place: that of the closest Azure region.
pub(crate) fn geopolitical_around(place: Coordinates) -> &'static str {
    let closest = regions().min_by_key(|(_, at)| distance_m(*at, place));
    let found = closest.and_then(|(name, _)| geopolitical(name));
    found.expect("the table of regions has one, with its country")
}

/// Big cities with their places.
pub(crate) fn cities() -> impl Iterator<Item = (&'static str, Coordinates)> + Clone {
    CITIES.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let (name, latitude, longitude) = (cells.next()?, cells.next()?, cells.next()?);
        let latitude_udeg = degrees(latitude, 90)?;
        Some((
            name,
            Coordinates {
                latitude_udeg,
                longitude_udeg: degrees(longitude, 180)?,
            },
        ))
    })
}

/// The tables, ready to be asked.
pub(crate) struct Atlas {
    regions: BTreeMap<&'static str, Coordinates>,
    cities: BTreeMap<String, Coordinates>,
    rtts_ms: BTreeMap<(&'static str, &'static str), u32>,
}

impl Atlas {
    /// Reads the tables.
    pub(crate) fn load() -> Self {
        let rtts = RTTS.lines().skip(1).filter_map(|line| {
            let mut cells = line.split(',');
            let pair = (cells.next()?, cells.next()?);
            Some((pair, cells.next()?.parse().ok()?))
        });
        Self {
            regions: regions().collect(),
            cities: cities()
                .map(|(name, place)| (name.to_ascii_lowercase(), place))
                .collect(),
            rtts_ms: rtts.collect(),
        }
    }

    /// The place of an Azure region.
    pub(crate) fn region(&self, name: &str) -> Option<Coordinates> {
        self.regions.get(name).copied()
    }

    /// The place of a city, whatever the case of its letters.
    pub(crate) fn city(&self, name: &str) -> Option<Coordinates> {
        self.cities.get(&name.to_ascii_lowercase()).copied()
    }

    /// Published round-trip time between two regions in microseconds: the mean of both directions.
    pub(crate) fn rtt_us(&self, a: &str, b: &str) -> Option<u32> {
        // The keys are static, so the looked-up names have to be found among them first.
        let key = |name: &str| self.regions.get_key_value(name).map(|(name, _)| *name);
        let (a, b) = (key(a)?, key(b)?);
        Some((self.rtts_ms.get(&(a, b))? + self.rtts_ms.get(&(b, a))?) * 500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_regions_have_a_place_and_all_cities_too() {
        assert_eq!(regions().count(), REGIONS.lines().count() - 1);
        assert_eq!(cities().count(), CITIES.lines().count() - 1);
        let atlas = Atlas::load();
        let spain = atlas.region("spaincentral").expect("a region");
        assert!(spain.longitude_udeg < 0);
        let tokyo = atlas.region("japaneast").expect("a region");
        assert_eq!(
            tokyo,
            Coordinates {
                latitude_udeg: 35_680_000,
                longitude_udeg: 139_770_000
            }
        );
    }

    #[test]
    fn geopolitical_regions_are_those_of_expressroute() {
        for (region, _) in regions() {
            assert!(geopolitical(region).is_some(), "{region}");
        }
        let pairs = [
            ("westeurope", "Europe"),
            ("ukwest", "Europe"),
            ("canadaeast", "North America"),
            ("southeastasia", "Asia"),
            ("centralindia", "India"),
            ("japanwest", "Japan"),
            ("koreasouth", "South Korea"),
            ("australiaeast", "Oceania"),
            ("australiacentral2", "Australia Government"),
            ("uaenorth", "UAE"),
            ("southafricanorth", "South Africa"),
            ("brazilsouth", "South America"),
        ];
        for (region, expected) in pairs {
            assert_eq!(geopolitical(region), Some(expected));
        }
        let atlas = Atlas::load();
        let around = |city| geopolitical_around(atlas.city(city).expect("known"));
        let cities = ["Madrid", "Seattle", "Bangkok", "Auckland", "Osaka", "Dubai"];
        assert_eq!(
            cities.map(around),
            ["Europe", "North America", "Asia", "Oceania", "Japan", "UAE"]
        );
        assert_eq!(geopolitical("atlantis"), None);
    }

    #[test]
    fn known_distances_and_latencies_come_out() {
        let atlas = Atlas::load();
        let paris = atlas.city("paris").expect("known");
        let new_york = atlas.city("New York").expect("known");
        let distance = distance_m(paris, new_york);
        assert!((5_830_000..5_845_000).contains(&distance), "{distance}");
        assert_eq!(distance_m(paris, paris), 0);
        assert_eq!(latency_us(200_000, 100), 1_000);
        let rtt = atlas
            .rtt_us("westeurope", "southeastasia")
            .expect("published");
        assert_eq!(rtt, 169_000);
        assert_eq!(atlas.rtt_us("westeurope", "chilecentral"), None);
    }
}
