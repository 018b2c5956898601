//! Ours: `longhaul node` at each site, with files and keys as `longhaul plan` writes them.
//!
//! The ends are CPEs with a LAN each, an NVA is the hub. Without a hub each end is the other's.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tunnel::{PrivateKey, PublicKey};

use super::Setup;
use crate::Error;
use crate::daemon::Daemon;
use crate::tunnel::arena::{Arena, INNER_MTU, PORT, Site};

/// The interface of the network behind an end.
const LAN: &str = "lan0";
/// Keys of a network that lives for seconds, inside one machine.
const MASTER: [u8; 32] = [0x42; 32];

pub(super) fn start(arena: &Arena, setup: &Setup<'_>, aes: bool) -> Result<Vec<Daemon>, Error> {
    for site in &arena.sites {
        prepare(arena, site, aes, setup.threads)?;
    }
    let sites = arena.sites.iter();
    sites.map(|site| run(site, setup)).collect()
}

pub(super) fn run(site: &Site, setup: &Setup<'_>) -> Result<Daemon, Error> {
    // One that was killed leaves its own.
    let _ = fs::remove_file(control(site));
    let mut command = Command::new(setup.longhaul);
    command.arg("node").arg(site.directory.join("node.yaml"));
    command.arg("--keys").arg(site.directory.join("keys"));
    command.arg("--control").arg(control(site));
    site.run(command)
}

/// Where a site's node answers questions.
pub(in crate::tunnel) fn control(site: &Site) -> PathBuf {
    site.directory.join("control")
}

/// The key that a site's node is known by on one of its wires.
pub(in crate::tunnel) fn public_key(site: &Site, link: usize) -> PublicKey {
    private(&locator(site.number, &site.links[link].interface)).public_key()
}

/// Writes a site's file and keys, and makes its LAN.
fn prepare(arena: &Arena, site: &Site, aes: bool, threads: u8) -> Result<(), Error> {
    if !site.is_hub() {
        site.place.wire(LAN, &site.place, "host0")?;
        site.place.address(LAN, site.address().into(), 24)?;
    }
    write_keys(site)?;
    site.write("node.yaml", &configuration(arena, site, aes, threads))?;
    Ok(())
}

/// Writes a site's keys, one for each wire.
fn write_keys(site: &Site) -> Result<(), Error> {
    let folder = site.directory.join("keys").join(name(site.number));
    let failed = |cause| Error::system(format!("keys in {}", folder.display()))(cause);
    fs::create_dir_all(&folder).map_err(failed)?;
    for link in &site.links {
        let path = folder.join(format!("{}.key", link.interface));
        let mut file = OpenOptions::new();
        let file = file.write(true).create(true).truncate(true).mode(0o600);
        let key = private(&locator(site.number, &link.interface)).to_base64();
        file.open(path)
            .and_then(|mut file| writeln!(file, "{key}"))
            .map_err(failed)?;
    }
    Ok(())
}

/// Starts a hub to which sites with these keys come; each is a plain peer with an address behind it.
pub(in crate::tunnel) fn start_hub(
    site: &Site,
    setup: &Setup<'_>,
    sites: &[PublicKey],
) -> Result<Daemon, Error> {
    write_keys(site)?;
    let name = name(site.number);
    let wire = &site.links[0];
    let own = locator(site.number, &wire.interface);
    let mut text = format!(
        "name: {name}\nrole:\n  nva: {{region: westeurope, number: 1}}\nasn: 65010\n\
         loopback: {loopback}\nmtu: {INNER_MTU}\n\
         probe: {{interval_ms: 200, dead_after_ms: 900}}\n\
         interfaces:\n- {{name: {interface}, address: {address}, prefix_len: 30}}\n\
         locators:\n- {{name: {own}, underlay: {interface}, interface: {interface}, \
         port: {PORT}, public_key: \"{public}\"}}\nlinks:\n",
        loopback = loopback(site.number),
        interface = wire.interface,
        address = wire.local,
        public = public_key(site, 0),
    );
    for (number, key) in sites.iter().enumerate() {
        let [.., high, low] = number.to_be_bytes();
        let _ = write!(
            text,
            "- neighbor: site{number}\n  role: home-site\n  loopback: null\n  \
             static_routes: [10.80.{high}.{low}/32]\n  paths:\n  \
             - {{local: {own}, remote: site{number}/wan0, public_key: \"{key}\", endpoint: null, \
             preference: 0, initiate: false, keepalive_s: 0, liveness: handshake}}\n",
        );
    }
    site.write("node.yaml", &text)?;
    run(site, setup)
}

/// Waits until a node answers questions: it is there.
pub(in crate::tunnel) fn await_answer(site: &Site, node: &Daemon) -> Result<(), Error> {
    super::await_file(&control(site), node)
}

fn configuration(arena: &Arena, site: &Site, aes: bool, threads: u8) -> String {
    let role = if site.is_hub() {
        "nva: {region: westeurope, number: 1}".to_owned()
    } else {
        format!("cpe: {{site: site{}}}", site.number)
    };
    let mut text = format!(
        "name: {name}\nrole:\n  {role}\nasn: 65010\nloopback: {loopback}\nmtu: {INNER_MTU}\n\
         probe: {{interval_ms: 200, dead_after_ms: 900}}\n\
         forwarding: {{aes: {aes}, threads: {threads}}}\ninterfaces:\n",
        name = name(site.number),
        loopback = loopback(site.number),
    );
    for link in &site.links {
        let (interface, address) = (&link.interface, link.local);
        let _ = writeln!(
            text,
            "- {{name: {interface}, address: {address}, prefix_len: 30}}"
        );
    }
    if !site.is_hub() {
        let (address, network) = (site.address(), Ipv4Addr::new(10, 77, site.number, 0));
        let _ = writeln!(
            text,
            "- {{name: {LAN}, address: {address}, prefix_len: 24}}\n\
             lans:\n- {{interface: {LAN}, prefix: {network}/24}}"
        );
    }
    text.push_str("locators:\n");
    for link in &site.links {
        let locator = locator(site.number, &link.interface);
        let public = private(&locator).public_key();
        let _ = writeln!(
            text,
            "- {{name: {locator}, underlay: {interface}, interface: {interface}, port: {PORT}, \
             public_key: \"{public}\"}}",
            interface = link.interface,
        );
    }
    text.push_str("links:\n");
    for neighbor in arena.sites.iter().filter(|one| one.number != site.number) {
        text.push_str(&link(site, neighbor));
    }
    text
}

/// The entry of a neighbour; nothing where no wire leads to it.
fn link(site: &Site, neighbor: &Site) -> String {
    let near = site
        .links
        .iter()
        .find(|link| link.neighbor == neighbor.number);
    let far = neighbor
        .links
        .iter()
        .find(|link| link.neighbor == site.number);
    let (Some(near), Some(far)) = (near, far) else {
        return String::new();
    };
    let role = if site.is_hub() {
        "home-site"
    } else {
        "home-hub"
    };
    let remote = locator(neighbor.number, &far.interface);
    format!(
        "- neighbor: {neighbor}\n  role: {role}\n  loopback: {loopback}\n  paths:\n  \
         - {{local: {local}, remote: {remote}, public_key: \"{public}\", \
         endpoint: \"{address}:{PORT}\", preference: 0, initiate: {initiate}, keepalive_s: 25, \
         liveness: probe}}\n",
        public = private(&remote).public_key(),
        neighbor = name(neighbor.number),
        loopback = loopback(neighbor.number),
        local = locator(site.number, &near.interface),
        address = near.remote,
        initiate = !site.is_hub() && site.number < neighbor.number,
    )
}

fn name(number: u8) -> String {
    format!("node{number}")
}

fn locator(number: u8, interface: &str) -> String {
    format!("{}/{interface}", name(number))
}

fn loopback(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 255, 0, number)
}

fn private(locator: &str) -> PrivateKey {
    PrivateKey::derive(&MASTER, locator)
}
