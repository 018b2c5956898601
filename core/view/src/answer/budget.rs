//! The route budget of a node.

use node::{BudgetLevel, Node};

use crate::{Aggregate, Budget, BudgetMeasures, BudgetUse, Budgets, FormatVersion};

pub(super) fn budgets(node: &Node, device: &str) -> Budgets {
    let budget = node.budget().map(|budget| Budget {
        device: device.to_owned(),
        attachments: uses(&budget),
        aggregates: budget
            .aggregates
            .into_iter()
            .map(|(prefix, parts)| Aggregate { prefix, parts })
            .collect(),
        vnets_only: budget.vnets_only,
        left_out: budget.left_out,
    });
    Budgets {
        format_version: FormatVersion,
        budgets: budget.into_iter().collect(),
    }
}

pub(super) fn measures(node: &Node) -> Option<BudgetMeasures> {
    let budget = node.budget()?;
    Some(BudgetMeasures {
        attachments: uses(&budget),
        aggregates: budget.aggregates.len() as u64,
        vnets_only: budget.vnets_only.len() as u64,
        left_out: budget.left_out.len() as u64,
    })
}

fn uses(budget: &node::Budget) -> Vec<BudgetUse> {
    let all = [
        ("route-server", budget.route_server),
        ("express-route", budget.express_route),
    ];
    let known = all.into_iter().filter_map(|(attachment, used)| {
        let used = used?;
        let level = match used.level {
            BudgetLevel::Within => "within",
            BudgetLevel::Near => "near",
            BudgetLevel::Over => "over",
        };
        Some(BudgetUse {
            attachment: attachment.to_owned(),
            wanted: used.wanted,
            told: used.told,
            limit: used.limit,
            level: level.to_owned(),
        })
    });
    known.collect()
}
