//! Routed networks of providers.

use inet::{Asn, Coordinates};

use super::decided::{Circuit, Network, Pe};
use super::policies::Library;
use super::{Region, Val, pick, places, routers};
use crate::geography::Atlas;
use crate::model::{DesignFile, NetworkText};
use crate::reader::At;
use crate::report::Report;
use crate::scalars::Stretch;

/// The first network's AS, when none is written: a private one that is easily told from others.
const FIRST_ASN: u32 = 64_900;

/// Settles all of them.
pub(super) fn networks(
    file: &DesignFile,
    regions: &[Region],
    atlas: &Atlas,
    filters: (&[Circuit], &Library<'_>),
    reports: &mut Vec<Report>,
) -> Vec<Network> {
    let all = file.networks.as_ref().map(|at| &at.value.0[..]);
    let all = all.unwrap_or_default().iter().zip(FIRST_ASN..);
    all.map(|((name, text), asn)| network(name, text, Asn(asn), (regions, atlas), filters, reports))
        .collect()
}

fn network(
    name: &At<String>,
    text: &NetworkText,
    asn: Asn,
    (regions, atlas): (&[Region], &Atlas),
    (circuits, policies): (&[Circuit], &Library<'_>),
    reports: &mut Vec<Report>,
) -> Network {
    let texts = text.pes.as_ref().map(|at| &at.value.0[..]);
    let mut pes = Vec::new();
    for (pe, text) in texts.unwrap_or_default() {
        let place = match (&text.coordinates, &text.city, &text.near) {
            (Some(at), ..) => Some(Val::line(at.value, at.span)),
            (None, Some(at), _) => places::city(atlas, at, reports),
            (None, None, Some(at)) => places::near(atlas, regions, at, reports),
            (None, None, None) => {
                let says = format!("it is not said where provider edge `{}` is", pe.value);
                let advice = "give it a `city`, `coordinates`, or `near` with an Azure region";
                reports.push(Report::shape(pe.span, says).try_this(advice));
                None
            }
        };
        let unknown = Val::default(Coordinates::default(), "unknown");
        pes.push(Pe {
            name: Val::line(pe.value.clone(), pe.span),
            place: place.unwrap_or(unknown),
            circuits: routers::circuit_filters(text.circuits.as_ref(), circuits, policies, reports),
            foreign: Val::pick(&[text.foreign.as_ref()], false, "ours unless said"),
        });
    }
    if pes.is_empty() {
        let says = format!("network `{}` has no provider edge", name.value);
        let advice = "such as `pes: {ams: {city: Amsterdam}}`";
        reports.push(Report::shape(name.span, says).try_this(advice));
    }
    Network {
        name: Val::line(name.value.clone(), name.span),
        asn: Val::pick(
            &[text.asn.as_ref()],
            asn,
            "64900 for the first network, one more for each further one",
        ),
        stretch: pick!(
            [text.stretch],
            150,
            "a provider's paths: 1.5 times the distance",
            |stretch: &Stretch| stretch.0
        ),
        pes,
    }
}
