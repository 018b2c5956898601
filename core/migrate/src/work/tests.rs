//! Work of the teams, from small designs.

use super::*;

fn plan(text: &str) -> Plan {
    let (design, reports) = design::read("test", text, &design::NoFiles);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    design::resolve(&design, &|locator| locator.to_owned())
        .unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}

fn design(sites: &str) -> String {
    format!(
        "longhaul: 1\nname: x\noverlay: {{asn: 65010, summaries: [10.0.0.0/8]}}\n\
         regions: {{westeurope: {{hub: {{address_space: 10.1.0.0/20}}, nvas: {{count: 1}}}}}}\nsites: [{sites}]\n"
    )
}

#[test]
fn a_new_cpe_is_work_for_both_ends_of_its_tunnels() {
    let before = plan(&design(""));
    let after = plan(&design("{name: paris, city: Paris, lans: [10.200.1.0/24]}"));
    let said: Vec<String> = work(&before, &after)
        .iter()
        .map(|task| format!("{} {}: {}", task.team, task.device, task.says))
        .collect();
    assert!(
        said.iter()
            .any(|one| one.starts_with("SD-WAN cpe1.paris: install the CPE")),
        "{said:#?}"
    );
    assert!(
        said.contains(
            &"SD-WAN nva1.westeurope: tunnels to cpe1.paris over azure, BGP inside".to_owned()
        ),
        "{said:#?}"
    );
}

#[test]
fn equal_plans_are_no_work() {
    let one = plan(&design(""));
    assert_eq!(work(&one, &one), []);
}

#[test]
fn lines_of_a_file_that_stay_are_not_shown() {
    assert_eq!(lines("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
}
