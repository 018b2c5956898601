//! What a speaker says of itself, for whoever reads the log; bounded, whatever neighbours do.

use std::time::Duration;

use bgp::Event;
use inet::Instant;

/// In so long a time no more than so many events are written that a neighbour can bring about as
/// often as it likes.
const WINDOW: Duration = Duration::from_secs(10);
const OFTEN: u32 = 20;

/// The log of a speaker.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// When the window began.
    since: Instant,
    /// How many of those events were written in it, and how many were not.
    written: u32,
    left_out: u64,
}

impl Log {
    /// Writes an event down, if it is not one too many.
    pub(crate) fn write(&mut self, now: Instant, event: &Event) {
        match event {
            // Whoever can reach the port can make as many of these as it likes.
            Event::Refused { .. }
            | Event::Ended {
                established: false, ..
            } => tracing::debug!(?event),
            // Whoever is a neighbour can make as many of these as it likes.
            Event::Fault { .. } | Event::RefreshReceived { .. } | Event::EndOfRib { .. } => {
                if self.admits(now) {
                    tracing::info!(?event);
                }
            }
            event => tracing::info!(?event),
        }
    }

    fn admits(&mut self, now: Instant) -> bool {
        if now.since(self.since) >= WINDOW {
            if self.left_out > 0 {
                let events = self.left_out;
                tracing::info!(events, "of neighbours were not written down");
            }
            *self = Self {
                since: now,
                ..Self::default()
            };
        }
        let room = self.written < OFTEN;
        match room {
            true => self.written += 1,
            false => self.left_out += 1,
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_cannot_fill_the_disk_with_events() {
        let mut log = Log::default();
        let mut admitted = |at: u64| {
            let tries = (0..1000).filter(|_| log.admits(Instant::from_secs(at)));
            tries.count()
        };
        assert_eq!(admitted(100), 20);
        assert_eq!(admitted(109), 0);
        assert_eq!(admitted(110), 20);
    }
}
