//! The result of a search as values for programs and Markdown for people.

use core::fmt::Write as _;

use serde::Serialize;

use crate::edit::{Edit, Stage};
use crate::evidence::{Budget, Objection};
use crate::planner::Outcome;
use crate::work::{Task, Team, work};

/// A migration, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Always 1.
    pub format_version: u8,
    /// The design's name.
    pub name: String,
    /// Whether the last step is the second design.
    pub complete: bool,
    /// Ordered pairs of hosts that reach each other in the first design.
    pub pairs: usize,
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// Edits that could not be done where they were tried first.
    pub waited: Vec<LeftReport>,
    /// Edits that no order allows.
    pub stuck: Vec<LeftReport>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Counted from 1.
    pub number: usize,
    /// What is done, in a few words.
    pub title: String,
    /// What is done.
    pub edit: Edit,
    /// Why here.
    pub why: &'static str,
    /// The file with the design after the step.
    pub file: String,
    /// The file with the design before it.
    pub back_to: String,
    /// What was proven of the design after the step.
    pub proven: Proven,
    /// What each team does.
    pub tasks: Vec<Task>,
    /// What each team does to go back.
    pub back: Vec<Task>,
}

/// What was proven of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// Ordered pairs of hosts.
    pub pairs: usize,
    /// Those that reach each other.
    pub reached: usize,
    /// Milliseconds of virtual time to convergence from a cold start.
    pub converged_ms: u64,
    /// Warnings of `check`.
    pub warnings: usize,
    /// The session that is closest to its limit.
    pub tightest: Option<Budget>,
}

/// An edit that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftReport {
    /// What would have been done.
    pub title: String,
    /// Behind how many steps it was tried; `None` when it never held.
    pub after: Option<usize>,
    /// What was wrong.
    pub objections: Vec<Objection>,
}

/// Objections shown of one edit; the others are counted.
const OBJECTIONS_MAX: usize = 5;

impl Report {
    /// Puts the steps into words. `from` is the name of the first design's file.
    pub fn new(name: &str, from: &str, outcome: &Outcome) -> Self {
        let mut before_file = from.to_owned();
        let mut before_plan = outcome.first_plan.as_ref();
        let mut steps = Vec::new();
        let digits = outcome.steps.len().to_string().len().max(2);
        for (index, step) in outcome.steps.iter().enumerate() {
            let number = index + 1;
            let file = format!("step-{number:0digits$}-{}.yaml", step.edit.slug());
            let (tasks, back) = match (before_plan, &step.plan) {
                (Some(before), Some(after)) => (work(before, after), work(after, before)),
                _ => (Vec::new(), Vec::new()),
            };
            steps.push(StepReport {
                number,
                title: step.edit.to_string(),
                edit: step.edit.clone(),
                why: step.edit.why(),
                file: file.clone(),
                back_to: core::mem::replace(&mut before_file, file),
                proven: Proven {
                    pairs: step.evidence.pairs,
                    reached: step.evidence.pairs
                        - step.evidence.lost.len().min(step.evidence.pairs),
                    converged_ms: step.evidence.converged_ms,
                    warnings: step
                        .evidence
                        .findings
                        .iter()
                        .filter(|one| !one.error)
                        .count(),
                    tightest: step.evidence.tightest().cloned(),
                },
                tasks,
                back,
            });
            before_plan = step.plan.as_ref().or(before_plan);
        }
        Self {
            format_version: 1,
            name: name.to_owned(),
            complete: outcome.stuck.is_empty(),
            pairs: outcome.first.pairs - outcome.first.lost.len().min(outcome.first.pairs),
            steps,
            waited: outcome
                .waited
                .iter()
                .map(|one| LeftReport {
                    title: one.edit.to_string(),
                    after: Some(one.after),
                    objections: one.objections.clone(),
                })
                .collect(),
            stuck: outcome
                .stuck
                .iter()
                .map(|one| LeftReport {
                    title: one.edit.to_string(),
                    after: None,
                    objections: one.objections.clone(),
                })
                .collect(),
        }
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Migration of {}\n\n", self.name);
        let _ = writeln!(
            text,
            "{} steps, each a design that `longhaul check` passes and that was simulated: all {} pairs of \
             hosts that reach each other at the beginning reach each other after every step, no packet goes round.\n",
            self.steps.len(),
            self.pairs
        );
        if !self.complete {
            self.incomplete(&mut text);
        }
        text.push_str(
            "| step | what | who | pairs | closest to a limit |\n|---|---|---|---|---|\n",
        );
        for step in &self.steps {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} of {} | {} |",
                step.number,
                step.title,
                teams(&step.tasks),
                step.proven.reached,
                step.proven.pairs,
                tightest(step.proven.tightest.as_ref()),
            );
        }
        if !self.waited.is_empty() {
            text.push_str("\n## What had to wait\n\n");
            left(&self.waited, &mut text);
        }
        for step in &self.steps {
            step.markdown(&mut text);
        }
        text
    }

    fn incomplete(&self, text: &mut String) {
        text.push_str(
            "**The second design is not reached**: of the edits that are left none holds after these steps, in any order that was tried.\n\n",
        );
        left(&self.stuck, text);
        text.push('\n');
    }

    /// The steps in a few lines each, for a terminal.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            let _ = writeln!(
                text,
                "{:>4}  {:<58} {:>6} of {} pairs",
                step.number, step.title, step.proven.reached, step.proven.pairs
            );
        }
        if !self.waited.is_empty() {
            text.push_str("\nhad to wait:\n");
            left(&self.waited, &mut text);
        }
        if !self.complete {
            text.push_str("\nno order allows:\n");
            left(&self.stuck, &mut text);
        }
        text
    }
}

fn left(edits: &[LeftReport], text: &mut String) {
    for one in edits {
        let after = one
            .after
            .map_or_else(String::new, |after| format!(" (tried after step {after})"));
        let _ = writeln!(text, "- {}{after}", one.title);
        for objection in one.objections.iter().take(OBJECTIONS_MAX) {
            let _ = writeln!(text, "  - {objection}");
        }
        if let Some(more @ 1..) = one.objections.len().checked_sub(OBJECTIONS_MAX) {
            let _ = writeln!(text, "  - and {more} more");
        }
    }
}

fn teams(tasks: &[Task]) -> String {
    let mut teams: Vec<Team> = tasks.iter().map(|task| task.team).collect();
    teams.sort();
    teams.dedup();
    let words: Vec<String> = teams.iter().map(ToString::to_string).collect();
    if words.is_empty() {
        "nobody".to_owned()
    } else {
        words.join(", ")
    }
}

fn tightest(budget: Option<&Budget>) -> String {
    budget.map_or_else(String::new, |one| {
        format!("{}: {} of {}", one.session, one.used, one.limit)
    })
}

impl StepReport {
    fn markdown(&self, text: &mut String) {
        let _ = writeln!(text, "\n## Step {}: {}\n", self.number, self.title);
        let _ = writeln!(text, "Design: `{}`. Why here: {}.\n", self.file, self.why);
        let _ = writeln!(
            text,
            "Proven: {} of {} pairs reach each other, no loop, {} warnings of `check`, converged after {}.{:03} s.",
            self.proven.reached,
            self.proven.pairs,
            self.proven.warnings,
            self.proven.converged_ms / 1000,
            self.proven.converged_ms % 1000,
        );
        tasks(&self.tasks, text);
        let _ = writeln!(
            text,
            "\nTo go back: `{}`.{}",
            self.back_to,
            self.going_back()
        );
        tasks(&self.back, text);
    }

    /// What to know about going back.
    const fn going_back(&self) -> &'static str {
        match self.edit {
            Edit::Site {
                stage: Stage::Beside,
                ..
            } => " Nothing passes the CPE yet, so no packet is lost.",
            Edit::Site {
                stage: Stage::Moved,
                ..
            } => " The provider's sessions are up: lifting the filters brings the traffic back.",
            _ => "",
        }
    }
}

fn tasks(tasks: &[Task], text: &mut String) {
    let mut team = None;
    for task in tasks {
        if team != Some(task.team) {
            team = Some(task.team);
            let _ = writeln!(text, "\n{}:\n", task.team);
        }
        let mut lines = task.says.lines();
        let _ = writeln!(
            text,
            "- {}: {}",
            task.device,
            lines.next().unwrap_or_default()
        );
        let rest: Vec<&str> = lines
            .map(|line| line.strip_prefix("    ").unwrap_or(line))
            .collect();
        if !rest.is_empty() {
            text.push_str("\n  ```diff\n");
            for line in rest {
                let _ = writeln!(text, "  {line}");
            }
            text.push_str("  ```\n");
        }
    }
}
