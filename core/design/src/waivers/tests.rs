//! Waivers take findings out, for a time and a place.

use super::Date;
use crate::NoFiles;
use crate::report::Reports;

const DESIGN: &str = "longhaul: 1
name: d
regions:
  westeurope: {nvas: {count: 8}, foreign: {bird1: {asn: 65020}}}
  eastus: {nvas: {count: 8}, foreign: {bird1: {asn: 65020}}}
waivers:
";

fn checked(waivers: &str, today: &str) -> Reports {
    let text = format!("{DESIGN}{waivers}");
    let (design, reports) = crate::read("design.yaml", &text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    crate::check_on(&design, today.parse().expect("a day"))
}

fn rules(reports: &Reports) -> Vec<(&str, usize)> {
    let line = |at| reports.sources().position(at).expect("a place").line;
    let found = reports.iter();
    found
        .map(|report| (report.rule, report.at.map_or(0, line)))
        .collect()
}

#[test]
fn a_waived_finding_is_listed_as_waived() {
    let waiver = "- {rule: route-server-peers, at: regions.westeurope, reason: moved soon, until: 2027-03-01}\n";
    let reports = checked(waiver, "2027-03-01");
    assert_eq!(rules(&reports), [("route-server-peers", 5)]);
    assert_eq!(reports.waived().len(), 1);
    assert_eq!(reports.waived()[0].reason, "moved soon");
    let text = reports.render(false);
    assert!(
        text.contains("waived until 2027-03-01: moved soon"),
        "{text}"
    );
    let json = reports.to_json();
    assert_eq!(json["waived"][0]["id"], "route-server-peers");
    assert_eq!(json["waived"][0]["line"], 4);
}

#[test]
fn a_waiver_without_a_place_is_about_the_whole_design() {
    let waiver = "- {rule: route-server-peers, reason: moved soon, until: 2027-03-01}\n";
    let reports = checked(waiver, "2026-11-23");
    assert!(reports.is_empty());
    assert_eq!(reports.waived().len(), 2);
}

#[test]
fn an_expired_waiver_is_a_finding_and_hides_nothing() {
    let waiver = "- {rule: route-server-peers, reason: moved soon, until: 2027-03-01}\n";
    let reports = checked(waiver, "2027-03-02");
    let expected = [
        ("route-server-peers", 4),
        ("route-server-peers", 5),
        ("waiver-expired", 7),
    ];
    assert_eq!(rules(&reports), expected);
    assert!(reports.waived().is_empty());
}

#[test]
fn an_unused_waiver_is_a_finding() {
    let waiver = "- {rule: subnet-size, at: regions.eastus, reason: small, until: 2027-03-01}\n";
    let reports = checked(waiver, "2026-11-23");
    assert!(rules(&reports).contains(&("waiver-unused", 7)));
}

#[test]
fn waivers_of_what_is_not_there_are_findings() {
    let waivers = "- {rule: route-servers-peers, reason: a, until: 2027-03-01}
- {rule: route-server-peers, at: regions.nowhere, reason: a, until: 2027-03-01}\n";
    let reports = checked(waivers, "2026-11-23");
    let text = reports.render(false);
    assert!(
        text.contains("did you mean `route-server-peers`?"),
        "{text}"
    );
    assert!(
        text.contains("the design has no `regions.nowhere`"),
        "{text}"
    );
}

#[test]
fn days_are_days_of_the_calendar() {
    for text in [
        "2027-02-29",
        "2027-13-01",
        "2027-3-1",
        "2027-04-31",
        "2027-03-01-1",
        "",
    ] {
        assert!(text.parse::<Date>().is_err(), "{text}");
    }
    for (seconds, day) in [
        (0, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (1_795_392_000, "2026-11-23"),
        (1_798_761_599, "2026-12-31"),
    ] {
        assert_eq!(Date::from_unix(seconds).to_string(), day);
    }
}
