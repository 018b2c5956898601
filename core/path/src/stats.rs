//! The last probes of a path and what they say: round-trip time, its variation, loss.
//!
//! Each probe keeps its own record from the moment it is sent, so the figures come from timestamps and not from
//! the times at which somebody looked.

use std::collections::VecDeque;
use std::time::Duration;

use inet::Instant;

/// What the probes of the window say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Probes sent.
    pub sent: u32,
    /// Probes answered.
    pub received: u32,
    /// Probes that count as lost: unanswered, and three later ones were answered or two seconds passed.
    pub lost: u32,
    /// Lost among those that are decided, in parts per million.
    pub loss_ppm: u32,
    /// Round trips, without the time in the reflector. `None` without any reply.
    pub rtt: Option<Variation>,
    /// Mean difference between consecutive delays towards the reflector (RFC 3393); needs no synchronised clocks.
    pub jitter_there: Duration,
    /// The same for the way back.
    pub jitter_back: Duration,
}

/// A quantity over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variation {
    /// Smallest.
    pub min: Duration,
    /// Mean.
    pub avg: Duration,
    /// Largest.
    pub max: Duration,
    /// Mean difference between consecutive values.
    pub jitter: Duration,
}

/// The probes of the window, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    probes: VecDeque<Probe>,
    /// Sequence number of the first in `probes`.
    first: u32,
    /// The newest sequence number that was answered.
    answered: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    sent: Instant,
    shape: u8,
    answer: Option<Answer>,
}

/// One exchange, in nanoseconds. The one-way delays contain the unknown offset of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rtt: u64,
    pub(crate) there: i128,
    pub(crate) back: i128,
}

impl History {
    /// Notes a probe of a shape and gives it a sequence number. Probes older than the window are forgotten.
    pub(crate) fn send(&mut self, now: Instant, window: Duration, shape: u8) -> u32 {
        while self.probes.len() >= PROBES_MAX
            || self
                .probes
                .front()
                .is_some_and(|probe| now.since(probe.sent) > window)
        {
            self.probes.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        self.probes.push_back(Probe {
            sent: now,
            shape,
            answer: None,
        });
        self.first.wrapping_add(self.probes.len() as u32 - 1)
    }

    /// When the probe with this number was sent, if it is in the window and was not answered yet.
    pub(crate) fn outstanding(&self, sequence: u32) -> Option<Instant> {
        let probe = self
            .probes
            .get(sequence.wrapping_sub(self.first) as usize)?;
        probe.answer.is_none().then_some(probe.sent)
    }

    /// Notes the answer to an outstanding probe.
    pub(crate) fn answer(&mut self, sequence: u32, answer: Answer) {
        let place = sequence.wrapping_sub(self.first);
        if let Some(probe) = self.probes.get_mut(place as usize) {
            probe.answer = Some(answer);
        }
        let newest = self
            .answered
            .map(|answered| answered.wrapping_sub(self.first));
        if newest.is_none_or(|newest| newest as usize >= self.probes.len() || newest < place) {
            self.answered = Some(sequence);
        }
    }

    /// What the probes sent within the window say now.
    pub(crate) fn statistics(&self, now: Instant, window: Duration) -> Statistics {
        self.of(now, |probe| now.since(probe.sent) <= window).0
    }

    /// What the probes of a shape say that were sent within the window and not before `since`. Delays are those of the
    /// last [`DELAY_WINDOW`], or of as many more as it takes for [`DELAYS_MIN`] answers.
    pub(crate) fn judged(
        &self,
        now: Instant,
        (window, since): (Duration, Instant),
        shape: u8,
    ) -> Statistics {
        let (mut statistics, answers) = self.of(now, |probe| {
            probe.shape == shape && now.since(probe.sent) <= window && probe.sent >= since
        });
        let recent = answers.iter().rev().enumerate();
        let recent = recent.take_while(|(place, (sent, _))| {
            *place < DELAYS_MIN || now.since(*sent) <= DELAY_WINDOW
        });
        let first = answers.len() - recent.count();
        statistics.measure_delays(&answers[first..]);
        statistics
    }

    /// What some of the probes say, and the answers to them.
    fn of(
        &self,
        now: Instant,
        which: impl Fn(&Probe) -> bool,
    ) -> (Statistics, Vec<(Instant, Answer)>) {
        let newest = self
            .answered
            .map(|answered| answered.wrapping_sub(self.first) as usize)
            .filter(|newest| *newest < self.probes.len())
            .unwrap_or(0);
        let mut statistics = Statistics::default();
        let mut answers = Vec::with_capacity(self.probes.len());
        for (place, probe) in self.probes.iter().enumerate() {
            if !which(probe) {
                continue;
            }
            statistics.sent += 1;
            match probe.answer {
                Some(answer) => answers.push((probe.sent, answer)),
                None if now.since(probe.sent) > REPLY_WAIT || newest >= place + REORDERED => {
                    statistics.lost += 1;
                }
                None => {}
            }
        }
        statistics.received = answers.len() as u32;
        let decided = u64::from(statistics.received + statistics.lost);
        statistics.loss_ppm = (u64::from(statistics.lost) * 1_000_000)
            .checked_div(decided)
            .unwrap_or(0) as u32;
        statistics.measure_delays(&answers);
        (statistics, answers)
    }
}

impl Statistics {
    fn measure_delays(&mut self, answers: &[(Instant, Answer)]) {
        let answers = || answers.iter().map(|(_, answer)| *answer);
        self.rtt = rtt(answers());
        self.jitter_there = jitter(answers().map(|answer| answer.there));
        self.jitter_back = jitter(answers().map(|answer| answer.back));
    }
}

fn rtt(answers: impl ExactSizeIterator<Item = Answer> + Clone) -> Option<Variation> {
    let count = answers.len() as u128;
    let rtts = || answers.clone().map(|answer| answer.rtt);
    let sum: u128 = rtts().map(u128::from).sum();
    Some(Variation {
        min: Duration::from_nanos(rtts().min()?),
        avg: duration(sum / count),
        max: Duration::from_nanos(rtts().max()?),
        jitter: jitter(rtts().map(i128::from)),
    })
}

/// The mean absolute difference of consecutive values.
fn jitter(values: impl Iterator<Item = i128> + Clone) -> Duration {
    let (sum, count) = values
        .clone()
        .zip(values.skip(1))
        .fold((0u128, 0u128), |(sum, count), (a, b)| {
            (sum + a.abs_diff(b), count + 1)
        });
    duration(sum.checked_div(count).unwrap_or(0))
}

fn duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The window's length at the quickest probing anyone would set; the oldest probe makes room.
const PROBES_MAX: usize = 1_024;
/// An unanswered probe is lost when one so many places later was answered, as in TCP's rule (RFC 5681 §3.2).
const REORDERED: usize = 3;
/// An unanswered probe is lost after this long: twice what the slowest usable path takes.
const REPLY_WAIT: Duration = Duration::from_secs(2);
/// How far back delays count for a class, so that it leaves a path within ten seconds of their rising, however little.
pub(crate) const DELAY_WINDOW: Duration = Duration::from_secs(5);
/// How far back losses count.
pub(crate) const LOSS_WINDOW: Duration = Duration::from_secs(10);
/// With fewer answers than this one late packet would look like jitter.
const DELAYS_MIN: usize = 8;
