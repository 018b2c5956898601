//! Breakout at a site: real packets leave by the site's access with its address, and the answers come back.

use crate::raised::{Raised, longhaul, told};

/// Accesses of other sites, which the two providers reach.
const BY_INTERNET: &str = "11.0.0.20";
const BY_ISP2: &str = "11.1.0.20";
const COUNT: u64 = 20;

fn ping(lab: &Raised, to: &str, interface: &str) -> u64 {
    let count = COUNT.to_string();
    let command = ["ping", "-c", &count, "-i", "0.05", "-W", "2", to];
    lab.sent_while(("cpe1.paris", interface), "host1.paris", &command)
}

#[test]
fn a_class_that_asks_for_it_leaves_at_the_site_and_follows_its_access() {
    let lab = Raised::example("breakout", "16-internet-breakout.yaml");
    assert!(
        ping(&lab, BY_INTERNET, "wan0") >= COUNT,
        "by the first access"
    );
    let seen = lab.inside("cpe1.paris", &["ip", "rule"]);
    assert!(seen.contains("iif lh0 lookup 76"), "{seen}");
    lab.fail("underlay:paris/internet");
    lab.expect(Some("underlay:paris/internet"));
    lab.until("an answer by the second access", || {
        let once = ["ping", "-c", "1", "-W", "1", BY_ISP2];
        let inside = ["exec", "--lab", &lab.name, "host1.paris", "--"];
        let output = longhaul(&[&inside[..], &once].concat());
        match output.status.success() {
            true => Ok(()),
            false => Err(told(&output)),
        }
    });
    assert!(ping(&lab, BY_ISP2, "wan1") >= COUNT, "by the second one");
    lab.heal("underlay:paris/internet");
    lab.expect(None);
    lab.verify();
}
