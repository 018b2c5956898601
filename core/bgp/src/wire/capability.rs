//! Capabilities (RFC 5492): what each side can do beyond RFC 4271.

use inet::Asn;

use crate::wire::Reader;

/// An address family and what its routes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// Address family identifier.
    pub afi: u16,
    /// Subsequent address family identifier.
    pub safi: u8,
}

impl Family {
    /// IPv4 unicast.
    pub const IPV4_UNICAST: Self = Self { afi: 1, safi: 1 };
    /// IPv6 unicast.
    pub const IPV6_UNICAST: Self = Self { afi: 2, safi: 1 };
}

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Code 1 (RFC 4760).
    Multiprotocol(Family),
    /// Code 2 (RFC 2918).
    RouteRefresh,
    /// Code 65 (RFC 6793).
    FourOctetAs(Asn),
    /// Any other.
    Other {
        /// Its code.
        code: u8,
        /// Its value.
        value: Vec<u8>,
    },
}

const MULTIPROTOCOL: u8 = 1;
const ROUTE_REFRESH: u8 = 2;
const FOUR_OCTET_AS: u8 = 65;

impl Capability {
    /// The number on the wire.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => MULTIPROTOCOL,
            Self::RouteRefresh => ROUTE_REFRESH,
            Self::FourOctetAs(_) => FOUR_OCTET_AS,
            Self::Other { code, .. } => *code,
        }
    }

    /// Reads one capability. `None` when it is cut off, or a known one has a wrong length.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let code = reader.u8()?;
        let len = usize::from(reader.u8()?);
        let value = reader.take(len)?;
        let mut fields = Reader(value);
        Some(match code {
            MULTIPROTOCOL if len == 4 => {
                let (afi, _reserved, safi) = (fields.u16()?, fields.u8()?, fields.u8()?);
                Self::Multiprotocol(Family { afi, safi })
            }
            ROUTE_REFRESH if len == 0 => Self::RouteRefresh,
            FOUR_OCTET_AS if len == 4 => Self::FourOctetAs(Asn(fields.u32()?)),
            MULTIPROTOCOL | ROUTE_REFRESH | FOUR_OCTET_AS => return None,
            _ => Self::Other {
                code,
                value: value.to_vec(),
            },
        })
    }

    /// Appends the capability; values over 255 bytes are cut.
    pub fn write(&self, out: &mut Vec<u8>) {
        let value = match self {
            Self::Multiprotocol(family) => {
                let [high, low] = family.afi.to_be_bytes();
                vec![high, low, 0, family.safi]
            }
            Self::RouteRefresh => Vec::new(),
            Self::FourOctetAs(asn) => asn.0.to_be_bytes().to_vec(),
            Self::Other { value, .. } => value[..value.len().min(255)].to_vec(),
        };
        out.push(self.code());
        out.push(value.len() as u8);
        out.extend_from_slice(&value);
    }
}
