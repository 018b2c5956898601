//! The upper bound, each node a process of this program.

use std::process::Command;

use linux::Netlink;

use crate::Error;
use crate::daemon::Daemon;
use crate::tunnel::arena::{Arena, Link, PORT, Site};
use crate::tunnel::bound::Suite;

use super::Setup;

/// Octets of a super-packet with what TCP sets aside for headers (`MAX_TCP_HEADER`): as many segments as fit into one
/// batch of datagrams when sealed, 45 times 1,452 octets.
const SUPER_PACKET: u32 = 62_000;

pub(super) fn start(arena: &Arena, setup: &Setup<'_>, suite: Suite) -> Result<Vec<Daemon>, Error> {
    let sites = arena.sites.iter();
    sites.map(|site| run(site, setup, suite)).collect()
}

pub(super) fn run(site: &Site, setup: &Setup<'_>, suite: Suite) -> Result<Daemon, Error> {
    let mut command = Command::new(setup.longhaul);
    command.args(["bench", "tunnel-bound", "--suite", suite.name()]);
    for link in &site.links {
        command.arg("--wire").arg(wire(link));
    }
    if site.is_hub() {
        return site.run(command);
    }
    let device = site.device();
    command.args(["--device", &device]);
    let daemon = site.run(command)?;
    site.await_device(&device, &daemon)?;
    site.place
        .run(|| {
            let mut netlink = Netlink::open()?;
            let index = netlink.interface(&device)?;
            netlink.set_super_packet(index, SUPER_PACKET)
        })
        .map_err(Error::system("bounding super-packets"))?;
    site.set_up(&device)?;
    Ok(daemon)
}

/// Both addresses of a wire.
fn wire(link: &Link) -> String {
    format!("{}:{PORT}={}:{PORT}", link.local, link.remote)
}
