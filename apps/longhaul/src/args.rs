//! The command line: every command, argument and option, declared once.
//!
//! Help, completions and the manual page all come from these types.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use driver::ManagementAddress;

mod bench;

pub(crate) use self::bench::{Bench, BenchBgp, BenchTunnel, TunnelBound};

/// Design, prove, rehearse and run a global SD-WAN on a cloud backbone.
///
/// Results go to standard output, logs and progress to standard error. Exit codes: 0 clean,
/// 1 findings, 2 usage or unreadable file, 3 run-time failure.
#[derive(Debug, Parser)]
#[command(
    name = "longhaul",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Longhaul {
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people.
    Text,
    /// JSON with a `format_version`.
    Json,
    /// SARIF 2.1.0, for code scanning (`check` only).
    Sarif,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented design to start from.
    Init {
        /// Where to; must not exist yet.
        #[arg(default_value = "design.yaml")]
        file: PathBuf,
    },
    /// Check a design against the architecture's guidance and the platform's limits.
    Check(DesignFile),
    /// List the rules of `check`, or explain one.
    Rules {
        /// A rule's id.
        rule: Option<String>,
    },
    /// Resolve a design and write the configuration file of every device.
    Plan {
        #[command(flatten)]
        design: DesignFile,
        /// Directory to write to; keys that are already there are kept.
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Say which line or default a value of the plan came from.
    Explain {
        /// The design file.
        file: PathBuf,
        /// The value, such as `regions.westeurope.hub.address_space`.
        value: String,
    },
    /// Say to which application class a packet belongs at a node.
    Classify(Classify),
    /// Run a design in virtual time until it has converged.
    Sim(Sim),
    /// Bring a design up on this machine with real processes, BGP and encrypted packets.
    Up(Up),
    /// Say how the running lab is.
    Status(LabName),
    /// Take the running lab down; also clears what a killed lab left.
    Down(LabName),
    /// Say what this machine lacks for `up`, and how to get it.
    Doctor,
    /// Show sessions, routes, tunnels, effective routes or forwarding of devices.
    Show(Show),
    /// Show every hop from one host to another and back, with the reason for each choice.
    Trace(Trace),
    /// Break something: `nva1.westeurope`, `cpe1.paris`, `underlay:paris/internet`,
    /// `path:cpe1.paris/internet>nva1.westeurope/azure`, `rs0.westeurope`, `region:westeurope`,
    /// `backbone:westeurope-eastus`, `maintenance:rs0.westeurope`, `msee0.ams`, `circuit:ams`,
    /// `link:core.paris/er0`.
    Fail(Target),
    /// Mend what was broken.
    Heal(Target),
    /// Run a command inside a device of the running lab.
    Exec {
        #[command(flatten)]
        lab: LabName,
        /// The device.
        device: String,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Make up a large design.
    Generate {
        /// How many regions.
        #[arg(long, default_value_t = 3)]
        regions: usize,
        /// How many sites.
        #[arg(long, default_value_t = 100)]
        sites: usize,
        /// Seed of everything that is drawn.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Find and rehearse the steps from one design to another.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Measure speed and memory.
    #[command(subcommand)]
    Bench(Bench),
    /// Print the JSON Schema of the design file, or of a router's file.
    Schema {
        /// Which file.
        #[arg(value_enum, default_value_t = SchemaOf::Design)]
        of: SchemaOf,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// Run an SD-WAN node (NVA or CPE) from its configuration file.
    Node(NodeDaemon),
    /// Run one Route Server instance from its configuration file.
    RouteServer(RouteServerDaemon),
    /// Run one instance of an ExpressRoute gateway from its configuration file; SIGHUP makes it read
    /// the file again.
    Gateway(ExpressRouteDaemon),
    /// Run an MSEE, one of the two ends of a circuit, from its configuration file; SIGHUP makes it
    /// read the file again.
    Msee(ExpressRouteDaemon),
    /// Run a BGP router from its configuration file; SIGHUP makes it read the file again.
    Router(RouterDaemon),
    /// Check the configuration file of a router.
    CheckRouter {
        /// The configuration file.
        config: PathBuf,
    },
    /// Run the fabric of a lab from its configuration file.
    #[command(hide = true)]
    Fabric(FabricDaemon),
}

/// A design file.
#[derive(Clone, Debug, Args)]
pub(crate) struct DesignFile {
    /// The design file; without it `design.yaml` here, else the built-in example.
    pub(crate) file: Option<PathBuf>,
}

/// Which lab.
#[derive(Clone, Debug, Args)]
pub(crate) struct LabName {
    /// The lab's name, when several run; it is the design's name.
    #[arg(long)]
    pub(crate) lab: Option<String>,
}

/// Where a question goes: to the running lab, or to a simulation.
#[derive(Clone, Debug, Args)]
pub(crate) struct Where {
    #[command(flatten)]
    pub(crate) lab: LabName,
    /// Ask a simulation of this design and not the running lab.
    #[arg(long, value_name = "FILE")]
    pub(crate) sim: Option<PathBuf>,
    /// Virtual time of the question; without it, when the simulation has converged.
    #[arg(long, value_parser = duration, requires = "sim")]
    pub(crate) at: Option<Duration>,
    /// Break TARGET at TIME in the simulation, such as `nva1.westeurope@30s`.
    #[arg(long, value_name = "TARGET@TIME", requires = "sim")]
    pub(crate) fail: Vec<String>,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 1, requires = "sim")]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    #[command(flatten)]
    pub(crate) design: DesignFile,
    /// Virtual time to run to; without it, until converged.
    #[arg(long, value_parser = duration)]
    pub(crate) until: Option<Duration>,
    /// Break TARGET at TIME, such as `nva1.westeurope@30s`.
    #[arg(long, value_name = "TARGET@TIME")]
    pub(crate) fail: Vec<String>,
    /// Mend TARGET at TIME.
    #[arg(long, value_name = "TARGET@TIME")]
    pub(crate) heal: Vec<String>,
    /// Send a packet every 10 ms between all pairs of hosts and report the loss of each failure.
    #[arg(long)]
    pub(crate) traffic: bool,
    /// Let failures come and go at random for so long, and hold what happens against what may never happen.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with_all = ["until", "fail", "heal", "traffic"])]
    pub(crate) ordeal: Option<Duration>,
    /// How many seeds to do that for, from `--seed` on.
    #[arg(long, default_value_t = 1, requires = "ordeal")]
    pub(crate) seeds: u64,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Tunnel cryptography: real, or none for large designs.
    #[arg(long, value_enum, default_value_t = Crypto::Auto)]
    pub(crate) crypto: Crypto,
}

/// Files that have a JSON Schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The design file.
    Design,
    /// A router's file, for `longhaul router`.
    Router,
}

/// Tunnel cryptography in a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Crypto {
    /// WireGuard up to 100 nodes, none above.
    Auto,
    /// As in production.
    Wireguard,
    /// Same messages, no encryption.
    Null,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) design: DesignFile,
    /// Return when the lab is up and verified; it goes on running.
    #[arg(long, conflicts_with = "once")]
    pub(crate) detach: bool,
    /// Bring up, verify, take down; exit 0 when every check passed, else 1.
    #[arg(long)]
    pub(crate) once: bool,
    /// How long tunnels, then BGP sessions, then first replies between hosts may take.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) patience: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// What to show.
    #[arg(value_enum)]
    pub(crate) what: What,
    /// One device; without it, all that have it. `rs.westeurope` is both instances of the Route
    /// Server, `rs0.westeurope` one of them; `ergw.westeurope` both of the gateway.
    pub(crate) device: Option<String>,
    /// The peer of a Route Server or a gateway whose routes are shown; of a gateway all without it.
    pub(crate) peer: Option<String>,
    /// Ask the daemon behind this control socket.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["lab", "sim"])]
    pub(crate) control: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Where,
}

/// What `show` can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// BGP sessions.
    Sessions,
    /// BGP routes with every candidate.
    Routes,
    /// Links and paths.
    Tunnels,
    /// What paths carry, by which measurement and which rule, and the last moves.
    Paths,
    /// Route budgets of NVAs, and what does not fit.
    Budget,
    /// Packets that passed through nodes, and those that were dropped, by reason.
    Counters,
    /// Effective routes of network interfaces in VNets; of one, as the platform shows them.
    EffectiveRoutes,
    /// Forwarding tables.
    Forwarding,
    /// Peers of a Route Server or a gateway, as the platform shows them.
    Peerings,
    /// What a peer announced to a Route Server or a gateway, as the platform shows it.
    LearnedRoutes,
    /// What a Route Server or a gateway announced to a peer, as the platform shows it.
    AdvertisedRoutes,
    /// The routes of an MSEE, as the platform shows those of a circuit.
    RouteTable,
    /// The neighbours of an MSEE, as the platform sums up a circuit's routes.
    RouteTableSummary,
}

#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// Host that sends.
    pub(crate) source: String,
    /// Host that answers.
    pub(crate) destination: String,
    /// Protocol and ports: `tcp:51000:443`, `udp:5000:53`, `icmp`.
    #[arg(long, default_value = "icmp")]
    pub(crate) flow: String,
    #[command(flatten)]
    pub(crate) place: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Classify {
    /// The design file.
    pub(crate) file: PathBuf,
    /// The node, such as `cpe1.paris`.
    pub(crate) node: String,
    /// The packet's source.
    pub(crate) source: Ipv4Addr,
    /// The packet's destination.
    pub(crate) destination: Ipv4Addr,
    /// Protocol, ports and code point: `tcp:51000:443`, `udp:5000:16384@46`, `icmp`.
    #[arg(long, default_value = "icmp")]
    pub(crate) flow: String,
    /// The name that the site's hosts resolved the destination from.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// What.
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) place: Where,
}

/// What is done about a migration.
#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Find the steps: each a design that `check` passes and in which every pair of hosts keeps
    /// reaching each other; what each team does, and how to go back.
    Plan(MigratePlan),
    /// Walk the steps in a lab with packets under way between all hosts; a step that loses a pair is
    /// undone and ends the walk.
    Run(MigrateRun),
}

#[derive(Debug, Args)]
pub(crate) struct MigrateRun {
    #[command(flatten)]
    pub(crate) plan: MigratePlan,
    /// At the end go back over this many steps, last one first.
    #[arg(long, value_name = "STEPS", default_value_t = 0)]
    pub(crate) back: usize,
}

#[derive(Debug, Args)]
pub(crate) struct MigratePlan {
    /// The design as it is.
    pub(crate) from: PathBuf,
    /// The design as it shall be.
    pub(crate) to: PathBuf,
    /// Directory for the design of every step and the report.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Seed of the simulations.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What every daemon takes.
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// Unix socket to answer `show --control` on.
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,
    /// Serve management and metrics over HTTP: `unix:/path`, or a loopback address and port.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) management: Option<ManagementAddress>,
}

#[derive(Debug, Args)]
pub(crate) struct RouterDaemon {
    #[command(flatten)]
    pub(crate) daemon: Daemon,
    /// Restart without losing routes (RFC 4724): end without a farewell, and begin by waiting for
    /// the routes of the neighbours.
    #[arg(long)]
    pub(crate) graceful_restart: bool,
    /// The name under which it answers questions; without it, that in the file.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NodeDaemon {
    #[command(flatten)]
    pub(crate) daemon: Daemon,
    /// Directory with the private keys, one file for each locator.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RouteServerDaemon {
    #[command(flatten)]
    pub(crate) daemon: Daemon,
    /// Control socket of the other instance: management then reads and changes both.
    #[arg(long, value_name = "PATH", requires = "management")]
    pub(crate) twin: Option<PathBuf>,
    /// Unix socket on which a lab's fabric takes routes to program.
    #[arg(long, hide = true)]
    pub(crate) fabric: Option<PathBuf>,
    /// Control socket of a lab's fabric, which knows the effective routes.
    #[arg(long, hide = true, requires = "management")]
    pub(crate) fabric_control: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExpressRouteDaemon {
    #[command(flatten)]
    pub(crate) daemon: Daemon,
    /// Unix socket on which a lab's fabric takes what is decided.
    #[arg(long, hide = true)]
    pub(crate) fabric: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FabricDaemon {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// Unix socket to answer questions on.
    #[arg(long)]
    pub(crate) control: PathBuf,
    /// Unix socket on which Route Server instances, gateways and MSEEs say what they decide.
    #[arg(long)]
    pub(crate) fabric: PathBuf,
}

/// A duration with a unit: `250ms`, `30s`, `5m`, `1h`, `93.2s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    sim::scenario::duration(text).ok_or_else(|| {
        format!("{text:?} is no time of at most 30 days, such as 250ms, 30s, 5m or 1h")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Longhaul::command().debug_assert();
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("93.2s"), Ok(Duration::from_millis(93_200)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for text in [
            "30",
            "s",
            "-1s",
            "1e99s",
            "NaNs",
            "3 s",
            "721h",
            "18446744073709551615ms",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
