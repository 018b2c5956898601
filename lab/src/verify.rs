//! Verification: every host reaches every other one, by ping and by a TCP transfer, and the ping takes
//! as long as the trace says.

mod ping;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use design::plan::{HostConfig, HostPlace, Plan, RouterPlace};
use linux::NetNamespace;
use serde::{Deserialize, Serialize};
use view::{FlowSpec, Verification};

use crate::Error;
use crate::device::Namespaces;
use crate::state::State;

/// How long a daemon may take to answer while a flow is traced.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How long hosts may take to become reachable.
pub(crate) const REACH_PATIENCE: Duration = Duration::from_secs(20);
/// A measured round trip may be this much longer than the predicted one.
const TOLERANCE_PERCENT: u64 = 5;
const TOLERANCE_US: u64 = 2000;

/// What verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Every ordered pair of hosts.
    pub pairs: Vec<PairResult>,
    /// Tunnels and sessions that had not come up in time.
    pub shortfalls: Vec<String>,
}

/// What verification found between two hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairResult {
    /// The host that asks.
    pub source: String,
    /// The host that answers.
    pub destination: String,
    /// The shortest round trip measured, microseconds.
    pub round_trip_us: Option<u64>,
    /// What the trace predicts for an idle network, microseconds.
    pub predicted_us: Option<u64>,
    /// Whether the way leads through devices of other make, which give no reasons: nothing is
    /// predicted then.
    #[serde(default)]
    pub unpredictable: bool,
    /// Whether a TCP transfer came through whole.
    pub transferred: bool,
}

impl PairResult {
    /// What is wrong, if anything.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let Some(measured) = self.round_trip_us else {
            return Some("no reply".to_owned());
        };
        if !self.transferred {
            return Some("the TCP transfer did not complete".to_owned());
        }
        match self.predicted_us {
            None if self.unpredictable => None,
            None => Some("the trace does not arrive".to_owned()),
            Some(predicted) if !is_close(measured, predicted) => Some(format!(
                "round trip {} ms, predicted {} ms",
                Millis(measured),
                Millis(predicted)
            )),
            Some(_) => None,
        }
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.shortfalls.is_empty() && self.pairs.iter().all(|pair| pair.failure().is_none())
    }

    /// In a few lines.
    #[must_use]
    pub fn verification(&self) -> Verification {
        let failures: Vec<String> = self
            .pairs
            .iter()
            .filter_map(|pair| {
                let failure = pair.failure()?;
                Some(format!("{} > {}: {failure}", pair.source, pair.destination))
            })
            .collect();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Verification {
            pairs: count(self.pairs.len()),
            reached: count(self.pairs.len() - failures.len()),
            failures,
            age_ms: None,
        }
    }
}

/// Whether a measured round trip is what was predicted, both in microseconds.
fn is_close(measured: u64, predicted: u64) -> bool {
    measured.abs_diff(predicted) <= predicted * TOLERANCE_PERCENT / 100 + TOLERANCE_US
}

/// Microseconds, shown as milliseconds.
struct Millis(u64);

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

/// A host, ready to be measured from.
struct Host<'a> {
    name: &'a str,
    address: Ipv4Addr,
    namespace: &'a NetNamespace,
}

/// What the round trip between two hosts is going to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prediction {
    /// Microseconds.
    Idle(u64),
    /// The trace does not arrive.
    Never,
    /// A device of other make is on the way.
    Unknown,
}

/// An ordered pair of hosts, by position in the list of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    from: usize,
    to: usize,
}

/// A lab to verify.
pub(crate) struct Verifier<'a> {
    pub(crate) state: &'a State,
    pub(crate) plan: &'a Plan,
    pub(crate) namespaces: &'a Namespaces,
    /// Whether sites count whose only devices are of other make; nothing runs on those by itself.
    pub(crate) foreign_sites: bool,
    /// How long hosts may take to become reachable.
    pub(crate) patience: Duration,
}

impl Verifier<'_> {
    /// Verifies every ordered pair; `progress` hears of pings and transfers done.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(usize, usize)) -> Result<Report, Error> {
        let hosts = self.hosts();
        let numbers = 0..hosts.len();
        let pairs: Vec<Pair> = numbers
            .clone()
            .flat_map(|from| numbers.clone().map(move |to| Pair { from, to }))
            .filter(|pair| pair.from != pair.to)
            .collect();
        let total = 2 * pairs.len();
        progress(0, total);
        let system = |cause| Error::system("verification")(cause);
        // The first round makes hosts reachable that become so only now; the trace follows them.
        let mut pinger = ping::Pinger::open(&hosts, &pairs).map_err(system)?;
        pinger
            .until_answered(self.patience, &mut |done| progress(done, total))
            .map_err(system)?;
        let predictions = self.predictions(&hosts)?;
        let predicted = |pair: &Pair| {
            let key = (pair.from.min(pair.to), pair.from.max(pair.to));
            predictions.get(&key).copied().unwrap_or(Prediction::Never)
        };
        pinger
            .until(|pair, measured| match predicted(pair) {
                Prediction::Idle(expected) => is_close(measured, expected),
                Prediction::Never => false,
                Prediction::Unknown => true,
            })
            .map_err(system)?;
        // What has no answer to a ping has failed, whatever a transfer would do.
        let answered = pairs.iter().copied();
        let answered: Vec<Pair> = answered
            .filter(|pair| pinger.shortest(*pair).is_some())
            .collect();
        let transferred = transfer::all(&hosts, &answered, &mut |done| {
            progress(pairs.len() + done, total)
        })
        .map_err(system)?;
        progress(total, total);
        let name = |at: usize| {
            hosts
                .get(at)
                .map_or_else(String::new, |host| host.name.to_owned())
        };
        let results = pairs.iter().map(|pair| PairResult {
            source: name(pair.from),
            destination: name(pair.to),
            round_trip_us: pinger.shortest(*pair),
            predicted_us: match predicted(pair) {
                Prediction::Idle(expected) => Some(expected),
                Prediction::Never | Prediction::Unknown => None,
            },
            unpredictable: predicted(pair) == Prediction::Unknown,
            transferred: transferred.contains(pair),
        });
        Ok(Report {
            pairs: results.collect(),
            shortfalls: Vec::new(),
        })
    }

    fn hosts(&self) -> Vec<Host<'_>> {
        self.plan
            .hosts
            .iter()
            .filter(|host| self.foreign_sites || !self.is_behind_foreign(host))
            .filter_map(|host| {
                Some(Host {
                    name: &host.name,
                    address: host.interface.address,
                    namespace: self.namespaces.get(&host.name)?,
                })
            })
            .collect()
    }

    /// Whether a host stands at a site whose CPEs are of other make, or whose wires lead to a
    /// router of other make, however far away.
    fn is_behind_foreign(&self, host: &HostConfig) -> bool {
        let HostPlace::Site { site } = &host.place else {
            return false;
        };
        let mut sites = self.plan.sites.iter();
        sites.find(|own| own.name == *site).is_some_and(|own| {
            let is_foreign = |cpe: &String| self.plan.foreign.iter().any(|it| it.name == *cpe);
            !own.cpes.is_empty() && own.cpes.iter().all(is_foreign)
        }) || self
            .wired(site)
            .iter()
            .any(|device| self.is_foreign(device))
    }

    /// Whether a device is left to a daemon of other make.
    fn is_foreign(&self, device: &str) -> bool {
        let mut routers = self.plan.routers.iter();
        routers.any(|router| router.name == device && router.foreign)
            || self.plan.foreign.iter().any(|it| it.name == device)
    }

    /// The routers that a site has, and all that are joined to them by wires over routers only.
    fn wired(&self, site: &str) -> BTreeSet<&str> {
        let routers = self.plan.routers.iter();
        let mut next: Vec<&str> = routers
            .filter(
                |router| matches!(&router.place, RouterPlace::Site { site: own } if own == site),
            )
            .map(|router| router.name.as_str())
            .collect();
        let known: BTreeSet<&str> = self
            .plan
            .routers
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let mut found = BTreeSet::new();
        while let Some(device) = next.pop() {
            if !known.contains(device) || !found.insert(device) {
                continue;
            }
            for wire in &self.plan.fabric.wires {
                let (a, b) = (wire.a.device.as_str(), wire.b.device.as_str());
                next.extend((a == device).then_some(b));
                next.extend((b == device).then_some(a));
            }
        }
        found
    }

    /// Predicted round trips in microseconds. A ping there and one back take the same way, since the
    /// one's replies are the other's requests; so one trace serves both.
    fn predictions(
        &self,
        hosts: &[Host<'_>],
    ) -> Result<BTreeMap<(usize, usize), Prediction>, Error> {
        let mut predictions = BTreeMap::new();
        for (a, from) in hosts.iter().enumerate() {
            for (b, to) in hosts.iter().enumerate().skip(a + 1) {
                predictions.insert((a, b), self.prediction(from, to)?);
            }
        }
        Ok(predictions)
    }

    fn prediction(&self, from: &Host<'_>, to: &Host<'_>) -> Result<Prediction, Error> {
        let flow = FlowSpec {
            source_port: ping::ECHO_ID,
            ..FlowSpec::default()
        };
        let ask = |device: &str, query: &view::Query| -> io::Result<view::Answer> {
            driver::ask(&self.state.control_socket(device), query, ANSWER_PATIENCE)
        };
        let trace = view::trace(self.plan, from.name, to.name, flow, ask)
            .map_err(|error| Error::Refused(error.to_string()))?;
        let ends = [Some(&trace.forward), trace.reverse.as_ref()];
        let mut last = ends.into_iter().flatten().filter_map(|leg| leg.hops.last());
        Ok(match trace.round_trip_us {
            Some(expected) => Prediction::Idle(expected),
            None if last.any(|hop| self.is_foreign(&hop.device)) => Prediction::Unknown,
            None => Prediction::Never,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{PairResult, Report};

    fn pair(
        round_trip_us: Option<u64>,
        predicted_us: Option<u64>,
        transferred: bool,
    ) -> PairResult {
        PairResult {
            source: "a".to_owned(),
            destination: "b".to_owned(),
            round_trip_us,
            predicted_us,
            unpredictable: false,
            transferred,
        }
    }

    #[test]
    fn a_round_trip_may_differ_by_five_percent_and_two_milliseconds() {
        assert_eq!(pair(Some(107_000), Some(100_000), true).failure(), None);
        assert_eq!(pair(Some(93_000), Some(100_000), true).failure(), None);
        assert_eq!(pair(Some(2_400), Some(400), true).failure(), None);
        assert_eq!(
            pair(Some(107_010), Some(100_000), true)
                .failure()
                .as_deref(),
            Some("round trip 107.01 ms, predicted 100.00 ms")
        );
    }

    #[test]
    fn whatever_is_missing_is_a_failure_of_the_pair_and_of_the_report() {
        for (pair, says) in [
            (pair(None, Some(1), true), "no reply"),
            (
                pair(Some(1), Some(1), false),
                "the TCP transfer did not complete",
            ),
            (pair(Some(1), None, true), "the trace does not arrive"),
        ] {
            let report = Report {
                pairs: vec![pair],
                shortfalls: Vec::new(),
            };
            assert!(!report.passed());
            let verification = report.verification();
            assert_eq!((verification.pairs, verification.reached), (1, 0));
            assert_eq!(verification.failures, [format!("a > b: {says}")]);
        }
        let report = Report {
            pairs: Vec::new(),
            shortfalls: vec!["1 of 2".to_owned()],
        };
        assert!(!report.passed());
    }

    #[test]
    fn nothing_is_predicted_through_devices_of_other_make() {
        let through = PairResult {
            unpredictable: true,
            ..pair(Some(1), None, true)
        };
        assert_eq!(through.failure(), None);
    }
}
