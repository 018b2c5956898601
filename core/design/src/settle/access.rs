//! How a site gets on its underlays: rate, latency, jitter, loss, NAT.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::sites::Settler;
use super::underlays::INTERNET;
use super::{Access, Nat, SiteUnderlay, Val, Why, pick, unknown};
use crate::model::{
    Behavior, ClassText, Directed, NatSettings, NatText, SiteText, SiteUnderlaySettings,
    SiteUnderlayText, UnderlayKind,
};
use crate::plan::NatBehavior;
use crate::reader::At;
use crate::report::Report;
use crate::scalars::{Loss, Rate, TimeSpan};

impl Settler<'_> {
    /// The underlays of a site, the preferred one first.
    pub(super) fn site_underlays(
        &self,
        text: &SiteText,
        class: &ClassText,
        name: &At<String>,
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
                Some(index) => links.push(self.site_underlay(index, Why::Line(*span), settings)),
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
        let addresses = text
            .addresses
            .as_ref()
            .map(|at| &at.value[..])
            .unwrap_or_default();
        SiteUnderlay {
            underlay: index,
            why,
            up: access(true),
            down: access(false),
            nat: text.nat.as_ref().and_then(|at| nat(&at.value)),
            nat_why,
            addresses: addresses
                .iter()
                .map(|at| Val::line(at.value, at.span))
                .collect::<Vec<Val<Ipv4Addr>>>(),
        }
    }
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

fn nat(text: &NatText) -> Option<Nat> {
    let settings = match text {
        NatText::Switch(false) => return None,
        NatText::Switch(true) => NatSettings::default(),
        NatText::Settings(settings) => settings.clone(),
    };
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
