//! BIRD as the customer's edge of a circuit and FRR as the provider's edge of another, both in the
//! place of our own router: BGP and BFD towards the MSEEs, and packets all the way to a VM.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use design::plan::Plan;

use crate::raised::{Raised, attempt, text, until};

const DESIGN: &str = include_str!("../../../../cases/interop/edges.yaml");
const VM: &str = "vm1.spoke1-westeurope";
const PARIS: &str = "core.paris";
const LONDON: &str = "pe-lon.mpls";

/// A point-to-point link of a device.
struct Link {
    interface: String,
    local: Ipv4Addr,
    remote: Ipv4Addr,
    asn: u32,
    msee: bool,
}

#[test]
fn bird_is_the_customers_edge_and_frr_the_providers_edge_of_a_circuit() {
    let mut lab = Raised::new(DESIGN);
    let plan = lab::Lab::find(Some(lab.name())).expect("it runs");
    let plan = plan.plan().clone();
    start_bird(&mut lab, &plan);
    start_frr(&mut lab, &plan);
    for circuit in ["ams", "lon"] {
        for msee in ["msee0", "msee1"] {
            let msee = format!("{msee}.{circuit}");
            until("both links of each circuit stand", || stands(&lab, &msee));
        }
    }
    until("BFD of BIRD runs at 300 ms with three packets", || {
        bird_bfd(&lab)
    });
    until("BIRD learns the VNets behind the circuit", || {
        let answer = birdc(&lab, "show route all");
        // 65515 is private and removed towards the customer.
        let known = answer.contains("10.1.16.0/20") && answer.contains("BGP.as_path: 12076\n");
        if known { Ok(()) } else { Err(answer) }
    });
    for host in ["host1.paris", "host1.lyon"] {
        until("packets go there and back", || pings(&lab, &plan, host));
    }
    // The hold time is 180 s and nobody waits that long: it is BFD that ends the session.
    let cut = format!("link:{PARIS}/er0");
    lab.done(&["fail", &cut]);
    until("the first link is gone", || {
        no_longer(stands(&lab, "msee0.ams"))
    });
    until("the second link has all flows", || {
        pings(&lab, &plan, "host1.paris")
    });
    lab.done(&["heal", &cut]);
    until("the first link is back", || stands(&lab, "msee0.ams"));
    lab.kill("bird.pid");
    until("the circuit is lost with BIRD", || {
        no_longer(pings(&lab, &plan, "host1.paris"))
    });
}

fn no_longer(so: Result<(), String>) -> Result<(), String> {
    match so {
        Ok(()) => Err("it still is".to_owned()),
        Err(_) => Ok(()),
    }
}

/// Whether an MSEE's session with the customer's side stands.
fn stands(lab: &Raised, msee: &str) -> Result<(), String> {
    let sessions = lab.show("sessions");
    let all = sessions["sessions"].as_array().cloned().unwrap_or_default();
    let mut ours = all.iter().filter(|session| session["device"] == msee);
    let found = ours.any(|session| {
        let neighbor = session["neighbor"].as_str().unwrap_or_default();
        [PARIS, LONDON].contains(&neighbor) && session["state"] == "established"
    });
    if found {
        Ok(())
    } else {
        Err(format!(
            "{sessions:#}\n{}\n{}",
            lab.said(PARIS),
            lab.said(LONDON)
        ))
    }
}

fn pings(lab: &Raised, plan: &Plan, host: &str) -> Result<(), String> {
    let vm = plan.hosts.iter().find(|it| it.name == VM);
    let vm = vm
        .expect("the design has a VM")
        .interface
        .address
        .to_string();
    let said = attempt(&mut lab.inside(host, &["ping", "-c", "2", "-i", "0.2", "-W", "1", &vm]));
    if said.contains(" 0% packet loss") {
        Ok(())
    } else {
        Err(said)
    }
}

fn links(plan: &Plan, device: &str) -> Vec<Link> {
    let ends = plan.fabric.wires.iter().filter_map(|wire| {
        if wire.a.device == device {
            Some((&wire.a, &wire.b))
        } else if wire.b.device == device {
            Some((&wire.b, &wire.a))
        } else {
            None
        }
    });
    let links = ends.map(|(own, far)| Link {
        interface: own.interface.clone(),
        local: own.address,
        remote: far.address,
        asn: asn(plan, &far.device),
        msee: plan.msees.iter().any(|msee| msee.name == far.device),
    });
    links.collect()
}

fn asn(plan: &Plan, device: &str) -> u32 {
    if let Some(msee) = plan.msees.iter().find(|msee| msee.name == device) {
        return msee.asn.0;
    }
    let router = plan.routers.iter().find(|router| router.name == device);
    let router = router.expect("a router is at the other end");
    let (config, reports) = design::read_router(device, &router.config);
    let config = config.unwrap_or_else(|| panic!("{}", reports.render(false)));
    config.settings.local_as.0
}

fn start_bird(lab: &mut Raised, plan: &Plan) {
    let mut config = String::from(
        "log stderr all;\nrouter id 192.0.2.1;\nprotocol device {}\n\
         protocol direct { ipv4; interface \"lan0\"; }\n\
         protocol kernel { ipv4 { export where source = RTS_BGP; }; merge paths yes; }\n\
         protocol bfd { interface \"*\" { interval 300 ms; multiplier 3; }; }\n",
    );
    for link in links(plan, PARIS) {
        config.push_str(&format!(
            "protocol bgp {} {{\n  local {} as {};\n  neighbor {} as {};\n  direct;\n  bfd on;\n  \
             connect retry time 1; connect delay time 1; error wait time 1, 2;\n  \
             ipv4 {{ import all; export where source = RTS_DEVICE; }};\n}}\n",
            link.interface,
            link.local,
            asn(plan, PARIS),
            link.remote,
            link.asn
        ));
    }
    let config = lab.write("bird.conf", &config);
    let (socket, pid) = (lab.path("bird.sock"), lab.path("bird.pid"));
    let command = [
        "/usr/sbin/bird",
        "-f",
        "-c",
        text(&config),
        "-s",
        text(&socket),
        "-P",
        text(&pid),
    ];
    lab.start(PARIS, &command);
}

fn birdc(lab: &Raised, question: &str) -> String {
    let socket = lab.path("bird.sock");
    let mut command = Command::new("/usr/sbin/birdc");
    command.args(["-s", text(&socket)]);
    attempt(command.args(question.split(' ')))
}

fn bird_bfd(lab: &Raised) -> Result<(), String> {
    let answer = birdc(lab, "show bfd sessions");
    // Address, interface, state, since, interval, timeout.
    let up = answer.lines().filter(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        matches!(cells.as_slice(), [_, _, "Up", _, "0.300", "0.900"])
    });
    if up.count() == 2 { Ok(()) } else { Err(answer) }
}

/// zebra for the kernel's routes, bgpd and bfdd beside it, by one script.
fn start_frr(lab: &mut Raised, plan: &Plan) {
    let directory = lab.path("frr");
    fs::create_dir_all(&directory).expect("a directory can be made");
    // The daemons drop to a user of their own, and must be able to make files there.
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(&directory, open).expect("a directory can be opened to all");
    let mut bgpd = format!(
        "router bgp {}\n bgp router-id 192.0.2.2\n no bgp ebgp-requires-policy\n \
         no bgp network import-check\n bgp bestpath as-path multipath-relax\n",
        asn(plan, LONDON)
    );
    for link in links(plan, LONDON) {
        let remote = link.remote;
        bgpd.push_str(&format!(
            " neighbor {remote} remote-as {}\n neighbor {remote} timers connect 1\n",
            link.asn
        ));
        if link.msee {
            bgpd.push_str(&format!(" neighbor {remote} bfd 3 300 300\n"));
        }
    }
    bgpd.push_str(" address-family ipv4 unicast\n  maximum-paths 4\n");
    bgpd.push_str(" exit-address-family\n");
    let bgpd = lab.write("bgpd.conf", &bgpd);
    let empty = lab.write("empty.conf", "");
    let dir = text(&directory).to_owned();
    let common = format!("-u frr -g frr --vty_socket {dir} -z {dir}/zserv.api");
    let script = format!(
        "/usr/lib/frr/zebra {common} -f {empty} -i {dir}/zebra.pid & sleep 0.5\n\
         /usr/lib/frr/bfdd {common} --bfdctl {dir}/bfdd.sock -f {empty} -i {dir}/bfdd.pid & sleep 0.2\n\
         exec /usr/lib/frr/bgpd {common} -f {bgpd} -i {dir}/bgpd.pid\n",
        empty = text(&empty),
        bgpd = text(&bgpd),
    );
    lab.start(LONDON, &["sh", "-c", &script]);
}
