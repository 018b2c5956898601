//! What the platform has of its own accord, for the rules here and for the model of the platform.

use core::str::FromStr;
use std::collections::BTreeMap;

/// The system routes of type None of a subnet, in the order in which the platform lists them: a
/// packet from an interface to there is dropped unless another route claims it (captures of 2026).
pub const NONE_ROUTES: [([u8; 4], u8); 21] = [
    ([10, 0, 0, 0], 8),
    ([127, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([25, 4, 0, 0], 14),
    ([25, 148, 0, 0], 15),
    ([25, 150, 0, 0], 16),
    ([25, 152, 0, 0], 14),
    ([25, 156, 0, 0], 16),
    ([25, 159, 0, 0], 16),
    ([25, 176, 0, 0], 13),
    ([25, 184, 0, 0], 14),
    ([40, 108, 0, 0], 17),
    ([40, 109, 0, 0], 16),
    ([104, 146, 0, 0], 17),
    ([104, 147, 0, 0], 16),
    ([157, 59, 0, 0], 16),
    ([23, 103, 0, 0], 18),
    ([20, 35, 252, 0], 22),
];

/// The limits by month, with their sources.
const LIMITS: &str = include_str!("../data/platform.yaml");

/// A month, written `2025-09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

impl FromStr for Month {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (year, month) = text.split_once('-').ok_or(())?;
        if year.len() != 4 || month.len() != 2 {
            return Err(());
        }
        let month = Self {
            year: year.parse().map_err(|_| ())?,
            month: month.parse().map_err(|_| ())?,
        };
        if (1..=12).contains(&month.month) {
            Ok(month)
        } else {
            Err(())
        }
    }
}

/// What the platform published as limits of a Route Server in some month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedLimits {
    /// BGP peers.
    pub peers: u32,
    /// Routes of one peer.
    pub routes_per_peer: u32,
    /// Prefixes in all.
    pub routes_total: u32,
    /// VMs with the units that every Route Server has.
    pub vms: u32,
    /// VMs that each further unit adds.
    pub vms_per_unit: u32,
    /// VMs with all units.
    pub vms_max: u32,
    /// Infrastructure units that every Route Server has.
    pub units: u32,
    /// Units that it can have.
    pub units_max: u32,
    /// VNets, the own included.
    pub vnets: u32,
    /// Equal next hops of a prefix.
    pub next_hops: u32,
    /// Prefixes sent on to an ExpressRoute circuit, the VNets' own included.
    pub routes_to_express_route: u32,
}

impl PublishedLimits {
    /// The newest ones.
    pub fn newest() -> Self {
        Self::as_of(Month {
            year: u16::MAX,
            month: 12,
        })
    }

    /// Those that held in a month.
    pub fn as_of(month: Month) -> Self {
        let limits = published();
        let of = |name: &str| {
            let by_month = limits.get(name).expect("the data file names every limit");
            let held = by_month.iter().rev().find(|(from, _)| *from <= month);
            held.or(by_month.first()).expect("a limit has a value").1
        };
        Self {
            peers: of("peers"),
            routes_per_peer: of("routes_per_peer"),
            routes_total: of("routes_total"),
            vms: of("vms"),
            vms_per_unit: of("vms_per_unit"),
            vms_max: of("vms_max"),
            units: of("units"),
            units_max: of("units_max"),
            vnets: of("vnets"),
            next_hops: of("next_hops"),
            routes_to_express_route: of("routes_to_express_route"),
        }
    }

    /// VMs with a number of infrastructure units.
    pub fn vms_with(&self, units: u32) -> u32 {
        let further = units.min(self.units_max).saturating_sub(self.units);
        (self.vms + further * self.vms_per_unit).min(self.vms_max)
    }
}

/// Every limit with its values by month, in order.
fn published() -> BTreeMap<String, Vec<(Month, u32)>> {
    let file: BTreeMap<String, BTreeMap<String, u32>> =
        serde_saphyr::from_str(LIMITS).expect("the data file is YAML");
    let by_month = |values: BTreeMap<String, u32>| {
        let month = |text: String| text.parse().expect("the data file has months");
        values.into_iter().map(|(at, n)| (month(at), n)).collect()
    };
    file.into_iter()
        .map(|(name, values)| (name, by_month(values)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_of(text: &str) -> PublishedLimits {
        PublishedLimits::as_of(text.parse().expect("a month"))
    }

    #[test]
    fn azure_1_4_limits_are_those_of_their_month() {
        let routes = [
            "2020-01", "2021-12", "2022-07", "2025-08", "2025-09", "2030-01",
        ]
        .map(|month| as_of(month).routes_per_peer);
        assert_eq!(routes, [200, 200, 1_000, 1_000, 4_000, 4_000]);
        assert_eq!(as_of("2022-08").vms, 2_000);
        assert_eq!(as_of("2023-10").vnets, 250);
        assert_eq!(as_of("2022-07").routes_to_express_route, 200);
        assert_eq!(PublishedLimits::newest(), as_of("2025-10"));
    }

    #[test]
    fn azure_1_4_infrastructure_units_add_vms_up_to_the_most() {
        let newest = PublishedLimits::newest();
        assert_eq!(
            [1, 2, 3, 48, 60].map(|units| newest.vms_with(units)),
            [4_000, 4_000, 5_000, 50_000, 50_000]
        );
    }

    #[test]
    fn months_are_four_digits_and_two() {
        for text in ["2025-9", "2025-13", "2025-00", "25-09", "2025", ""] {
            assert_eq!(text.parse::<Month>(), Err(()), "{text}");
        }
    }
}
