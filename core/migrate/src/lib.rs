//! From one design to another in steps that each keep the network whole.
//!
//! Two designs differ in things that people change one at a time: a hub gets a gateway, a site gets
//! a CPE, a router loses its provider. Each such thing is an [`Edit`]; between the two designs lie
//! as many designs as there are sets of edits, and a migration is a way through them on which every
//! design holds.
//!
//! 1. [`Migration::between`] compares the designs and finds the edits in the order in which people
//!    do them: first what is added in Azure, then site after site, then what nobody needs any more.
//! 2. The [`Planner`] names designs that it wants to have proven, as the order goes. Whoever drives
//!    it runs the rules and a simulation, in whatever order and on as many threads as it likes, and
//!    hands back [`Evidence`].
//! 3. A design that does not hold is left out: its edit waits, and the next that is possible is
//!    tried. So another order is found where there is one; else the [`Outcome`] says which edits are
//!    left and what each of them would break.
//! 4. [`Report`] is the result for people and programs: each step with its design, what was proven,
//!    what each team does, and how to go back.
//!
//! A site that leaves its provider goes through four designs: as it was; with the CPE beside the
//! router, which prefers the provider still; with the preference moved to the CPE; without the
//! provider. The first of them costs nobody a packet if it has to be undone, which is why there are
//! so many.
//!
//! Nothing here simulates, reads files or knows the time.

#![warn(missing_docs)]

mod between;
mod compose;
mod edit;
mod evidence;
mod flat;
mod generate;
mod planner;
mod report;
mod shape;
mod union;
mod work;

pub use between::{Migration, Refused};
pub use edit::{Change, Edit, Section, Stage};
pub use evidence::{Budget, Evidence, Finding, Lost, Objection};
pub use generate::generate;
pub use planner::{Candidate, Outcome, Planner, Proven, Stuck, Waited};
pub use report::{LeftReport, Report, StepReport};
pub use union::{Clash, union};
pub use work::{Task, Team, work};
