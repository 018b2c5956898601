//! How paths are kept: probes, TLS where UDP is blocked, shortcuts between sites.

use core::time::Duration;

use super::{Probe, Shortcuts, Val, pick};
use crate::model::{OverlayText, ProbeText};
use crate::report::Report;
use crate::scalars::{Count, Loss, TimeSpan};

/// Settles how paths are probed.
pub(super) fn probe(text: &ProbeText, reports: &mut Vec<Report>) -> Probe {
    let fast = Val::pick(&[text.fast.as_ref()], false, "a second is soon enough");
    let (interval, dead_after, [why, dead_why]) = match fast.value {
        true => (
            50,
            250,
            ["`fast`", "`fast`: a dead path is left within 300 ms"],
        ),
        false => (
            100,
            900,
            [
                "eight probes fit into dead_after",
                "a dead path is left within a second",
            ],
        ),
    };
    let duration = |span: &TimeSpan| span.0;
    let millis = Duration::from_millis;
    let interval = pick!([text.interval], millis(interval), why, duration);
    let dead_after = pick!([text.dead_after], millis(dead_after), dead_why, duration);
    let third = Duration::from_millis(dead_after.value.as_millis() as u64 / 3);
    let idle = pick!(
        [text.idle],
        third.max(interval.value),
        "a third of dead_after",
        duration
    );
    let probe = Probe {
        fast,
        interval,
        idle,
        dead_after,
    };
    timers(&probe, reports);
    probe
}

/// Timers that cannot work together.
fn timers(probe: &Probe, reports: &mut Vec<Report>) {
    let dead_after = &probe.dead_after;
    let intervals = [
        ("the interval of probes", &probe.interval),
        ("the interval of probes of idle paths", &probe.idle),
    ];
    for (what, interval) in intervals {
        if dead_after.value <= interval.value
            && let Some(at) = dead_after.why.span().or(interval.why.span())
        {
            let says = format!("`dead_after` is not longer than {what}");
            let because = "every path would be down between two probes";
            let advice =
                "make it at least four intervals, so that three lost replies do not matter";
            reports.push(Report::shape(at, says).because(because).try_this(advice));
            return;
        }
        if let (true, Some(at)) = (interval.value < MILLI, interval.why.span()) {
            reports.push(Report::shape(at, format!("{what} is at least 1ms")));
        }
    }
    if let (true, Some(at)) = (
        probe.idle.value < probe.interval.value,
        probe.idle.why.span(),
    ) {
        let says = "idle paths are probed more often than those in use";
        let report = Report::shape(at, says).also(probe.interval.why.span(), "those in use");
        reports.push(report.try_this("leave `idle` out, or make it longer than `interval`"));
    }
}

const MILLI: Duration = Duration::from_millis(1);

/// Settles on which port NVAs take tunnels over TLS.
pub(super) fn tls(text: &OverlayText) -> Val<Option<u16>> {
    let Some(at) = &text.tls else {
        return Val::default(None, "UDP gets through nearly everywhere");
    };
    let Some(settings) = at.value.settings() else {
        return Val::line(None, at.span);
    };
    let port = pick!(
        [settings.port],
        443,
        "what firewalls let out",
        |port: &Count<1, 65535>| port.0 as u16
    );
    let why = port.why.span().unwrap_or(at.span);
    Val::line(Some(port.value), why)
}

/// Settles shortcuts between sites.
pub(super) fn shortcuts(text: &OverlayText, reports: &mut Vec<Report>) -> Shortcuts {
    let written = text.shortcuts.as_ref();
    let settings = written.and_then(|at| at.value.settings());
    let (slots, why) = match &settings {
        None => (0, "hubs carry what sites send each other"),
        Some(_) => (8, "a site talks much with few others at once"),
    };
    let settings = settings.unwrap_or_default();
    let mut slots = pick!(
        [settings.slots],
        slots,
        why,
        |slots: &Count<1, 256>| slots.0 as u16
    );
    if let (None, Some(at)) = (&settings.slots, written) {
        slots.why = super::Why::Line(at.span);
    }
    let shortcuts = Shortcuts {
        slots,
        margin_percent: pick!(
            [settings.margin],
            10,
            "less is not worth a tunnel",
            |share: &Loss| u8::try_from(share.0 / 10_000).unwrap_or(100)
        ),
        idle: pick!(
            [settings.idle],
            Duration::from_secs(60),
            "a pause in a conversation is shorter",
            |span: &TimeSpan| span.0
        ),
    };
    let idle = &shortcuts.idle;
    let fits = (1..=u64::from(u16::MAX)).contains(&idle.value.as_secs());
    if let (false, Some(at)) = (fits, idle.why.span()) {
        let says = "a shortcut is idle for 1s to 65535s before it goes";
        reports.push(Report::shape(at, says));
    }
    shortcuts
}
