//! A site whose firewall blocks UDP: its tunnels go over TLS, with real sockets, and come back.

use std::time::{Duration, Instant};

use crate::raised::Raised;

const VM: &str = "vm1.spoke1-westeurope";

/// How the paths of the CPE in Paris are carried that are up.
fn carried(lab: &Raised) -> Vec<String> {
    let answer = lab.json(&["show", "tunnels", "cpe1.paris"]);
    let tunnels = answer["tunnels"].as_array().cloned().unwrap_or_default();
    let paths = tunnels
        .iter()
        .filter_map(|tunnel| tunnel["paths"].as_array())
        .flatten();
    let up = paths.filter(|path| path["up"] == true);
    up.filter_map(|path| Some(path["carrier"].as_str()?.to_owned()))
        .collect()
}

fn until_over(lab: &Raised, carrier: &str) {
    lab.until(carrier, || {
        let ways = carried(lab);
        match ways.len() == 2 && ways.iter().all(|way| way == carrier) {
            true => Ok(()),
            false => Err(format!("{ways:?}")),
        }
    });
}

#[test]
fn a_blocked_site_goes_over_tls_and_comes_back_by_udp() {
    let lab = Raised::example("carrier", "16-udp-blocked.yaml");
    until_over(&lab, "udp");
    let address = lab.address(VM);
    let blocked = Instant::now();
    lab.fail("udp:paris/internet");
    // The first echo that is answered ends it; none is by UDP.
    let ping = ["ping", "-c", "1", "-i", "0.1", "-w", "20", &address];
    lab.inside("host1.paris", &ping);
    let over_tls = blocked.elapsed();
    assert!(over_tls < Duration::from_secs(5), "{over_tls:?}");
    until_over(&lab, "tls");
    lab.verify();
    // Many at once, through one connection to a hub.
    let many = ["-q", "-i", "0.002", "-c", "1000", "-s", "1000"];
    let told = lab.inside("host1.paris", &[&["ping"], &many[..], &[&address]].concat());
    assert!(told.contains(" 0% packet loss"), "{told}");
    let healed = Instant::now();
    lab.heal("udp:paris/internet");
    until_over(&lab, "udp");
    let back = healed.elapsed();
    assert!(back < Duration::from_secs(30), "{back:?}");
    lab.expect(None);
    lab.verify();
}
