//! Faults by chance: which, when, and for how long.

use core::time::Duration;

use design::plan::{NodeRole, Plan};
use inet::{Instant, Rng};
use view::Target;

use super::overlap;

/// Something fails or heals.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    pub(super) at: Instant,
    pub(super) target: Target,
    pub(super) heals: bool,
}

/// The faults of an ordeal, one after the other.
pub(super) struct Faults {
    rng: Rng,
    /// By kind: each kind is drawn as often as the others.
    kinds: Vec<Vec<Target>>,
    /// What has failed, and when it heals.
    active: Vec<(Instant, Target)>,
    next: Instant,
}

impl Faults {
    pub(super) fn new(plan: &Plan, rng: Rng, now: Instant) -> Self {
        let mut kinds = vec![nvas(plan), cpes(plan), underlays(plan), paths(plan)];
        kinds.push(kinds[2].iter().filter_map(browned).collect());
        let servers = plan.route_servers.iter();
        kinds.push(
            servers
                .map(|rs| Target::Maintenance(rs.name.clone()))
                .collect(),
        );
        kinds.push(nats(plan));
        kinds.retain(|kind| !kind.is_empty());
        Self {
            rng,
            kinds,
            active: Vec::new(),
            next: now + FIRST,
        }
    }

    /// The next fault before `end`, or what heals; `None` when nothing is broken any more.
    pub(super) fn next(&mut self, end: Instant) -> Option<Happening> {
        loop {
            let healing = self.active.iter().map(|(at, _)| *at).min();
            if healing.is_none_or(|at| self.next < at) && self.next < end {
                let at = self.next;
                self.next = at + self.between(GAP);
                if let Some(target) = self.draw() {
                    let lasts = DURATIONS[self.rng.below(DURATIONS.len() as u64) as usize];
                    let heals = at + self.between(lasts);
                    self.active.push((heals, target.clone()));
                    return Some(Happening {
                        at,
                        target,
                        heals: false,
                    });
                }
                continue;
            }
            let at = healing?;
            let place = self.active.iter().position(|(heals, _)| *heals == at)?;
            let (at, target) = self.active.remove(place);
            return Some(Happening {
                at,
                target,
                heals: true,
            });
        }
    }

    /// Something that works; `None` when enough is broken.
    fn draw(&mut self) -> Option<Target> {
        if self.active.len() >= AT_ONCE || self.kinds.is_empty() {
            return None;
        }
        let kind = self.rng.below(self.kinds.len() as u64) as usize;
        let place = self.rng.below(self.kinds[kind].len() as u64) as usize;
        let target = self.kinds[kind][place].clone();
        let is_free = !self.active.iter().any(|(_, other)| overlap(other, &target));
        is_free.then_some(target)
    }

    fn between(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let span = (most - least).as_millis() as u64;
        least + Duration::from_millis(self.rng.below(span.max(1)))
    }
}

fn nvas(plan: &Plan) -> Vec<Target> {
    let nodes = plan.nodes.iter();
    let nvas = nodes.filter(|node| matches!(node.role, NodeRole::Nva { .. }));
    nvas.map(|node| Target::Device(node.name.clone())).collect()
}

fn cpes(plan: &Plan) -> Vec<Target> {
    let nodes = plan.nodes.iter();
    let cpes = nodes.filter(|node| matches!(node.role, NodeRole::Cpe { .. }));
    cpes.map(|node| Target::Device(node.name.clone())).collect()
}

fn underlays(plan: &Plan) -> Vec<Target> {
    let mut targets: Vec<Target> = plan
        .fabric
        .attachments
        .iter()
        .map(|link| Target::Underlay {
            site: link.site.clone(),
            underlay: link.cloud.clone(),
        })
        .collect();
    targets.sort();
    targets.dedup();
    targets
}

fn nats(plan: &Plan) -> Vec<Target> {
    let links = plan.fabric.attachments.iter();
    let behind = links.filter(|link| link.nat.is_some());
    behind
        .map(|link| Target::Rebind {
            site: link.site.clone(),
            underlay: link.cloud.clone(),
        })
        .collect()
}

fn browned(target: &Target) -> Option<Target> {
    let Target::Underlay { site, underlay } = target.clone() else {
        return None;
    };
    Some(Target::Brownout {
        site,
        underlay,
        brownout: view::Brownout::default(),
    })
}

fn paths(plan: &Plan) -> Vec<Target> {
    let links = plan.nodes.iter().flat_map(|node| &node.links);
    let paths = links.flat_map(|link| &link.paths);
    let called = paths.filter(|path| path.initiate);
    called
        .map(|path| Target::Path {
            a: path.local.clone(),
            b: path.remote.clone(),
        })
        .collect()
}

/// Faults at the same time, at most.
const AT_ONCE: usize = 3;
/// The network stands for so long before the first.
const FIRST: Duration = Duration::from_secs(60);
/// From one fault to the next.
const GAP: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));
/// How long faults last: a flap, a while, long.
const DURATIONS: [(Duration, Duration); 3] = [
    (Duration::from_millis(50), Duration::from_secs(2)),
    (Duration::from_secs(2), Duration::from_secs(60)),
    (Duration::from_secs(60), Duration::from_secs(900)),
];
