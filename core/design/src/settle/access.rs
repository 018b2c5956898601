//! How a site gets on its underlays: rate, latency, jitter, loss, NAT.

use core::time::Duration;
use std::collections::BTreeMap;

use inet::Coordinates;

use super::sites::Settler;
use super::underlays::INTERNET;
use super::{Access, Nat, Router, SiteUnderlay, Val, Via, Why, pick, unknown};
use crate::geography;
use crate::model::{
    Behavior, ClassText, Directed, NatText, ProxyText, SiteText, SiteUnderlaySettings,
    SiteUnderlayText, UnderlayKind,
};
use crate::plan::{NatBehavior, ProxyConfig};
use crate::reader::At;
use crate::report::{Report, Span};
use crate::scalars::{Loss, Rate, TimeSpan};

impl Settler<'_> {
    /// The underlays of a site, the preferred one first.
    pub(super) fn site_underlays(
        &self,
        text: &SiteText,
        class: &ClassText,
        (name, place, routers): (&At<String>, Option<Coordinates>, &[Router]),
        reports: &mut Vec<Report>,
    ) -> Vec<SiteUnderlay> {
        let Some(written) = text.underlays.as_ref().or(class.underlays.as_ref()) else {
            let internet = self
                .underlays
                .iter()
                .position(|underlay| underlay.name.value == INTERNET);
            let index = internet.expect("settling adds the internet where the design does not");
            let why = Why::Default("a site is on the internet");
            return vec![self.site_underlay(index, why, &SiteUnderlaySettings::default())];
        };
        let at_site = AtSite {
            name,
            place,
            routers,
        };
        let mut links = Vec::new();
        for At {
            value: SiteUnderlayText(settings),
            span,
        } in &written.value
        {
            let Some(underlay) = &settings.name else {
                continue;
            };
            let index = self
                .underlays
                .iter()
                .position(|known| known.name.value == underlay.value);
            match index {
                None => {
                    let known = self
                        .underlays
                        .iter()
                        .map(|known| known.name.value.as_str())
                        .collect();
                    reports.push(unknown("underlay", &underlay.value, underlay.span, known));
                }
                Some(index)
                    if links
                        .iter()
                        .any(|link: &SiteUnderlay| link.underlay == index) =>
                {
                    let says = format!("the site is on `{}` twice", underlay.value);
                    reports.push(Report {
                        rule: "duplicate-name",
                        ..Report::shape(*span, says)
                    });
                }
                Some(index) => {
                    let mut link = self.site_underlay(index, Why::Line(*span), settings);
                    link.via = self.via(index, settings, *span, &at_site, reports);
                    links.push(link);
                }
            }
        }
        if written.value.is_empty() {
            let says = format!("site `{}` has no underlay", name.value);
            reports.push(Report::shape(written.span, says));
        }
        links
    }

    fn site_underlay(&self, index: usize, why: Why, text: &SiteUnderlaySettings) -> SiteUnderlay {
        let (rate, latency, words) = match self.underlays[index].kind.value {
            UnderlayKind::Internet => (
                100_000_000,
                Duration::from_millis(2),
                "a usual internet access",
            ),
            UnderlayKind::Mpls => (50_000_000, Duration::from_millis(1), "a usual MPLS access"),
            UnderlayKind::PrivatePeering | UnderlayKind::MicrosoftPeering => (
                1_000_000_000,
                Duration::from_micros(100),
                "a cable to the site's router",
            ),
        };
        let base = &self.access[index];
        let access = |up: bool| Access {
            rate_bps: direction(
                up,
                &text.bandwidth,
                &base.bandwidth,
                |rate: &Rate| rate.0,
                rate,
                words,
            ),
            latency: direction(
                up,
                &text.latency,
                &base.latency,
                |span: &TimeSpan| span.0,
                latency,
                words,
            ),
            jitter: direction(
                up,
                &text.jitter,
                &base.jitter,
                |span: &TimeSpan| span.0,
                Duration::ZERO,
                "no jitter unless said",
            ),
            loss_ppm: direction(
                up,
                &text.loss,
                &base.loss,
                |loss: &Loss| loss.0,
                0,
                "no loss unless said",
            ),
        };
        let nat_why = text
            .nat
            .as_ref()
            .map_or(Why::Default("no NAT unless said"), |at| Why::Line(at.span));
        let own_proxy = text.proxy.as_ref();
        SiteUnderlay {
            underlay: index,
            why,
            up: access(true),
            down: access(false),
            nat: text.nat.as_ref().and_then(|at| nat(&at.value)),
            nat_why,
            addresses: super::lines(text.addresses.as_ref(), |address| *address),
            proxy: own_proxy.or(self.proxies[index].as_ref()).and_then(proxy),
            via: None,
        }
    }

    /// The router on the way, and what it reaches.
    fn via(
        &self,
        index: usize,
        text: &SiteUnderlaySettings,
        span: Span,
        site: &AtSite<'_>,
        reports: &mut Vec<Report>,
    ) -> Option<Via> {
        let kind = self.underlays[index].kind.value;
        let name = &self.underlays[index].name.value;
        if !kind.is_peering() {
            if let Some(at) = &text.via {
                let says = format!("underlay `{name}` is not reached through a router");
                let advice = "`via` is for the kinds `private-peering` and `microsoft-peering`";
                reports.push(Report::shape(at.span, says).try_this(advice));
            }
            return None;
        }
        let router = match &text.via {
            Some(at) => {
                let mut routers = site.routers.iter();
                let found = routers.position(|router| router.name.value == at.value);
                if found.is_none() {
                    let what = format!("router at {}", site.name.value);
                    let known = site.routers.iter().map(|router| router.name.value.as_str());
                    reports.push(unknown(&what, &at.value, at.span, known.collect()));
                }
                Val::line(found?, at.span)
            }
            None if site.routers.is_empty() => {
                let says = format!("underlay `{name}` is reached through a router of the site");
                let advice = "give the site `routers`, and let a circuit end at one of them";
                reports.push(Report::shape(span, says).try_this(advice));
                return None;
            }
            None => Val::default(0, "the site's first router"),
        };
        if let Some(at) = &text.nat {
            let says = "there is no NAT on the way to a router of the site";
            reports.push(Report::shape(at.span, says));
        }
        let circuits = self.carriers(kind, &site.routers[router.value], site);
        if circuits.is_empty() {
            let router = &site.routers[router.value].name.value;
            let says = format!("no circuit with {} ends at `{router}`", kind.peering());
            let advice = format!(
                "add `{router}.{}` as `customer` of a circuit, or attach the router to a network \
                 whose provider edge is",
                site.name.value
            );
            reports.push(Report::shape(span, says).try_this(advice));
        }
        let regions = self.reached(kind, &circuits, site.place);
        Some(Via {
            router,
            circuits,
            regions,
        })
    }

    /// Circuits that end at the router; if none does, at provider edges of its networks.
    fn carriers(&self, kind: UnderlayKind, router: &Router, site: &AtSite<'_>) -> Vec<usize> {
        let at = |place: &str, router: &str| {
            let there = self.ending.get(&(place.to_owned(), router.to_owned()));
            let circuits = there.into_iter().flatten().copied();
            circuits
                .filter(|index| {
                    let circuit = &self.around.circuits[*index];
                    match kind {
                        UnderlayKind::MicrosoftPeering => circuit.microsoft_peering.is_some(),
                        _ => circuit.private_peering.is_some(),
                    }
                })
                .collect::<Vec<usize>>()
        };
        let own = at(&site.name.value, &router.name.value);
        if !own.is_empty() {
            return own;
        }
        let mut all = Vec::new();
        for attachment in &router.networks {
            let network = &self.around.networks[attachment.network];
            for pe in &network.pes {
                all.extend(at(&network.name.value, &format!("pe-{}", pe.name.value)));
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Regions that circuits reach, each with the least latency.
    fn reached(
        &self,
        kind: UnderlayKind,
        circuits: &[usize],
        place: Option<Coordinates>,
    ) -> Vec<(usize, u32)> {
        let mut all = BTreeMap::new();
        for circuit in circuits.iter().map(|index| &self.around.circuits[*index]) {
            let location = match circuit.location.why {
                Why::Line(_) => Some(circuit.location.value),
                Why::Default(_) => place,
            };
            for (index, region) in self.regions.iter().enumerate() {
                let there = match kind {
                    UnderlayKind::MicrosoftPeering => circuit.announces(region),
                    _ => circuit.connects(index),
                };
                if !there {
                    continue;
                }
                let way = |a: Option<Coordinates>, b: Option<Coordinates>| {
                    let distance = a.zip(b).map_or(0, |(a, b)| geography::distance_m(a, b));
                    geography::latency_us(distance, CIRCUIT_STRETCH)
                };
                let latency = way(place, location) + way(location, Some(region.place.value));
                let least = all.entry(index).or_insert(latency);
                *least = latency.min(*least);
            }
        }
        all.into_iter().collect()
    }
}

/// Length of paths to and behind a peering location as a share of the distance.
pub(crate) const CIRCUIT_STRETCH: u16 = 150;

/// The site that an underlay is settled for.
struct AtSite<'a> {
    name: &'a At<String>,
    place: Option<Coordinates>,
    routers: &'a [Router],
}

/// One direction of a value that may be written for both.
fn direction<T, U>(
    up: bool,
    own: &Option<At<Directed<T>>>,
    base: &Option<At<Directed<T>>>,
    unwrap: impl Fn(&T) -> U,
    default: U,
    why: &'static str,
) -> Val<U> {
    let side = |at: &At<Directed<T>>| {
        let one = if up { &at.value.up } else { &at.value.down };
        one.as_ref().map(|at| Val::line(unwrap(&at.value), at.span))
    };
    let own = own.as_ref().and_then(&side);
    own.or_else(|| base.as_ref().and_then(side))
        .unwrap_or_else(|| Val::default(default, why))
}

fn proxy(at: &At<ProxyText>) -> Option<Val<ProxyConfig>> {
    let user = at.value.user.as_ref().map(|user| user.value.0.clone());
    let address = at.value.address.as_ref()?.value;
    Some(Val::line(ProxyConfig { address, user }, at.span))
}

fn nat(text: &NatText) -> Option<Nat> {
    let settings = text.settings()?;
    let behavior = |behavior: &Behavior| match behavior {
        Behavior::EndpointIndependent => NatBehavior::EndpointIndependent,
        Behavior::AddressDependent => NatBehavior::AddressDependent,
        Behavior::AddressAndPortDependent => NatBehavior::AddressAndPortDependent,
    };
    Some(Nat {
        mapping: pick!(
            [settings.mapping],
            NatBehavior::EndpointIndependent,
            "what RFC 4787 asks for and most routers do",
            behavior
        ),
        filtering: pick!(
            [settings.filtering],
            NatBehavior::AddressAndPortDependent,
            "the strictest filter, so that nothing depends on a lax one",
            behavior
        ),
        timeout: pick!(
            [settings.timeout],
            Duration::from_secs(120),
            "the least that RFC 4787 allows",
            |span: &TimeSpan| span.0
        ),
    })
}
