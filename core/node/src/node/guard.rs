//! The route budget at work: watches what there is to tell Route Server, and tells what was chosen.
//!
//! Changes are collected for a moment and judged together. What goes, goes at once, by BGP itself;
//! what is new waits for the judgement, so that the budget holds at every moment. A route that did
//! not fit is told again only after it would have fitted for a while: around the limit nothing
//! flaps, and an aggregate stays as long as it is true.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bgp::{Command, NeighborId};
use design::plan::BudgetConfig;
use inet::{Instant, Prefix};

use super::Node;
use crate::budget::{Choice, Own, Told, choose, has_budget};
use crate::fib::{Source, Target};
use crate::output::{Event, Output};
use crate::routing::{self, Learned, policy};
use crate::timers::Part;
use crate::view::{Attachment, Budget, BudgetLevel, BudgetUse};

/// What the budget knows.
pub(super) struct Guard {
    rules: BudgetConfig,
    /// What there is to tell.
    routes: BTreeMap<Prefix, Route>,
    /// Prefixes that are known and may not be told.
    taken: BTreeSet<Prefix>,
    /// What changed since the last judgement.
    changed: BTreeSet<Prefix>,
    /// What did not fit, and when it may be told again; `None` while it does not fit.
    out: BTreeMap<Prefix, Option<Instant>>,
    told: Told,
    /// Aggregates that this node has originated.
    made: BTreeSet<Prefix>,
    levels: [BudgetLevel; 2],
}

/// A route that there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Route {
    own: Own,
    /// Whether this node can deliver it by its own tunnels: otherwise a twin tells it.
    is_ours: bool,
}

impl Guard {
    /// `None` without a budget.
    pub(super) fn new(rules: &BudgetConfig) -> Option<Self> {
        has_budget(rules).then(|| Self {
            rules: rules.clone(),
            routes: BTreeMap::new(),
            taken: BTreeSet::new(),
            changed: BTreeSet::new(),
            out: BTreeMap::new(),
            told: Told::default(),
            made: BTreeSet::new(),
            levels: Default::default(),
        })
    }

    /// What is to be told now.
    fn judge(&mut self, now: Instant) -> Told {
        let choice = self.choice();
        let out = &mut self.out;
        out.retain(|prefix, until| {
            let back = until.get_or_insert(now + BACK_AFTER);
            *back > now && self.routes.contains_key(prefix)
        });
        let parts = choice.aggregates.values().flatten();
        for prefix in choice.left_out.iter().chain(parts) {
            out.insert(*prefix, None);
        }
        let mut told = Told {
            everywhere: choice.kept.clone(),
            aggregates: choice.aggregates.clone(),
            ..Told::default()
        };
        let (staying, ending): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .told
            .aggregates
            .iter()
            .filter(|(whole, _)| !choice.aggregates.contains_key(*whole))
            .partition(|(whole, parts)| {
                parts.iter().all(|part| choice.kept.contains(part))
                    && parts.iter().any(|part| out.contains_key(part))
                    && !self.taken.contains(*whole)
            });
        // What an aggregate that ends told until now does not wait: nothing else tells it.
        for part in ending.into_values().flatten() {
            if choice.kept.contains(part) {
                out.remove(part);
            }
        }
        for (whole, parts) in staying {
            told.everywhere.insert(*whole);
            told.everywhere.retain(|prefix| !parts.contains(prefix));
            told.aggregates.insert(*whole, parts.clone());
        }
        let waits = |prefix: &Prefix| out.contains_key(prefix);
        told.everywhere
            .retain(|prefix| !waits(prefix) || told.aggregates.contains_key(prefix));
        self.fill(&mut told);
        told
    }

    /// The best choice, whatever was told before.
    fn choice(&self) -> Choice {
        let routes = self.routes.iter();
        let (limit, counted): (u32, BTreeMap<Prefix, Own>) = match self.rules.express_route {
            0 => {
                let ours = routes.filter(|(_, route)| route.is_ours);
                let ours = ours.map(|(prefix, route)| (*prefix, route.own));
                (self.rules.route_server, ours.collect())
            }
            limit => {
                let room = limit.saturating_sub(self.rules.express_route_used);
                let all = routes.map(|(prefix, route)| (*prefix, route.own));
                (room.min(session_limit(&self.rules)), all.collect())
            }
        };
        choose(&counted, &self.taken, limit as usize, &self.rules)
    }

    /// What does not fit the circuits is told for the VNets only, as far as the session has room.
    fn fill(&self, told: &mut Told) {
        let parts: BTreeSet<Prefix> = told.aggregates.values().flatten().copied().collect();
        let missing = self
            .routes
            .iter()
            .filter(|(prefix, route)| route.is_ours && !told.everywhere.contains(*prefix));
        let missing: BTreeMap<Prefix, Own> = missing
            .map(|(prefix, route)| (*prefix, route.own))
            .collect();
        if self.rules.express_route > 0 {
            let limit = session_limit(&self.rules) as usize;
            let rules = BudgetConfig {
                aggregate: false,
                ..self.rules.clone()
            };
            let room = limit.saturating_sub(told.everywhere.len());
            told.vnets_only = choose(&missing, &self.taken, room, &rules).kept;
        }
        let left_out = missing.into_keys();
        told.left_out = left_out
            .filter(|prefix| !parts.contains(prefix) && !told.vnets_only.contains(prefix))
            .collect();
    }

    /// When something that waits may be told again.
    fn wake(&self) -> Option<Instant> {
        self.out.values().copied().flatten().min()
    }

    /// How both budgets are used.
    fn uses(&self) -> [Option<BudgetUse>; 2] {
        let routes = self.routes.values();
        let ours = routes.clone().filter(|route| route.is_ours).count();
        let known = |prefix: &&Prefix| self.routes.get(prefix).is_none_or(|route| route.is_ours);
        let own = self.told.everywhere.iter().filter(known).count();
        let used = self.rules.express_route_used as usize;
        let all = [
            (
                self.rules.route_server,
                ours,
                own + self.told.vnets_only.len(),
                self.levels[0],
            ),
            (
                self.rules.express_route,
                routes.count() + used,
                self.told.everywhere.len() + used,
                self.levels[1],
            ),
        ];
        all.map(|(limit, wanted, told, level)| {
            (limit > 0).then(|| BudgetUse {
                wanted: count(wanted),
                told: count(told),
                limit,
                level,
            })
        })
    }

    /// How a budget stands. It is left five parts in a hundred below the threshold only, so that it is
    /// not said again with every route.
    fn level(&self, usage: &BudgetUse) -> BudgetLevel {
        let share = u64::from(usage.wanted) * 100;
        let threshold = |percent: u8| u64::from(usage.limit) * u64::from(percent);
        let warn = self.rules.warn_percent;
        let below = threshold(warn.saturating_sub(LEVEL_MARGIN));
        if usage.wanted > usage.limit {
            BudgetLevel::Over
        } else if share >= threshold(warn) || usage.level > BudgetLevel::Within && share >= below {
            BudgetLevel::Near
        } else {
            BudgetLevel::Within
        }
    }
}

impl Node {
    /// The route budget; `None` without one.
    pub fn budget(&self) -> Option<Budget> {
        let guard = self.guard.as_ref()?;
        let [route_server, express_route] = guard.uses();
        Some(Budget {
            route_server,
            express_route,
            aggregates: guard.told.aggregates.clone(),
            vnets_only: guard.told.vnets_only.iter().copied().collect(),
            left_out: guard.told.left_out.iter().copied().collect(),
        })
    }

    /// A route changed: it is judged in a moment.
    pub(super) fn watch(&mut self, now: Instant, prefix: Prefix) {
        let Some(guard) = &mut self.guard else {
            return;
        };
        if guard.changed.is_empty() {
            self.timers.set(Part::Guard, Some(now + COLLECT));
        }
        guard.changed.insert(prefix);
    }

    /// Judges what changed, and tells Route Server accordingly.
    pub(super) fn guard_routes(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        // Somebody else may have a route of an aggregate's name by now.
        guard.changed.extend(guard.told.aggregates.keys());
        for prefix in core::mem::take(&mut guard.changed) {
            let (route, is_taken) = self.judged(&guard, prefix);
            match route {
                Some(route) => guard.routes.insert(prefix, route),
                None => guard.routes.remove(&prefix),
            };
            match is_taken {
                true => guard.taken.insert(prefix),
                false => guard.taken.remove(&prefix),
            };
        }
        let told = guard.judge(now);
        let before = core::mem::replace(&mut guard.told, told);
        let said = guard.told.clone();
        self.guard = Some(guard);
        let made = self.made(&said);
        let guard = self.guard.as_mut().expect("put back above");
        let was = core::mem::replace(&mut guard.made, made.clone());
        if said != before || made != was {
            self.tell_route_server(now, &said, (&was, &made), out);
        }
        self.say_budget(&before, out);
        let guard = self.guard.as_ref();
        let due = guard.filter(|guard| guard.changed.is_empty());
        if let Some(guard) = due {
            // A route may wait for what another input brings: not before the next moment.
            let at = guard.wake().map(|at| at.max(now + COLLECT));
            self.timers.set(Part::Guard, at);
        }
    }

    /// Whether a prefix is to be told, and whether it is known and may not be.
    fn judged(&self, guard: &Guard, prefix: Prefix) -> (Option<Route>, bool) {
        let settings = &self.settings;
        let own = settings.summaries.contains(&prefix) || settings.originate.contains(&prefix);
        if own {
            let route = Route {
                own: Own::Yes,
                is_ours: true,
            };
            return (Some(route), false);
        }
        let is_made = guard.told.aggregates.contains_key(&prefix);
        let paths = match is_made {
            true => self.speaker.paths(prefix),
            false => self.speaker.multipath(prefix),
        };
        let best = paths
            .into_iter()
            .find(|path| !is_made || path.neighbor.is_some());
        let Some(best) = best else {
            return (None, false);
        };
        let learned = best.neighbor.map(|id| self.routing.learned[id.index()]);
        let is_ours = match learned {
            None => true,
            Some(Learned::Link(link) | Learned::Plain(link)) => !self.is_twin(link),
            Some(Learned::RouteServer | Learned::Router(_)) => return (None, true),
        };
        if policy::came_from_here(settings, &best.attributes.ext_communities) {
            return (None, true);
        }
        let own = Own::No;
        (Some(Route { own, is_ours }), false)
    }

    fn is_twin(&self, link: crate::LinkId) -> bool {
        self.settings.links[link.index()].role == design::plan::LinkRole::Twin
    }

    /// Brings aggregates and policies in line: first what goes, then what comes.
    fn tell_route_server(
        &mut self,
        now: Instant,
        told: &Told,
        (was, made): (&BTreeSet<Prefix>, &BTreeSet<Prefix>),
        out: &mut Vec<Output>,
    ) {
        for prefix in was.difference(made) {
            self.speak(
                now,
                bgp::Input::Command(Command::Withdraw((*prefix).into())),
                out,
            );
            self.route(*prefix, Source::Aggregate, None, out);
        }
        let policy = policy::to_route_server(&self.settings, told);
        for index in 0..self.routing.learned.len() {
            let id = NeighborId(index as u32);
            if self.routing.learned[index] != Learned::RouteServer {
                continue;
            }
            let Some(view) = self.speaker.neighbor(id) else {
                continue;
            };
            let mut neighbor = view.settings.clone();
            neighbor.export = Some(policy.clone());
            let command = Command::SetNeighbor(id, Box::new(neighbor));
            self.speak(now, bgp::Input::Command(command), out);
        }
        for prefix in made.difference(was) {
            self.route(*prefix, Source::Aggregate, Some(Target::Unreachable), out);
            let command = routing::for_route_server(&self.settings, *prefix);
            self.speak(now, bgp::Input::Command(command), out);
        }
    }

    /// Aggregates that this node makes: those without a route of their name, and with a part that
    /// its own tunnels reach.
    fn made(&self, told: &Told) -> BTreeSet<Prefix> {
        let Some(guard) = &self.guard else {
            return BTreeSet::new();
        };
        let ours = |part: &Prefix| guard.routes.get(part).is_some_and(|route| route.is_ours);
        let made = told
            .aggregates
            .iter()
            .filter(|(whole, parts)| !guard.routes.contains_key(*whole) && parts.iter().any(ours));
        made.map(|(whole, _)| *whole).collect()
    }

    /// Says what changed for an operator.
    fn say_budget(&mut self, before: &Told, out: &mut Vec<Output>) {
        let Some(guard) = &mut self.guard else {
            return;
        };
        let attachments = [Attachment::RouteServer, Attachment::ExpressRoute];
        for (index, usage) in guard.uses().into_iter().enumerate() {
            let Some(usage) = usage else { continue };
            let level = guard.level(&usage);
            if level != core::mem::replace(&mut guard.levels[index], level) {
                out.push(Output::Event(Event::RouteBudget {
                    attachment: attachments[index],
                    level,
                    wanted: usage.wanted,
                    told: usage.told,
                    limit: usage.limit,
                }));
            }
        }
        let known = |prefix: &&Prefix| guard.routes.contains_key(*prefix);
        let (now, then) = (&guard.told.left_out, &before.left_out);
        let prefixes: Vec<Prefix> = now.difference(then).copied().collect();
        if !prefixes.is_empty() {
            out.push(Output::Event(Event::RoutesLeftOut { prefixes }));
        }
        let prefixes: Vec<Prefix> = then.difference(now).filter(known).copied().collect();
        if !prefixes.is_empty() {
            out.push(Output::Event(Event::RoutesBack { prefixes }));
        }
    }
}

/// What one session may be told.
const fn session_limit(rules: &BudgetConfig) -> u32 {
    match rules.route_server {
        0 => u32::MAX,
        limit => limit,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Changes of one moment are judged together: a hub that comes up brings thousands.
const COLLECT: Duration = Duration::from_millis(50);
/// How long a route that did not fit must have fitted before it is told again.
const BACK_AFTER: Duration = Duration::from_secs(30);
/// Parts in a hundred below the threshold that end a warning.
const LEVEL_MARGIN: u8 = 5;
