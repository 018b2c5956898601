//! Latency from geography: great circles at the speed of light in fibre.

use core::time::Duration;

use inet::Coordinates;

/// Metres that light covers in fibre in a microsecond (200 km per millisecond).
const METRES_PER_MICROSECOND: u64 = 200;

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS: f64 = 6_371_008.8;

/// The great-circle distance in whole metres.
///
/// The trigonometry is `libm`'s software, equal on every machine; the result is rounded before
/// anything is decided with it.
pub fn distance_m(a: Coordinates, b: Coordinates) -> u64 {
    let radians = |udeg: i32| f64::from(udeg) * core::f64::consts::PI / 180e6;
    let (lat_a, lat_b) = (radians(a.latitude_udeg), radians(b.latitude_udeg));
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_long = libm::sin((radians(b.longitude_udeg) - radians(a.longitude_udeg)) / 2.0);
    let chord = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_long * half_long;
    let angle = 2.0 * libm::asin(libm::sqrt(chord.clamp(0.0, 1.0)));
    libm::round(angle * EARTH_RADIUS) as u64
}

/// One-way latency in whole microseconds: the distance at 200 km/ms, stretched by a percentage
/// because cables do not follow great circles.
pub fn latency(a: Coordinates, b: Coordinates, stretch_percent: u16) -> Duration {
    let stretched = distance_m(a, b) * u64::from(stretch_percent);
    Duration::from_micros(stretched / (100 * METRES_PER_MICROSECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARIS: Coordinates = Coordinates {
        latitude_udeg: 48_856_600,
        longitude_udeg: 2_352_200,
    };
    const NEW_YORK: Coordinates = Coordinates {
        latitude_udeg: 40_712_800,
        longitude_udeg: -74_006_000,
    };

    #[test]
    fn paris_to_new_york_is_about_5837_km_both_ways() {
        let there = distance_m(PARIS, NEW_YORK);
        assert!((5_830_000..5_845_000).contains(&there), "{there}");
        assert_eq!(there, distance_m(NEW_YORK, PARIS));
        assert_eq!(distance_m(PARIS, PARIS), 0);
    }

    #[test]
    fn antipodes_are_half_the_circumference_apart() {
        let pole = |latitude_udeg| Coordinates {
            latitude_udeg,
            longitude_udeg: 0,
        };
        let half = distance_m(pole(90_000_000), pole(-90_000_000));
        assert!((20_015_000..20_015_200).contains(&half), "{half}");
    }

    #[test]
    fn stretch_is_a_percentage_of_the_latency_of_light() {
        let straight = latency(PARIS, NEW_YORK, 100);
        assert!((29_150..29_230).contains(&straight.as_micros()));
        let doubled = latency(PARIS, NEW_YORK, 200).as_micros();
        assert!(doubled.abs_diff(2 * straight.as_micros()) <= 1);
    }
}
