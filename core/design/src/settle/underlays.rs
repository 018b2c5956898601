//! Underlays: what kind, how long their paths, which regions they reach.

use core::time::Duration;

use inet::Prefix;

use super::{Overlay, Platform, Region, Underlay, Val, forwarding, pick, region_index};
use crate::model::{DesignFile, UnderlayKind, UnderlayText};
use crate::reader::At;
use crate::report::{Report, Span};
use crate::scalars::{Loss, Stretch, TimeSpan};

/// Settles all underlays.
pub(super) fn underlays(
    file: &DesignFile,
    regions: &[Region],
    (overlay, platform): (&Overlay, &Platform),
    reports: &mut Vec<Report>,
) -> Vec<Underlay> {
    let all = with_internet(file).into_iter().enumerate();
    all.map(|(index, (name, text))| {
        let pool = overlay.pools.underlays.value;
        let part = pool
            .subnet(pool.len().max(16), index as u64)
            .unwrap_or(pool);
        underlay(name, text, part, (regions, platform), reports)
    })
    .collect()
}

/// The underlays of the file, and the internet when it is not among them.
fn with_internet(file: &DesignFile) -> Vec<(At<String>, UnderlayText)> {
    let written = file.underlays.as_ref().map(|at| at.value.0.clone());
    let mut all = written.unwrap_or_default();
    if !all.iter().any(|(name, _)| name.value == INTERNET) {
        let nowhere = Span {
            file: 0,
            start: 0,
            end: 0,
        };
        let span = file.name.as_ref().map_or(nowhere, |name| name.span);
        let name = At {
            value: INTERNET.to_owned(),
            span,
        };
        all.insert(0, (name, UnderlayText::default()));
    }
    all
}

/// The underlay that every design has.
pub(super) const INTERNET: &str = "internet";

fn underlay(
    name: At<String>,
    text: UnderlayText,
    part: Prefix,
    (regions, platform): (&[Region], &Platform),
    reports: &mut Vec<Report>,
) -> Underlay {
    let kind = match name.value.as_str() {
        INTERNET => UnderlayKind::Internet,
        _ => UnderlayKind::Mpls,
    };
    let kind_why = "`internet` is the internet, others are MPLS";
    let kind = Val::pick(&[text.kind.as_ref()], kind, kind_why);
    let (stretch, why) = match kind.value {
        UnderlayKind::Internet => (170, "the internet's paths: 1.7 times the distance"),
        UnderlayKind::Mpls | UnderlayKind::PrivatePeering | UnderlayKind::MicrosoftPeering => {
            (150, "a provider's paths: 1.5 times the distance")
        }
    };
    let jitter = |span: &TimeSpan| span.0;
    Underlay {
        regions: text
            .regions
            .map(|list| region_indices(&list.value, regions, reports)),
        stretch: pick!([text.stretch], stretch, why, |stretch: &Stretch| stretch.0),
        loss_ppm: pick!([text.loss], 0, "no loss unless said", |loss: &Loss| loss.0),
        jitter: pick!(
            [text.jitter],
            Duration::ZERO,
            "no jitter unless said",
            jitter
        ),
        mtu: forwarding::underlay_mtu(text.mtu.as_ref(), kind.value, platform),
        addresses: Val::pick(
            &[text.addresses.as_ref()],
            part,
            "a /16 of overlay.addresses.underlays for each underlay, in order",
        ),
        kind,
        name: Val::line(name.value, name.span),
    }
}

fn region_indices(
    list: &[At<String>],
    regions: &[Region],
    reports: &mut Vec<Report>,
) -> Vec<usize> {
    list.iter()
        .filter_map(|name| region_index(name, regions, reports))
        .collect()
}
