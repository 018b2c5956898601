//! Why a fabric cannot be made from its configuration.

use core::fmt;

/// What a configuration refers to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referent {
    /// A cloud.
    Cloud,
    /// A device.
    Device,
    /// A NIC of a device.
    Nic,
    /// A network security group.
    Nsg,
    /// A region.
    Region,
    /// A route table.
    RouteTable,
    /// A subnet of a VNet.
    Subnet,
    /// A VNet.
    Vnet,
}

impl fmt::Display for Referent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloud => "cloud",
            Self::Device => "device",
            Self::Nic => "a NIC of",
            Self::Nsg => "network security group",
            Self::Region => "region",
            Self::RouteTable => "route table",
            Self::Subnet => "subnet",
            Self::Vnet => "VNet",
        })
    }
}

/// Why a fabric cannot be made from its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FabricError {
    /// A name that nothing has.
    Unknown {
        /// What it should name.
        what: Referent,
        /// The name.
        name: String,
        /// Who refers to it.
        by: String,
    },
    /// Two interfaces of one device have the same name.
    DuplicatePort {
        /// The device.
        device: String,
        /// The interface.
        interface: String,
    },
    /// A device is named as a forwarder twice.
    DuplicateForwarder {
        /// The device.
        device: String,
    },
    /// An address that two interfaces of one VNet, or two public endpoints, have.
    DuplicateAddress {
        /// The address.
        address: core::net::Ipv4Addr,
        /// The later interface.
        by: String,
    },
}

impl fmt::Display for FabricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name, by } => {
                write!(f, "{by} refers to {what} {name:?}, which does not exist")
            }
            Self::DuplicatePort { device, interface } => {
                write!(f, "{device} has two interfaces named {interface:?}")
            }
            Self::DuplicateForwarder { device } => {
                write!(f, "{device} is named as a forwarder twice")
            }
            Self::DuplicateAddress { address, by } => {
                write!(f, "{by} has address {address}, which another one has")
            }
        }
    }
}

impl core::error::Error for FabricError {}
