//! What can be wrong with a node's configuration: the field and the reason.

use core::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The field as in the file: `links[3].paths[0].local`.
    pub field: String,
    /// What is wrong with it.
    pub reason: ConfigReason,
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigReason {
    /// It is empty.
    Empty,
    /// It is not between these bounds.
    OutOfRange {
        /// Lowest good value.
        min: u32,
        /// Highest good value.
        max: u32,
    },
    /// Another entry has the same value.
    Duplicate,
    /// Nothing of this name is in the configuration.
    Unknown {
        /// The name.
        name: String,
    },
    /// It cannot be the address of a host.
    NotAHostAddress,
    /// The overlay's AS must fit two octets, since route origins carry it.
    AsnTooLarge,
    /// The AS must differ from the overlay's.
    AsnOfOverlay,
    /// It is not a key in base64.
    NotAKey,
    /// No private key was given for this locator.
    NoPrivateKey,
    /// The private key that was given belongs to another public key.
    OtherPrivateKey,
    /// An NVA cannot have it.
    NotForNva,
    /// A CPE cannot have it.
    NotForCpe,
    /// It needs an endpoint to call.
    NeedsEndpoint,
    /// A neighbour without a loopback cannot answer probes.
    ProbeNeedsLoopback,
    /// A neighbour with a loopback announces its routes itself.
    StaticRoutesNeedPlainPeer,
    /// It must be longer than the probe interval.
    NotLongerThanInterval,
    /// It is not an address of this LAN.
    OutsideLan,
    /// It is not an address that the interface reaches.
    OffLink,
    /// A link without tunnels has nothing of a tunnel.
    NotForPlainLink,
    /// It is the node's own address.
    OwnAddress,
    /// No interface has a default route, so there is no way to a Route Server.
    NeedsDefaultRoute,
    /// It is the prefix of all addresses; a kernel route for it would take the underlay's.
    Default,
}

impl fmt::Display for ConfigReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::OutOfRange { min, max } => return write!(f, "must be from {min} to {max}"),
            Self::Duplicate => "is there twice",
            Self::Unknown { name } => return write!(f, "names {name:?}, which is not there"),
            Self::NotAHostAddress => "is not the address of a host",
            Self::AsnTooLarge => "must be at most 65535, since route origins carry it",
            Self::AsnOfOverlay => "is the overlay's own AS",
            Self::NotAKey => "is not a key of 32 octets in base64",
            Self::NoPrivateKey => "has no private key beside the configuration",
            Self::OtherPrivateKey => "does not belong to the private key beside the configuration",
            Self::NotForNva => "is nothing that an NVA has",
            Self::NotForCpe => "is nothing that a CPE has",
            Self::NeedsEndpoint => "must be given when this side initiates",
            Self::ProbeNeedsLoopback => "needs the neighbour's loopback",
            Self::StaticRoutesNeedPlainPeer => "are only for a neighbour without a loopback",
            Self::NotLongerThanInterval => "must be longer than the interval",
            Self::OutsideLan => "is not an address of the LAN",
            Self::OffLink => "is not an address that the interface reaches",
            Self::NotForPlainLink => "is nothing that a link without tunnels has",
            Self::OwnAddress => "is the node's own address",
            Self::NeedsDefaultRoute => "needs an interface with a default route",
            Self::Default => "must not be 0.0.0.0/0",
        })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.reason)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl core::error::Error for ConfigErrors {}
