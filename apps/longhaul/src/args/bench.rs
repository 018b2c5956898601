//! The arguments of `bench`.

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use ::bench::tunnel::bound::{Suite, Wire};
use ::bench::tunnel::{Implementation, Measure};
use clap::{Args, Subcommand};

use super::duration;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// BGP daemons, ours and others', as plain external routers under the same load. Needs root.
    Bgp(BenchBgp),
    /// A migration of generated sites from a provider's network to the SD-WAN, as `migrate plan`
    /// finds and proves it.
    Migration {
        /// How many sites.
        #[arg(long, default_value_t = 50)]
        sites: usize,
        /// Directory for both designs, every step's design and the report.
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Our Route Server at the platform's limits: 8 NVAs with 4,000 routes each, 4,000 VMs.
    RouteServer {
        /// How often; medians are shown.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
        repeat: u16,
    },
    /// Tunnels, ours and others', between two network namespaces under the same load. Needs root.
    Tunnel(BenchTunnel),
    /// One node of the upper bound that `bench tunnel` starts.
    #[command(hide = true)]
    TunnelBound(TunnelBound),
}

#[derive(Debug, Args)]
pub(crate) struct BenchBgp {
    /// What to measure: w2 (full table), late (late joiner), drop (withdrawal), w1 (equal paths of
    /// 8 senders), w3 (different paths of 8 senders), change, change-load (one route, idle and
    /// during full tables); without it, all.
    #[arg(long, value_delimiter = ',', value_parser = workload)]
    pub(crate) workload: Vec<::bench::Workload>,
    /// Other daemons to measure in the same run: bird, frr, gobgp, openbgpd.
    #[arg(long, value_delimiter = ',', value_parser = make)]
    pub(crate) against: Vec<::bench::Make>,
    /// Leave ours out.
    #[arg(long, requires = "against")]
    pub(crate) without_ours: bool,
    /// Our program, when it is not this one: to compare two builds.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// How often; the daemons take turns and the medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) repeat: u16,
    /// The processors that a daemon may use, such as `0` or `0-1`; without it, all.
    #[arg(long)]
    pub(crate) cpus: Option<String>,
    /// Prefixes of a full table.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) prefixes: u32,
    /// How long one workload may take.
    #[arg(long, value_parser = duration, default_value = "150s")]
    pub(crate) timeout: Duration,
}

/// A workload by its name.
fn workload(name: &str) -> Result<::bench::Workload, String> {
    let known = || {
        ::bench::Workload::ALL
            .map(::bench::Workload::name)
            .join(", ")
    };
    ::bench::Workload::named(name).ok_or_else(|| format!("it is one of {}", known()))
}

/// A make of daemon by its name.
fn make(name: &str) -> Result<::bench::Make, String> {
    let known = || ::bench::Make::ALL.map(::bench::Make::name).join(", ");
    ::bench::Make::named(name).ok_or_else(|| format!("it is one of {}", known()))
}

#[derive(Debug, Args)]
pub(crate) struct BenchTunnel {
    /// Others to measure in the same run: wireguard-go, boringtun, gotatun, nebula; without it,
    /// those that are installed.
    #[arg(long, value_delimiter = ',', value_parser = implementation)]
    pub(crate) peers: Option<Vec<Implementation>>,
    /// Only these implementations: wire, bound-none, bound-chacha20, bound-aes, longhaul,
    /// longhaul-aes and the peers.
    #[arg(long, value_delimiter = ',', value_parser = implementation, conflicts_with = "peers")]
    pub(crate) only: Vec<Implementation>,
    /// What to measure: ping, tcp, tcp4, packets, restart, relay, tunnels; without it, all.
    #[arg(long, value_delimiter = ',', value_parser = measure)]
    pub(crate) measure: Vec<Measure>,
    /// How often; the implementations take turns and the medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) repeat: u16,
    /// How long each transfer is measured.
    #[arg(long, value_parser = duration, default_value = "3s")]
    pub(crate) time: Duration,
    /// The processors: the near node's and the far one's, or both ends' and the hub's.
    #[arg(long, num_args = 2, value_delimiter = ',', default_values_t = [0, 1])]
    pub(crate) cpus: Vec<usize>,
    /// Where to look first for the programs of others.
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// Our program, when it is not this one: to compare two builds.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// Instead of measuring let two of our nodes work for so long, with full load, roaming, new keys
    /// and strangers that call; count flows lost, packets overtaken and memory grown.
    #[arg(long, value_parser = duration, value_name = "TIME", conflicts_with_all = ["peers", "only", "measure"])]
    pub(crate) soak: Option<Duration>,
    /// Handshake initiations of strangers a second during a soak.
    #[arg(long, value_name = "RATE", default_value_t = 50_000, requires = "soak")]
    pub(crate) strangers: u32,
    /// Seal with AES-256-GCM during a soak.
    #[arg(long, requires = "soak")]
    pub(crate) aes: bool,
    /// Forwarding threads of each node during a soak; all of a node's share its processor.
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "soak")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) threads: u8,
}

#[derive(Debug, Args)]
pub(crate) struct TunnelBound {
    /// What packets are sealed with: none, chacha20, aes.
    #[arg(long, value_parser = suite)]
    pub(crate) suite: Suite,
    /// The TUN device to make; without it, a hub between two wires.
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Our address and the other end's, as in `192.0.2.1:51820=192.0.2.2:51820`.
    #[arg(long, value_parser = wire, required = true)]
    pub(crate) wire: Vec<Wire>,
}

/// An implementation of tunnels by its name.
fn implementation(name: &str) -> Result<Implementation, String> {
    let known = || Implementation::ALL.map(Implementation::name).join(", ");
    Implementation::named(name).ok_or_else(|| format!("it is one of {}", known()))
}

/// What is measured of a tunnel by its name.
fn measure(name: &str) -> Result<Measure, String> {
    let known = || Measure::ALL.map(Measure::name).join(", ");
    Measure::named(name).ok_or_else(|| format!("it is one of {}", known()))
}

/// A suite by its name.
fn suite(name: &str) -> Result<Suite, String> {
    let known = || Suite::ALL.map(Suite::name).join(", ");
    Suite::named(name).ok_or_else(|| format!("it is one of {}", known()))
}

/// Both addresses of a wire.
fn wire(text: &str) -> Result<Wire, String> {
    let ends = text.split_once('=');
    let wire = ends.and_then(|(local, remote)| {
        let [local, remote] = [local, remote].map(|end| end.parse::<SocketAddrV4>().ok());
        Some(Wire {
            local: local?,
            remote: remote?,
        })
    });
    wire.ok_or_else(|| "two addresses with ports and `=` between them".to_owned())
}
