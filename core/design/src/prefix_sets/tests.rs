//! Sets from files of every kind, and files that are not what they should be.

use std::collections::BTreeMap;

use crate::entry;

/// The prefixes of the set `s`, and what is said.
fn set(text: &str, name: &str, content: &str) -> (Vec<String>, String) {
    let design =
        format!("longhaul: 1\nname: d\nregions: {{westeurope: }}\nprefix_sets: {{s: {text}}}\n");
    let files = BTreeMap::from([(name.to_owned(), content.to_owned())]);
    let (design, reports) = entry::read("design.yaml", &design, &files);
    let sets = design.map(|design| design.prefix_sets).unwrap_or_default();
    let prefixes = sets.iter().flat_map(|set| &set.prefixes);
    (
        prefixes.map(ToString::to_string).collect(),
        reports.render(false),
    )
}

const ENDPOINTS: &str = r#"[
  {"id": 1, "urls": ["outlook.office.com"], "ips": ["13.107.6.152/31", "2620:1ec:4::152/128"], "category": "Optimize"},
  {"id": 2, "urls": ["smtp.office365.com"], "category": "Allow"},
  {"id": 3, "ips": ["52.100.0.0/14"], "category": "Allow"}
]"#;

const TAGS: &str = r#"{"changeNumber": 7, "cloud": "Public", "values": [
  {"name": "Storage.WestEurope", "id": "x", "properties": {"addressPrefixes": ["20.38.108.0/23", "2603:1020::/64"]}},
  {"name": "Storage", "properties": {"addressPrefixes": ["20.38.0.0/16"]}}
]}"#;

#[test]
fn a_plain_list_has_comments_single_addresses_and_both_families() {
    let text = "# partners\n192.0.2.0/25\n 192.0.2.128/25 # the other half\n198.51.100.7\r\n2001:db8::/32\n";
    let (prefixes, says) = set("{from: p.txt}", "p.txt", text);
    assert_eq!(
        (prefixes, says.as_str()),
        (vec!["192.0.2.0/24".into(), "198.51.100.7/32".into()], "")
    );
}

#[test]
fn endpoints_are_taken_by_category() {
    let (all, _) = set("{from: e.json}", "e.json", ENDPOINTS);
    assert_eq!(all, ["13.107.6.152/31", "52.100.0.0/14"]);
    let (some, says) = set("{from: e.json, category: optimize}", "e.json", ENDPOINTS);
    assert_eq!((some, says.as_str()), (vec!["13.107.6.152/31".into()], ""));
}

#[test]
fn service_tags_are_taken_by_name_and_a_slip_of_the_pen_gets_a_suggestion() {
    let (some, says) = set("{from: t.json, tag: Storage.WestEurope}", "t.json", TAGS);
    assert_eq!((some, says.as_str()), (vec!["20.38.108.0/23".into()], ""));
    let (_, says) = set("{from: t.json, tag: Storage.WestEurop}", "t.json", TAGS);
    assert!(
        says.contains("did you mean `Storage.WestEurope`?"),
        "{says}"
    );
    let (_, says) = set("{from: t.json}", "t.json", TAGS);
    assert!(says.contains("none is named"), "{says}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line_there() {
    for (text, name, content, expected) in [
        (
            "{from: p.txt}",
            "p.txt",
            "192.0.2.0/24\n192.0.2.1/24\n",
            "p.txt:2:1",
        ),
        ("{from: p.txt}", "p.txt", "a\nb\n", "`a` is not a prefix"),
        ("{from: p.txt}", "p.txt", "\n", "nothing is taken"),
        (
            "{from: p.txt, tag: x}",
            "p.txt",
            "192.0.2.0/24\n",
            "`tag` does not go with",
        ),
        (
            "{from: e.json}",
            "e.json",
            "[{\"ips\": [\"10.0.0.0/33\"]}]",
            "e.json:1:11",
        ),
        (
            "{from: e.json}",
            "e.json",
            "[{\"ips\": 7}]",
            "not a list of Microsoft 365 endpoints",
        ),
        (
            "{from: t.json, tag: x}",
            "t.json",
            "{\"values\": [\n{}]}",
            "t.json:2:2",
        ),
        ("{from: gone.txt}", "p.txt", "", "`gone.txt` cannot be read"),
        ("[]", "", "", "prefix set `s` is empty"),
    ] {
        let (_, says) = set(text, name, content);
        assert!(says.contains(expected), "{content:?}: {says}");
    }
}

#[test]
fn a_thousand_wrong_lines_are_not_a_thousand_findings() {
    let (_, says) = set("{from: p.txt}", "p.txt", &"x\n".repeat(1_000));
    assert_eq!(says.matches("is not a prefix").count(), super::FINDINGS_MAX);
}

#[test]
fn sets_have_no_more_prefixes_than_their_addresses_need() {
    let text = "[10.0.0.0/9, 10.128.0.0/10, 10.192.0.0/10, 10.1.0.0/16, 0.0.0.0/1, 11.0.0.0/8]";
    let (prefixes, _) = set(text, "", "");
    assert_eq!(prefixes, ["0.0.0.0/1"]);
    let (prefixes, _) = set("[192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32]", "", "");
    assert_eq!(prefixes, ["192.0.2.1/32", "192.0.2.2/31"]);
}
