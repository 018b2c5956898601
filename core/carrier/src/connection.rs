//! A connection in the place of an address: tunnels know UDP endpoints only.

use core::net::{Ipv4Addr, SocketAddrV4};

/// A connection that carries the datagrams of tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// This side called, for the path of this number.
    Called(u32),
    /// The other side called; connections are counted as they come.
    Accepted(u32),
}

/// The port in the address of a connection that this side called.
const CALLED: u16 = 1;
/// The port in the address of a connection that the other side called.
const ACCEPTED: u16 = 2;

impl Connection {
    /// Connections have numbers below this.
    pub const NUMBERS: u32 = 1 << 24;

    /// What stands for it among the addresses of peers: in 0.0.0.0/8, from which no packet comes and to which
    /// none goes (RFC 1122 §3.2.1.3). Numbers from [`Self::NUMBERS`] on begin anew.
    pub const fn address(self) -> SocketAddrV4 {
        let (number, port) = match self {
            Self::Called(number) => (number, CALLED),
            Self::Accepted(number) => (number, ACCEPTED),
        };
        SocketAddrV4::new(Ipv4Addr::from_bits(number % Self::NUMBERS), port)
    }

    /// The connection that an address stands for; `None` for one of the network.
    pub fn of(address: SocketAddrV4) -> Option<Self> {
        let number = address.ip().to_bits();
        match address.port() {
            CALLED if number < Self::NUMBERS => Some(Self::Called(number)),
            ACCEPTED if number < Self::NUMBERS => Some(Self::Accepted(number)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_known_by_its_address_and_no_network_address_is_one() {
        for connection in [Connection::Called(70_000), Connection::Accepted(0)] {
            assert_eq!(Connection::of(connection.address()), Some(connection));
        }
        let network = SocketAddrV4::new(Ipv4Addr::new(1, 0, 0, 0), CALLED);
        assert_eq!(Connection::of(network), None);
        let other_port = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 3);
        assert_eq!(Connection::of(other_port), None);
    }
}
