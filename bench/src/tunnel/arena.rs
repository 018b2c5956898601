//! The places of one measurement: nodes in network namespaces, wires of 1,500 octets between them, a
//! processor for each node.
//!
//! Node 1 and node 2 are the ends; with a hub, node 3 stands between them. Behind node N is
//! 10.77.N.0/24, in which the load generator has 10.77.N.1. A node and the load generator's part
//! beside it share a processor, as they would on a machine of that size.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use linux::Netlink;

use crate::Error;
use crate::daemon::Daemon;
use crate::place::Place;

/// All networks behind nodes.
pub(super) const NETWORKS: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 77, 0, 0), 16);
/// MTU of the tunnel's interface, as WireGuard has it over 1,500 octets of IPv4 or IPv6.
pub(super) const INNER_MTU: u16 = 1420;
/// The port that every node listens on.
pub(super) const PORT: u16 = 51_820;
/// How long a node may take to make its interface.
const PATIENCE: Duration = Duration::from_secs(5);
/// The hub's number.
const HUB: u8 = 3;

/// A node's part of a wire, and what is reached over it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// The other node.
    pub(super) neighbor: u8,
    /// Our interface.
    pub(super) interface: String,
    /// Our address.
    pub(super) local: Ipv4Addr,
    /// The other's.
    pub(super) remote: Ipv4Addr,
    /// The networks that are reached through the other.
    pub(super) networks: Vec<(Ipv4Addr, u8)>,
}

/// Where a node runs.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) number: u8,
    pub(super) place: Place,
    /// As taskset has it.
    pub(super) processor: usize,
    /// For its files.
    pub(super) directory: PathBuf,
    pub(super) links: Vec<Link>,
}

impl Site {
    fn new(number: u8, processor: usize, directory: &Path) -> Result<Self, Error> {
        let directory = directory.join(format!("node{number}"));
        fs::create_dir_all(&directory)
            .map_err(Error::system(format!("making {}", directory.display())))?;
        Ok(Self {
            number,
            place: Place::new()?,
            processor,
            directory,
            links: Vec::new(),
        })
    }

    /// The load generator's address behind the node.
    pub(super) fn address(&self) -> Ipv4Addr {
        behind(self.number).0
    }

    pub(super) fn is_hub(&self) -> bool {
        self.number == HUB
    }

    /// A name for its tunnel's interface that no other process uses: some put a socket of that name
    /// into a directory that all namespaces share.
    pub(super) fn device(&self) -> String {
        format!("lb{}n{}", std::process::id(), self.number)
    }

    /// A file of its own with this content.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(Error::system(format!("writing {}", path.display())))?;
        Ok(path)
    }

    /// Starts a program on the node's processor.
    pub(super) fn run(&self, command: Command) -> Result<Daemon, Error> {
        let processor = self.processor.to_string();
        Daemon::launch(&self.place, command, Some(&processor), &self.directory)
    }

    /// Waits until an interface is there.
    pub(super) fn await_device(&self, name: &str, daemon: &Daemon) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let look = || Netlink::open()?.interface(name);
        while let Err(cause) = self.place.run(look) {
            if Instant::now() > deadline || !daemon.is_alive() {
                return Err(daemon.explain(&Error::system(format!("looking for {name}"))(cause)));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Gives a tunnel's interface the node's address, and routes everything else through it.
    pub(super) fn set_up(&self, device: &str) -> Result<(), Error> {
        let mtu = INNER_MTU.to_string();
        self.place.ip(&["link", "set", device, "mtu", &mtu, "up"])?;
        self.place.address(device, self.address().into(), 32)?;
        let (network, len) = NETWORKS;
        let network = format!("{network}/{len}");
        self.place.ip(&["route", "add", &network, "dev", device])
    }
}

/// An address in the network behind a node, and that network's length.
pub(super) fn behind(number: u8) -> (Ipv4Addr, u8) {
    (Ipv4Addr::new(10, 77, number, 1), 24)
}

/// All places of a measurement.
#[derive(Debug)]
pub(super) struct Arena {
    /// The ends first.
    pub(super) sites: Vec<Site>,
}

impl Arena {
    /// Two nodes with a wire between them, each with its own processor.
    pub(super) fn pair(processors: [usize; 2], directory: &Path) -> Result<Self, Error> {
        let [first, second] = processors;
        let mut near = Site::new(1, first, directory)?;
        let mut far = Site::new(2, second, directory)?;
        join(&mut near, &mut far, 1, &[vec![behind(2)], vec![behind(1)]])?;
        Ok(Self {
            sites: vec![near, far],
        })
    }

    /// Two nodes that reach each other through a third. The ends share a processor, the hub has the other.
    pub(super) fn relay(processors: [usize; 2], directory: &Path) -> Result<Self, Error> {
        let [first, second] = processors;
        let mut near = Site::new(1, first, directory)?;
        let mut far = Site::new(2, first, directory)?;
        let mut hub = Site::new(HUB, second, directory)?;
        join(&mut near, &mut hub, 1, &[vec![NETWORKS], vec![behind(1)]])?;
        join(&mut far, &mut hub, 2, &[vec![NETWORKS], vec![behind(2)]])?;
        hub.place
            .run(|| linux::sysctl::write("net.ipv4.ip_forward", "1"))
            .map_err(Error::system("letting the hub forward"))?;
        Ok(Self {
            sites: vec![near, far, hub],
        })
    }

    /// Where the load comes from.
    pub(super) fn near(&self) -> &Site {
        &self.sites[0]
    }

    /// Where it goes to.
    pub(super) fn far(&self) -> &Site {
        &self.sites[1]
    }
}

/// Lays wire `number`; `networks` are those behind the second node and those behind the first.
fn join(
    one: &mut Site,
    other: &mut Site,
    number: u8,
    networks: &[Vec<(Ipv4Addr, u8)>; 2],
) -> Result<(), Error> {
    let names = [&*one, &*other].map(|site| format!("wan{}", site.links.len()));
    let addresses = [1, 2].map(|end| Ipv4Addr::new(198, 18, number, end));
    one.place.wire(&names[0], &other.place, &names[1])?;
    let numbers = [one.number, other.number];
    for (at, site) in [one, other].into_iter().enumerate() {
        site.place
            .address(&names[at], IpAddr::V4(addresses[at]), 30)?;
        site.links.push(Link {
            neighbor: numbers[1 - at],
            interface: names[at].clone(),
            local: addresses[at],
            remote: addresses[1 - at],
            networks: networks[at].clone(),
        });
    }
    Ok(())
}
