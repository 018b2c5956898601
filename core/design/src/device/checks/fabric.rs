//! What the fabric would trip over.

use std::collections::BTreeSet;

use super::super::Step::{Field, Item};
use super::super::{Findings, Step};
use super::unique;
use crate::plan::FabricConfig;

/// Checks the fabric's file.
pub(in crate::device) fn fabric(config: &FabricConfig, findings: &mut Findings) {
    names(config, findings);
    let known = Known::of(config);
    vnets(config, &known, findings);
    nics(config, &known, findings);
    clouds(config, &known, findings);
    lans(config, findings);
    ports(config, findings);
}

/// Names are unique among their kind.
fn names(config: &FabricConfig, findings: &mut Findings) {
    let regions = config.regions.iter().map(|region| region.name.as_str());
    unique(regions, "region", &[Field("regions")], findings);
    let vnets = config.vnets.iter().map(|vnet| vnet.name.as_str());
    unique(vnets, "VNet", &[Field("vnets")], findings);
    let nsgs = config.nsgs.iter().map(|nsg| nsg.name.as_str());
    unique(nsgs, "security group", &[Field("nsgs")], findings);
    let tables = config.route_tables.iter().map(|table| table.name.as_str());
    unique(tables, "route table", &[Field("route_tables")], findings);
    let clouds = config.clouds.iter().map(|cloud| cloud.name.as_str());
    unique(clouds, "cloud", &[Field("clouds")], findings);
}

/// The backbone and the clouds reach regions, and attachments clouds, that are there.
fn clouds(config: &FabricConfig, known: &Known<'_>, findings: &mut Findings) {
    for (index, pair) in config.backbone.iter().enumerate() {
        for (field, region) in [("a", &pair.a), ("b", &pair.b)] {
            known.region(
                region,
                &[Field("backbone"), Item(index), Field(field)],
                findings,
            );
        }
    }
    for (index, cloud) in config.clouds.iter().enumerate() {
        for (item, region) in cloud.regions.iter().enumerate() {
            known.region(
                region,
                &[Field("clouds"), Item(index), Field("regions"), Item(item)],
                findings,
            );
        }
    }
    let clouds: BTreeSet<&str> = config
        .clouds
        .iter()
        .map(|cloud| cloud.name.as_str())
        .collect();
    for (index, attachment) in config.attachments.iter().enumerate() {
        if !clouds.contains(attachment.cloud.as_str()) {
            let path = [Field("attachments"), Item(index), Field("cloud")];
            findings.add(
                &path,
                format!("there is no cloud `{}` in this file", attachment.cloud),
            );
        }
    }
}

fn lans(config: &FabricConfig, findings: &mut Findings) {
    for (index, lan) in config.lans.iter().enumerate() {
        for (item, port) in lan.ports.iter().enumerate() {
            if !lan.prefix.contains(port.address) {
                let path = [
                    Field("lans"),
                    Item(index),
                    Field("ports"),
                    Item(item),
                    Field("address"),
                ];
                findings.add(
                    &path,
                    format!("{} is not on the LAN {}", port.address, lan.prefix),
                );
            }
        }
    }
}

/// Names that parts of the fabric use for each other.
struct Known<'a> {
    regions: BTreeSet<&'a str>,
    nsgs: BTreeSet<&'a str>,
    tables: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(config: &'a FabricConfig) -> Self {
        Self {
            regions: config
                .regions
                .iter()
                .map(|region| region.name.as_str())
                .collect(),
            nsgs: config.nsgs.iter().map(|nsg| nsg.name.as_str()).collect(),
            tables: config
                .route_tables
                .iter()
                .map(|table| table.name.as_str())
                .collect(),
        }
    }

    fn region(&self, name: &str, path: &[Step], findings: &mut Findings) {
        if !self.regions.contains(name) {
            findings.add(path, format!("there is no region `{name}` in this file"));
        }
    }

    fn nsg(&self, name: Option<&String>, path: &[Step], findings: &mut Findings) {
        if let Some(name) = name.filter(|name| !self.nsgs.contains(name.as_str())) {
            findings.add(
                path,
                format!("there is no security group `{name}` in this file"),
            );
        }
    }
}

fn vnets(config: &FabricConfig, known: &Known<'_>, findings: &mut Findings) {
    let vnets: BTreeSet<&str> = config.vnets.iter().map(|vnet| vnet.name.as_str()).collect();
    for (index, vnet) in config.vnets.iter().enumerate() {
        let at = |field| [Field("vnets"), Item(index), Field(field)];
        known.region(&vnet.region, &at("region"), findings);
        unique(
            vnet.subnets.iter().map(|subnet| subnet.name.as_str()),
            "subnet",
            &at("subnets"),
            findings,
        );
        for (item, subnet) in vnet.subnets.iter().enumerate() {
            let at = |field| {
                [
                    Field("vnets"),
                    Item(index),
                    Field("subnets"),
                    Item(item),
                    Field(field),
                ]
            };
            if !vnet
                .address_space
                .iter()
                .any(|space| space.covers(subnet.prefix))
            {
                findings.add(
                    &at("prefix"),
                    format!("{} is not in the VNet's address space", subnet.prefix),
                );
            }
            known.nsg(subnet.nsg.as_ref(), &at("nsg"), findings);
            if let Some(table) = subnet
                .route_table
                .as_ref()
                .filter(|table| !known.tables.contains(table.as_str()))
            {
                findings.add(
                    &at("route_table"),
                    format!("there is no route table `{table}` in this file"),
                );
            }
        }
        for (item, peering) in vnet.peerings.iter().enumerate() {
            if !vnets.contains(peering.remote.as_str()) {
                let path = [
                    Field("vnets"),
                    Item(index),
                    Field("peerings"),
                    Item(item),
                    Field("remote"),
                ];
                findings.add(
                    &path,
                    format!("there is no VNet `{}` in this file", peering.remote),
                );
            }
        }
    }
}

fn nics(config: &FabricConfig, known: &Known<'_>, findings: &mut Findings) {
    for (index, nic) in config.nics.iter().enumerate() {
        let at = |field| [Field("nics"), Item(index), Field(field)];
        known.nsg(nic.nsg.as_ref(), &at("nsg"), findings);
        let Some(vnet) = config.vnets.iter().find(|vnet| vnet.name == nic.vnet) else {
            findings.add(
                &at("vnet"),
                format!("there is no VNet `{}` in this file", nic.vnet),
            );
            continue;
        };
        match vnet.subnets.iter().find(|subnet| subnet.name == nic.subnet) {
            None => findings.add(
                &at("subnet"),
                format!("{} has no subnet `{}`", nic.vnet, nic.subnet),
            ),
            Some(subnet) if !subnet.prefix.contains(nic.address) => {
                findings.add(
                    &at("address"),
                    format!("{} is not in {}", nic.address, subnet.prefix),
                );
            }
            Some(_) => {}
        }
    }
}

/// Every (device, interface) is one port.
fn ports(config: &FabricConfig, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    let mut port = |device: &str, interface: &str, path: &[Step]| {
        if !seen.insert((device.to_owned(), interface.to_owned())) {
            findings.add(path, format!("{interface} of {device} is connected twice"));
        }
    };
    for (index, nic) in config.nics.iter().enumerate() {
        port(&nic.device, &nic.interface, &[Field("nics"), Item(index)]);
    }
    for (index, attachment) in config.attachments.iter().enumerate() {
        port(
            &attachment.device,
            &attachment.interface,
            &[Field("attachments"), Item(index)],
        );
    }
    for (index, wire) in config.wires.iter().enumerate() {
        for (side, end) in [("a", &wire.a), ("b", &wire.b)] {
            let path = [Field("wires"), Item(index), Field(side)];
            port(&end.device, &end.interface, &path);
        }
    }
    for (index, lan) in config.lans.iter().enumerate() {
        for (item, on) in lan.ports.iter().enumerate() {
            port(
                &on.device,
                &on.interface,
                &[Field("lans"), Item(index), Field("ports"), Item(item)],
            );
        }
    }
}
