//! Why a gateway or an MSEE cannot be as it is configured.

use core::fmt;
use core::net::Ipv4Addr;

use inet::Asn;

use crate::instance::SameAddress;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFault {
    /// Two neighbours have one address.
    Address(Ipv4Addr),
    /// A customer's AS that the platform reserves.
    Asn(Asn),
    /// More circuits than the gateway's SKU takes.
    Circuits(u32),
    /// More VNets than a circuit takes.
    Connections(usize),
    /// A field that stays as it is for as long as the device runs.
    Fixed(&'static str),
    /// An interface that the device does not have.
    Interface(String),
    /// No interface is on a link with the address.
    NoLink(Ipv4Addr),
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "two neighbours have address {address}"),
            Self::Asn(asn) => write!(f, "a customer cannot have AS {asn}: the platform uses it"),
            Self::Circuits(most) => write!(f, "the gateway takes {most} circuits at the most"),
            Self::Connections(most) => write!(f, "the circuit takes {most} VNets at the most"),
            Self::Fixed(field) => write!(
                f,
                "{field} cannot change while the device runs; start it anew"
            ),
            Self::Interface(name) => write!(f, "there is no interface {name}"),
            Self::NoLink(address) => write!(f, "no interface is on a link with {address}"),
        }
    }
}

impl core::error::Error for ConfigFault {}

impl From<SameAddress> for ConfigFault {
    fn from(SameAddress(address): SameAddress) -> Self {
        Self::Address(address)
    }
}
