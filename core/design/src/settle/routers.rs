//! Routers of sites: what they are attached to, and by which policies.

use inet::{Asn, Coordinates};

use super::decided::{Attachment, Circuit, Filters, Network, Router};
use super::policies::Library;
use super::{Val, Why, pick, unknown};
use crate::geography;
use crate::model::{FiltersText, RouterNetworkText, SiteRouterText};
use crate::reader::{At, Named};
use crate::report::Report;
use crate::scalars::{Lines, Rate};

/// The first site router's AS, when none is written.
const FIRST_ASN: u32 = 65_101;
/// How many routers have numbers from there; further ones have 32-bit numbers.
const SHORT_ASNS: u32 = 350;
/// The first private 32-bit AS (RFC 6996).
const FIRST_LONG_ASN: u32 = 4_200_000_000;

/// What routers can be attached to.
pub(super) struct Around<'a> {
    pub(super) networks: &'a [Network],
    pub(super) circuits: &'a [Circuit],
    pub(super) policies: &'a Library<'a>,
    /// Routers settled so far, of all sites.
    pub(super) numbered: u32,
}

impl Around<'_> {
    /// The routers of a site.
    pub(super) fn routers(
        &mut self,
        texts: &[(At<String>, SiteRouterText)],
        place: Option<Coordinates>,
        reports: &mut Vec<Report>,
    ) -> Vec<Router> {
        let chosen = texts.iter().position(|(_, text)| {
            let lan = text.lan.as_ref();
            lan.is_some_and(|at| at.value)
        });
        let first = texts
            .iter()
            .position(|(_, text)| text.lan.is_none())
            .filter(|_| chosen.is_none());
        let mut all = Vec::with_capacity(texts.len());
        for (index, (name, text)) in texts.iter().enumerate() {
            if let (Some(at), Some(chosen)) = (&text.lan, chosen)
                && at.value
                && chosen != index
            {
                let says = "two routers are the gateway of this site's hosts";
                reports.push(Report::shape(at.span, says));
            }
            let lan = first == Some(index);
            all.push(self.router(name, text, (lan, place), reports));
        }
        all
    }

    fn router(
        &mut self,
        name: &At<String>,
        text: &SiteRouterText,
        (lan, place): (bool, Option<Coordinates>),
        reports: &mut Vec<Report>,
    ) -> Router {
        let number = self.numbered;
        self.numbered += 1;
        let asn = match number {
            0..SHORT_ASNS => FIRST_ASN + number,
            _ => FIRST_LONG_ASN + (number - SHORT_ASNS),
        };
        let networks = text.networks.as_ref().map(|at| &at.value[..]);
        let attachments = networks
            .unwrap_or_default()
            .iter()
            .filter_map(|at| self.attachment(at, place, reports));
        let networks = attachments.collect();
        let texts = text.circuits.as_ref();
        let circuits = circuit_filters(texts, self.circuits, self.policies, reports);
        let cpe = text.cpe.as_ref().map(|at| at.value.clone());
        Router {
            name: Val::line(name.value.clone(), name.span),
            asn: Val::pick(
                &[text.asn.as_ref()],
                Asn(asn),
                "a private one for each router, 65101 and up",
            ),
            lan: Val::pick(
                &[text.lan.as_ref()],
                lan,
                "the first router of a site, unless another says so",
            ),
            networks,
            circuits,
            cpe: filters(&cpe.unwrap_or_default(), self.policies, reports),
            foreign: Val::pick(&[text.foreign.as_ref()], false, "ours unless said"),
        }
    }

    fn attachment(
        &self,
        at: &At<RouterNetworkText>,
        place: Option<Coordinates>,
        reports: &mut Vec<Report>,
    ) -> Option<Attachment> {
        let RouterNetworkText(text) = &at.value;
        let name = text.name.as_ref()?;
        let known = self
            .networks
            .iter()
            .position(|network| network.name.value == name.value);
        let Some(index) = known else {
            let known = self.networks.iter();
            let known = known.map(|known| known.name.value.as_str()).collect();
            reports.push(unknown("network", &name.value, name.span, known));
            return None;
        };
        let network = &self.networks[index];
        let pe = match &text.pe {
            Some(at) => {
                let found = network.pes.iter().position(|pe| pe.name.value == at.value);
                if found.is_none() {
                    let what = format!("provider edge in {}", network.name.value);
                    let known = network.pes.iter().map(|pe| pe.name.value.as_str());
                    reports.push(unknown(&what, &at.value, at.span, known.collect()));
                }
                Val::line(found?, at.span)
            }
            None => {
                let away = |pe: &usize| {
                    let pe = network.pes[*pe].place.value;
                    place.map(|place| geography::distance_m(place, pe))
                };
                let closest = (0..network.pes.len()).min_by_key(away)?;
                Val::default(closest, "the closest provider edge")
            }
        };
        let texts = FiltersText {
            import: text.import.clone(),
            export: text.export.clone(),
        };
        Some(Attachment {
            network: index,
            why: Why::Line(at.span),
            pe,
            rate_bps: pick!(
                [text.bandwidth],
                100_000_000,
                "a usual attachment",
                |rate: &Rate| rate.0
            ),
            filters: filters(&texts, self.policies, reports),
        })
    }
}

/// Filters towards the MSEEs of circuits that the design has.
pub(super) fn circuit_filters(
    texts: Option<&At<Named<FiltersText>>>,
    circuits: &[Circuit],
    policies: &Library<'_>,
    reports: &mut Vec<Report>,
) -> Vec<(Val<usize>, Filters)> {
    let mut all = Vec::new();
    for (circuit, text) in texts.into_iter().flat_map(|at| &at.value.0) {
        let names = || circuits.iter().map(|known| known.name.value.as_str());
        match names().position(|known| known == circuit.value) {
            Some(index) => {
                let at = Val::line(index, circuit.span);
                all.push((at, filters(text, policies, reports)));
            }
            None => {
                reports.push(unknown(
                    "circuit",
                    &circuit.value,
                    circuit.span,
                    names().collect(),
                ));
            }
        }
    }
    all
}

fn filters(text: &FiltersText, policies: &Library<'_>, reports: &mut Vec<Report>) -> Filters {
    let mut one = |text: &Option<At<Lines>>| {
        let text = text.as_ref()?;
        policies.check(text, reports);
        Some(Val::line(text.value.0.clone(), text.span))
    };
    Filters {
        import: one(&text.import),
        export: one(&text.export),
    }
}
