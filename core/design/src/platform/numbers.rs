//! The platform's numbers by name: those of `data/platform.yaml` as of a month, or of the design.
//!
//! One table for each part of the platform says what its numbers mean. The record of the design
//! file, the values that everybody reads and the way between them all come from it.

use std::collections::BTreeMap;

use super::Month;
use crate::model::PlatformText;
use crate::reader::record;
use crate::report::Span;
use crate::scalars::Count;
use crate::settle::Why;

/// The numbers by month, with their sources.
const FILE: &str = include_str!("../../data/platform.yaml");

/// One number: its name under `platform`, where it comes from, and what it is.
pub(crate) type DecidedNumber = (String, Why, u32);

/// The numbers of one part by name, each with its values by month, in order.
type Part = BTreeMap<String, Vec<(Month, u32)>>;

/// A part's numbers as of a month.
struct Held<'a> {
    part: &'a Part,
    month: Month,
}

impl Held<'_> {
    fn of(&self, name: &str) -> u32 {
        let by_month = self
            .part
            .get(name)
            .expect("the data file names every number");
        let held = by_month.iter().rev().find(|(from, _)| *from <= self.month);
        held.or(by_month.first()).expect("a number has a value").1
    }
}

/// A table of numbers: the values, and how they are taken from a record with fields of these names.
macro_rules! values {
    (
        $(#[doc = $doc:literal])*
        $text:ident $name:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident, )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[doc = $field_doc])* pub $field: u32, )+
        }

        impl $name {
            fn held(held: &Held<'_>) -> Self {
                Self { $( $field: held.of(stringify!($field)), )+ }
            }

            /// Takes what the design says instead, and notes where each number comes from.
            fn settle(&mut self, part: &str, text: &$text, decided: &mut Vec<DecidedNumber>) {
                $(
                    let written = text.$field.as_ref().map(|at| (at.value.0, at.span));
                    let name = format!("{part}{}", stringify!($field));
                    decide(name, written, &mut self.$field, decided);
                )+
            }
        }
    };
}

/// The same with a record of its own.
macro_rules! numbers {
    (
        $(#[doc = $doc:literal])*
        $text:ident $name:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident = $example:literal, )+
        }
    ) => {
        record! {
            $(#[doc = $doc])*
            $text {
                $( $(#[doc = $field_doc])* $field: Count<0, 10_000_000> = $example, )+
            }
        }

        values! {
            $(#[doc = $doc])*
            $text $name {
                $( $(#[doc = $field_doc])* $field, )+
            }
        }
    };
}

fn decide(
    name: String,
    written: Option<(u32, Span)>,
    number: &mut u32,
    decided: &mut Vec<DecidedNumber>,
) {
    let why = match written {
        Some((value, span)) => {
            *number = value;
            Why::Line(span)
        }
        None => Why::Default(PUBLISHED),
    };
    decided.push((name, why, *number));
}

/// Why a number is what it is when the design does not say.
pub(crate) const PUBLISHED: &str = "the number that Microsoft publishes";

values! {
    /// Limits of a Route Server.
    PlatformText PublishedLimits {
        /// BGP peers.
        peers,
        /// Routes of one peer.
        routes_per_peer,
        /// Prefixes in all.
        routes_total,
        /// VMs with the units that every Route Server has.
        vms,
        /// VMs that each further unit adds.
        vms_per_unit,
        /// VMs with all units.
        vms_max,
        /// Infrastructure units that every Route Server has.
        units,
        /// Units that it can have.
        units_max,
        /// VNets, the own included.
        vnets,
        /// Equal next hops of a prefix.
        next_hops,
        /// Prefixes sent on to an ExpressRoute circuit, the VNets' own included.
        routes_to_express_route,
        /// Length of the longest prefix that RouteServerSubnet can have.
        subnet,
    }
}

numbers! {
    /// Figures of an ExpressRoute gateway of fixed size.
    ErGwNumbersText ErGwNumbers {
        /// Throughput, Mb/s.
        mbps = "1000",
        /// Packets per second.
        pps = "100000",
        /// VMs in the VNet and its peers.
        vms = "2000",
        /// Flows at a time.
        flows = "200000",
        /// Circuits connected.
        circuits = "4",
        /// Routes learned from circuits.
        learned = "4000",
    }
}

numbers! {
    /// Figures of one unit of a scalable ExpressRoute gateway.
    ErGwScaleNumbersText ErGwScaleNumbers {
        /// Throughput, Mb/s.
        mbps = "1000",
        /// Packets per second, units 1 to 10.
        pps = "100000",
        /// Packets per second, further units.
        pps_beyond = "200000",
        /// VMs in the VNet and its peers, units 1 to 10.
        vms = "2000",
        /// VMs, further units.
        vms_beyond = "1000",
        /// Flows at a time.
        flows = "100000",
        /// Circuits connected with one unit.
        circuits = "4",
        /// Circuits connected with 2 units or more.
        circuits_from_2 = "8",
        /// Circuits connected with 10 units or more.
        circuits_from_10 = "16",
        /// Routes learned from circuits, whatever the units.
        learned = "9500",
        /// Units that it can have.
        units_max = "40",
    }
}

numbers! {
    /// Figures of ExpressRoute circuits, and of gateways of every size.
    ExpressRouteNumbersText ExpressRouteNumbers {
        /// Routes announced to one circuit: more end the sessions.
        announced = "1000",
        /// IPv6 routes announced to one circuit.
        announced_ipv6 = "100",
        /// Routes of a gateway in all.
        gateway_total = "11000",
        /// Prefixes of the customer on the private peering of a standard circuit.
        private_in_standard = "4000",
        /// The same of a local circuit.
        private_in_local = "4000",
        /// The same of a premium circuit.
        private_in_premium = "10000",
        /// IPv6 prefixes of the customer on the private peering.
        private_in_ipv6 = "100",
        /// Prefixes of the customer on the Microsoft peering, for each session.
        microsoft_in = "200",
        /// Circuits of one peering location at one gateway.
        same_location = "4",
        /// VNets connected to a standard or local circuit.
        links_standard = "10",
        /// VNets connected to a premium circuit of 50 Mb/s.
        links_premium_50 = "20",
        /// From 100 Mb/s.
        links_premium_100 = "25",
        /// From 200 Mb/s.
        links_premium_200 = "25",
        /// From 500 Mb/s.
        links_premium_500 = "40",
        /// From 1 Gb/s.
        links_premium_1000 = "50",
        /// From 2 Gb/s.
        links_premium_2000 = "60",
        /// From 5 Gb/s.
        links_premium_5000 = "75",
        /// From 10 Gb/s.
        links_premium_10000 = "100",
        /// Octets of the largest packet that passes.
        max_packet = "1400",
        /// Length of the longest prefix that GatewaySubnet can have.
        gateway_subnet = "27",
        /// The same with 16 circuits.
        gateway_subnet_16_circuits = "26",
        /// Units of a scalable gateway from which FastPath is offered.
        fast_path_units = "10",
        /// BFD's interval, milliseconds.
        bfd_ms = "300",
        /// BFD's multiplier.
        bfd_multiplier = "3",
        /// Keepalive interval that MSEEs offer, seconds.
        keepalive_s = "60",
        /// Hold time that MSEEs offer, seconds.
        hold_s = "180",
        /// The shortest keepalive interval that MSEEs take, seconds.
        keepalive_floor_s = "3",
        /// The shortest hold time that MSEEs take, seconds.
        hold_floor_s = "10",
    }
}

numbers! {
    /// Limits of virtual networks, route tables and security groups.
    VnetNumbersText VnetNumbers {
        /// Peerings of a VNet.
        peerings = "500",
        /// VNets of a subscription in a region.
        per_subscription = "1000",
        /// Subnets of a VNet.
        subnets = "3000",
        /// Addresses in use in a VNet.
        addresses = "65536",
        /// Addresses in use in a VNet and those peered with it.
        addresses_peered = "128000",
        /// Route tables of a subscription in a region.
        route_tables = "200",
        /// Routes of a route table.
        routes_per_table = "1000",
        /// Routes of a route table whose prefix is a service tag.
        service_tag_routes = "25",
        /// Security groups of a subscription in a region.
        nsgs = "5000",
        /// Rules of a security group.
        nsg_rules = "1000",
        /// Addresses of a subnet that the platform keeps.
        reserved_addresses = "5",
    }
}

numbers! {
    /// Figures of VMs.
    VmNumbersText VmNumbers {
        /// MTU of a network interface.
        mtu = "1500",
        /// Octets over which the host fragments on some paths.
        fragmented_over = "1400",
        /// Connections at a time.
        connections = "500000",
        /// Connections at a time of a VM that forwards.
        connections_forwarding = "250000",
        /// What one tunnel carries, Mb/s.
        tunnel_mbps = "1500",
    }
}

/// All numbers of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Route Server.
    pub route_server: PublishedLimits,
    /// Gateway SKU ErGw1AZ.
    pub ergw1az: ErGwNumbers,
    /// Gateway SKU ErGw2AZ.
    pub ergw2az: ErGwNumbers,
    /// Gateway SKU ErGw3AZ.
    pub ergw3az: ErGwNumbers,
    /// Gateway SKU ErGwScale.
    pub ergwscale: ErGwScaleNumbers,
    /// Circuits, and gateways of every size.
    pub express_route: ExpressRouteNumbers,
    /// Virtual networks.
    pub vnet: VnetNumbers,
    /// VMs.
    pub vm: VmNumbers,
}

impl Numbers {
    /// The newest ones.
    pub fn newest() -> Self {
        Self::as_of(Month::LAST)
    }

    /// Those that held in a month.
    pub fn as_of(month: Month) -> Self {
        let parts = published();
        let held = |name: &str| Held {
            part: parts.get(name).expect("the data file has every part"),
            month,
        };
        Self {
            route_server: PublishedLimits::held(&held("route_server")),
            ergw1az: ErGwNumbers::held(&held("ergw1az")),
            ergw2az: ErGwNumbers::held(&held("ergw2az")),
            ergw3az: ErGwNumbers::held(&held("ergw3az")),
            ergwscale: ErGwScaleNumbers::held(&held("ergwscale")),
            express_route: ExpressRouteNumbers::held(&held("express_route")),
            vnet: VnetNumbers::held(&held("vnet")),
            vm: VmNumbers::held(&held("vm")),
        }
    }

    /// Takes what the design says instead, and says where each number comes from.
    pub(crate) fn settle(&mut self, text: &PlatformText) -> Vec<DecidedNumber> {
        let mut all = Vec::new();
        self.route_server.settle("", text, &mut all);
        macro_rules! part {
            ($($field:ident)+) => {$(
                let written = text.$field.as_ref().map(|at| at.value.clone());
                let part = concat!(stringify!($field), ".");
                self.$field.settle(part, &written.unwrap_or_default(), &mut all);
            )+};
        }
        part!(ergw1az ergw2az ergw3az ergwscale express_route vnet vm);
        all
    }
}

impl PublishedLimits {
    /// The newest ones.
    pub fn newest() -> Self {
        Numbers::newest().route_server
    }

    /// VMs with a number of infrastructure units.
    pub fn vms_with(&self, units: u32) -> u32 {
        let further = units.min(self.units_max).saturating_sub(self.units);
        (self.vms + further * self.vms_per_unit).min(self.vms_max)
    }
}

/// Every part of the data file.
fn published() -> BTreeMap<String, Part> {
    let file: BTreeMap<String, BTreeMap<String, BTreeMap<String, u32>>> =
        serde_saphyr::from_str(FILE).expect("the data file is YAML");
    let by_month = |values: BTreeMap<String, u32>| {
        let month = |text: String| text.parse().expect("the data file has months");
        values.into_iter().map(|(at, n)| (month(at), n)).collect()
    };
    let part = |numbers: BTreeMap<String, BTreeMap<String, u32>>| {
        numbers
            .into_iter()
            .map(|(name, values)| (name, by_month(values)))
            .collect()
    };
    file.into_iter()
        .map(|(name, numbers)| (name, part(numbers)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_data_file_can_be_set_in_a_design() {
        let parts = published();
        let records = [
            ("ergw1az", ErGwNumbersText::FIELDS),
            ("ergw2az", ErGwNumbersText::FIELDS),
            ("ergw3az", ErGwNumbersText::FIELDS),
            ("ergwscale", ErGwScaleNumbersText::FIELDS),
            ("express_route", ExpressRouteNumbersText::FIELDS),
            ("vnet", VnetNumbersText::FIELDS),
            ("vm", VmNumbersText::FIELDS),
            ("route_server", PlatformText::FIELDS),
        ];
        assert_eq!(parts.len(), records.len());
        for (part, fields) in records {
            for name in parts[part].keys() {
                assert!(fields.contains(&name.as_str()), "{part}.{name}");
            }
        }
    }

    #[test]
    fn a_number_of_the_design_goes_before_the_published_one() {
        let text = "longhaul: 1\nname: d\nplatform: {express_route: {announced: 7}, peers: 3}\nregions: {westeurope: {}}\n";
        let (design, _) = crate::read("design.yaml", text, &crate::NoFiles);
        let settled = crate::settle::settle(&design.expect("a design"), &mut Vec::new());
        let numbers = settled.platform.numbers;
        assert_eq!(
            (numbers.express_route.announced, numbers.route_server.peers),
            (7, 3)
        );
        assert_eq!(settled.platform.limits.peers, 3);
        assert_eq!(numbers.vnet.routes_per_table, 1_000);
        assert_eq!(
            Numbers::as_of("2025-01".parse().expect("a month"))
                .vnet
                .routes_per_table,
            400
        );
    }
}
