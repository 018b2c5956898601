//! Places on the globe, as integers so that every machine computes the same.

/// Latitude and longitude in millionths of a degree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    /// North is positive; −90 000 000 to 90 000 000.
    pub latitude_udeg: i32,
    /// East is positive; −180 000 000 to 180 000 000.
    pub longitude_udeg: i32,
}
