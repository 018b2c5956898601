//! Many tunnels on one hub: how soon all of them stand, and what they cost while nothing passes.
//!
//! The sites are [`Endpoint`]s in this process, all behind one socket: each has an address of its
//! own, which the kernel takes for local as a whole prefix. They call at once, and from then on send
//! a keepalive every 25 seconds as sites behind NAT do. The hub is a process like any other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::{Duration, Instant};

use tunnel::{Endpoint, Event, Input, Output, Peer, PrivateKey, Settings};

use super::arena::{Arena, PORT};
use super::figure::Figure;
use super::implementation::{Setup, longhaul};
use crate::Error;
use crate::daemon::Daemon;

mod socket;

use socket::{Arrived, Socket};

/// How many tunnels.
const TUNNELS: u16 = 5_000;
/// The sites' addresses are 198.19.0.0 and following.
const SITES: &str = "198.19.0.0/16";
/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before anything is measured of the idle hub.
const SETTLE: Duration = Duration::from_secs(3);
/// Between keepalives of a site, and how long the idle hub is watched: each site sends once.
const KEEPALIVE: Duration = Duration::from_secs(25);
/// Keys of a network that lives for seconds, inside one machine.
const MASTER: [u8; 32] = [0x43; 32];

/// Measures our hub.
pub(super) fn measure(
    setup: &Setup<'_>,
    processors: [usize; 2],
    directory: &Path,
) -> Result<Vec<(Figure, f64)>, Error> {
    let arena = Arena::pair(processors, directory)?;
    let (sites, hub) = (arena.near(), arena.far());
    let route = ["route", "add", "local", SITES, "dev", "lo"];
    sites.place.ip(&route)?;
    let via = hub.links[0].remote.to_string();
    hub.place.ip(&["route", "add", SITES, "via", &via])?;

    let alone = {
        let (node, mut crowd) = start(&arena, setup, 1)?;
        crowd.rise(PATIENCE).map_err(|error| node.explain(&error))?;
        node.usage().rss
    };
    let (node, mut crowd) = start(&arena, setup, TUNNELS)?;
    let time = crowd.rise(PATIENCE).map_err(|error| node.explain(&error))?;
    crowd.live(SETTLE)?;
    let (before, begin) = (node.usage(), Instant::now());
    crowd.live(KEEPALIVE)?;
    let (after, time_idle) = (node.usage(), begin.elapsed());
    let cpu = after.cpu.saturating_sub(before.cpu);
    let octets = after.rss.saturating_sub(alone) / u64::from(TUNNELS);
    Ok(vec![
        (Figure::CrowdUp, time.as_secs_f64()),
        (
            Figure::CrowdCpu,
            cpu.as_secs_f64() / time_idle.as_secs_f64() * 100.0,
        ),
        (Figure::CrowdMemory, octets as f64 / 1e3),
    ])
}

/// A hub with so many sites, none of which has called yet.
fn start(arena: &Arena, setup: &Setup<'_>, count: u16) -> Result<(Daemon, Crowd), Error> {
    let (sites, hub) = (arena.near(), arena.far());
    let keys: Vec<PrivateKey> = (0..count)
        .map(|number| PrivateKey::derive(&MASTER, &format!("site{number}")))
        .collect();
    let public: Vec<_> = keys.iter().map(PrivateKey::public_key).collect();
    let node = longhaul::start_hub(hub, setup, &public)?;
    let target = SocketAddrV4::new(sites.links[0].remote, PORT);
    let socket = sites.place.run(|| Socket::open(PORT));
    let socket = socket.map_err(Error::system("the sites' socket"))?;
    let mut crowd = Crowd {
        start: Instant::now(),
        socket,
        sites: Vec::new(),
        wakes: BinaryHeap::new(),
        up: 0,
    };
    let hub_key = longhaul::public_key(hub, 0);
    for (number, key) in keys.into_iter().enumerate() {
        let mut settings = Settings::new(format!("site{number}"), key);
        settings.peers.push(Peer {
            endpoint: Some(target),
            initiate: true,
            keepalive: Some(KEEPALIVE),
            ..Peer::new(hub_key)
        });
        let mut seed = [0x34; 32];
        seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let epoch = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = crowd.now();
        crowd.sites.push(Endpoint::new(settings, seed, epoch, now));
    }
    longhaul::await_answer(hub, &node)?;
    Ok((node, crowd))
}

/// All sites.
struct Crowd {
    start: Instant,
    socket: Socket,
    sites: Vec<Endpoint>,
    /// When which site has something to do.
    wakes: BinaryHeap<Reverse<(inet::Instant, usize)>>,
    /// How many have a session.
    up: usize,
}

impl Crowd {
    fn now(&self) -> inet::Instant {
        inet::Instant::ZERO + self.start.elapsed()
    }

    /// Lets all of them call, and says how long it takes until all have a session.
    fn rise(&mut self, patience: Duration) -> Result<Duration, Error> {
        let begin = Instant::now();
        for site in 0..self.sites.len() {
            self.wake(site)?;
            // What has come waits no longer than a call takes.
            while self.take()? {}
        }
        while self.up < self.sites.len() {
            if begin.elapsed() > patience {
                let (up, all) = (self.up, self.sites.len());
                return Err(Error::Daemon(format!("{up} of {all} tunnels came up")));
            }
            self.step()?;
        }
        Ok(begin.elapsed())
    }

    /// Lets them be for a while.
    fn live(&mut self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.step()?;
        }
        if self.up == self.sites.len() {
            return Ok(());
        }
        let (up, all) = (self.up, self.sites.len());
        Err(Error::Daemon(format!("{up} of {all} tunnels stay up")))
    }

    /// Does what is due, and waits a little where nothing is.
    fn step(&mut self) -> Result<(), Error> {
        while let Some(Reverse((at, site))) = self.wakes.peek().copied() {
            if at > self.now() {
                break;
            }
            self.wakes.pop();
            self.wake(site)?;
        }
        if !self.take()? {
            let waited = self.socket.wait(Duration::from_millis(5));
            waited.map_err(Error::system("waiting for the hub"))?;
        }
        Ok(())
    }

    fn wake(&mut self, site: usize) -> Result<(), Error> {
        let (now, mut out) = (self.now(), Vec::new());
        self.sites[site].handle(now, Input::Wake, &mut out);
        self.after(site, out)
    }

    /// Takes a datagram, if there is one.
    fn take(&mut self) -> Result<bool, Error> {
        let mut bytes = [0; 2_048];
        let arrived = self.socket.receive(&mut bytes);
        let arrived = arrived.map_err(Error::system("receiving from the hub"))?;
        let Some(Arrived { len, from, to }) = arrived else {
            return Ok(false);
        };
        let site = usize::from(to.octets()[2]) << 8 | usize::from(to.octets()[3]);
        if site < self.sites.len() {
            let (now, mut out) = (self.now(), Vec::new());
            self.sites[site].open(now, from, &mut bytes[..len], &mut out);
            self.after(site, out)?;
        }
        Ok(true)
    }

    /// Does what a site asks for.
    fn after(&mut self, site: usize, out: Vec<Output>) -> Result<(), Error> {
        let number = site as u16;
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(198, 19, high, low);
        for output in out {
            match output {
                Output::Datagram { to, bytes } => {
                    let sent = self.socket.send(address, to, &bytes);
                    sent.map_err(Error::system("sending to the hub"))?;
                }
                Output::Event(Event::SessionUp(_)) => self.up += 1,
                Output::Event(Event::SessionDown(_)) => self.up -= 1,
                Output::Event(Event::Roamed(..) | Event::Echoed(_)) => {}
            }
        }
        if let Some(at) = self.sites[site].wake() {
            self.wakes.push(Reverse((at, site)));
        }
        Ok(())
    }
}
