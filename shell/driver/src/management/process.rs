//! What the kernel says of this process.

use std::fs;

/// The unit of `/proc/self/stat`, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Numbers of the process. What cannot be read is zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessNumbers {
    /// Memory that is resident, octets.
    pub(crate) resident_octets: u64,
    /// Processor time used, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Open descriptors.
    pub(crate) descriptors: u64,
}

impl ProcessNumbers {
    /// As they are now.
    pub(crate) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self {
            resident_octets: field("VmRSS:").unwrap_or(0) * 1024,
            cpu_seconds: cpu_ticks().unwrap_or(0) as f64 / TICKS_PER_SECOND,
            descriptors: fs::read_dir("/proc/self/fd")
                .map_or(0, |entries| entries.count().saturating_sub(1) as u64),
        }
    }
}

/// Time in user mode and in the kernel: the 14th and 15th field. The second one, the name of the
/// program in parentheses, may hold blanks.
fn cpu_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}
