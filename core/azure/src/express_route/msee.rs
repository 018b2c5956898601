//! One of the two MSEEs of a circuit.
//!
//! - It speaks eBGP with the customer's router over each peering, with both instances of each connected
//!   gateway, and with MSEEs of other circuits (Global Reach). Who hears what of whom is in `rules`.
//! - It marks one path as best, and of a gateway's equal instances the primary prefers the second and
//!   the secondary the first.
//! - Beyond the circuit's limits the session that brought one prefix too many ends, and comes back.
//! - BFD watches the customer's router: 300 ms × 3. A router that does not speak BFD loses nothing.
//! - Before maintenance it prepends to everything it tells, so that traffic moves to the other MSEE
//!   ([`MseeCommand::Drain`]).
//!
//! Both peerings share one table: a prefix of the Microsoft peering goes before the same one of the
//! private peering.

mod rules;

use core::net::{IpAddr, Ipv4Addr};

use bgp::{DownReason, NeighborId, Speaker};
use design::plan::{BgpPeerConfig, MseeConfig};
use inet::{Instant, Prefix};

use super::next_hops::{self, NextHops};
use super::{ConfigFault, Input, Output};
use crate::instance::Instance;

/// What the platform's management can want of an MSEE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MseeCommand {
    /// Take this configuration; sessions whose terms did not change stay. What cannot be is not done.
    Configure(Box<MseeConfig>),
    /// Prepend to everything that is told, so that traffic moves to the other MSEE, or no longer.
    Drain(bool),
    /// The platform takes this MSEE out of service, without notice to anybody, or puts it back.
    Maintenance(bool),
}

/// Who speaks BGP with an MSEE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MseeMember {
    /// The customer's router on the private peering.
    Private(BgpPeerConfig),
    /// The customer's router on the Microsoft peering.
    Microsoft(BgpPeerConfig),
    /// An instance of a gateway.
    Gateway {
        /// Its VNet.
        vnet: String,
        /// Its device, address and AS.
        peer: BgpPeerConfig,
    },
    /// An MSEE of another circuit.
    GlobalReach(BgpPeerConfig),
}

impl MseeMember {
    /// Device name, address and AS.
    pub const fn peer(&self) -> &BgpPeerConfig {
        match self {
            Self::Private(peer)
            | Self::Microsoft(peer)
            | Self::Gateway { peer, .. }
            | Self::GlobalReach(peer) => peer,
        }
    }

    /// Whether it is the customer's router.
    pub const fn is_customer(&self) -> bool {
        match self {
            Self::Private(_) | Self::Microsoft(_) => true,
            Self::Gateway { .. } | Self::GlobalReach(_) => false,
        }
    }
}

/// One of the two MSEEs of a circuit.
#[derive(Debug)]
pub struct Msee {
    config: MseeConfig,
    instance: Instance<MseeMember>,
    bfd: bfd::Endpoint,
    /// BFD sessions that are wanted.
    watched: Vec<bfd::SessionKey>,
    forwarded: NextHops,
    drained: bool,
}

impl Msee {
    /// An MSEE that has not spoken to anybody. `seed` is for the jitter of its timers.
    pub fn new(config: &MseeConfig, seed: u64, now: Instant) -> Result<Self, ConfigFault> {
        Ok(Self {
            instance: Instance::new(rules::setup(config, false)?, seed, now)?,
            bfd: bfd::Endpoint::new(seed),
            watched: Vec::new(),
            config: config.clone(),
            forwarded: NextHops::default(),
            drained: false,
        })
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_, MseeCommand>, out: &mut Vec<Output>) {
        let mut said = Vec::new();
        if self.instance.start(now, &mut said) {
            self.watch(now, &mut said, out);
        }
        match input {
            Input::Wake => {
                self.watch_with(now, bfd::Input::Wake, &mut said, out);
                self.instance.hear(now, bgp::Input::Wake, &mut said);
            }
            Input::Bgp(input) => self.instance.hear(now, input, &mut said),
            Input::Bfd(input) => self.watch_with(now, input, &mut said, out),
            Input::Command(MseeCommand::Configure(config)) => {
                // What a reload is refused for was said by `check_next`.
                drop(self.configure(now, *config, &mut said, out));
            }
            Input::Command(MseeCommand::Drain(on)) => {
                self.drained = on;
                let config = self.config.clone();
                drop(self.configure(now, config, &mut said, out));
            }
            Input::Command(MseeCommand::Maintenance(on)) => {
                self.maintain(now, on, &mut said, out);
            }
        }
        self.carry(&mut said, out);
    }

    fn carry(&mut self, said: &mut Vec<bgp::Output>, out: &mut Vec<Output>) {
        for prefix in self.instance.carry(said, out) {
            let paths = self.instance.speaker().multipath(prefix);
            let next_hops = next_hops::of_paths(paths.iter());
            if self.forwarded.set(prefix, &next_hops) {
                out.push(Output::Forward { prefix, next_hops });
            }
        }
    }

    /// Whether a configuration can take the place of the one in force.
    pub fn check_next(&self, next: &MseeConfig) -> Result<(), ConfigFault> {
        let old = &self.config;
        let fixed = [
            ("name", old.name == next.name),
            ("circuit", old.circuit == next.circuit),
            ("primary", old.primary == next.primary),
            ("asn", old.asn == next.asn),
            ("router_id", old.router_id == next.router_id),
        ];
        match fixed.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(ConfigFault::Fixed(field)),
            None => rules::setup(next, self.drained).map(drop),
        }
    }

    fn configure(
        &mut self,
        now: Instant,
        next: MseeConfig,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) -> Result<(), ConfigFault> {
        self.check_next(&next)?;
        let setup = rules::setup(&next, self.drained)?;
        self.instance.configure(now, setup, said)?;
        self.config = next;
        self.watch(now, said, out);
        Ok(())
    }

    /// Without a word: BFD stops as well.
    fn maintain(
        &mut self,
        now: Instant,
        on: bool,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        self.instance.maintain(now, on, said, out);
        if on {
            self.bfd = bfd::Endpoint::new(now.as_nanos());
            self.watched = Vec::new();
        } else {
            self.watch(now, said, out);
        }
    }

    /// Watches the customer's routers that are to be watched, and no others; none under maintenance.
    fn watch(&mut self, now: Instant, said: &mut Vec<bgp::Output>, out: &mut Vec<Output>) {
        let wanted = match self.instance.is_serving() {
            true => rules::watched(&self.config),
            false => Vec::new(),
        };
        let old = core::mem::replace(&mut self.watched, wanted.clone());
        for key in old.iter().filter(|key| !wanted.contains(key)) {
            let remove = bfd::Command::Remove(*key);
            self.watch_with(now, bfd::Input::Command(remove), said, out);
        }
        for key in wanted.iter().filter(|key| !old.contains(key)) {
            let set = bfd::Command::Set(*key, bfd::Settings::default());
            self.watch_with(now, bfd::Input::Command(set), said, out);
        }
    }

    fn watch_with(
        &mut self,
        now: Instant,
        input: bfd::Input<'_>,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        let mut seen = Vec::new();
        self.bfd.handle(now, input, &mut seen);
        for output in seen {
            match output {
                bfd::Output::Client { session, verdict } => {
                    self.judge(now, session.remote, verdict, said);
                }
                bfd::Output::Send { .. }
                | bfd::Output::State { .. }
                | bfd::Output::Removed { .. }
                | bfd::Output::Refused { .. } => out.push(Output::Bfd(output)),
            }
        }
    }

    /// A router that is lost is let go; nobody waits for BFD before BGP is tried again.
    fn judge(
        &mut self,
        now: Instant,
        address: IpAddr,
        verdict: bfd::Verdict,
        said: &mut Vec<bgp::Output>,
    ) {
        let Some(id) = self.instance.member_at(address) else {
            return;
        };
        let serving = self.instance.is_serving();
        match verdict {
            bfd::Verdict::Failed => {
                let down = bgp::Command::Down(id, DownReason::Link);
                self.instance.order(now, down, said);
                if serving {
                    self.instance.order(now, bgp::Command::Up(id), said);
                }
            }
            bfd::Verdict::Alive if serving => {
                self.instance.order(now, bgp::Command::Up(id), said);
            }
            bfd::Verdict::Alive | bfd::Verdict::Unknown => {}
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.instance
            .wake()
            .into_iter()
            .chain(self.bfd.wake())
            .min()
    }

    /// Its configuration, with later commands applied.
    pub const fn config(&self) -> &MseeConfig {
        &self.config
    }

    /// The speaker: sessions, tables, what is announced to whom.
    pub const fn speaker(&self) -> &Speaker {
        self.instance.speaker()
    }

    /// Its BFD sessions.
    pub const fn bfd(&self) -> &bfd::Endpoint {
        &self.bfd
    }

    /// Whether it is not under maintenance.
    pub const fn is_serving(&self) -> bool {
        self.instance.is_serving()
    }

    /// Whether it prepends to everything that it tells.
    pub const fn is_drained(&self) -> bool {
        self.drained
    }

    /// Who is at the other end of a session.
    pub fn member(&self, id: NeighborId) -> Option<&MseeMember> {
        self.instance.member(id)
    }

    /// All of them with the speaker's numbers.
    pub fn members(&self) -> impl Iterator<Item = (NeighborId, &MseeMember)> {
        self.instance.members()
    }

    /// What its packets follow, by prefix, with next hops in order.
    pub fn forwarded(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.forwarded.iter()
    }
}
