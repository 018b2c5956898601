//! A provider's network between places: latency from geography, jitter and loss.

use core::net::Ipv4Addr;
use core::time::Duration;

use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{Coordinates, Instant, Rng, hash};

use crate::link::jitter;
use crate::{Loss, geography};

/// Pairs of endpoints whose last arrival is remembered; beyond it all are forgotten at once, which
/// costs nothing but the order of packets in flight at that moment.
const PAIRS_MAX: usize = 1 << 20;

/// What a cloud does to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudSettings {
    /// Latency is distance at 200 km/ms times this many percent.
    pub stretch_percent: u16,
    /// Uniform from zero.
    pub jitter: Duration,
    /// Lost packets in a million, each way.
    pub loss_ppm: u32,
}

/// A provider's network. Endpoints are named by the addresses that packets carry in it.
#[derive(Clone, Debug)]
pub struct Cloud {
    settings: CloudSettings,
    seed: u64,
    pairs: HashMap<(Ipv4Addr, Ipv4Addr), Pair, Seeded>,
}

/// An ordered pair of endpoints.
#[derive(Clone, Debug)]
struct Pair {
    latency: Duration,
    rng: Rng,
    last_arrival: Instant,
}

/// An endpoint of a cloud.
pub type Endpoint = (Ipv4Addr, Coordinates);

impl Cloud {
    /// A cloud with its own seed.
    pub const fn new(settings: CloudSettings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            pairs: HashMap::with_hasher(Seeded(seed)),
        }
    }

    /// One-way latency between two places, without jitter.
    pub fn latency(&self, a: Coordinates, b: Coordinates) -> Duration {
        geography::latency(a, b, self.settings.stretch_percent)
    }

    /// Puts a packet in and says when it comes out. Packets of one pair keep their order.
    pub fn cross(&mut self, now: Instant, from: Endpoint, to: Endpoint) -> Result<Instant, Loss> {
        if self.pairs.len() >= PAIRS_MAX {
            self.pairs.clear();
        }
        let settings = self.settings;
        let seed = self.seed;
        let pair = self.pairs.entry((from.0, to.0)).or_insert_with(|| Pair {
            latency: geography::latency(from.1, to.1, settings.stretch_percent),
            rng: Rng::new(pair_seed(seed, from.0, to.0)),
            last_arrival: Instant::ZERO,
        });
        if pair.rng.chance_ppm(settings.loss_ppm) {
            return Err(Loss::Random);
        }
        let arrival = now + pair.latency + jitter(&mut pair.rng, settings.jitter);
        pair.last_arrival = pair.last_arrival.max(arrival);
        Ok(pair.last_arrival)
    }
}

fn pair_seed(seed: u64, from: Ipv4Addr, to: Ipv4Addr) -> u64 {
    hash::mix(seed ^ (u64::from(from.to_bits()) << 32 | u64::from(to.to_bits())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Coordinates = Coordinates {
        latitude_udeg: 0,
        longitude_udeg: 0,
    };
    const EAST: Coordinates = Coordinates {
        latitude_udeg: 0,
        longitude_udeg: 10_000_000,
    };

    fn cloud(jitter_us: u64) -> Cloud {
        let settings = CloudSettings {
            stretch_percent: 170,
            jitter: Duration::from_micros(jitter_us),
            loss_ppm: 0,
        };
        Cloud::new(settings, 7)
    }

    fn endpoint(last: u8, place: Coordinates) -> Endpoint {
        (Ipv4Addr::new(203, 0, 113, last), place)
    }

    #[test]
    fn a_packet_takes_the_stretched_distance() {
        let mut cloud = cloud(0);
        let out = cloud
            .cross(Instant::from_secs(1), endpoint(1, PLACE), endpoint(2, EAST))
            .expect("no loss");
        // 10 degrees on the equator: 1,112 km
        assert_eq!(out.since(Instant::from_secs(1)), cloud.latency(PLACE, EAST));
        assert!((9_440..9_460).contains(&cloud.latency(PLACE, EAST).as_micros()));
    }

    #[test]
    fn jitter_never_reorders_packets_of_a_pair() {
        let mut cloud = cloud(30_000);
        let mut last = Instant::ZERO;
        for millis in 0..500 {
            let at = Instant::from_millis(millis);
            let out = cloud
                .cross(at, endpoint(1, PLACE), endpoint(2, EAST))
                .expect("no loss");
            assert!(out >= last);
            last = out;
        }
    }

    #[test]
    fn another_pair_leaves_the_jitter_of_this_one_as_it_was() {
        let mut alone = cloud(30_000);
        let mut shared = cloud(30_000);
        for millis in 0..50 {
            let at = Instant::from_millis(millis * 100);
            shared
                .cross(at, endpoint(3, EAST), endpoint(2, EAST))
                .expect("no loss");
            assert_eq!(
                alone.cross(at, endpoint(1, PLACE), endpoint(2, EAST)),
                shared.cross(at, endpoint(1, PLACE), endpoint(2, EAST))
            );
        }
    }
}
