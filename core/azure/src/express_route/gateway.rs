//! One instance of an ExpressRoute gateway.
//!
//! - It speaks eBGP with both MSEEs of each circuit, and iBGP with the VNet's Route Server when there
//!   is one. It tells Route Server what it learned from circuits, and circuits the VNets' address
//!   space (AS_PATH 65515) and, with branch-to-branch, what Route Server told (`65515 65001`). What
//!   one circuit told goes to no other (`rules`).
//! - A route of an MSEE (weight 32769) goes before one of Route Server (32768); among MSEEs the
//!   connection with the higher weight, then the shorter AS_PATH; what is equal shares, but over
//!   several circuits only without a Route Server.
//! - With Route Server and branch-to-branch it drops what carries 65517:65517 when it comes from a
//!   circuit.
//! - Without a Route Server it programs the NICs itself.
//! - Beyond what its SKU allows the session that brought one too many ends, and comes back (`limits`).

mod limits;
mod rules;

use core::net::Ipv4Addr;

use bgp::{NeighborId, Path, Speaker};
use design::plan::{BgpPeerConfig, ErGatewayConfig};
use inet::{Instant, Prefix};

use super::next_hops::{self, NextHops};
use super::{ConfigFault, Input, Output};
use crate::instance::Instance;

/// What the platform's management can want of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayCommand {
    /// Take this configuration; sessions whose terms did not change stay. What cannot be is not done.
    Configure(Box<ErGatewayConfig>),
    /// The platform takes this instance out of service, without notice to anybody, or puts it back.
    Maintenance(bool),
}

/// Who speaks BGP with a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayMember {
    /// An instance of the VNet's Route Server.
    RouteServer(BgpPeerConfig),
    /// An MSEE.
    Msee {
        /// The circuit's name.
        circuit: String,
        /// `routingWeight` of the connection.
        weight: u32,
        /// Its end in GatewaySubnet.
        peer: BgpPeerConfig,
    },
}

impl GatewayMember {
    /// Device name, address and AS.
    pub const fn peer(&self) -> &BgpPeerConfig {
        match self {
            Self::RouteServer(peer) | Self::Msee { peer, .. } => peer,
        }
    }
}

/// One instance of a gateway.
#[derive(Debug)]
pub struct Gateway {
    config: ErGatewayConfig,
    instance: Instance<GatewayMember>,
    forwarded: NextHops,
    programmed: NextHops,
    routes_changed: u64,
    sessions_shed: u64,
}

impl Gateway {
    /// An instance that has not spoken to anybody. `seed` is for the jitter of its timers.
    pub fn new(config: &ErGatewayConfig, seed: u64, now: Instant) -> Result<Self, ConfigFault> {
        limits::check(config)?;
        Ok(Self {
            instance: Instance::new(rules::setup(config), seed, now)?,
            config: config.clone(),
            forwarded: NextHops::default(),
            programmed: NextHops::default(),
            routes_changed: 0,
            sessions_shed: 0,
        })
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(
        &mut self,
        now: Instant,
        input: Input<'_, GatewayCommand>,
        out: &mut Vec<Output>,
    ) {
        let mut said = Vec::new();
        self.instance.start(now, &mut said);
        let heard = match &input {
            Input::Bgp(bgp::Input::Bytes { conn, .. }) => Some(*conn),
            Input::Bgp(_) | Input::Bfd(_) | Input::Wake | Input::Command(_) => None,
        };
        match input {
            Input::Wake => self.instance.hear(now, bgp::Input::Wake, &mut said),
            Input::Bgp(input) => self.instance.hear(now, input, &mut said),
            Input::Bfd(_) => {}
            Input::Command(GatewayCommand::Configure(config)) => {
                // What a reload is refused for was said by `check_next`.
                drop(self.configure(now, *config, &mut said, out));
            }
            Input::Command(GatewayCommand::Maintenance(on)) => {
                self.instance.maintain(now, on, &mut said, out);
            }
        }
        self.carry(&mut said, out);
        if let Some(conn) = heard {
            self.shed_learned(now, conn, &mut said);
        }
        self.shed_announced(now, &mut said);
        self.carry(&mut said, out);
    }

    fn carry(&mut self, said: &mut Vec<bgp::Output>, out: &mut Vec<Output>) {
        for prefix in self.instance.carry(said, out) {
            self.routes_changed += 1;
            self.tell(prefix, out);
        }
    }

    /// Whether a configuration can take the place of the one in force.
    pub fn check_next(&self, next: &ErGatewayConfig) -> Result<(), ConfigFault> {
        let old = &self.config;
        let fixed = [
            ("name", old.name == next.name),
            ("region", old.region == next.region),
            ("vnet", old.vnet == next.vnet),
            ("instance", old.instance == next.instance),
            ("interface", old.interface == next.interface),
            ("asn", old.asn == next.asn),
        ];
        if let Some((field, _)) = fixed.into_iter().find(|(_, same)| !same) {
            return Err(ConfigFault::Fixed(field));
        }
        limits::check(next)
    }

    fn configure(
        &mut self,
        now: Instant,
        next: ErGatewayConfig,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) -> Result<(), ConfigFault> {
        self.check_next(&next)?;
        self.instance.configure(now, rules::setup(&next), said)?;
        self.config = next;
        self.carry(said, out);
        let known = self.instance.speaker().loc_rib();
        let mut prefixes: Vec<Prefix> = known.into_iter().filter_map(inet::Net::v4).collect();
        prefixes.extend(self.programmed.prefixes());
        for prefix in prefixes {
            self.tell(prefix, out);
        }
        Ok(())
    }

    /// Tells the fabric where a prefix goes, when that changed.
    fn tell(&mut self, prefix: Prefix, out: &mut Vec<Output>) {
        let paths = self.used(prefix);
        let next_hops = next_hops::of_paths(paths.iter());
        let space = &self.config.vnet_space;
        let is_covered = space.iter().any(|space| space.covers(prefix));
        let programs = self.config.route_servers.is_empty() && !is_covered;
        let wanted = if programs { &next_hops[..] } else { &[] };
        if self.programmed.set(prefix, wanted) && self.instance.is_serving() {
            let next_hops = wanted.to_vec();
            out.push(Output::Program { prefix, next_hops });
        }
        if self.forwarded.set(prefix, &next_hops) {
            out.push(Output::Forward { prefix, next_hops });
        }
    }

    /// The paths in use. With a Route Server they are of one circuit only.
    fn used(&self, prefix: Prefix) -> Vec<Path> {
        let mut paths = self.instance.speaker().multipath(prefix);
        if !self.config.route_servers.is_empty()
            && let Some(best) = paths
                .first()
                .map(|path| self.circuit(path).map(str::to_owned))
        {
            paths.retain(|path| self.circuit(path) == best.as_deref());
        }
        paths
    }

    /// The circuit that a path came from.
    fn circuit(&self, path: &Path) -> Option<&str> {
        match self.member(path.neighbor?)? {
            GatewayMember::Msee { circuit, .. } => Some(circuit),
            GatewayMember::RouteServer(_) => None,
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.instance.wake()
    }

    /// Its configuration, with later commands applied.
    pub const fn config(&self) -> &ErGatewayConfig {
        &self.config
    }

    /// The speaker: sessions, tables, what is announced to whom.
    pub const fn speaker(&self) -> &Speaker {
        self.instance.speaker()
    }

    /// Whether it is not under maintenance.
    pub const fn is_serving(&self) -> bool {
        self.instance.is_serving()
    }

    /// Who is at the other end of a session.
    pub fn member(&self, id: NeighborId) -> Option<&GatewayMember> {
        self.instance.member(id)
    }

    /// All of them with the speaker's numbers.
    pub fn members(&self) -> impl Iterator<Item = (NeighborId, &GatewayMember)> {
        self.instance.members()
    }

    /// What its own packets follow, by prefix, with next hops in order.
    pub fn forwarded(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.forwarded.iter()
    }

    /// What the NICs are to have; nothing in a VNet with a Route Server.
    pub fn programmed(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.programmed.iter()
    }

    /// How often the paths in use to a prefix changed (`FrequencyOfRoutesChanged` is its rate).
    pub const fn routes_changed(&self) -> u64 {
        self.routes_changed
    }

    /// Sessions that ended because there were too many routes.
    pub const fn sessions_shed(&self) -> u64 {
        self.sessions_shed
    }
}
