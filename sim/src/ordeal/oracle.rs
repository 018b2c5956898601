//! What the network had at each moment, by the Plan and the faults alone.
//!
//! There is a way between two hosts when all that it needs works: the CPE and the underlay of each site, an NVA of
//! a region that the site is linked to, and the path between the NVAs of both ends, as the design connects them. A way
//! counts once all of it has worked for a while; what has just come back may take its time.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use design::plan::{HostPlace, NodeConfig, NodeRole, Plan};
use inet::Instant;
use view::Target;

/// Something that works or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Device(String),
    /// A locator: its underlay at the site.
    Locator(String),
    /// A path by its locators, the lower name first.
    Path(String, String),
}

/// What all ways consist of, and when each part worked.
pub(super) struct Oracle {
    began: Instant,
    /// Nodes that a host's packets can enter the overlay by; and whether it is in a virtual network.
    doors: BTreeMap<String, (Vec<String>, bool)>,
    /// Between two nodes: the parts of each path.
    joints: BTreeMap<(String, String), Vec<Vec<Part>>>,
    /// Locators of a site's underlay.
    accesses: BTreeMap<(String, String), Vec<String>>,
    nvas: BTreeSet<String>,
    /// When each part failed and was mended, in turns.
    history: BTreeMap<Part, Vec<Instant>>,
    changes: Vec<Instant>,
}

impl Oracle {
    pub(super) fn new(plan: &Plan, now: Instant) -> Self {
        let mut oracle = Self {
            began: now,
            doors: doors(plan),
            joints: BTreeMap::new(),
            accesses: BTreeMap::new(),
            nvas: BTreeSet::new(),
            history: BTreeMap::new(),
            changes: Vec::new(),
        };
        for node in &plan.nodes {
            oracle.learn(plan, node);
        }
        oracle
    }

    fn learn(&mut self, plan: &Plan, node: &NodeConfig) {
        if let NodeRole::Nva { .. } = node.role {
            self.nvas.insert(node.name.clone());
        }
        for locator in &node.locators {
            let links = plan.fabric.attachments.iter();
            let mut at = links
                .filter(|link| link.device == node.name && link.interface == locator.interface);
            if let Some(link) = at.next() {
                let access = (link.site.clone(), link.cloud.clone());
                let locators = self.accesses.entry(access).or_default();
                locators.push(locator.name.clone());
            }
        }
        for link in &node.links {
            let key = (node.name.clone(), link.neighbor.clone());
            let paths = link.paths.iter().map(|path| {
                vec![
                    Part::Locator(path.local.clone()),
                    Part::Locator(path.remote.clone()),
                    pair(&path.local, &path.remote),
                ]
            });
            let paths = paths.collect();
            self.joints.insert(key, paths);
        }
    }

    /// A target fails, or heals.
    pub(super) fn note(&mut self, at: Instant, target: &Target, heals: bool) {
        self.changes.push(at);
        let parts: Vec<Part> = match target {
            Target::Device(name) => vec![Part::Device(name.clone())],
            Target::Underlay { site, underlay } | Target::Brownout { site, underlay, .. } => {
                let access = (site.clone(), underlay.clone());
                let locators = self.accesses.get(&access).into_iter().flatten();
                locators.cloned().map(Part::Locator).collect()
            }
            Target::Path { a, b } => vec![pair(a, b)],
            _ => Vec::new(),
        };
        for part in parts {
            let turns = self.history.entry(part).or_default();
            debug_assert_eq!(
                turns.len() % 2 == 1,
                heals,
                "failing and healing take turns"
            );
            turns.push(at);
        }
    }

    /// Whether something changed shortly before.
    pub(super) fn is_unsettled(&self, at: Instant) -> bool {
        let before = self.changes.partition_point(|change| *change <= at);
        let last = before.checked_sub(1).map(|last| self.changes[last]);
        last.is_some_and(|last| at.since(last) < UNSETTLED)
    }

    /// The longest time within a run of lost packets in which there was a way all along, and whether it led to or
    /// from a virtual network.
    pub(super) fn dark(
        &self,
        source: &str,
        destination: &str,
        first: Instant,
        last: Instant,
    ) -> (Duration, bool) {
        let ends = [source, destination].map(|host| self.doors.get(host));
        let [Some((from, a)), Some((to, b))] = ends else {
            return (Duration::ZERO, false);
        };
        let mut times = vec![first, last];
        for turns in self.history.values() {
            let known = turns.iter().flat_map(|at| [*at, *at + WARM]);
            times.extend(known.filter(|at| (first..last).contains(at)));
        }
        times.sort_unstable();
        let (mut longest, mut since) = (Duration::ZERO, None);
        for at in times {
            match (since, at < last && self.has_way(from, to, at)) {
                (None, true) => since = Some(at),
                (Some(began), false) => {
                    longest = longest.max(at.since(began));
                    since = None;
                }
                _ => {}
            }
        }
        (longest, *a || *b)
    }

    fn has_way(&self, from: &[String], to: &[String], at: Instant) -> bool {
        from.iter().any(|start| {
            to.iter().any(|end| {
                let hubs = self.hubs(start, at);
                let far: Vec<&String> = self.hubs(end, at).collect();
                hubs.into_iter()
                    .any(|hub| far.iter().any(|other| self.is_joint(hub, other, at)))
            })
        })
    }

    /// The NVAs that a node reaches, itself if it is one.
    fn hubs<'a>(&'a self, node: &'a str, at: Instant) -> impl Iterator<Item = &'a String> {
        let nvas = self.nvas.iter();
        nvas.filter(move |hub| self.is_joint(node, hub, at))
    }

    /// Whether two nodes are one, or have a path that works.
    fn is_joint(&self, a: &str, b: &str, at: Instant) -> bool {
        let works = |name: &str| self.works(&Part::Device(name.to_owned()), at);
        if !works(a) || !works(b) {
            return false;
        }
        let key = (a.to_owned(), b.to_owned());
        let paths = self.joints.get(&key).into_iter().flatten();
        a == b
            || paths
                .into_iter()
                .any(|parts| parts.iter().all(|part| self.works(part, at)))
    }

    /// Whether a part has worked for a while.
    fn works(&self, part: &Part, at: Instant) -> bool {
        let turns = self.history.get(part).map_or(&[][..], Vec::as_slice);
        let before = turns.partition_point(|turn| *turn <= at);
        let is_up = before % 2 == 0;
        let since = before.checked_sub(1).map(|last| turns[last]);
        is_up && since.is_none_or(|since| at.since(since) >= WARM) && at >= self.began
    }
}

fn pair(a: &str, b: &str) -> Part {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    Part::Path(a.to_owned(), b.to_owned())
}

/// Where each host's packets can enter the overlay.
fn doors(plan: &Plan) -> BTreeMap<String, (Vec<String>, bool)> {
    let of_region = |vnet: &str| {
        let region = plan.fabric.vnets.iter().find(|one| one.name == vnet)?;
        let region = plan.regions.iter().find(|one| one.name == region.region)?;
        Some(region.nvas.clone())
    };
    let of_site = |name: &str| {
        Some(
            plan.sites
                .iter()
                .find(|site| site.name == name)?
                .cpes
                .clone(),
        )
    };
    let hosts = plan.hosts.iter().filter_map(|host| {
        let (doors, in_vnet) = match &host.place {
            HostPlace::Vnet { vnet } => (of_region(vnet)?, true),
            HostPlace::Site { site } => (of_site(site)?, false),
        };
        Some((host.name.clone(), (doors, in_vnet)))
    });
    hosts.collect()
}

/// What has come back takes part again after so long: sessions are up, and what is told has been told.
const WARM: Duration = Duration::from_secs(30);
/// How long flows may move after something changed: until classes are held no more.
const UNSETTLED: Duration = Duration::from_secs(75);

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: &str = "
longhaul: 1
name: two
regions: {westeurope: {hub: {address_space: 10.1.0.0/20}, nvas: {count: 2}}}
underlays: {internet: {}, mpls: {kind: mpls}}
sites:
  - {name: paris, city: Paris, lans: [10.200.1.0/24], underlays: [mpls, internet], hosts: 1}
  - {name: london, city: London, lans: [10.200.2.0/24], hosts: 1}
";

    fn oracle() -> (Plan, Oracle) {
        let (design, _) = design::read("two.yaml", DESIGN, &design::NoFiles);
        let design = design.expect("a design");
        let plan = design::resolve(&design, &crate::public_key).expect("a plan");
        let oracle = Oracle::new(&plan, Instant::ZERO);
        (plan, oracle)
    }

    /// How much of the time from 100 s to 200 s the network had a way from Paris to London.
    fn dark(faults: &[(u64, &str, bool)]) -> u64 {
        let (plan, mut oracle) = oracle();
        for (at, target, heals) in faults {
            let target = Target::parse(target, &plan).expect("a target");
            oracle.note(Instant::from_secs(*at), &target, *heals);
        }
        let (first, last) = (Instant::from_secs(100), Instant::from_secs(200));
        let hosts = plan.hosts.iter().map(|host| host.name.as_str());
        let of = |site: &str| {
            hosts
                .clone()
                .find(|host| host.ends_with(site))
                .expect("a host")
        };
        oracle
            .dark(of("paris"), of("london"), first, last)
            .0
            .as_secs()
    }

    #[test]
    fn there_is_a_way_while_one_of_each_remains() {
        assert_eq!(dark(&[]), 100);
        assert_eq!(dark(&[(50, "nva1.westeurope", false)]), 100);
        assert_eq!(dark(&[(50, "underlay:paris/mpls", false)]), 100);
        let both = [
            (50, "nva1.westeurope", false),
            (120, "nva2.westeurope", false),
        ];
        assert_eq!(dark(&both), 20);
        assert_eq!(dark(&[(50, "underlay:london/internet", false)]), 0);
    }

    #[test]
    fn what_has_come_back_counts_after_a_while() {
        let one = [(50, "cpe1.paris", false), (110, "cpe1.paris", true)];
        assert_eq!(dark(&one), 60, "from 140 s on");
        let apart = [
            (50, "underlay:paris/mpls", false),
            (60, "path:cpe1.paris/internet>nva1.westeurope/azure", false),
            (150, "path:cpe1.paris/internet>nva2.westeurope/azure", false),
        ];
        assert_eq!(dark(&apart), 50);
    }
}
