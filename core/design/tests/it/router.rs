//! The file of a plain BGP router.

use core::time::Duration;
use std::fmt::Write;

use bgp::{ConnectMode, Families, OnExceed, Role};
use design::plan::{AuthKind, RouterConfig};
use design::{Reports, read_router};
use inet::Asn;

const HEAD: &str = "router: 1\nname: edge1\nasn: 65001\nrouter_id: 192.0.2.1\n";

fn read(text: &str) -> RouterConfig {
    let (config, reports) = read_router("router.yaml", text);
    config.unwrap_or_else(|| panic!("{}", reports.render(false)))
}

fn refused(text: &str) -> Reports {
    let (config, reports) = read_router("router.yaml", text);
    assert!(config.is_none(), "this must be refused: {text}");
    reports
}

#[test]
fn a_file_has_only_what_differs_from_the_usual() {
    let config = read(&format!(
        "{HEAD}listen: [192.0.2.1:1790]
neighbors:
  bird1: {{address: 192.0.2.2, asn: 65002, import: accept, export: accept}}
  ibgp: {{address: 192.0.2.3, asn: 65001}}
originate: [{{prefix: 203.0.113.0/24, communities: [\"65001:1\", no-export]}}, {{prefix: \"2001:db8::/32\"}}]
"
    ));
    let [bird, ibgp] = config.settings.neighbors.as_slice() else {
        panic!("two neighbours")
    };
    assert_eq!(bird.local_address.to_string(), "192.0.2.1");
    assert!(bird.import.is_some() && bird.export.is_some());
    assert_eq!(ibgp.remote_as, Asn(65_001));
    assert_eq!(ibgp.hold_time, Duration::from_secs(90));
    assert!(ibgp.import.is_none());
    assert_eq!(config.listen.len(), 1);
    assert_eq!(
        config.originate[0].1.communities,
        [0xfde9_0001, 0xffff_ff01]
    );
    assert!(config.originate[1].0.is_v6());
    assert!(config.auth.is_empty() && config.bmp.is_empty() && config.mrt.is_none());
}

#[test]
fn a_neighbour_takes_from_its_template_what_it_does_not_say() {
    let config = read(&format!(
        "{HEAD}templates:
  customer:
    local_address: 192.0.2.1
    connect: passive
    hold_time: 30s
    families: [ipv4, ipv6]
    role: provider
    password_file: /etc/longhaul/customers
    prefix_limit: {{max: 10, warning_percent: 80, restart_after: 5min}}
neighbors:
  a: {{template: customer, address: 192.0.2.2, asn: 65002}}
  b: {{template: customer, address: 192.0.2.3, asn: 65003, hold_time: 9s}}
"
    ));
    let [a, b] = config.settings.neighbors.as_slice() else {
        panic!("two neighbours")
    };
    assert_eq!((a.hold_time.as_secs(), b.hold_time.as_secs()), (30, 9));
    assert_eq!(a.connect, ConnectMode::Passive);
    assert_eq!(a.families, Families::BOTH);
    assert_eq!(b.role, Some(Role::Provider));
    let limit = a.prefix_limit.expect("a limit");
    assert_eq!((limit.max, limit.warning_percent), (10, 80));
    let restart_after = Some(Duration::from_mins(5));
    assert_eq!(limit.on_exceed, OnExceed::Teardown { restart_after });
    assert_eq!(config.auth.len(), 2);
    assert_eq!(config.auth[0].1.kind, AuthKind::Md5);
}

#[test]
fn every_error_is_reported_at_its_line_in_one_run() {
    let reports = refused(&format!(
        "{HEAD}neighbors:
  a: {{adress: 192.0.2.2, asn: 65002, local_address: 192.0.2.1}}
  b: {{address: 192.0.2.3, asn: 65003, local_address: 192.0.2.1, import: acept}}
  c: {{address: 192.0.2.3, asn: 65001, local_address: 192.0.2.1, as_override: true, hold_time: 2s}}
  d: {{address: 192.0.2.4, asn: 0}}
"
    ));
    let mut found = String::new();
    for report in reports.iter() {
        let at = report.at.and_then(|at| reports.sources().position(at));
        let line = at.map_or(0, |at| at.line);
        writeln!(found, "{line}: {} {}", report.says, report.try_this).expect("text");
    }
    for part in [
        "6: unknown key `adress` did you mean `address`?",
        "6: `address` is missing",
        "7: there is no policy `acept` did you mean `accept`?",
        "8: `c` has the address of another",
        "8: `as_override` is for external",
        "8: a hold time is 0s, or 3s",
        "9: `local_address` is missing",
    ] {
        assert!(found.contains(part), "{part:?} is not in:\n{found}");
    }
}

#[test]
fn an_inline_password_is_refused_and_shown_nowhere() {
    let reports = refused(&format!(
        "{HEAD}neighbors:\n  a: {{address: 192.0.2.2, asn: 65002, local_address: 192.0.2.1, password: hunter2}}\n"
    ));
    let shown = reports.render(false);
    assert!(
        shown.contains("`password` would put a secret here"),
        "{shown}"
    );
    assert!(shown.contains("password_file"), "{shown}");
    assert!(shown.contains("mode 0600"), "{shown}");
    for text in [shown, reports.to_json().to_string(), format!("{reports:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn every_key_of_the_schema_has_an_example_that_the_reader_takes() {
    let schema = design::router_schema();
    let mut text = String::from("{");
    for (key, property) in schema["properties"].as_object().expect("a record") {
        write!(text, "{key}: {}, ", property["examples"][0]).expect("text");
    }
    read(&(text + "}"));
    let neighbor = schema["definitions"]["Neighbor"]["properties"].as_object();
    for (key, property) in neighbor.expect("a record") {
        assert!(property["description"].is_string(), "{key}");
        let asn = if key == "route_reflector_client" {
            65_001
        } else {
            65_002
        };
        let mut fields = std::collections::BTreeMap::from([
            ("address", "192.0.2.2".to_owned()),
            ("asn", asn.to_string()),
            ("local_address", "192.0.2.1".to_owned()),
        ]);
        fields.insert(key, property["examples"][0].to_string());
        let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let templates = "templates: {customer: {}}\npolicies: 'policy x { accept }'";
        read(&format!(
            "{HEAD}{templates}\nneighbors: {{a: {{{}}}}}\n",
            fields.join(", ")
        ));
    }
}

#[test]
fn policies_are_read_with_the_file_and_their_errors_point_into_it() {
    let reports = refused(&format!(
        "{HEAD}policies: |
  prefixes bogons = [10.0.0.0/8+]

  policy customer {{
      if prefix in bogon {{ reject }}
      set locl-pref 200
      accept
  }}
neighbors:
  a: {{address: 192.0.2.2, asn: 65002, local_address: 192.0.2.1, import: custom, export: accept}}
"
    ));
    let shown = reports.render(false);
    for part in [
        "router.yaml:9:20",
        "there is no set `prefixes bogon`",
        "did you mean `bogons`?",
        "router.yaml:10:11",
        "did you mean `local-pref`?",
        "there is no policy `custom`",
        "did you mean `customer`?",
    ] {
        assert!(shown.contains(part), "{part:?} is not in:\n{shown}");
    }
}

#[test]
fn a_policy_is_compiled_for_each_neighbour_that_uses_it() {
    let (config, reports) = read_router(
        "router.yaml",
        &format!(
            "{HEAD}policies: |
  policy out {{
      if from neighbor a {{ reject }}
      set local-pref 50
      set next-hop self
      accept
  }}
neighbors:
  a: {{address: 192.0.2.2, asn: 65002, local_address: 192.0.2.1, export: out}}
  b: {{address: 192.0.2.3, asn: 65001, local_address: 192.0.2.9, export: out}}
"
        ),
    );
    let shown = reports.render(false);
    assert!(
        shown.contains("`a` is external and is told no LOCAL_PREF"),
        "{shown}"
    );
    assert!(!reports.has_errors() && reports.len() == 1, "{shown}");
    let config = config.expect("a warning refuses nothing");
    let policy = |place: usize| {
        let neighbor = &config.settings.neighbors[place];
        format!("{:?}", neighbor.export.as_ref().expect("a policy").terms())
    };
    assert!(!policy(0).contains("LocalPref") && policy(0).contains("192.0.2.1"));
    assert!(policy(1).contains("LocalPref(50)") && policy(1).contains("192.0.2.9"));
}

#[test]
fn a_range_of_neighbours_has_the_values_of_its_template() {
    let config = read(&format!(
        "{HEAD}templates: {{rack: {{hold_time: 9s, import: accept}}}}
dynamic: {{rack: {{prefix: 10.0.0.0/24, limit: 40, asns: [65101, 65102], template: rack}}}}
"
    ));
    let range = &config.settings.dynamic[0];
    assert_eq!((range.limit, range.remote_as.len()), (40, 2));
    assert_eq!(range.template.hold_time, Duration::from_secs(9));
    assert!(range.template.import.is_some());
    let reports = refused(&format!(
        "{HEAD}dynamic: {{rack: {{prefix: 10.0.0.0/24, template: rack}}}}\n"
    ));
    assert!(
        reports
            .render(false)
            .contains("there is no template `rack`")
    );
}

#[test]
fn the_corpus_of_the_fuzz_target_is_survived_and_the_document_has_its_file() {
    let customer = include_str!("../../../../fuzz/corpus/router_read/customer.yaml");
    assert!(include_str!("../../../../docs/policy.md").contains(customer));
    read(customer);
    read(include_str!(
        "../../../../fuzz/corpus/router_read/everything.yaml"
    ));
    let reports = refused(include_str!(
        "../../../../fuzz/corpus/router_read/many-errors.yaml"
    ));
    assert!(!reports.render(false).contains("hunter2"));
}

#[test]
fn any_cut_of_a_file_is_read_or_refused_with_a_report() {
    let text = include_str!("../../../../fuzz/corpus/router_read/everything.yaml");
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let (config, reports) = read_router("router.yaml", &text[..end]);
        assert_eq!(config.is_none(), reports.has_errors(), "cut at {end}");
        let _ = reports.render(false);
    }
}

#[test]
fn routes_go_into_the_kernel_and_stand_without_being_learned_when_the_file_says_so() {
    let config = read(&format!(
        "{HEAD}kernel: true\nstatic_routes:\n  - {{prefix: 10.0.0.0/8}}\n  - {{prefix: 0.0.0.0/0, next_hop: 192.0.2.9}}\n"
    ));
    assert!(config.kernel);
    let hops: Vec<_> = config
        .static_routes
        .iter()
        .map(|route| (route.prefix.to_string(), route.next_hop))
        .collect();
    let via = "192.0.2.9".parse().ok();
    assert_eq!(
        hops,
        [
            ("10.0.0.0/8".to_owned(), None),
            ("0.0.0.0/0".to_owned(), via)
        ]
    );
    assert!(!read(HEAD).kernel);
}

#[test]
fn a_neighbour_has_timers_of_bfd_of_its_own_over_those_of_all() {
    let config = read(&format!(
        "{HEAD}bfd: {{min_tx: 100ms}}\ntemplates: {{slow: {{bfd: {{min_rx: 1s}}}}}}\nneighbors:\n  \
         a: {{address: 192.0.2.2, local_address: 192.0.2.1, asn: 65002, bfd: true}}\n  \
         b: {{address: 192.0.2.3, local_address: 192.0.2.1, asn: 65002, bfd: {{multiplier: 5}}}}\n  \
         c: {{address: 192.0.2.4, local_address: 192.0.2.1, asn: 65002, template: slow}}\n"
    ));
    let timers = |name| {
        let id = config.neighbor(name).expect("a neighbour");
        let bfd = config.bfd_of(id);
        let millis = |time: Duration| time.as_millis();
        (millis(bfd.min_tx), millis(bfd.min_rx), bfd.multiplier)
    };
    assert!(
        config
            .settings
            .neighbors
            .iter()
            .all(|neighbor| neighbor.bfd)
    );
    assert_eq!(timers("a"), (100, 300, 3));
    assert_eq!(timers("b"), (100, 300, 5));
    assert_eq!(timers("c"), (100, 1_000, 3));
}
