//! How many routes go where, counted as the platform counts them.

use inet::Prefix;

use crate::settle::{Region, Settled};

/// Route counts of a design, each computed once.
pub(super) struct RouteCounts {
    /// Prefixes of sites that NVAs announce.
    lans: usize,
    /// Address-space prefixes by region.
    spaces: Vec<usize>,
    all_spaces: usize,
    /// By region: summaries, and what the NVAs announce of their own accord.
    own: Vec<usize>,
    /// Address-space prefixes by region that Route Server and gateway announce.
    announced: Vec<usize>,
}

impl RouteCounts {
    /// Counts them.
    pub(super) fn of(settled: &Settled) -> Self {
        let lans = settled.sites.iter().map(|site| match &site.wireguard {
            Some(wireguard) => wireguard.allowed.value.len(),
            // What has no CPE is reached through routers, not through NVAs.
            None if site.cpes.value == 0 => 0,
            None => site.lans.len(),
        });
        let summaries = settled.overlay.summaries.value.len();
        let spaces =
            |region: &Region| -> usize { region.vnets().map(|vnet| vnet.space.value.len()).sum() };
        let spaces: Vec<usize> = settled.regions.iter().map(spaces).collect();
        Self {
            lans: lans.sum(),
            own: settled
                .regions
                .iter()
                .map(|region| summaries + region.nvas.originate.len())
                .collect(),
            all_spaces: spaces.iter().sum(),
            spaces,
            announced: settled
                .regions
                .iter()
                .map(|region| announced(region).count())
                .collect(),
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
    pub(super) fn of_nvas(&self, region: usize) -> usize {
        self.lans + self.of_other_regions(region) + self.own[region]
    }

    /// Summaries, and what the NVAs of a region announce of their own accord.
    pub(super) fn of_their_own(&self, region: usize) -> usize {
        self.own[region]
    }

    /// What a region's gateway announces to each circuit of VNets: summaries in place of what they
    /// cover.
    pub(super) fn of_gateway(settled: &Settled, region: usize) -> usize {
        let region = &settled.regions[region];
        let summarized = region
            .express_route
            .iter()
            .flat_map(|gateway| &gateway.summarized);
        let summarized: Vec<_> = summarized.map(|prefix| prefix.value).collect();
        let also = region
            .express_route
            .iter()
            .flat_map(|gateway| &gateway.also);
        let single = announced(region).chain(also.map(|prefix| prefix.value));
        let left = single.filter(|prefix| !summarized.iter().any(|whole| whole.covers(*prefix)));
        left.count() + summarized.len()
    }

    /// What the NVAs of a region have told Route Server and the gateway announces to each circuit:
    /// everything with branch-to-branch, up to the region's budget, and nothing without.
    pub(super) fn of_nvas_at_circuits(&self, settled: &Settled, region: usize) -> usize {
        let routes = self.of_nvas(region);
        let region = &settled.regions[region];
        if !region.branch_to_branch() {
            return 0;
        }
        let budget = region
            .budget
            .as_ref()
            .map(|budget| budget.express_route.value);
        match budget {
            None | Some(0) => routes,
            Some(budget) => routes.min((budget as usize).saturating_sub(announced(region).count())),
        }
    }

    /// Address space of a region that its Route Server or gateway announces.
    pub(super) fn announced_spaces(&self, region: usize) -> usize {
        self.announced[region]
    }
}

/// Address space that a region's Route Server and gateway announce: the hub's and that of spokes
/// which use its gateways.
fn announced(region: &Region) -> impl Iterator<Item = Prefix> {
    let spokes = region.spokes.iter();
    let spokes = spokes.filter(|vnet| vnet.peering.remote.value);
    let spaces = spokes.flat_map(|vnet| vnet.space.value.iter());
    region.hub.space.value.iter().chain(spaces).copied()
}
