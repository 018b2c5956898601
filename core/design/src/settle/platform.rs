//! Decides the platform's limits and the answers to what it leaves open.

use core::fmt::Display;
use core::time::Duration;

use super::Why;
use crate::model::{
    ChoicesText, CountedText, NicShareText, OverTotalText, OverVmsText, PlatformText,
};
use crate::plan::{
    Limits, NicShare, OverTotal, PlatformChoices, ProgrammingConfig, RoutesCounted, VmsOver,
};
use crate::platform::{Numbers, PUBLISHED};
use crate::reader::At;
use crate::scalars::{Count, TimeSpan, Word};

/// The platform, decided.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) numbers: Numbers,
    /// Routes of one peer, where a region does not say otherwise.
    pub(crate) routes_per_peer: super::Val<u32>,
    pub(crate) limits: Limits,
    pub(crate) choices: PlatformChoices,
    pub(crate) programming: ProgrammingConfig,
    /// Each value with its name and where it comes from.
    pub(crate) decided: Vec<Decided>,
}

/// A value for people: its name under `platform`, where it comes from, and what it is.
pub(crate) type Decided = (String, Why, String);

/// Decides everything under `platform`.
pub(crate) fn platform(text: Option<&At<PlatformText>>) -> Platform {
    let text = text.map(|at| at.value.clone()).unwrap_or_default();
    let mut list = Picker::default();
    let mut numbers = match &text.as_of {
        Some(at) => Numbers::as_of(at.value),
        None => Numbers::newest(),
    };
    for (name, why, number) in numbers.settle(&text) {
        list.decided.push((name, why, number.to_string()));
    }
    let server = numbers.route_server;
    let routes_per_peer = super::pick!(
        [text.routes_per_peer],
        server.routes_per_peer,
        PUBLISHED,
        |count: &Count<1, 100_000>| count.0
    );
    let limits = Limits {
        peers: server.peers,
        routes_total: server.routes_total,
        vms: server.vms,
        vnets: server.vnets,
        next_hops: u8::try_from(server.next_hops).unwrap_or(u8::MAX),
    };
    let choices = text.choices.map(|at| at.value).unwrap_or_default();
    Platform {
        numbers,
        routes_per_peer,
        programming: programming(&choices, limits.vms, &mut list),
        choices: self::choices(&choices, &mut list),
        limits,
        decided: list.decided,
    }
}

fn programming(text: &ChoicesText, vms: u32, list: &mut Picker) -> ProgrammingConfig {
    let share = list.word("choices.nic_share", &text.nic_share, NicShareText::Hash);
    let over = list.word("choices.over_vms", &text.over_vms, OverVmsText::Last);
    ProgrammingConfig {
        share: match share {
            NicShareText::Alternate => NicShare::Alternate,
            NicShareText::Hash => NicShare::Hash,
        },
        vms,
        over_vms: match over {
            OverVmsText::Hash => VmsOver::Hash,
            OverVmsText::Last => VmsOver::Last,
            OverVmsText::Nobody => VmsOver::Nobody,
        },
    }
}

fn choices(text: &ChoicesText, list: &mut Picker) -> PlatformChoices {
    let usual = PlatformChoices::default();
    let counted = list.word(
        "choices.routes_counted",
        &text.routes_counted,
        CountedText::HeldPlusIncoming,
    );
    let total = list.word(
        "choices.over_total",
        &text.over_total,
        OverTotalText::Refuse,
    );
    let millis = |span: &TimeSpan| u32::try_from(span.0.as_millis()).unwrap_or(u32::MAX);
    let seconds = |span: &TimeSpan| u32::try_from(span.0.as_secs()).unwrap_or(u32::MAX);
    PlatformChoices {
        routes_counted: match counted {
            CountedText::Held => RoutesCounted::Held,
            CountedText::HeldPlusIncoming => RoutesCounted::HeldPlusIncoming,
        },
        over_total: match total {
            OverTotalText::Drop => OverTotal::Drop,
            OverTotalText::Refuse => OverTotal::Refuse,
        },
        burst_gap_ms: list.time(
            "choices.burst_gap",
            &text.burst_gap,
            millis,
            usual.burst_gap_ms,
            1,
        ),
        over_routes_subcode: list.pick(
            "choices.over_routes_subcode",
            &text.over_routes_subcode,
            |n| n.0 as u8,
            usual.over_routes_subcode,
        ),
        route_map_upgrade_s: list.time(
            "choices.route_map_upgrade",
            &text.route_map_upgrade,
            seconds,
            usual.route_map_upgrade_s,
            1_000,
        ),
        ..switches(text, list)
    }
}

/// The choices that are on or off.
fn switches(text: &ChoicesText, list: &mut Picker) -> PlatformChoices {
    let mut all = PlatformChoices::default();
    let switches = [
        (
            "choices.smaller_hold_time",
            &text.smaller_hold_time,
            &mut all.smaller_hold_time,
        ),
        (
            "choices.obeys_no_export",
            &text.obeys_no_export,
            &mut all.obeys_no_export,
        ),
        (
            "choices.compares_origin",
            &text.compares_origin,
            &mut all.compares_origin,
        ),
        (
            "choices.compares_med",
            &text.compares_med,
            &mut all.compares_med,
        ),
        (
            "choices.static_before_bgp",
            &text.static_before_bgp,
            &mut all.static_before_bgp,
        ),
        (
            "choices.expressroute_breaks_ties",
            &text.expressroute_breaks_ties,
            &mut all.expressroute_breaks_ties,
        ),
        (
            "choices.expressroute_multipath",
            &text.expressroute_multipath,
            &mut all.expressroute_multipath,
        ),
        (
            "choices.sticky_failback",
            &text.sticky_failback,
            &mut all.sticky_failback,
        ),
        (
            "choices.gateway_routes_always",
            &text.gateway_routes_always,
            &mut all.gateway_routes_always,
        ),
    ];
    for (name, written, switch) in switches {
        *switch = list.pick(name, written, |on| *on, *switch);
    }
    all
}

/// Why a choice is what it is when the design does not say.
const CHOSEN: &str = "the platform publishes nothing about it";

/// Picks values and keeps where they come from.
#[derive(Default)]
struct Picker {
    decided: Vec<Decided>,
}

impl Picker {
    fn pick<T, V: Display>(
        &mut self,
        name: &'static str,
        written: &Option<At<T>>,
        unwrap: impl Fn(&T) -> V,
        usual: V,
    ) -> V {
        let (value, why) = match written {
            Some(at) => (unwrap(&at.value), Why::Line(at.span)),
            None => (usual, Why::Default(CHOSEN)),
        };
        self.decided.push((name.to_owned(), why, value.to_string()));
        value
    }

    fn word<T: Word + Copy>(&mut self, name: &'static str, written: &Option<At<T>>, usual: T) -> T {
        let (value, why) = match written {
            Some(at) => (at.value, Why::Line(at.span)),
            None => (usual, Why::Default(CHOSEN)),
        };
        self.decided
            .push((name.to_owned(), why, value.word().to_owned()));
        value
    }

    /// A time span as a whole number of units of so many milliseconds.
    fn time(
        &mut self,
        name: &'static str,
        written: &Option<At<TimeSpan>>,
        units: impl Fn(&TimeSpan) -> u32,
        usual: u32,
        unit_ms: u64,
    ) -> u32 {
        let (value, why) = match written {
            Some(at) => (units(&at.value), Why::Line(at.span)),
            None => (usual, Why::Default(CHOSEN)),
        };
        let shown = Duration::from_millis(u64::from(value) * unit_ms);
        self.decided
            .push((name.to_owned(), why, crate::explain::time(shown)));
        value
    }
}
