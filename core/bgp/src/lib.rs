//! A BGP-4 speaker as a value: bytes, connections and time go in; bytes, connections and route
//! changes come out.
//!
//! A [`Speaker`] is made from [`Settings`] and a seed. Each [`Input`] is given to
//! [`Speaker::handle`], which pushes everything that follows from it to a list of [`Output`]s in
//! that very call; [`Speaker::wake`] says when to come back. The speaker opens no socket: it asks
//! for one with [`Output::Connect`] and is told of one with [`Input::Accepted`].
//!
//! How a route travels through the files:
//!
//! 1. [`wire`] checks the bytes in place and says, by RFC 7606's table, what an error costs.
//! 2. `session` is RFC 4271's state machine, one small value per connection, with what both OPENs
//!    make of it; `speaker::connections` and `speaker::messages` move it. Every state with every
//!    event is a table: `tests/it/matrix.txt`.
//! 3. `interner` keeps each set of path attributes once, as the bytes of the wire, and `rank` what
//!    the decision needs of it; `rib` gives prefixes dense numbers and keeps their paths.
//! 4. `decision` picks the best path and those equal to it; the answer depends on the paths only,
//!    never on their age. Our own routes go before all learned ones, whatever their LOCAL_PREF:
//!    deliberately, as routers' weight has it.
//! 5. `export` keeps one Adj-RIB-Out per group of neighbours that are told the same and encodes
//!    each change once for all of them. What a member cannot take yet is a set of prefixes, whose
//!    state it is told later.
//!
//! Nothing is delayed by a timer: the changes of one `handle` call are decided and sent at its
//! end, packed by attribute set. What is long, such as a table for a late joiner, is done in
//! slices: [`Speaker::wake`] asks to come back at once, and the shell serves its sockets meanwhile.
#![warn(missing_docs)]

mod bits;
pub mod community;
mod decision;
mod export;
mod input;
mod interner;
mod output;
mod peer;
pub mod policy;
mod rank;
mod rib;
mod session;
mod settings;
mod speaker;
mod view;
pub mod wire;

pub use input::{Command, DownReason, Input, Origination};
pub use output::{Direction, Ended, Event, Output};
pub use peer::stale::Stale;
pub use policy::{Action, Match, Policy, PrefixSet, Term, Verdict};
pub use session::{Agreed, Negotiated};
pub use settings::{
    AddPath, AddPaths, AoAlgorithm, AsPathRule, Auth, ConnId, ConnectMode, Counting,
    DynamicNeighbors, Families, GracefulRestart, Group, HoldTimeRule, MedRule, Neighbor,
    NeighborId, NextHopRule, OnExceed, Pace, PrefixLimit, Role, Secret, Settings, TcpOptions,
};
pub use speaker::Speaker;
pub use view::{
    AdvertisedRoute, Candidate, Counters, Counts, Explanation, Fate, NeighborView, Page, Path,
    ReceivedRoute, RecordedRoute, Refusal, SessionView, State, Step,
};
pub use wire::attributes::{AsPath, Attributes, Origin, Segment, Tunnel};
pub use wire::capability::Capability;
pub use wire::notification::Notification;
