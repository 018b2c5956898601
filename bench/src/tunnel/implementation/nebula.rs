//! Nebula: a certificate for each node, and a file.
//!
//! Its hub is no part of it: hosts reach each other directly, so that it is not measured as a relay.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::daemon::Daemon;
use crate::tunnel::arena::{Arena, INNER_MTU, NETWORKS, PORT, Site};

pub(super) fn start(arena: &Arena, program: &Path) -> Result<Vec<Daemon>, Error> {
    let tool = program.with_file_name("nebula-cert");
    let authority = arena.near().directory.clone();
    let files = ["ca.crt", "ca.key"].map(|name| authority.join(name));
    let [certificate, key] = [&files[0], &files[1]];
    let mut ca = Command::new(&tool);
    ca.args(["ca", "-name", "bench", "-out-crt"])
        .arg(certificate);
    done(ca.arg("-out-key").arg(key))?;
    for site in &arena.sites {
        let mut sign = Command::new(&tool);
        let address = format!("{}/{}", site.address(), NETWORKS.1);
        sign.args(["sign", "-name", &site.number.to_string(), "-ip", &address]);
        sign.arg("-ca-crt").arg(certificate).arg("-ca-key").arg(key);
        sign.arg("-out-crt").arg(site.directory.join("host.crt"));
        sign.arg("-out-key").arg(site.directory.join("host.key"));
        done(&mut sign)?;
        site.write("nebula.yaml", &configuration(site, certificate))?;
    }
    let sites = arena.sites.iter();
    sites.map(|site| run(site, program)).collect()
}

pub(super) fn run(site: &Site, program: &Path) -> Result<Daemon, Error> {
    let mut command = Command::new(program);
    command
        .arg("-config")
        .arg(site.directory.join("nebula.yaml"));
    let daemon = site.run(command)?;
    site.await_device(&site.device(), &daemon)?;
    Ok(daemon)
}

fn configuration(site: &Site, authority: &Path) -> String {
    let directory = site.directory.display();
    let mut text = format!(
        "pki: {{ca: {ca}, cert: {directory}/host.crt, key: {directory}/host.key}}\n\
         listen: {{host: 0.0.0.0, port: {PORT}}}\n\
         tun: {{dev: {device}, mtu: {INNER_MTU}}}\n\
         cipher: aes\n\
         lighthouse: {{am_lighthouse: false}}\n\
         firewall:\n  \
           outbound: [{{port: any, proto: any, host: any}}]\n  \
           inbound: [{{port: any, proto: any, host: any}}]\n\
         static_host_map:\n",
        ca = authority.display(),
        device = site.device(),
    );
    for link in &site.links {
        let neighbor = crate::tunnel::arena::behind(link.neighbor).0;
        let _ = writeln!(text, "  \"{neighbor}\": [\"{}:{PORT}\"]", link.remote);
    }
    text
}

fn done(command: &mut Command) -> Result<(), Error> {
    let output = command.output();
    let output = output.map_err(Error::system("running nebula-cert"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Daemon(String::from_utf8_lossy(&said).into_owned()))
}
