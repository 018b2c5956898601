//! Waivers: findings that the operator has accepted, why, and until when.

use serde_json::{Map, Value, json};

use crate::reader::{Shape, expected, record};
use crate::report::Report;
use crate::scalars::{Text, scalar};
use crate::tree::Node;
use crate::waivers::Date;

record! {
    /// A finding that the operator accepts.
    WaiverText required rule reason until {
        /// The rule's name.
        rule: Text = "express-route-ecmp",
        /// The place in the design: keys joined by dots, list items by name. The whole design when absent.
        at: Text = "regions.westeurope",
        /// Why it is accepted.
        reason: Text = "one circuit is a spare",
        /// The last day on which it is.
        until: Date = "2027-03-01",
    }
}

impl Shape for Date {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a day such as 2027-03-01";
        let date = scalar(node, what, reports)?.parse().ok();
        if date.is_none() {
            reports.push(expected(node, what));
        }
        date
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" })
    }
}
