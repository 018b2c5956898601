//! Phased MPLS decommissioning (Figure 9): every site leaves the provider while all the others, on
//! either side, stay in reach.

use design::NoFiles;
use design::document::Value;
use migrate::{Edit, Migration, Outcome, Planner, Report, Stage};

use super::{running, ways};

const FROM: &str = include_str!("../../../../examples/10-mpls-decommissioning/from.yaml");
const TO: &str = include_str!("../../../../examples/10-mpls-decommissioning/to.yaml");

fn value(text: &str) -> Value {
    Value::parse("design.yaml", text).unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}

/// Proves whatever the planner wants until it knows how it ends.
fn search(from: &str, to: &str) -> Outcome {
    let migration = Migration::between(&value(from), &value(to));
    let mut planner = Planner::new(migration.unwrap_or_else(|refused| panic!("{refused}")));
    loop {
        if let Some(outcome) = planner.outcome() {
            return outcome.clone();
        }
        for candidate in planner.wanted(1) {
            let text = planner.design(&candidate).to_yaml();
            let (evidence, plan) = sim::prove("step.yaml", &text, &NoFiles, 1);
            planner.prove(&candidate, evidence, plan);
        }
    }
}

#[test]
fn every_step_keeps_every_pair() {
    let outcome = search(FROM, TO);
    let report = Report::new("decommissioning", "from.yaml", &outcome);
    assert!(report.complete, "{}", report.summary());
    assert_eq!(report.waited, [], "{}", report.summary());
    for step in &report.steps {
        assert_eq!(step.proven.reached, step.proven.pairs, "{}", step.title);
        assert!(
            !step.tasks.is_empty() || matches!(step.edit, Edit::Finish),
            "{}",
            step.title
        );
    }
    assert_eq!(
        outcome.steps.last().map(|step| step.design.to_yaml()),
        Some(value(TO).to_yaml())
    );

    // Paris has moved, Boston has not: they meet in Azure.
    let moved = |site: &str, stage: Stage| {
        let edit = Edit::Site {
            site: site.to_owned(),
            stage,
        };
        let step = outcome.steps.iter().find(|step| step.edit == edit);
        step.unwrap_or_else(|| panic!("{site} has that stage"))
            .design
            .clone()
    };
    let world = running(&moved("paris", Stage::Beside).to_yaml());
    let (before, _) = ways(&world, "host1.paris", "host1.boston");
    assert!(
        !before.iter().any(|device| device.starts_with("cpe1")),
        "{before:?}"
    );
    let world = running(&moved("paris", Stage::Moved).to_yaml());
    let (there, back) = ways(&world, "host1.paris", "host1.boston");
    assert!(
        there.iter().any(|device| device == "cpe1.paris"),
        "{there:?}"
    );
    assert!(
        there.iter().any(|device| device.starts_with("msee")),
        "{there:?}"
    );
    assert!(
        back.iter().any(|device| device.starts_with("msee")),
        "{back:?}"
    );
    assert!(back.iter().any(|device| device == "cpe1.paris"), "{back:?}");
}

#[test]
fn without_a_way_between_the_sides_every_site_gets_its_cpe_before_the_first_one_moves() {
    // Nothing joins the provider with Azure, so a site that moves alone would lose the others.
    let apart = |text: &str| {
        let text = text.replace("    express_route: true\n", "");
        let text = text.replace(", connections: [westeurope]", "");
        text.replace(", connections: [eastus]", "")
    };
    let outcome = search(&apart(FROM), &apart(TO));
    assert!(outcome.stuck.is_empty());
    let waited = outcome.waited.first().expect("a site that had to wait");
    assert_eq!(
        waited.edit.to_string(),
        "paris: move the traffic to the CPE"
    );
    let said: Vec<String> = waited.objections.iter().map(ToString::to_string).collect();
    assert!(
        said.iter()
            .any(|one| one.starts_with("host1.paris no longer reaches host1.madrid")),
        "{said:?}"
    );
    let place = |wanted: Stage| {
        let at = |step: &migrate::Proven| matches!(&step.edit, Edit::Site { stage, .. } if *stage == wanted);
        let mut places = outcome
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| at(step));
        let first = places.next().map(|(place, _)| place);
        let last = places.next_back().map(|(place, _)| place);
        (first, last)
    };
    assert!(place(Stage::Beside).1 < place(Stage::Moved).0);
}
