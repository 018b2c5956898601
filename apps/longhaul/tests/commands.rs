//! Commands that need no lab, as a user types them: results, complaints, exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/global.yaml");

fn longhaul(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command, checks its exit code, gives what it wrote to its two outputs.
fn run(arguments: &[&str], code: i32) -> (String, String) {
    let output = longhaul(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{out}\n{err}"
    );
    (out, err)
}

/// An empty directory of a test's own.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("longhaul-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).expect("a directory can be made");
    path
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

#[test]
fn the_starter_checks_clean_and_converges() {
    let folder = directory("init");
    let file = folder.join("mine.yaml");
    run(&["init", utf8(&file)], 0);
    run(&["init", utf8(&file)], 2);
    run(&["check", utf8(&file)], 0);
    let (out, _) = run(&["sim", utf8(&file)], 0);
    assert!(out.contains("trace hash"), "{out}");
}

#[test]
fn every_error_of_a_design_is_reported_in_one_run_with_its_place() {
    let folder = directory("broken");
    let file = folder.join("broken.yaml");
    let broken = "longhaul: 1\nname: broken\nregons: {}\nregions:\n  westeurope: {hub: {adress_space: 10.1.0.0/20}}\n";
    fs::write(&file, broken).expect("a file can be written");
    let (out, err) = run(&["check", utf8(&file)], 2);
    assert_eq!(out, "");
    for word in [
        "regons",
        "regions",
        "adress_space",
        "address_space",
        "broken.yaml:3",
        "broken.yaml:5",
    ] {
        assert!(err.contains(word), "{word} is missing:\n{err}");
    }
    run(&["check", "/nonexistent.yaml"], 2);
    run(&["chekc"], 2);
}

#[test]
fn a_simulation_is_the_same_twice_and_speaks_json() {
    let arguments = [
        "sim",
        EXAMPLE,
        "--seed",
        "7",
        "--fail",
        "nva1.eastus@1s",
        "--format",
        "json",
    ];
    let (first, _) = run(&arguments, 0);
    let (second, _) = run(&arguments, 0);
    assert_eq!(first, second);
    let answer: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(answer["format_version"], 1);
    assert_eq!(answer["steps"].as_array().map(Vec::len), Some(2));
    run(&["sim", EXAMPLE, "--fail", "nva9.eastus@1s"], 2);
}

#[test]
fn the_route_budget_of_each_nva_is_shown_with_what_does_not_fit() {
    let folder = directory("budget");
    let file = folder.join("budget.yaml");
    let example = include_str!("../../../examples/02-route-server.yaml");
    // Two sites that a summary cannot cover, and a budget for one route.
    let design = example.replace(
        "    nvas: {count: 2}\n",
        "    nvas: {count: 2}\n    route_budget: {route_server: 1, aggregate: false}\n",
    );
    assert_ne!(design, example);
    fs::write(&file, design).expect("a file");
    let (out, _) = run(&["show", "budget", "--sim", utf8(&file)], 0);
    for nva in ["nva1.westeurope", "nva2.westeurope"] {
        let used = out.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words[..], [name, "route-server", _, "1", "1", "over"] if name == nva)
        });
        assert!(used && out.contains("left out"), "{out}");
    }
    let arguments = ["show", "budget", "nva1.westeurope", "--format", "json"];
    let (out, _) = run(&[&arguments[..], &["--sim", utf8(&file)]].concat(), 0);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["budgets"][0]["attachments"][0]["told"], 1, "{out}");
    run(&["show", "budget", "cpe1.paris", "--sim", utf8(&file)], 2);
}

#[test]
fn questions_to_a_simulation_are_answered() {
    for what in [
        "sessions",
        "routes",
        "tunnels",
        "effective-routes",
        "forwarding",
    ] {
        let (out, _) = run(&["show", what, "--sim", EXAMPLE], 0);
        assert!(out.lines().count() > 10, "{what}: {out}");
        let (out, _) = run(&["show", what, "--sim", EXAMPLE, "--format", "json"], 0);
        assert!(serde_json::from_str::<Value>(&out).is_ok(), "{what}");
    }
    let trace = [
        "trace",
        "host1.paris",
        "host1.tokyo",
        "--sim",
        EXAMPLE,
        "--flow",
        "udp:5000:53",
    ];
    let (out, _) = run(&trace, 0);
    assert!(out.contains("round trip"), "{out}");
    run(&["trace", "host1.paris", "nobody", "--sim", EXAMPLE], 2);
    run(&["show", "forwarding", "nobody", "--sim", EXAMPLE], 2);
    let (out, _) = run(&["fail", "underlay:london/mpls", "--sim", EXAMPLE], 0);
    assert!(
        out.contains("cpe1.london") || out.contains("no forwarding table"),
        "{out}"
    );
}

#[test]
fn plan_keeps_keys_private_and_a_corrupted_configuration_is_refused_with_its_line() {
    let folder = directory("plan");
    run(&["plan", EXAMPLE, "-o", utf8(&folder)], 0);
    let key = folder.join("keys/cpe1.paris/internet.key");
    let mode = fs::metadata(&key)
        .expect("the key is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read(&key).expect("the key can be read");
    run(&["plan", EXAMPLE, "-o", utf8(&folder)], 0);
    assert_eq!(
        fs::read(&key).expect("the key can be read"),
        kept,
        "a second plan keeps the keys"
    );

    let config = folder.join("cpe1.paris.yaml");
    let good = fs::read_to_string(&config).expect("the configuration is there");
    let secret = text(&kept);
    assert!(
        !good.contains(secret.trim()),
        "no private key outside its file"
    );
    fs::write(&config, good.replace("asn: 65010", "asn: many")).expect("it can be written");
    let keys = folder.join("keys");
    let (_, err) = run(&["node", utf8(&config), "--keys", utf8(&keys)], 2);
    assert!(
        err.contains("cpe1.paris.yaml") && err.contains("line"),
        "{err}"
    );
}

#[test]
fn what_a_daemon_would_refuse_is_not_written() {
    let folder = directory("refused");
    let file = folder.join("own-as.yaml");
    let example = fs::read_to_string(EXAMPLE).expect("the example is there");
    fs::write(&file, example.replace("asn: 65010", "asn: 65515")).expect("a file can be written");
    let output = folder.join("out");
    let (_, err) = run(&["plan", utf8(&file), "-o", utf8(&output)], 1);
    assert!(err.contains("reserved-asn"), "{err}");
    assert!(!output.exists());
    run(&["node", utf8(&folder), "--keys", utf8(&folder)], 2);
}

#[test]
fn what_is_out_of_bounds_is_refused_and_not_changed_silently() {
    run(&["generate", "--regions", "0"], 2);
    run(&["generate", "--regions", "1000"], 2);
    run(&["generate", "--sites", "100000000"], 2);
    run(&["sim", EXAMPLE, "--until", "100000h"], 2);
    run(
        &[
            "sim",
            EXAMPLE,
            "--fail",
            "nva1.westeurope@18446744073709551615ms",
        ],
        2,
    );
}

#[test]
fn an_answer_that_lacks_a_device_is_a_finding() {
    let show = [
        "show",
        "sessions",
        "--sim",
        EXAMPLE,
        "--fail",
        "cpe1.paris@1s",
    ];
    let (out, err) = run(&show, 1);
    assert!(
        out.contains("nva1.westeurope") && err.contains("cpe1.paris"),
        "{err}"
    );
}

#[test]
fn rules_schema_completions_and_manual_are_printed() {
    let (rules, _) = run(&["rules"], 0);
    let first = rules
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().next())
        .expect("a rule");
    let (page, _) = run(&["rules", first], 0);
    assert!(page.contains("fix:"), "{page}");
    run(&["rules", "no-such-rule"], 2);
    let (schema, _) = run(&["schema"], 0);
    assert!(serde_json::from_str::<Value>(&schema).is_ok());
    assert!(!run(&["completions", "bash"], 0).0.is_empty());
    assert!(run(&["man"], 0).0.contains("longhaul"));
    let (explained, _) = run(&["explain", EXAMPLE, "sites.paris.home"], 0);
    assert!(explained.contains("westeurope"), "{explained}");
}

#[test]
fn a_packet_has_the_class_that_the_design_says() {
    let folder = directory("classify");
    let file = folder.join("design.yaml");
    let partners = "# partners\n192.0.2.0/24\n";
    fs::write(folder.join("partners.txt"), partners).expect("a file");
    let design = "longhaul: 1
name: classes
regions: {westeurope: }
prefix_sets: {partners: {from: partners.txt}}
classes:
  voice: {dscp: 46}
  office: {sets: partners, domains: teams.microsoft.com, protocol: tcp, ports: 443}
sites: [{name: paris, city: Paris}]
";
    fs::write(&file, design).expect("a file");
    let class = |arguments: &[&str]| {
        let mut all = vec!["classify", utf8(&file), "cpe1.paris", "10.128.0.2"];
        all.extend(arguments);
        run(&all, 0).0.trim_end().to_owned()
    };
    let https = "tcp:50000:443";
    assert_eq!(
        class(&["192.0.2.9", "--flow", "udp:5000:16384@46"]),
        "voice"
    );
    assert_eq!(class(&["192.0.2.9", "--flow", https]), "office");
    assert_eq!(
        class(&[
            "198.51.100.9",
            "--flow",
            https,
            "--name",
            "eu.teams.microsoft.com"
        ]),
        "office"
    );
    assert!(class(&["198.51.100.9", "--flow", https]).starts_with("no class"));
    let (_, complaint) = run(
        &[
            "classify",
            utf8(&file),
            "cpe9.paris",
            "10.0.0.1",
            "10.0.0.2",
        ],
        2,
    );
    assert!(
        complaint.contains("there are: nva1.westeurope"),
        "{complaint}"
    );
}

#[test]
fn a_route_server_is_shown_as_the_platform_shows_it() {
    let show = |arguments: &[&str], code| {
        let mut all = vec!["show"];
        all.extend(arguments);
        all.extend(["--sim", EXAMPLE]);
        run(&all, code)
    };
    let (out, _) = show(&["learned-routes", "rs0.westeurope", "nva1.westeurope"], 0);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "LocalAddress    Network        NextHop    SourcePeer    Origin    AsPath       Weight",
            "--------------  -------------  ---------  ------------  --------  -----------  --------",
            "10.1.0.68       10.0.0.0/8     10.1.0.4   10.1.0.4      EBgp      65010        32768",
        ]
    );
    let both = [
        "learned-routes",
        "rs.westeurope",
        "nva1.westeurope",
        "--format",
        "json",
    ];
    let answer: Value = serde_json::from_str(&show(&both, 0).0).expect("JSON");
    let roles: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(roles, ["RouteServiceRole_IN_0", "RouteServiceRole_IN_1"]);
    let (out, _) = show(&["peerings", "rs.westeurope"], 0);
    assert!(
        out.starts_with("Name             PeerAsn    PeerIp"),
        "{out}"
    );
    let vm = [
        "effective-routes",
        "vm1.spoke1-westeurope",
        "--format",
        "json",
    ];
    let answer: Value = serde_json::from_str(&show(&vm, 0).0).expect("JSON");
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["value"]);
    // What is not there, and what is not running, is the user's to know.
    show(&["learned-routes", "rs0.westeurope", "nobody"], 2);
    show(&["learned-routes", "rs9.westeurope", "nva1.westeurope"], 2);
    show(&["learned-routes", "rs0.westeurope"], 2);
    show(&["sessions", "rs0.westeurope", "nva1.westeurope"], 2);
    let dead = [
        "effective-routes",
        "vm1.spoke1-westeurope",
        "--fail",
        "vm1.spoke1-westeurope@1s",
    ];
    let (_, complaint) = show(&dead, 2);
    assert!(
        complaint.contains("NicMustBeAttachedToRunningVmToGetEffectiveRoutes"),
        "{complaint}"
    );
}

#[test]
fn what_does_not_end_or_is_too_slow_to_work_is_refused() {
    run(&["check", "/dev/zero"], 2);
    let name = "x".repeat(100_000);
    run(&["explain", EXAMPLE, &name], 2);
    let folder = directory("rates");
    let file = folder.join("design.yaml");
    let text = fs::read_to_string(EXAMPLE).expect("the example");
    fs::write(&file, text.replace("50mbit", "0mbit")).expect("a file");
    let (_, complaint) = run(&["check", utf8(&file)], 2);
    assert!(complaint.contains("at least 64kbit"), "{complaint}");
}

#[test]
fn what_cannot_be_meant_is_no_finding_of_a_rule_wherever_it_is_seen() {
    let folder = directory("malformed");
    let file = folder.join("design.yaml");
    let example = include_str!("../../../examples/02-route-server.yaml");
    // One is no prefix, the other one is no LAN.
    for lan in ["10.200.1.0/40", "10.200.1.0/31"] {
        let design = example.replace("10.200.1.0/24", lan);
        fs::write(&file, design).expect("a file");
        let (out, complaint) = run(&["check", utf8(&file)], 2);
        let said = out + &complaint;
        assert!(
            said.contains("error[shape]") && said.contains(lan),
            "{said}"
        );
    }
}

/// A design with one finding, and waivers of it.
fn with_waivers(folder: &Path, waivers: &str) -> PathBuf {
    let file = folder.join("design.yaml");
    let design = "longhaul: 1\nname: d\nregions: {westeurope: {nvas: {count: 8}, foreign: {bird1: {asn: 65020}}}}\n";
    fs::write(&file, format!("{design}{waivers}")).expect("a file can be written");
    file
}

#[test]
fn findings_are_written_as_sarif() {
    let file = with_waivers(&directory("sarif"), "");
    let (out, _) = run(&["check", "--format", "sarif", utf8(&file)], 1);
    let log: Value = serde_json::from_str(&out).expect("SARIF is JSON");
    assert_eq!(log["version"], "2.1.0");
    let run_of_check = &log["runs"][0];
    let rules = run_of_check["tool"]["driver"]["rules"].as_array();
    let rules = rules.expect("the rules");
    assert!(rules.len() > 50);
    assert!(rules.iter().all(|rule| rule["helpUri"].is_string()));
    let [found] = run_of_check["results"]
        .as_array()
        .expect("results")
        .as_slice()
    else {
        panic!("{out}");
    };
    assert_eq!(found["ruleId"], "route-server-peers");
    assert_eq!(found["level"], "error");
    let index = found["ruleIndex"].as_u64().expect("a rule") as usize;
    assert_eq!(rules[index]["id"], "route-server-peers");
    let place = &found["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 3);
    let uri = place["artifactLocation"]["uri"].as_str().expect("a file");
    assert!(
        uri.starts_with("file:///") && uri.ends_with("design.yaml"),
        "{uri}"
    );
    let (_, complaint) = run(&["rules", "--format", "sarif"], 2);
    assert!(complaint.contains("check --format sarif"), "{complaint}");
}

#[test]
fn waivers_hold_until_their_last_day_by_this_machines_clock() {
    let folder = directory("waivers");
    let waiver = |until| {
        format!("waivers: [{{rule: route-server-peers, reason: moved soon, until: {until}}}]\n")
    };
    let file = with_waivers(&folder, &waiver("2999-12-31"));
    let (out, _) = run(&["check", utf8(&file)], 0);
    assert!(out.contains("waived until 2999-12-31: moved soon"), "{out}");
    let (out, _) = run(&["check", "--format", "sarif", utf8(&file)], 0);
    let log: Value = serde_json::from_str(&out).expect("SARIF is JSON");
    let suppression = &log["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppression["kind"], "inSource");
    let file = with_waivers(&folder, &waiver("2020-12-31"));
    let (out, _) = run(&["check", utf8(&file)], 1);
    assert!(
        out.contains("waiver-expired") && out.contains("route-server-peers"),
        "{out}"
    );
}

#[test]
fn a_rule_says_everything_about_itself() {
    let (page, _) = run(&["rules", "underlay-bypass"], 0);
    for part in [
        "why:",
        "fix:",
        "source:",
        "(2024-03-01)",
        "passes:",
        "fails:",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (json, _) = run(&["rules", "--format", "json", "underlay-bypass"], 0);
    let rule: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(rule["rules"][0]["dated"], "2024-03-01");
}
