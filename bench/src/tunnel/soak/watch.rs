//! What is looked at all the time during a soak: whether every flow moves, and what the nodes hold.

use std::time::{Duration, Instant};

use super::SoakNode;
use crate::usage::Usage;

/// Pause between two looks at the nodes' memory and processor time.
const USAGE: Duration = Duration::from_secs(1);

/// What was seen so far.
pub(super) struct Watch {
    start: Instant,
    flows: Vec<Flow>,
    first: Option<(Instant, [Usage; 2])>,
    last: Option<(Instant, [Usage; 2])>,
    nodes: [SoakNode; 2],
}

struct Flow {
    count: u64,
    moved: Instant,
    longest: Duration,
}

impl Watch {
    /// Begins to watch so many flows.
    pub(super) fn new(flows: usize) -> Self {
        let start = Instant::now();
        let flow = |_| Flow {
            count: 0,
            moved: start,
            longest: Duration::ZERO,
        };
        Self {
            start,
            flows: (0..flows).map(flow).collect(),
            first: None,
            last: None,
            nodes: [SoakNode::default(); 2],
        }
    }

    /// Takes what has arrived of each flow. `usage` is asked when it is time to look at the nodes.
    pub(super) fn look(
        &mut self,
        counts: &[u64],
        usage: impl FnOnce() -> [Usage; 2],
        whole: Duration,
    ) {
        let now = Instant::now();
        for (flow, count) in self.flows.iter_mut().zip(counts) {
            flow.longest = flow.longest.max(now - flow.moved);
            if *count > flow.count {
                flow.count = *count;
                flow.moved = now;
            }
        }
        if self.last.is_some_and(|(at, _)| now - at < USAGE) {
            return;
        }
        let usages = usage();
        self.first.get_or_insert((now, usages));
        self.last = Some((now, usages));
        let tenth = (now - self.start).as_secs_f64() / whole.as_secs_f64() * 10.0;
        for (node, usage) in self.nodes.iter_mut().zip(usages) {
            if (1.0..2.0).contains(&tenth) {
                node.early_memory = node.early_memory.max(usage.rss);
            } else if tenth >= 9.0 {
                node.late_memory = node.late_memory.max(usage.rss);
            }
        }
    }

    pub(super) fn flows(&self) -> usize {
        self.flows.len()
    }

    /// How many flows stood still for so long.
    pub(super) fn silent_for(&self, time: Duration) -> usize {
        let flows = self.flows.iter();
        flows.filter(|flow| flow.longest >= time).count()
    }

    pub(super) fn longest_silence(&self) -> Duration {
        let flows = self.flows.iter();
        flows.map(|flow| flow.longest).max().unwrap_or_default()
    }

    /// What the nodes used between the first look and the last.
    pub(super) fn nodes(&self) -> [SoakNode; 2] {
        let mut nodes = self.nodes;
        if let (Some((begin, first)), Some((end, last))) = (self.first, self.last) {
            let time = (end - begin).as_secs_f64();
            for ((node, first), last) in nodes.iter_mut().zip(first).zip(last) {
                let used = last.cpu.saturating_sub(first.cpu);
                node.cpu = used.as_secs_f64() / time.max(f64::EPSILON);
            }
        }
        nodes
    }
}
