//! How many routes go where, counted as the platform counts them.

use crate::settle::{Region, Settled};

/// Route counts of a design, each computed once.
pub(super) struct RouteCounts {
    /// Prefixes of sites that NVAs announce.
    lans: usize,
    /// Address-space prefixes by region.
    spaces: Vec<usize>,
    all_spaces: usize,
    /// Address-space prefixes by region that Route Server and gateway announce.
    announced: Vec<usize>,
}

impl RouteCounts {
    /// Counts them.
    pub(super) fn of(settled: &Settled) -> Self {
        let lans = settled.sites.iter().map(|site| match &site.wireguard {
            Some(wireguard) => wireguard.allowed.value.len(),
            None => site.lans.len(),
        });
        let spaces =
            |region: &Region| -> usize { region.vnets().map(|vnet| vnet.space.value.len()).sum() };
        let announced = |region: &Region| -> usize {
            let uses = region
                .spokes
                .iter()
                .filter(|vnet| vnet.peering.remote.value);
            let of_spokes: usize = uses.map(|vnet| vnet.space.value.len()).sum();
            region.hub.space.value.len() + of_spokes
        };
        let spaces: Vec<usize> = settled.regions.iter().map(spaces).collect();
        Self {
            lans: lans.sum(),
            all_spaces: spaces.iter().sum(),
            spaces,
            announced: settled.regions.iter().map(announced).collect(),
        }
    }

    /// Prefixes of sites.
    pub(super) const fn of_sites(&self) -> usize {
        self.lans
    }

    /// Prefixes of other regions' VNets.
    pub(super) fn of_other_regions(&self, region: usize) -> usize {
        self.all_spaces - self.spaces[region]
    }

    /// What each NVA of a region announces to a Route Server session: the NVAs announce the same.
    pub(super) fn from_nvas(&self, region: usize) -> usize {
        self.lans + self.of_other_regions(region)
    }

    /// Address space of a region that its Route Server or gateway announces.
    pub(super) fn announced_spaces(&self, region: usize) -> usize {
        self.announced[region]
    }
}
