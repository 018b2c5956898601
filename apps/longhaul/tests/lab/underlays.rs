//! Underlays beside the internet: the Microsoft peering of a circuit, and MPLS with application
//! classes. Real packets are counted at the CPE's interfaces.

use std::time::Duration;

use crate::raised::{PATIENCE, Raised};

const VM: &str = "vm1.spoke1-westeurope";
/// Echo requests of each count.
const COUNT: u64 = 100;
/// How long a class stays away from a path that it left.
const HOLD: Duration = Duration::from_secs(60);

/// Packets that left an interface of the CPE in Paris while marked or unmarked echoes went to the VM.
fn sent(lab: &Raised, interface: &str, service: &str) -> u64 {
    let address = lab.address(VM);
    let count = COUNT.to_string();
    let marked = ["ping", "-Q", service, "-c", &count];
    let mut command = marked.to_vec();
    command.extend(["-i", "0.02", "-W", "2", &address]);
    lab.sent_while(("cpe1.paris", interface), "host1.paris", &command)
}

/// Waits until a flow leaves the site over an underlay.
fn until_over(lab: &Raised, flow: &str, underlay: &str) {
    let what = format!("{flow} over {underlay}");
    lab.until_within(PATIENCE + HOLD, &what, || {
        let trace = lab.json(&["trace", "host1.paris", VM, "--flow", flow]);
        let hops = trace["forward"]["hops"].as_array().cloned();
        let hops = hops.unwrap_or_default();
        let mut actions = hops.iter().filter_map(|hop| hop["action"].as_str());
        let text = format!(" over {underlay}, ");
        if actions.any(|action| action.contains(&text)) {
            return Ok(());
        }
        Err(trace["forward"].to_string())
    });
}

#[test]
fn tunnels_take_the_circuit_to_public_addresses_and_the_internet_after_it() {
    let lab = Raised::example("mspeering", "09-microsoft-peering-underlay.yaml");
    until_over(&lab, "icmp", "er");
    assert!(sent(&lab, "wan0", "0") >= COUNT, "over the circuit");
    lab.fail("circuit:ams");
    until_over(&lab, "icmp", "internet");
    assert!(sent(&lab, "wan1", "0") >= COUNT, "over the internet");
    lab.expect(Some("circuit:ams"));
    lab.heal("circuit:ams");
    until_over(&lab, "icmp", "er");
    lab.expect(None);
    lab.verify();
}

#[test]
fn voice_leaves_bad_mpls_alone_and_comes_back_when_it_is_good_again() {
    let lab = Raised::example("classes", "11-mpls-integration.yaml");
    // Expedited forwarding, 46, as the octet that ping writes.
    let voice = "0xb8";
    until_over(&lab, "icmp@46", "mpls");
    assert!(sent(&lab, "wan0", voice) >= COUNT, "voice over MPLS");
    lab.fail("brownout:paris/mpls");
    until_over(&lab, "icmp@46", "internet");
    assert!(
        sent(&lab, "wan1", voice) >= COUNT,
        "voice over the internet"
    );
    until_over(&lab, "icmp", "mpls");
    lab.heal("brownout:paris/mpls");
    until_over(&lab, "icmp@46", "mpls");
    assert!(sent(&lab, "wan0", voice) >= COUNT, "voice over MPLS again");
    lab.fail("underlay:paris/mpls");
    until_over(&lab, "icmp", "internet");
    lab.heal("underlay:paris/mpls");
    lab.expect(None);
    lab.verify();
}
