//! One direction of a wire: rate with a bounded queue, latency, jitter and loss, first in first out.

use core::time::Duration;

use inet::{Instant, Rng};

/// What a link does to packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkSettings {
    /// Bits per second; 0 is unlimited.
    pub rate_bps: u64,
    /// Added to every packet.
    pub latency: Duration,
    /// Added on top: uniform from zero.
    pub jitter: Duration,
    /// Lost packets in a million.
    pub loss_ppm: u32,
    /// Bytes that may wait for the rate; 0 stands for 100 ms at the rate.
    pub queue_bytes: u32,
}

/// What a link does for the worse, on top of its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Added to every packet.
    pub latency: Duration,
    /// Added on top of the link's own: uniform from zero.
    pub jitter: Duration,
    /// Lost packets in a million, beside those of the settings.
    pub loss_ppm: u32,
}

/// Why a packet does not come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// As many bytes as the queue holds were waiting.
    QueueFull,
    /// By chance, at the configured rate.
    Random,
}

/// One direction of a wire.
#[derive(Clone, Debug)]
pub struct Link {
    settings: LinkSettings,
    impairment: Impairment,
    rng: Rng,
    /// When the last accepted packet has been put on the wire.
    busy_until: Instant,
    /// INVARIANT: no packet arrives before this, so none overtakes another.
    last_arrival: Instant,
}

impl Link {
    /// An idle link. `rng` is its own generator.
    pub const fn new(settings: LinkSettings, rng: Rng) -> Self {
        Self {
            settings,
            impairment: Impairment {
                latency: Duration::ZERO,
                jitter: Duration::ZERO,
                loss_ppm: 0,
            },
            rng,
            busy_until: Instant::ZERO,
            last_arrival: Instant::ZERO,
        }
    }

    /// Makes the link worse than its settings, or lets it be as they say again.
    pub const fn impair(&mut self, impairment: Impairment) {
        self.impairment = impairment;
    }

    /// What the link adds to every packet, without rate and jitter.
    pub fn latency(&self) -> Duration {
        self.settings.latency + self.impairment.latency
    }

    /// Puts a packet of `bytes` in and says when it comes out at the other end.
    ///
    /// Calls come in order of time.
    pub fn send(&mut self, now: Instant, bytes: usize) -> Result<Instant, Loss> {
        let waiting = self.waiting_bytes(now);
        if waiting > 0 && waiting + bytes as u64 > self.queue_bytes() {
            return Err(Loss::QueueFull);
        }
        self.busy_until = self.busy_until.max(now) + self.serialization(bytes);
        let loss_ppm = self.settings.loss_ppm;
        let loss_ppm = loss_ppm.saturating_add(self.impairment.loss_ppm);
        if self.rng.chance_ppm(loss_ppm) {
            return Err(Loss::Random);
        }
        let jitter = jitter(&mut self.rng, self.settings.jitter + self.impairment.jitter);
        let arrival = self.busy_until + self.latency() + jitter;
        self.last_arrival = self.last_arrival.max(arrival);
        Ok(self.last_arrival)
    }

    /// How long a packet takes through the idle link, without jitter.
    pub fn idle_latency(&self, bytes: usize) -> Duration {
        self.latency() + self.serialization(bytes)
    }

    fn serialization(&self, bytes: usize) -> Duration {
        match self.settings.rate_bps {
            0 => Duration::ZERO,
            rate => nanos(bytes as u128 * 8 * 1_000_000_000 / u128::from(rate)),
        }
    }

    fn waiting_bytes(&self, now: Instant) -> u64 {
        let waiting = self.busy_until.since(now).as_nanos() * u128::from(self.settings.rate_bps);
        u64::try_from(waiting / 8_000_000_000).unwrap_or(u64::MAX)
    }

    fn queue_bytes(&self) -> u64 {
        match self.settings.queue_bytes {
            0 => self.settings.rate_bps / 80,
            bytes => u64::from(bytes),
        }
    }
}

/// A draw from zero up to and including the bound.
pub(crate) fn jitter(rng: &mut Rng, bound: Duration) -> Duration {
    if bound.is_zero() {
        return Duration::ZERO;
    }
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(rng.below(nanos.saturating_add(1)))
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(settings: LinkSettings) -> Link {
        Link::new(settings, Rng::new(1))
    }

    #[test]
    fn packets_leave_one_after_the_other_at_the_rate() {
        let mut link = link(LinkSettings {
            rate_bps: 8_000_000,
            latency: Duration::from_millis(10),
            queue_bytes: 10_000,
            ..LinkSettings::default()
        });
        let at = Instant::from_secs(1);
        let first = link.send(at, 1_000).expect("room");
        let second = link.send(at, 1_000).expect("room");
        assert_eq!(first.since(at), Duration::from_millis(11));
        assert_eq!(second.since(at), Duration::from_millis(12));
    }

    #[test]
    fn a_full_queue_drops_and_drains_at_the_rate() {
        let mut link = link(LinkSettings {
            rate_bps: 8_000_000,
            queue_bytes: 3_000,
            ..LinkSettings::default()
        });
        let at = Instant::from_secs(1);
        let sent = (0..10).filter(|_| link.send(at, 1_000).is_ok()).count();
        assert_eq!(sent, 3);
        assert_eq!(link.send(at, 1_000), Err(Loss::QueueFull));
        assert!(link.send(at + Duration::from_millis(1), 1_000).is_ok());
    }

    #[test]
    fn a_packet_larger_than_the_queue_passes_an_idle_link() {
        let mut link = link(LinkSettings {
            rate_bps: 64_000,
            queue_bytes: 100,
            ..LinkSettings::default()
        });
        assert!(link.send(Instant::from_secs(1), 1_500).is_ok());
    }

    #[test]
    fn jitter_never_reorders() {
        let mut link = link(LinkSettings {
            latency: Duration::from_millis(5),
            jitter: Duration::from_millis(50),
            ..LinkSettings::default()
        });
        let mut last = Instant::ZERO;
        for millis in 0..1_000 {
            let arrival = link
                .send(Instant::from_millis(millis), 100)
                .expect("no loss");
            assert!(arrival >= last);
            last = arrival;
        }
    }

    #[test]
    fn an_impaired_link_is_slower_and_loses_until_it_is_mended() {
        let mut link = link(LinkSettings::default());
        let bad = Impairment {
            latency: Duration::from_millis(100),
            jitter: Duration::ZERO,
            loss_ppm: 500_000,
        };
        link.impair(bad);
        let outcomes: Vec<_> = (0..100).map(|_| link.send(Instant::ZERO, 100)).collect();
        let late = Ok(Instant::from_millis(100));
        assert!(outcomes.contains(&late) && outcomes.contains(&Err(Loss::Random)));
        link.impair(Impairment::default());
        let at = Instant::from_secs(1);
        assert!((0..100).all(|_| link.send(at, 100) == Ok(at)));
    }

    #[test]
    fn loss_comes_at_its_rate() {
        let mut link = link(LinkSettings {
            loss_ppm: 100_000,
            ..LinkSettings::default()
        });
        let lost = (0..100_000)
            .filter(|_| link.send(Instant::ZERO, 100).is_err())
            .count();
        assert!((9_500..10_500).contains(&lost), "{lost}");
    }
}
