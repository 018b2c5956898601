//! Network namespaces for daemons, with virtual wires between them. Nothing of them is in the file
//! system: when the last process, socket and value of one is gone, so is the namespace.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{Child, Command};

use linux::{NetNamespace, Netlink, process};

use crate::Error;

/// A namespace with its loopback interface up.
#[derive(Debug)]
pub struct Place(NetNamespace);

impl Place {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// No permission: it takes root, or a user namespace.
    pub fn new() -> Result<Self, Error> {
        let failed = |cause| Error::system("making a network namespace")(cause);
        let namespace = NetNamespace::create().map_err(failed)?;
        let loopback = || {
            let mut netlink = Netlink::open()?;
            let index = netlink.interface("lo")?;
            netlink.set_up(index, None)
        };
        namespace.run(loopback).map_err(failed)?;
        Ok(Self(namespace))
    }

    /// Starts a program in it that the kernel kills with the calling thread.
    ///
    /// # Errors
    ///
    /// There is no such program.
    pub fn start(&self, command: &mut Command) -> Result<Child, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |cause| Error::system(format!("starting {program}"))(cause);
        process::in_namespace(command, self.0.try_clone().map_err(failed)?);
        process::dies_with_parent(command);
        command.spawn().map_err(failed)
    }

    /// Does `work` in it; sockets that it opens stay there.
    ///
    /// # Errors
    ///
    /// What `work` reports.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        self.0.run(work)
    }

    /// Lays a wire from an interface `near` here to an interface `far` there.
    ///
    /// # Errors
    ///
    /// An interface of that name is there already.
    pub fn wire(&self, near: &str, other: &Self, far: &str) -> Result<(), Error> {
        let peer = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            other.0.as_fd().as_raw_fd()
        );
        self.ip(&[
            "link", "add", near, "type", "veth", "peer", "name", far, "netns", &peer,
        ])?;
        self.ip(&["link", "set", near, "up"])?;
        other.ip(&["link", "set", far, "up"])
    }

    /// Gives an interface an address at once.
    ///
    /// # Errors
    ///
    /// No such interface.
    pub fn address(&self, interface: &str, address: IpAddr, len: u8) -> Result<(), Error> {
        let text = format!("{address}/{len}");
        let mut words = vec!["address", "add", &text, "dev", interface];
        if address.is_ipv6() {
            // Duplicate address detection would hold it back for a second.
            words.push("nodad");
        }
        self.ip(&words)
    }

    /// Gives an interface many IPv4 addresses.
    pub(crate) fn addresses(
        &self,
        interface: &str,
        addresses: &[Ipv4Addr],
        len: u8,
    ) -> Result<(), Error> {
        self.run(|| {
            let mut netlink = Netlink::open()?;
            let index = netlink.interface(interface)?;
            let mut addresses = addresses.iter();
            addresses.try_for_each(|address| netlink.add_address(index, *address, len))
        })
        .map_err(Error::system("adding addresses"))
    }

    /// Runs Debian's `ip` in it.
    ///
    /// # Errors
    ///
    /// It is not installed, or refuses.
    pub fn ip(&self, words: &[&str]) -> Result<(), Error> {
        let what = format!("ip {}", words.join(" "));
        let failed = |cause| Error::system(what.clone())(cause);
        let mut command = Command::new("ip");
        command.args(words);
        process::in_namespace(&mut command, self.0.try_clone().map_err(failed)?);
        let output = command.output().map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(io::Error::other(said.trim().to_owned())))
    }
}
