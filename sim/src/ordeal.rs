//! An ordeal: hours of random failures, and what may never happen in them.
//!
//! Faults of every kind that an operator can name come and go by chance, several at a time, short and long. All the
//! while hosts send packets to each other. Afterwards each lost packet is held against what the network had:
//!
//! - **No loop**: no packet runs out of its time to live, and at no moment do the tables send a flow round.
//! - **No black hole** longer than it takes to notice a failure, while there was a way that had been there for a
//!   while (`oracle`). With hosts in virtual networks it takes as long as Route Server needs to notice a silent NVA.
//! - **No reordering** inside a flow, except for a moment after something changed.
//! - **Nothing stays**: when all is mended, the network forwards as before the first fault, and nodes hold no
//!   more than three key pairs for a tunnel: the last, the one in use, and the next.

mod faults;
mod oracle;

use core::fmt;
use core::time::Duration;

use inet::{Instant, Rng};
use view::Target;

use crate::World;
use crate::traffic::Run;
use faults::{Faults, Happening};
use oracle::Oracle;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Ordeal {
    /// How long faults come and go.
    pub duration: Duration,
    /// Between the packets of two hosts.
    pub interval: Duration,
    /// The source of all faults.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Faults that there were.
    pub faults: u32,
    /// Packets that hosts sent.
    pub sent: u64,
    /// Packets that did not arrive, for whatever reason.
    pub lost: u64,
    /// The longest that two hosts were without each other although there was a way, between sites.
    pub longest_site: Duration,
    /// The same where one of them is in a virtual network.
    pub longest_vnet: Duration,
    /// Packets that overtook others of their flow.
    pub reordered: u64,
    /// How many things that may never happen did.
    pub wrong: u64,
    /// The first of them, with the time.
    pub violations: Vec<String>,
}

impl Verdict {
    /// As an operator sees it.
    pub fn view(&self, seed: u64) -> view::Ordeal {
        view::Ordeal {
            seed,
            faults: self.faults,
            sent: self.sent,
            lost: self.lost,
            longest_site_ms: self.longest_site.as_millis() as u64,
            longest_vnet_ms: self.longest_vnet.as_millis() as u64,
            reordered: self.reordered,
            wrong: self.wrong,
            violations: self.violations.clone(),
        }
    }

    fn add(&mut self, at: Instant, what: impl fmt::Display) {
        self.wrong += 1;
        if self.violations.len() < NAMED_MAX {
            self.violations.push(format!("{at}: {what}"));
        }
    }
}

impl Ordeal {
    /// Puts a network that has just been made through it.
    pub fn run(&self, world: &mut World) -> Verdict {
        let mut verdict = Verdict::default();
        let patience = world.now() + PATIENCE;
        if let Err(problem) = world.run_until_converged(SETTLE, patience) {
            verdict.add(world.now(), problem);
            return verdict;
        }
        let (before, keys) = (world.forwarding(), world.key_pairs());
        let mut oracle = Oracle::new(world.plan(), world.now());
        world.start_traffic(self.interval);
        let end = world.now() + self.duration;
        let rng = Rng::new(self.seed).named("ordeal");
        let mut faults = Faults::new(world.plan(), rng, world.now());
        while let Some(Happening { at, target, heals }) = faults.next(end) {
            watch(world, at, &mut verdict);
            let done = match heals {
                true => world.heal(&target),
                false => world.fail(&target),
            };
            debug_assert!(done.is_ok(), "faults are made from the plan");
            verdict.faults += u32::from(!heals);
            oracle.note(at, &target, heals);
        }
        watch(world, world.now() + PATIENCE, &mut verdict);
        judge(world, &oracle, &mut verdict);
        let restored = world.run_until_converged(SETTLE, world.now() + PATIENCE);
        if let Err(problem) = restored {
            verdict.add(world.now(), problem);
        }
        for difference in before.differences(&world.forwarding()) {
            verdict.add(
                world.now(),
                format_args!("when all is mended: {difference}"),
            );
        }
        let left = world.key_pairs();
        if left > keys * 3 {
            let what = format_args!("{left} key pairs are held, {keys} before");
            verdict.add(world.now(), what);
        }
        if world.expired() > 0 {
            let what = format_args!("{} packets ran out of their time to live", world.expired());
            verdict.add(world.now(), what);
        }
        verdict
    }
}

/// Lets time pass and looks for loops: soon after what happened last, and then now and again.
fn watch(world: &mut World, until: Instant, verdict: &mut Verdict) {
    let began = world.now();
    let soon = SOON.iter().map(|after| began + *after);
    let later = (1..).map(|number| began + LATER * number);
    for at in soon.chain(later).take_while(|at| *at < until) {
        world.run_until(at);
        for lost in world.reachability(1).loops() {
            verdict.add(at, lost);
        }
    }
    world.run_until(until);
}

/// Holds what was lost against what there was.
fn judge(world: &mut World, oracle: &Oracle, verdict: &mut Verdict) {
    let (sent, runs, overtaken) = world.take_runs();
    verdict.sent = sent;
    for Run {
        source,
        destination,
        first,
        last,
        packets,
    } in runs
    {
        verdict.lost += packets;
        let (dark, to_vnet) = oracle.dark(&source, &destination, first, last);
        let (longest, limit) = match to_vnet {
            true => (&mut verdict.longest_vnet, DARK_VNET),
            false => (&mut verdict.longest_site, DARK_SITE),
        };
        *longest = (*longest).max(dark);
        if dark > limit {
            let dark = dark.as_secs_f64();
            verdict.add(
                first,
                format_args!("{source} > {destination}: dark for {dark:.1} s"),
            );
        }
    }
    for (at, source, destination) in overtaken {
        verdict.reordered += 1;
        if !oracle.is_unsettled(at) {
            verdict.add(at, format_args!("{source} > {destination}: out of order"));
        }
    }
}

/// Whether two targets are about the same thing: then only one of them fails at a time.
fn overlap(a: &Target, b: &Target) -> bool {
    match (a, b) {
        (
            Target::Underlay { site, underlay } | Target::Brownout { site, underlay, .. },
            Target::Underlay {
                site: other,
                underlay: another,
            }
            | Target::Brownout {
                site: other,
                underlay: another,
                ..
            },
        ) => site == other && underlay == another,
        (Target::Maintenance(_), Target::Maintenance(_)) => true,
        _ => a == b,
    }
}

/// Violations that are told in words; others are counted.
const NAMED_MAX: usize = 20;
const SETTLE: Duration = Duration::from_millis(1_500);
/// Longer than Route Server's hold time.
const PATIENCE: Duration = Duration::from_secs(300);
/// When loops are looked for after something happened.
const SOON: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(400),
    Duration::from_millis(900),
    Duration::from_millis(1_200),
    Duration::from_secs(3),
];
/// How often they are looked for while nothing happens.
const LATER: Duration = Duration::from_secs(20);
/// What it may take to notice between sites, with one interval of packets.
const DARK_SITE: Duration = Duration::from_millis(2_000);
/// The same with a virtual network: Route Server's hold time, and the programming of interfaces.
const DARK_VNET: Duration = Duration::from_secs(190);
