//! How paths are kept and chosen, by name: probes, TLS, shortcuts, classes, prefix sets.

use super::{Everything, list, time};
use crate::plan::{ClassConfig, ProtectConfig, ShareConfig};
use crate::settle::{Application, Overlay, Settled};

/// Adds how paths are kept.
pub(super) fn overlay(overlay: &Overlay, all: &mut Everything) {
    let probe = &overlay.probe;
    all.value("overlay.probe.fast", &probe.fast, probe.fast.value);
    let times = [
        ("probe.interval", &probe.interval),
        ("probe.idle", &probe.idle),
        ("probe.dead_after", &probe.dead_after),
        ("shortcuts.idle", &overlay.shortcuts.idle),
    ];
    for (name, value) in times {
        all.value(format!("overlay.{name}"), value, time(value.value));
    }
    let port = overlay
        .tls
        .value
        .map_or("none".to_owned(), |port| port.to_string());
    all.value("overlay.tls.port", &overlay.tls, port);
    let slots = &overlay.shortcuts.slots;
    all.value("overlay.shortcuts.slots", slots, slots.value);
    let margin = &overlay.shortcuts.margin_percent;
    all.value(
        "overlay.shortcuts.margin",
        margin,
        format!("{}%", margin.value),
    );
}

/// Adds the classes and the sets that they name.
pub(super) fn classes(settled: &Settled, all: &mut Everything) {
    for class in &settled.classes {
        self::class(class, all);
    }
    for set in &settled.prefix_sets {
        let path = format!("prefix_sets.{}", set.name.value);
        let shown = format!("{} prefixes", set.prefixes.len());
        all.value(path, &set.name, shown);
    }
}

fn class(class: &Application, all: &mut Everything) {
    let path = |field: &str| format!("classes.{}{field}", class.name.value);
    all.value(path(""), &class.name, underlays(&class.config));
    all.value(path(".hold"), &class.hold, time(class.hold.value));
    let share = match class.share.value {
        ShareConfig::Strict => "strict".to_owned(),
        ShareConfig::Weight(weight) => weight.to_string(),
    };
    all.value(path(".share"), &class.share, share);
    let protect = match class.protect.value {
        ProtectConfig::None => "none",
        ProtectConfig::Fec => "fec",
        ProtectConfig::Duplicate => "duplicate",
    };
    all.value(path(".protect"), &class.protect, protect);
    all.value(path(".breakout"), &class.breakout, class.breakout.value);
    let octets = &class.probe_octets;
    all.value(path(".probe_size"), octets, octets.value);
}

fn underlays(class: &ClassConfig) -> String {
    let groups = class.underlays.iter().map(|group| match &group[..] {
        [one] => one.clone(),
        several => list(several),
    });
    format!("underlays {}", list(groups))
}
