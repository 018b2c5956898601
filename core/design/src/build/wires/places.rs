//! Names, places and AS numbers of routers.

use inet::{Asn, Coordinates};

use crate::settle::{RouterAt, Settled, circuits};

/// `core.paris`, `pe-ams.mpls`.
pub(crate) fn router_name(settled: &Settled, at: RouterAt) -> String {
    match at {
        RouterAt::Site { site, router } => {
            let site = &settled.sites[site];
            format!("{}.{}", site.routers[router].name.value, site.name.value)
        }
        RouterAt::Provider { network, pe } => {
            let network = &settled.networks[network];
            format!("pe-{}.{}", network.pes[pe].name.value, network.name.value)
        }
    }
}

/// `msee0.ams` for the primary.
pub(crate) fn msee_name(circuit: &str, link: usize) -> String {
    format!("msee{link}.{circuit}")
}

/// The AS of a router.
pub(crate) fn router_asn(settled: &Settled, at: RouterAt) -> Asn {
    match at {
        RouterAt::Site { site, router } => settled.sites[site].routers[router].asn.value,
        RouterAt::Provider { network, .. } => settled.networks[network].asn.value,
    }
}

pub(super) fn router_place(settled: &Settled, at: RouterAt) -> Option<Coordinates> {
    circuits::place_of(at, &settled.networks, &settled.sites)
}
