//! What can be measured of a tunnel.

use serde::Serialize;

/// A set of figures that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Pings through an idle tunnel.
    Ping,
    /// One TCP stream, with pings beside it.
    Tcp,
    /// Four TCP streams.
    Tcp4,
    /// Packets of 64 octets.
    Packets,
    /// One TCP stream and small packets through a hub.
    Relay,
    /// The near node is killed under load and started again.
    Restart,
    /// Thousands of tunnels on our hub.
    Tunnels,
}

impl Measure {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 7] = [
        Self::Ping,
        Self::Tcp,
        Self::Tcp4,
        Self::Packets,
        Self::Restart,
        Self::Relay,
        Self::Tunnels,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Tcp => "tcp",
            Self::Tcp4 => "tcp4",
            Self::Packets => "packets",
            Self::Relay => "relay",
            Self::Restart => "restart",
            Self::Tunnels => "tunnels",
        }
    }

    /// The measure of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// One TCP stream.
    Tcp,
    /// The sending node's processor time for it.
    SenderCpu,
    /// The receiving node's.
    ReceiverCpu,
    /// Four TCP streams together.
    Tcp4,
    /// Packets of 64 octets.
    Packets,
    /// Half of the pings through an idle tunnel are answered within.
    PingP50,
    /// All but a hundredth.
    PingP99,
    /// Half of the pings beside one TCP stream.
    PingLoaded,
    /// What the larger of both nodes has resident after all that.
    Memory,
    /// From the start after a kill to the first answered ping.
    Restart,
    /// One TCP stream through a hub.
    Relay,
    /// The hub's processor time for it.
    HubCpu,
    /// Packets of 64 octets through a hub.
    RelayPackets,
    /// From the first call of 5,000 sites until all have a session.
    CrowdUp,
    /// What a hub with as many idle tunnels uses of a processor.
    CrowdCpu,
    /// What each of them adds to its resident memory.
    CrowdMemory,
}

impl Figure {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 16] = [
        Self::Tcp,
        Self::Tcp4,
        Self::SenderCpu,
        Self::ReceiverCpu,
        Self::Packets,
        Self::PingP50,
        Self::PingP99,
        Self::PingLoaded,
        Self::Memory,
        Self::Restart,
        Self::Relay,
        Self::HubCpu,
        Self::RelayPackets,
        Self::CrowdUp,
        Self::CrowdCpu,
        Self::CrowdMemory,
    ];

    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP x1",
            Self::Tcp4 => "TCP x4",
            Self::SenderCpu => "CPU sender",
            Self::ReceiverCpu => "CPU receiver",
            Self::Packets => "64 B packets",
            Self::PingP50 => "ping p50",
            Self::PingP99 => "ping p99",
            Self::PingLoaded => "ping p50 loaded",
            Self::Memory => "memory",
            Self::Restart => "restart",
            Self::Relay => "relay TCP x1",
            Self::HubCpu => "relay CPU hub",
            Self::RelayPackets => "relay 64 B",
            Self::CrowdUp => "5,000 tunnels up",
            Self::CrowdCpu => "5,000 idle, CPU",
            Self::CrowdMemory => "memory a tunnel",
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Tcp | Self::Tcp4 | Self::Relay => "Gb/s",
            Self::SenderCpu | Self::ReceiverCpu | Self::HubCpu => "CPU-s/GB",
            Self::Packets | Self::RelayPackets => "kpps",
            Self::PingP50 | Self::PingP99 => "µs",
            Self::PingLoaded => "ms",
            Self::Memory => "MiB",
            Self::Restart | Self::CrowdUp => "s",
            Self::CrowdCpu => "%",
            Self::CrowdMemory => "kB",
        }
    }
}
