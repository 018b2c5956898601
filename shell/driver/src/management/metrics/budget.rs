//! Metrics of an NVA's route budget, named as those of a gateway's routes are.

use view::{BudgetMeasures, BudgetUse};

use super::Sheet;

/// A metric of an attachment: its name, its help text, and its value.
type Row = (&'static str, &'static str, fn(&BudgetUse) -> u32);

const ROWS: &[Row] = &[
    (
        "longhaul_nva_routes_wanted",
        "Routes that there are to announce",
        |used| used.wanted,
    ),
    (
        "longhaul_nva_routes_advertised",
        "Routes that are announced",
        |used| used.told,
    ),
    (
        "longhaul_nva_routes_advertised_max",
        "Routes that may be announced: the route budget",
        |used| used.limit,
    ),
];

impl Sheet {
    /// What only an NVA with a route budget has.
    pub(super) fn budget(&mut self, budget: &BudgetMeasures) {
        for (name, help, value) in ROWS {
            let family = self.gauges(name, help);
            for used in &budget.attachments {
                let labels = vec![("attachment", used.attachment.clone())];
                let value = f64::from(value(used));
                family.get_or_create(&labels).set(value);
            }
        }
        self.gauge(
            "longhaul_nva_routes_aggregates",
            "Routes that are announced in the place of several",
            budget.aggregates as f64,
        );
        self.gauge(
            "longhaul_nva_routes_vnets_only",
            "Routes that do not fit the circuits, and are told to the VNets only",
            budget.vnets_only as f64,
        );
        self.gauge(
            "longhaul_nva_routes_left_out",
            "Routes that do not fit, and are not announced",
            budget.left_out as f64,
        );
    }
}
