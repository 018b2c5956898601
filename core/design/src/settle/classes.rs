//! Application classes: what belongs to each, what it asks, what is done for it.

use core::time::Duration;

use super::decided::{Application, PrefixList, Underlay};
use super::{Design, Val, pick, unknown};
use crate::model::{ApplicationText, OtherwiseText, ProtectText, ShareText};
use crate::plan::{
    ClassConfig, ClassMatch, OtherwiseConfig, ProtectConfig, ShareConfig, SlaConfig,
};
use crate::reader::{At, OneOrMore};
use crate::report::Report;
use crate::scalars::{Count, TimeSpan};

/// Settles the classes, in their order.
pub(super) fn classes(
    design: &Design,
    underlays: &[Underlay],
    mtu: &Val<u16>,
    reports: &mut Vec<Report>,
) -> Vec<Application> {
    let around = Around {
        underlays,
        sets: &design.prefix_sets,
        mtu,
    };
    let texts = design.file.classes.as_ref().map(|at| &at.value.0[..]);
    let texts = texts.unwrap_or_default().iter();
    texts
        .map(|(name, text)| around.class(name, text, reports))
        .collect()
}

/// What settling a class needs to know of the rest of the design.
struct Around<'a> {
    underlays: &'a [Underlay],
    sets: &'a [PrefixList],
    mtu: &'a Val<u16>,
}

impl Around<'_> {
    fn class(
        &self,
        name: &At<String>,
        text: &ApplicationText,
        reports: &mut Vec<Report>,
    ) -> Application {
        let hold = pick!(
            [text.hold],
            Duration::from_secs(60),
            "a path that fails once a minute is not gone back to",
            |span: &TimeSpan| span.0
        );
        let fits = (1..=u64::from(u16::MAX)).contains(&hold.value.as_secs());
        if let (false, Some(at)) = (fits, hold.why.span()) {
            reports.push(Report::shape(at, "`hold` is 1s to 65535s"));
        }
        let share = pick!(
            [text.share],
            ShareConfig::default(),
            "as traffic of no class",
            |share: &ShareText| share.0
        );
        let protect = pick!(
            [text.protect],
            ProtectConfig::None,
            "protection costs bandwidth",
            |protect: &ProtectText| match protect {
                ProtectText::None => ProtectConfig::None,
                ProtectText::Fec => ProtectConfig::Fec,
                ProtectText::Duplicate => ProtectConfig::Duplicate,
            }
        );
        let breakout = Val::pick(
            &[text.breakout.as_ref()],
            false,
            "sites send all by tunnels",
        );
        let probe_octets = pick!(
            [text.probe_size],
            0,
            "as short as probes are",
            |octets: &Count<0, 8940>| octets.0 as u16
        );
        if let (true, Some(at)) = (probe_octets.value > self.mtu.value, probe_octets.why.span()) {
            let says = format!(
                "probes of this size do not fit: overlay.mtu is {}",
                self.mtu.value
            );
            reports.push(Report::shape(at, says).also(self.mtu.why.span(), "the MTU"));
        }
        let config = ClassConfig {
            name: name.value.clone(),
            matches: self.matches(name, text, reports),
            sla: text.sla.as_ref().map(|at| sla(&at.value)),
            underlays: self.groups(text, reports),
            otherwise: match text.otherwise.as_ref().map(|at| at.value) {
                Some(OtherwiseText::Best) | None => OtherwiseConfig::Best,
                Some(OtherwiseText::Drop) => OtherwiseConfig::Drop,
            },
            hold_s: u16::try_from(hold.value.as_secs()).unwrap_or(u16::MAX),
            share: share.value,
            protect: protect.value,
            breakout: breakout.value,
            probe_octets: probe_octets.value,
        };
        Application {
            name: Val::line(name.value.clone(), name.span),
            config,
            hold,
            share,
            protect,
            breakout,
            probe_octets,
        }
    }

    /// What puts a packet into the class. Prefixes, sets and domains all say where it goes: any of
    /// them is enough.
    fn matches(
        &self,
        name: &At<String>,
        text: &ApplicationText,
        reports: &mut Vec<Report>,
    ) -> Vec<ClassMatch> {
        let dscp = each(&text.dscp);
        let base = ClassMatch {
            dscp: dscp
                .map(|at| u8::try_from(at.value.0).unwrap_or(0))
                .collect(),
            protocol: text.protocol.as_ref().map(|at| at.value.0),
            ports: text.ports.as_ref().map(|at| (at.value.0, at.value.1)),
            source_ports: text
                .source_ports
                .as_ref()
                .map(|at| (at.value.0, at.value.1)),
            sources: super::lines(text.sources.as_ref(), |prefix| *prefix)
                .into_iter()
                .map(|at| at.value)
                .collect(),
            ..ClassMatch::default()
        };
        let destinations = text.destinations.iter().flat_map(|list| &list.value);
        let by_prefix = ClassMatch {
            destinations: destinations.map(|at| at.value).collect(),
            ..base.clone()
        };
        let by_set = ClassMatch {
            sets: self.set_names(text, reports),
            ..base.clone()
        };
        let by_domain = ClassMatch {
            domains: each(&text.domains).map(|at| at.value.0.clone()).collect(),
            ..base.clone()
        };
        let ways = [by_prefix, by_set, by_domain];
        let mut ways: Vec<ClassMatch> = ways.into_iter().filter(|way| *way != base).collect();
        if !ways.is_empty() {
            return ways;
        }
        if base == ClassMatch::default() {
            let says = format!("nothing says what belongs to class `{}`", name.value);
            let advice = "give it `dscp`, `protocol`, `ports`, `sources`, `destinations`, `sets` or \
                          `domains`";
            reports.push(Report::shape(name.span, says).try_this(advice));
        }
        ways.push(base);
        ways
    }

    fn set_names(&self, text: &ApplicationText, reports: &mut Vec<Report>) -> Vec<String> {
        let mut names = Vec::new();
        for at in each(&text.sets) {
            let known = || self.sets.iter().map(|set| set.name.value.as_str());
            if !known().any(|known| known == at.value) {
                reports.push(unknown("prefix set", &at.value, at.span, known().collect()));
            }
            names.push(at.value.clone());
        }
        names
    }

    fn groups(&self, text: &ApplicationText, reports: &mut Vec<Report>) -> Vec<Vec<String>> {
        let mut groups = Vec::new();
        for group in text.underlays.iter().flat_map(|list| &list.value) {
            let mut names = Vec::new();
            for at in &group.value.0 {
                let known = || self.underlays.iter().map(|known| known.name.value.as_str());
                if known().any(|known| known == at.value) {
                    names.push(at.value.clone());
                } else {
                    reports.push(unknown("underlay", &at.value, at.span, known().collect()));
                }
            }
            groups.push(names);
        }
        groups
    }
}

fn sla(text: &crate::model::SlaText) -> SlaConfig {
    let micros = |span: &Option<At<TimeSpan>>| {
        let span = span.as_ref().map_or(0, |at| at.value.0.as_micros());
        u32::try_from(span).unwrap_or(u32::MAX)
    };
    SlaConfig {
        rtt_us: micros(&text.rtt),
        jitter_us: micros(&text.jitter),
        loss_ppm: text.loss.as_ref().map_or(1_000_000, |at| at.value.0),
    }
}

/// The values of a list that may be absent.
fn each<T>(list: &Option<At<OneOrMore<T>>>) -> impl Iterator<Item = &At<T>> {
    list.iter().flat_map(|list| &list.value.0)
}
