//! wireguard-go as a site's CPE: a host behind it and a VM in a VNet reach each other through our NVA.

use std::process::{Command, Stdio};

use lab::Lab;

use crate::raised::{Raised, run, text, until};

const DESIGN: &str = include_str!("../../../../cases/interop/wireguard.yaml");
const CPE: &str = "cpe1.lyon";
const HOST: &str = "host1.lyon";
const VM: &str = "vm1.spoke1-westeurope";
const NVA: &str = "nva1.westeurope";
/// What the site reaches through its tunnel.
const NETWORK: &str = "10.0.0.0/8";

#[test]
fn wireguard_go_carries_a_site_to_the_vnets_and_back() {
    let private = run(Command::new("/usr/bin/wg").arg("genkey"));
    let public = public_key(&private);
    let mut raised = Raised::new(&DESIGN.replace("PUBLIC_KEY", public.trim()));
    // The name also names a socket that all namespaces see.
    let device = format!("wg{}", std::process::id());
    raised.start(
        CPE,
        &[
            "/usr/bin/env",
            "WG_PROCESS_FOREGROUND=1",
            "/usr/bin/wireguard-go",
            "-f",
            &device,
        ],
    );
    until("wireguard-go answers", || {
        let output = raised
            .inside(CPE, &["/usr/bin/wg", "show", &device])
            .output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(raised.said(CPE))
        }
    });
    let lab = Lab::find(Some(raised.name())).expect("the lab runs");
    let config = raised.write("wg.conf", &configuration(&lab, private.trim()));
    run(&mut raised.inside(CPE, &["/usr/bin/wg", "setconf", &device, text(&config)]));
    run(&mut raised.inside(
        CPE,
        &["/usr/sbin/ip", "link", "set", &device, "mtu", "1340", "up"],
    ));
    run(&mut raised.inside(
        CPE,
        &["/usr/sbin/ip", "route", "add", NETWORK, "dev", &device],
    ));

    until("the NVA's tunnel is up", || tunnel_is_up(&raised));
    until("both ping and transfer to each other", || {
        both_reach_each_other(&lab)
    });
    let handshakes =
        run(&mut raised.inside(CPE, &["/usr/bin/wg", "show", &device, "latest-handshakes"]));
    let when = handshakes
        .split_whitespace()
        .last()
        .and_then(|when| when.parse::<u64>().ok());
    assert!(when.is_some_and(|when| when > 0), "{handshakes}");
}

fn public_key(private: &str) -> String {
    let mut command = Command::new("/usr/bin/wg");
    let command = command
        .arg("pubkey")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("wg is installed");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    std::io::Write::write_all(&mut stdin, private.as_bytes()).expect("wg reads the key");
    drop(stdin);
    let output = child.wait_with_output().expect("wg ends");
    assert!(output.status.success(), "wg pubkey refused the key");
    String::from_utf8(output.stdout).expect("the key is base64")
}

/// The site's side in the format of `wg setconf`, from what the plan says of the NVA.
fn configuration(lab: &Lab, private: &str) -> String {
    let plan = lab.plan();
    let node = plan
        .nodes
        .iter()
        .find(|node| node.name == NVA)
        .expect("the design has the NVA");
    let locator = node.locators.first().expect("an NVA has a locator");
    let nic = plan
        .fabric
        .nics
        .iter()
        .find(|nic| nic.device == NVA)
        .expect("an NVA has a NIC");
    let address = nic.public_address.expect("an NVA has a public address");
    let (port, key) = (locator.port, &locator.public_key);
    format!(
        "[Interface]\nPrivateKey = {private}\nListenPort = {port}\n\n\
         [Peer]\nPublicKey = {key}\nEndpoint = {address}:{port}\nAllowedIPs = {NETWORK}\n\
         PersistentKeepalive = 5\n"
    )
}

fn tunnel_is_up(raised: &Raised) -> Result<(), String> {
    let shown = raised.show("tunnels");
    let all = shown["tunnels"].as_array().cloned().unwrap_or_default();
    let mut links = all.iter();
    let link = links.find(|link| link["device"] == NVA && link["neighbor"] == CPE);
    if let Some(link) = link.filter(|link| link["up"] == true) {
        let path = &link["paths"][0];
        assert_eq!(path["cipher"], "chacha20-poly1305", "{path:#}");
        assert_eq!(path["lanes"], 1, "{path:#}");
        Ok(())
    } else {
        Err(format!("{shown:#}\n{}", raised.said(CPE)))
    }
}

/// Whether the lab's own verification gets pings and a TCP transfer through, both ways.
fn both_reach_each_other(lab: &Lab) -> Result<(), String> {
    let report = lab.verify().map_err(|error| error.to_string())?;
    let reaches = |from: &str, to: &str| {
        report.pairs.iter().any(|pair| {
            pair.source == from
                && pair.destination == to
                && pair.round_trip_us.is_some()
                && pair.transferred
        })
    };
    if reaches(HOST, VM) && reaches(VM, HOST) {
        Ok(())
    } else {
        Err(format!("{report:#?}"))
    }
}
