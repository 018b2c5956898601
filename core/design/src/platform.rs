//! What the platform has of its own accord, for the rules here and for the model of the platform.

mod gateways;
mod numbers;

pub use gateways::{CircuitSku, GatewayCapacity};
pub use numbers::{
    ErGwNumbers, ErGwScaleNumbers, ExpressRouteNumbers, Numbers, PublishedLimits, VmNumbers,
    VnetNumbers,
};
pub(crate) use numbers::{
    ErGwNumbersText, ErGwScaleNumbersText, ExpressRouteNumbersText, PUBLISHED, VmNumbersText,
    VnetNumbersText,
};

use core::str::FromStr;

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

/// A month, written `2025-09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

impl Month {
    /// After every month of the data file.
    pub const LAST: Self = Self {
        year: u16::MAX,
        month: 12,
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn as_of(text: &str) -> PublishedLimits {
        Numbers::as_of(text.parse().expect("a month")).route_server
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
