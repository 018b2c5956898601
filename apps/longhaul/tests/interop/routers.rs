//! BIRD 2 and FRR as NVAs beside ours: they peer with both Route Server instances, routes flow both
//! ways, and go when the router dies.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::raised::{Raised, attempt, json as read, text, until};

const DESIGN: &str = include_str!("../../../../cases/interop/routers.yaml");
/// The Route Server instances, with the names that `bird.conf` has for them.
const INSTANCES: [(&str, &str, &str); 2] = [
    ("rs0.westeurope", "rs0", "10.1.0.68"),
    ("rs1.westeurope", "rs1", "10.1.0.69"),
];
/// What Route Server announces of VNets: hub and spoke.
const VNETS: [&str; 2] = ["10.1.0.0/20", "10.1.16.0/20"];
const VM: &str = "vm1.spoke1-westeurope";

/// A router of other make, as our side knows it.
struct Router {
    device: &'static str,
    asn: u32,
    address: &'static str,
    announces: &'static str,
    pid_file: &'static str,
}

const BIRD: Router = Router {
    device: "bird1.westeurope",
    asn: 65020,
    address: "10.1.0.10",
    announces: "10.77.0.0/16",
    pid_file: "bird.pid",
};

const FRR: Router = Router {
    device: "frr1.westeurope",
    asn: 65030,
    address: "10.1.0.11",
    announces: "10.78.0.0/16",
    pid_file: "frr.pid",
};

#[test]
fn bird_exchanges_routes_with_both_instances_and_takes_its_own_along_when_killed() {
    let mut lab = Raised::new(DESIGN);
    start_bird(&mut lab);
    until("BIRD has both sessions", || bird_is_established(&lab));
    for vnet in VNETS {
        until("BIRD learns the VNets", || bird_has(&lab, vnet, "65515"));
    }
    exchanges_until_killed(&lab, &BIRD);
}

#[test]
fn frr_exchanges_routes_with_both_instances_and_takes_its_own_along_when_killed() {
    let mut lab = Raised::new(DESIGN);
    start_frr(&mut lab);
    until("FRR has both sessions", || frr_is_established(&lab));
    for vnet in VNETS {
        until("FRR learns the VNets", || frr_has(&lab, vnet, "65515"));
    }
    exchanges_until_killed(&lab, &FRR);
}

#[test]
fn bird_and_frr_learn_the_routes_of_each_other_and_of_our_nvas_from_route_server() {
    let mut lab = Raised::new(DESIGN);
    start_bird(&mut lab);
    start_frr(&mut lab);
    until("BIRD learns FRR's route", || {
        bird_has(&lab, FRR.announces, "65515 65030")
    });
    until("FRR learns BIRD's route", || {
        frr_has(&lab, BIRD.announces, "65515 65020")
    });
    until("BIRD learns our NVAs' summary", || {
        bird_has(&lab, "10.0.0.0/8", "65515 65010")
    });
    until("FRR learns our NVAs' summary", || {
        frr_has(&lab, "10.0.0.0/8", "65515 65010")
    });
}

#[test]
fn bird_sees_the_capabilities_and_timers_of_the_platform() {
    let mut lab = Raised::new(DESIGN);
    start_bird(&mut lab);
    until("BIRD has both sessions", || bird_is_established(&lab));
    for (_, session, _) in INSTANCES {
        let answer = birdc(&lab, &format!("show protocols all {session}"));
        let (_, theirs) = answer.split_once("Neighbor capabilities").expect(&answer);
        let (theirs, rest) = theirs.split_once("Session:").expect(&answer);
        let theirs: Vec<&str> = theirs.lines().map(str::trim).collect();
        let captured = [
            "",
            "Multiprotocol",
            "AF announced: ipv4 ipv6",
            "Route refresh",
            "4-octet AS numbers",
            "",
        ];
        assert_eq!(theirs, captured, "{answer}");
        for (timer, seconds) in [("Hold timer:", "/180"), ("Keepalive timer:", "/60")] {
            let line = rest.lines().find(|line| line.contains(timer));
            assert!(line.is_some_and(|line| line.ends_with(seconds)), "{answer}");
        }
    }
}

#[test]
fn frr_sees_the_capabilities_and_timers_of_the_platform() {
    let mut lab = Raised::new(DESIGN);
    start_frr(&mut lab);
    until("FRR has both sessions", || frr_is_established(&lab));
    for (_, _, address) in INSTANCES {
        let answer = vtysh(&lab, &format!("show bgp neighbors {address} json"));
        let session = &answer[address];
        assert_eq!(session["bgpTimerHoldTimeMsecs"], 180_000, "{session:#}");
        assert_eq!(
            session["bgpTimerKeepAliveIntervalMsecs"], 60_000,
            "{session:#}"
        );
        let capabilities = &session["neighborCapabilities"];
        let both = "advertisedAndReceived";
        assert_eq!(capabilities["4byteAs"], both, "{session:#}");
        let refresh = capabilities["routeRefresh"].as_str();
        assert!(
            refresh.is_some_and(|said| said.contains("eceived")),
            "{session:#}"
        );
        let families = &capabilities["multiprotocolExtensions"];
        for family in ["ipv4Unicast", "ipv6Unicast"] {
            let family = families[family].to_string();
            assert!(family.contains("eceived"), "{session:#}");
        }
        for absent in ["gracefulRestart", "enhancedRouteRefresh", "extendedMessage"] {
            let said = capabilities[absent].to_string();
            assert!(!said.contains("eceived"), "{absent}: {session:#}");
        }
    }
}

fn start_bird(lab: &mut Raised) {
    let config = lab.write(
        "bird.conf",
        include_str!("../../../../cases/interop/bird.conf"),
    );
    let (socket, pid) = (lab.path("bird.sock"), lab.path(BIRD.pid_file));
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
    lab.start(BIRD.device, &command);
}

fn start_frr(lab: &mut Raised) {
    let config = lab.write(
        "frr.conf",
        include_str!("../../../../cases/interop/frr.conf"),
    );
    let (directory, pid) = (sockets_of_frr(lab), lab.path(FRR.pid_file));
    std::fs::create_dir_all(&directory).expect("a directory can be made");
    let mut command = vec![
        "/usr/lib/frr/bgpd",
        "-n",
        "-Z",
        "-S",
        "-u",
        "root",
        "-g",
        "root",
        "--skip_runas",
    ];
    command.extend([
        "-f",
        text(&config),
        "-i",
        text(&pid),
        "--vty_socket",
        text(&directory),
    ]);
    lab.start(FRR.device, &command);
}

fn sockets_of_frr(lab: &Raised) -> PathBuf {
    lab.path("frr")
}

/// What BIRD answers.
fn birdc(lab: &Raised, question: &str) -> String {
    let socket = lab.path("bird.sock");
    let answer = attempt(
        Command::new("/usr/sbin/birdc")
            .args(["-s", text(&socket)])
            .args(question.split(' ')),
    );
    format!("{answer}\n{}", lab.said(BIRD.device))
}

fn bird_is_established(lab: &Raised) -> Result<(), String> {
    let answer = birdc(lab, "show protocols");
    let stands = |session: &str| {
        let mut lines = answer
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.any(|words| words.first() == Some(&session) && words.last() == Some(&"Established"))
    };
    if INSTANCES.iter().all(|(_, session, _)| stands(session)) {
        Ok(())
    } else {
        Err(answer)
    }
}

/// Whether BIRD has a route from both instances with this AS_PATH.
fn bird_has(lab: &Raised, prefix: &str, as_path: &str) -> Result<(), String> {
    let wanted = format!("BGP.as_path: {as_path}");
    for (_, session, _) in INSTANCES {
        let answer = birdc(lab, &format!("show route {prefix} protocol {session} all"));
        if !answer.lines().any(|line| line.trim() == wanted) {
            return Err(answer);
        }
    }
    Ok(())
}

/// What FRR answers.
fn vtysh(lab: &Raised, question: &str) -> Value {
    let directory = sockets_of_frr(lab);
    read(Command::new("/usr/bin/vtysh").args(["--vty_socket", text(&directory), "-c", question]))
}

fn frr_is_established(lab: &Raised) -> Result<(), String> {
    let answer = vtysh(lab, "show bgp summary json");
    let peers = &answer["ipv4Unicast"]["peers"];
    let stand = INSTANCES
        .iter()
        .all(|(_, _, address)| peers[*address]["state"] == "Established");
    if stand {
        Ok(())
    } else {
        Err(format!("{answer:#}\n{}", lab.said(FRR.device)))
    }
}

/// Whether FRR has a route from both instances with this AS_PATH.
fn frr_has(lab: &Raised, prefix: &str, as_path: &str) -> Result<(), String> {
    let answer = vtysh(lab, "show bgp ipv4 unicast json");
    let paths = answer["routes"][prefix]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let has = |address: &str| {
        paths.iter().any(|path| {
            path["peerId"] == address && path["path"] == as_path && path["valid"] == true
        })
    };
    let all = INSTANCES.iter().all(|(_, _, address)| has(address));
    if all {
        Ok(())
    } else {
        Err(format!("{answer:#}\n{}", lab.said(FRR.device)))
    }
}

/// Our side of the sessions, the router's route in Route Server and at the VM, and that both go when
/// the router is killed.
fn exchanges_until_killed(lab: &Raised, router: &Router) {
    until("our side has both sessions", || {
        sessions(lab, router, "established")
    });
    until("both instances have the route", || learned(lab, router, 2));
    until("the VM's interface has the route", || {
        programmed(lab, router, true)
    });
    lab.kill(router.pid_file);
    until("both instances drop the route", || learned(lab, router, 0));
    until("the VM's interface drops the route", || {
        programmed(lab, router, false)
    });
    until("both sessions are gone", || {
        sessions(lab, router, "established")
            .err()
            .map(drop)
            .ok_or_else(|| lab.show("sessions").to_string())
    });
}

/// Whether both instances have their session with the router in this state.
fn sessions(lab: &Raised, router: &Router, state: &str) -> Result<(), String> {
    let shown = lab.show("sessions");
    let all = shown["sessions"].as_array().cloned().unwrap_or_default();
    let stands = |instance: &str| {
        all.iter().any(|session| {
            session["device"] == instance
                && session["neighbor"] == router.device
                && session["address"] == router.address
                && session["remote_as"] == router.asn
                && session["state"] == state
        })
    };
    if INSTANCES.iter().all(|(instance, _, _)| stands(instance)) {
        Ok(())
    } else {
        Err(format!("{shown:#}"))
    }
}

/// Whether so many instances use the route that the router announces, as it announces it.
fn learned(lab: &Raised, router: &Router, count: usize) -> Result<(), String> {
    let shown = lab.show("routes");
    let all = shown["routes"].as_array().cloned().unwrap_or_default();
    let has = |instance: &str| {
        all.iter().any(|route| {
            route["device"] == instance
                && route["prefix"] == router.announces
                && route["neighbor"] == router.device
                && route["next_hop"] == router.address
                && route["as_path"].as_str() == Some(router.asn.to_string().as_str())
                && route["used"] == true
        })
    };
    let found = INSTANCES
        .iter()
        .filter(|(instance, _, _)| has(instance))
        .count();
    if !all.is_empty() && found == count {
        Ok(())
    } else {
        Err(format!("{shown:#}"))
    }
}

/// Whether the VM's interface has the router's route by way of the router, or has none at all.
fn programmed(lab: &Raised, router: &Router, there: bool) -> Result<(), String> {
    let shown = lab.show("effective-routes");
    let interfaces = shown["interfaces"].as_array().cloned().unwrap_or_default();
    let interface = interfaces
        .iter()
        .find(|interface| interface["device"] == VM);
    let Some(routes) = interface.and_then(|interface| interface["value"].as_array()) else {
        return Err(format!("{shown:#}"));
    };
    let route = routes
        .iter()
        .find(|route| route["addressPrefix"] == json!([router.announces]));
    let so = match route {
        None => !there,
        Some(route) => {
            there
                && route["state"] == "Active"
                && route["nextHopIpAddress"] == json!([router.address])
        }
    };
    if so {
        Ok(())
    } else {
        Err(format!("{routes:#?}"))
    }
}
