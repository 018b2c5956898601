//! Microsoft's BGP communities of Azure regions (docs: ExpressRoute routing, BGP communities).

use crate::plan::Community;

/// Microsoft's AS.
const MICROSOFT: u16 = 12_076;
/// Before the region's number: prefixes of a region on Microsoft peering.
const PUBLIC: u16 = 51_000;
/// Before the region's number: VNets of a region on private peering.
const PRIVATE: u16 = 50_000;

/// Azure's names of regions and their numbers; newer regions are not in the published table.
const NUMBERS: [(&str, u16); 29] = [
    ("westeurope", 2),
    ("northeurope", 3),
    ("eastus", 4),
    ("eastus2", 5),
    ("westus", 6),
    ("northcentralus", 7),
    ("southcentralus", 8),
    ("centralus", 9),
    ("eastasia", 10),
    ("southeastasia", 11),
    ("japaneast", 12),
    ("japanwest", 13),
    ("brazilsouth", 14),
    ("australiaeast", 15),
    ("australiasoutheast", 16),
    ("centralindia", 17),
    ("westindia", 18),
    ("southindia", 19),
    ("canadacentral", 20),
    ("canadaeast", 21),
    ("uksouth", 24),
    ("ukwest", 25),
    ("westus2", 26),
    ("westcentralus", 27),
    ("koreasouth", 28),
    ("koreacentral", 29),
    ("francecentral", 30),
    ("francesouth", 31),
    ("spaincentral", 57),
];

fn number(region: &str) -> Option<u16> {
    let found = NUMBERS.iter().find(|(name, _)| *name == region);
    found.map(|(_, number)| *number)
}

/// The community of a region's public prefixes, such as 12076:51002.
pub(crate) fn public(region: &str) -> Option<Community> {
    Some(Community::new(MICROSOFT, PUBLIC + number(region)?))
}

/// The community of a region's VNets, such as 12076:50002.
pub(crate) fn private(region: &str) -> Option<Community> {
    Some(Community::new(MICROSOFT, PRIVATE + number(region)?))
}
