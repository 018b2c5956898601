//! The implementations that can be measured, each behind the same few words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::arena::{Arena, Site};
use super::bound::Suite;
use crate::Error;
use crate::daemon::Daemon;

mod bare;
pub(super) mod longhaul;
mod nebula;
mod wireguard;

/// An implementation of tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// No tunnel at all: what the wire and the load generator allow.
    Wire,
    /// The upper bound without encryption.
    BoundNone,
    /// The upper bound with ChaCha20-Poly1305.
    BoundChacha20,
    /// The upper bound with AES-256-GCM.
    BoundAes,
    /// Ours: two `longhaul node` with ChaCha20-Poly1305.
    Longhaul,
    /// Ours with AES-256-GCM.
    LonghaulAes,
    /// wireguard-go.
    WireguardGo,
    /// Cloudflare's boringtun-cli.
    Boringtun,
    /// Mullvad's gotatun.
    Gotatun,
    /// Nebula.
    Nebula,
}

/// What all implementations are started with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup<'a> {
    /// The file of our own program.
    pub(super) longhaul: &'a Path,
    /// Where to look for the programs of others before the usual places.
    pub(super) programs: Option<&'a Path>,
    /// Forwarding threads of each node of ours.
    pub(super) threads: u8,
}

impl Implementation {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 10] = [
        Self::Wire,
        Self::BoundNone,
        Self::BoundChacha20,
        Self::BoundAes,
        Self::Longhaul,
        Self::LonghaulAes,
        Self::WireguardGo,
        Self::Boringtun,
        Self::Gotatun,
        Self::Nebula,
    ];
    /// Others', which may be missing on a machine.
    pub const PEERS: [Self; 4] = [
        Self::WireguardGo,
        Self::Boringtun,
        Self::Gotatun,
        Self::Nebula,
    ];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::BoundNone => "bound-none",
            Self::BoundChacha20 => "bound-chacha20",
            Self::BoundAes => "bound-aes",
            Self::Longhaul => "longhaul",
            Self::LonghaulAes => "longhaul-aes",
            Self::WireguardGo => "wireguard-go",
            Self::Boringtun => "boringtun",
            Self::Gotatun => "gotatun",
            Self::Nebula => "nebula",
        }
    }

    /// The implementation of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The bound that it is compared with: the one with its cipher.
    pub fn bound(self) -> Option<Self> {
        match self {
            Self::Longhaul | Self::WireguardGo | Self::Boringtun | Self::Gotatun => {
                Some(Self::BoundChacha20)
            }
            Self::LonghaulAes | Self::Nebula => Some(Self::BoundAes),
            Self::Wire | Self::BoundNone | Self::BoundChacha20 | Self::BoundAes => None,
        }
    }

    /// Whether it is ours, whose figures say nothing in a development build.
    pub fn is_ours(self) -> bool {
        self.program().is_none() && self != Self::Wire
    }

    /// Its program, and where to get it.
    fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::WireguardGo => Some(("wireguard-go", "Debian's package wireguard-go")),
            Self::Boringtun => Some(("boringtun-cli", "`cargo install boringtun-cli`")),
            Self::Gotatun => Some(("gotatun", "`cargo install gotatun-cli`")),
            Self::Nebula => Some(("nebula", "Debian's package nebula")),
            Self::Wire
            | Self::BoundNone
            | Self::BoundChacha20
            | Self::BoundAes
            | Self::Longhaul
            | Self::LonghaulAes => None,
        }
    }

    /// Where its program is: in `programs`, in the usual places, or in cargo's.
    fn file(self, programs: Option<&Path>) -> Result<PathBuf, Error> {
        let (program, from) = self.program().unwrap_or_default();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = programs.map(Path::to_path_buf).into_iter().collect();
        places.extend(std::env::split_paths(&paths));
        places.extend(std::env::home_dir().map(|home| home.join(".cargo/bin")));
        let mut files = places.into_iter().map(|place| place.join(program));
        files
            .find(|file| file.is_file())
            .ok_or(Error::Absent { program, from })
    }

    /// The version that its program prints, or that of this program.
    ///
    /// # Errors
    ///
    /// It is not installed; the error says where to get it.
    pub fn version(self, programs: Option<&Path>) -> Result<String, Error> {
        let option = match self {
            Self::Nebula => "-version",
            Self::WireguardGo | Self::Boringtun | Self::Gotatun => "--version",
            _ => return Ok(env!("CARGO_PKG_VERSION").to_owned()),
        };
        let file = self.file(programs)?;
        let output = Command::new(&file).arg(option).output();
        let output = output.map_err(Error::system(format!("running {}", file.display())))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let words = said.lines().next().unwrap_or_default().split_whitespace();
        let number = words
            .map(|word| word.trim_start_matches('v'))
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        Ok(number.unwrap_or("unknown").to_owned())
    }

    /// Starts it at all sites; they may not have found each other when this returns.
    pub(super) fn start(self, arena: &Arena, setup: &Setup<'_>) -> Result<Vec<Daemon>, Error> {
        match self {
            Self::Wire => wire(arena),
            Self::BoundNone => bare::start(arena, setup, Suite::None),
            Self::BoundChacha20 => bare::start(arena, setup, Suite::ChaCha20),
            Self::BoundAes => bare::start(arena, setup, Suite::Aes256),
            Self::Longhaul => longhaul::start(arena, setup, false),
            Self::LonghaulAes => longhaul::start(arena, setup, true),
            Self::WireguardGo | Self::Boringtun | Self::Gotatun => {
                wireguard::start(self, arena, &self.file(setup.programs)?)
            }
            Self::Nebula => nebula::start(arena, &self.file(setup.programs)?),
        }
    }

    /// Starts it anew at one of the sites, as it was started the first time.
    pub(super) fn restart(
        self,
        arena: &Arena,
        site: &Site,
        setup: &Setup<'_>,
    ) -> Result<Option<Daemon>, Error> {
        let started = match self {
            Self::Wire => return Ok(None),
            Self::BoundNone => bare::run(site, setup, Suite::None),
            Self::BoundChacha20 => bare::run(site, setup, Suite::ChaCha20),
            Self::BoundAes => bare::run(site, setup, Suite::Aes256),
            Self::Longhaul | Self::LonghaulAes => longhaul::run(site, setup),
            Self::WireguardGo | Self::Boringtun | Self::Gotatun => {
                let file = self.file(setup.programs)?;
                wireguard::run(self, arena, site, &file)
            }
            Self::Nebula => nebula::run(site, &self.file(setup.programs)?),
        };
        started.map(Some)
    }
}

/// Removes what the nodes of an arena left in the file system, once they have ended.
pub(super) fn tidy(arena: &Arena) {
    arena.sites.iter().for_each(wireguard::tidy);
}

/// Without tunnels: the load generator's addresses are on the wire.
fn wire(arena: &Arena) -> Result<Vec<Daemon>, Error> {
    for site in &arena.sites {
        site.place.address("lo", site.address().into(), 32)?;
        for link in &site.links {
            for (network, len) in &link.networks {
                let network = format!("{}/{len}", mask(*network, *len));
                let via = link.remote.to_string();
                site.place.ip(&["route", "add", &network, "via", &via])?;
            }
        }
    }
    Ok(Vec::new())
}

/// The network that an address is in.
fn mask(address: std::net::Ipv4Addr, len: u8) -> std::net::Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
    (u32::from(address) & mask).into()
}

/// Waits until a file is there.
fn await_file(path: &Path, daemon: &Daemon) -> Result<(), Error> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while fs::metadata(path).is_err() {
        if std::time::Instant::now() > deadline || !daemon.is_alive() {
            let missing = Error::Daemon(format!("{} does not come", path.display()));
            return Err(daemon.explain(&missing));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}
