//! What a daemon has used, as the kernel counted it.

use std::fs;
use std::time::Duration;

/// Processor time and memory of a process and its descendants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In user and kernel mode, all threads.
    pub(crate) cpu: Duration,
    /// The most that was resident at once (`VmHWM`), summed over the processes.
    pub(crate) peak_rss: u64,
    /// What is resident now (`VmRSS`), likewise.
    pub(crate) rss: u64,
}

impl Usage {
    /// Of the process with this number and all that it started.
    pub(crate) fn of(number: u32) -> Self {
        let mut total = Self::default();
        for number in family(number) {
            total.cpu += cpu(number);
            total.peak_rss += memory(number, "VmHWM:");
            total.rss += memory(number, "VmRSS:");
        }
        total
    }
}

/// A process and its descendants.
pub(crate) fn family(number: u32) -> Vec<u32> {
    let mut found = vec![number];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let tasks = fs::read_dir(format!("/proc/{parent}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
        next += 1;
    }
    found
}

/// From the scheduler's own counts, in nanoseconds: `/proc/…/stat` counts in hundredths of a second.
fn cpu(number: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{number}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    let counted = Duration::from_nanos(nanoseconds.sum());
    counted.max(ticks(number).unwrap_or_default())
}

/// Of threads that have ended as well.
fn ticks(number: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    let per_second = u64::try_from(per_second).ok()?;
    // Rounded down, so that the finer count is taken where no thread has ended.
    Some(Duration::from_millis((user + system) * 1000 / per_second))
}

fn memory(number: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
