//! The limits of gateways by SKU, and of circuits by SKU and bandwidth.

use super::Numbers;
use crate::plan::{CircuitLimits, GatewayLimits, GatewaySku};

/// SKU of a circuit: what it reaches and how much it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CircuitSku {
    /// Regions near the peering location.
    Local,
    /// Regions of the same geopolitical area.
    #[default]
    Standard,
    /// All regions.
    Premium,
}

/// What an ExpressRoute gateway carries: its figures with all its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayCapacity {
    /// Throughput, Mb/s.
    pub mbps: u32,
    /// Packets per second.
    pub pps: u32,
    /// VMs in the VNet and its peers.
    pub vms: u32,
    /// Flows at a time.
    pub flows: u32,
}

/// Units of a scalable gateway up to this one have the first figures, further ones the second.
const FIRST_UNITS: u32 = 10;

impl Numbers {
    /// The limits of a gateway.
    pub fn gateway_limits(&self, sku: GatewaySku) -> GatewayLimits {
        let scale = &self.ergwscale;
        let (circuits, learned) = match sku {
            GatewaySku::ErGw1Az => (self.ergw1az.circuits, self.ergw1az.learned),
            GatewaySku::ErGw2Az => (self.ergw2az.circuits, self.ergw2az.learned),
            GatewaySku::ErGw3Az => (self.ergw3az.circuits, self.ergw3az.learned),
            GatewaySku::ErGwScale(0 | 1) => (scale.circuits, scale.learned),
            GatewaySku::ErGwScale(2..=9) => (scale.circuits_from_2, scale.learned),
            GatewaySku::ErGwScale(_) => (scale.circuits_from_10, scale.learned),
        };
        GatewayLimits {
            circuits,
            learned,
            announced: self.express_route.announced,
            total: self.express_route.gateway_total,
        }
    }

    /// What a gateway carries.
    pub fn gateway_capacity(&self, sku: GatewaySku) -> GatewayCapacity {
        let fixed = match sku {
            GatewaySku::ErGw1Az => &self.ergw1az,
            GatewaySku::ErGw2Az => &self.ergw2az,
            GatewaySku::ErGw3Az => &self.ergw3az,
            GatewaySku::ErGwScale(units) => return self.scaled(u32::from(units).max(1)),
        };
        GatewayCapacity {
            mbps: fixed.mbps,
            pps: fixed.pps,
            vms: fixed.vms,
            flows: fixed.flows,
        }
    }

    fn scaled(&self, units: u32) -> GatewayCapacity {
        let scale = &self.ergwscale;
        let (first, beyond) = (units.min(FIRST_UNITS), units.saturating_sub(FIRST_UNITS));
        GatewayCapacity {
            mbps: units.saturating_mul(scale.mbps),
            pps: first
                .saturating_mul(scale.pps)
                .saturating_add(beyond.saturating_mul(scale.pps_beyond)),
            vms: first
                .saturating_mul(scale.vms)
                .saturating_add(beyond.saturating_mul(scale.vms_beyond)),
            flows: units.saturating_mul(scale.flows),
        }
    }

    /// The limits of a circuit.
    pub fn circuit_limits(&self, sku: CircuitSku) -> CircuitLimits {
        let express_route = &self.express_route;
        CircuitLimits {
            private_in: match sku {
                CircuitSku::Local => express_route.private_in_local,
                CircuitSku::Standard => express_route.private_in_standard,
                CircuitSku::Premium => express_route.private_in_premium,
            },
            private_out: express_route.announced,
            microsoft_in: express_route.microsoft_in,
        }
    }

    /// How many VNets can be connected to a circuit, those of Global Reach counted in.
    pub fn circuit_links(&self, sku: CircuitSku, mbps: u32) -> u32 {
        let express_route = &self.express_route;
        match (sku, mbps) {
            (CircuitSku::Local | CircuitSku::Standard, _) => express_route.links_standard,
            (CircuitSku::Premium, 0..100) => express_route.links_premium_50,
            (CircuitSku::Premium, 100..200) => express_route.links_premium_100,
            (CircuitSku::Premium, 200..500) => express_route.links_premium_200,
            (CircuitSku::Premium, 500..1_000) => express_route.links_premium_500,
            (CircuitSku::Premium, 1_000..2_000) => express_route.links_premium_1000,
            (CircuitSku::Premium, 2_000..5_000) => express_route.links_premium_2000,
            (CircuitSku::Premium, 5_000..10_000) => express_route.links_premium_5000,
            (CircuitSku::Premium, 10_000..) => express_route.links_premium_10000,
        }
    }

    /// Length of the longest prefix that the GatewaySubnet of a gateway can have.
    pub fn gateway_subnet(&self, circuits: u32) -> u32 {
        if circuits >= 16 {
            self.express_route.gateway_subnet_16_circuits
        } else {
            self.express_route.gateway_subnet
        }
    }

    /// Whether a gateway offers FastPath.
    pub fn has_fast_path(&self, sku: GatewaySku) -> bool {
        match sku {
            GatewaySku::ErGw1Az | GatewaySku::ErGw2Az => false,
            GatewaySku::ErGw3Az => true,
            GatewaySku::ErGwScale(units) => u32::from(units) >= self.express_route.fast_path_units,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_3_1_circuits_take_what_their_sku_takes() {
        let newest = Numbers::newest();
        let private = [CircuitSku::Local, CircuitSku::Standard, CircuitSku::Premium]
            .map(|sku| newest.circuit_limits(sku).private_in);
        assert_eq!(private, [4_000, 4_000, 10_000]);
        let limits = newest.circuit_limits(CircuitSku::Standard);
        assert_eq!((limits.private_out, limits.microsoft_in), (1_000, 200));
        assert_eq!(newest.express_route.max_packet, 1_400);
        assert_eq!(newest.gateway_subnet(4), 27);
        assert_eq!(newest.gateway_subnet(16), 26);
    }

    #[test]
    fn azure_3_2_gateways_have_the_figures_of_their_sku() {
        let newest = Numbers::newest();
        let table = [
            (
                GatewaySku::ErGw1Az,
                [1_000, 100_000, 2_000, 200_000, 4, 4_000],
            ),
            (
                GatewaySku::ErGw2Az,
                [2_000, 200_000, 4_500, 400_000, 8, 9_500],
            ),
            (
                GatewaySku::ErGw3Az,
                [10_000, 1_000_000, 11_000, 1_000_000, 16, 9_500],
            ),
            (
                GatewaySku::ErGwScale(1),
                [1_000, 100_000, 2_000, 100_000, 4, 9_500],
            ),
            (
                GatewaySku::ErGwScale(12),
                [12_000, 1_400_000, 22_000, 1_200_000, 16, 9_500],
            ),
        ];
        for (sku, figures) in table {
            let (capacity, limits) = (newest.gateway_capacity(sku), newest.gateway_limits(sku));
            let found = [
                capacity.mbps,
                capacity.pps,
                capacity.vms,
                capacity.flows,
                limits.circuits,
                limits.learned,
            ];
            assert_eq!(found, figures, "{sku:?}");
            assert_eq!((limits.announced, limits.total), (1_000, 11_000));
        }
    }

    #[test]
    fn azure_3_2_links_of_a_circuit_follow_its_bandwidth() {
        let newest = Numbers::newest();
        assert_eq!(newest.circuit_links(CircuitSku::Standard, 10_000), 10);
        let premium =
            [50, 200, 1_000, 10_000].map(|mbps| newest.circuit_links(CircuitSku::Premium, mbps));
        assert_eq!(premium, [20, 25, 50, 100]);
    }

    #[test]
    fn azure_3_7_fast_path_needs_a_large_gateway() {
        let newest = Numbers::newest();
        assert!(newest.has_fast_path(GatewaySku::ErGw3Az));
        assert!(!newest.has_fast_path(GatewaySku::ErGw2Az));
        assert!(!newest.has_fast_path(GatewaySku::ErGwScale(9)));
        assert!(newest.has_fast_path(GatewaySku::ErGwScale(10)));
    }
}
