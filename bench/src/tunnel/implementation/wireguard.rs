//! wireguard-go, boringtun-cli and gotatun: the same device and the same protocol to configure it,
//! over a Unix socket (wireguard.com/xplatform).
//!
//! A hub is one device with both ends as peers; its kernel forwards from one to the other.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tunnel::PrivateKey;

use super::{Implementation, await_file, mask};
use crate::Error;
use crate::daemon::Daemon;
use crate::tunnel::arena::{Arena, PORT, Site};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn start(
    make: Implementation,
    arena: &Arena,
    program: &Path,
) -> Result<Vec<Daemon>, Error> {
    let sites = arena.sites.iter();
    sites.map(|site| run(make, arena, site, program)).collect()
}

pub(super) fn run(
    make: Implementation,
    arena: &Arena,
    site: &Site,
    program: &Path,
) -> Result<Daemon, Error> {
    let device = site.device();
    let socket = socket(&device);
    tidy(site);
    let mut command = Command::new("env");
    command.args(["WG_PROCESS_FOREGROUND=1", "WG_SUDO=1"]);
    command.arg(program).arg("--foreground");
    if make == Implementation::Boringtun {
        // It cannot drop the privileges of a login that is not there. One thread for one processor.
        command.args(["--disable-drop-privileges", "--threads", "1"]);
    }
    command.arg(&device);
    let daemon = site.run(command)?;
    await_file(&socket, &daemon)?;
    let told = tell(&socket, &configuration(arena, site));
    told.map_err(|error| daemon.explain(&error))?;
    site.set_up(&device)?;
    Ok(daemon)
}

/// Removes the socket that one leaves behind when it is killed; while it runs it must stay.
pub(super) fn tidy(site: &Site) {
    // There is none where another implementation ran.
    let _ = fs::remove_file(socket(&site.device()));
}

fn socket(device: &str) -> PathBuf {
    PathBuf::from(format!("/var/run/wireguard/{device}.sock"))
}

/// The `set` operation for a site.
fn configuration(arena: &Arena, site: &Site) -> String {
    let mut text = format!(
        "set=1\nprivate_key={}\nlisten_port={PORT}\nreplace_peers=true\n",
        hex(&private(site.number)),
    );
    for link in &site.links {
        let neighbor = arena.sites.iter();
        let neighbor = neighbor.map(|site| site.number);
        if !neighbor.clone().any(|number| number == link.neighbor) {
            continue;
        }
        let public = PrivateKey::from_bytes(private(link.neighbor)).public_key();
        let _ = write!(
            text,
            "public_key={}\nendpoint={}:{PORT}\nreplace_allowed_ips=true\n",
            hex(&public.0),
            link.remote,
        );
        for (network, len) in &link.networks {
            let _ = writeln!(text, "allowed_ip={}/{len}", mask(*network, *len));
        }
    }
    text.push('\n');
    text
}

/// Keys of a network that lives for seconds, inside one machine.
fn private(number: u8) -> [u8; 32] {
    [number.wrapping_mul(37) | 0x40; 32]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn tell(socket: &Path, text: &str) -> Result<(), Error> {
    let failed = |cause| Error::system(format!("configuring by {}", socket.display()))(cause);
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.write_all(text.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    let mut block = [0; 256];
    while !answer.ends_with("\n\n") {
        match stream.read(&mut block).map_err(failed)? {
            0 => break,
            len => answer.push_str(&String::from_utf8_lossy(&block[..len])),
        }
    }
    if answer.contains("errno=0\n") {
        return Ok(());
    }
    Err(Error::Daemon(format!(
        "refuses its configuration: {answer}"
    )))
}
