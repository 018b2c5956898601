//! Application classes: what each asks of paths. What belongs to them is in [`crate::classifier`].

use core::time::Duration;
use std::collections::BTreeSet;

use design::plan::{
    ClassConfig, NodeRole, OtherwiseConfig, PathConfig, ProtectConfig, ShareConfig, SlaConfig,
};
use path::{ClassSettings, Otherwise, Sla};

use super::check::Checker;
use super::error::ConfigReason;
use crate::classifier::DOMAIN_MATCHES_MAX;

/// More classes than this are more than code points.
const CLASSES_MAX: u32 = 64;
const DSCP_MAX: u32 = 63;
const MILLION: u32 = 1_000_000;

/// An application class.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) share: ShareConfig,
    pub(crate) protect: ProtectConfig,
    /// Whether it leaves to the internet at the site.
    pub(crate) breakout: bool,
    pub(crate) paths: ClassSettings,
    /// What probes look like that stand for its packets.
    pub(crate) shape: Shape,
    underlays: Vec<Vec<String>>,
}

/// What a packet looks like to the network on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    /// Differentiated-services code point.
    pub(crate) dscp: u8,
    /// Octets; 0 is as short as it can be.
    pub(crate) octets: u16,
}

impl Class {
    /// The group of a path: that of its underlay, and behind all of them its own preference.
    pub(crate) fn group(&self, underlay: &str, preference: u8) -> u16 {
        let named = |group: &Vec<String>| group.iter().any(|name| name == underlay);
        let place = self.underlays.iter().position(named);
        let last = self.underlays.len() + usize::from(preference);
        place.unwrap_or(last) as u16
    }

    /// Whether it prefers no other underlay to this one.
    pub(crate) fn is_first_choice(&self, underlay: &str) -> bool {
        let first = self.underlays.first();
        first.is_none_or(|group| group.iter().any(|name| name == underlay))
    }
}

impl Checker<'_> {
    /// The underlay of the site's end of a path: an NVA has one endpoint for all of them.
    pub(super) fn underlay_of(&self, path: &PathConfig) -> String {
        let suffix = |name: &str| name.rsplit('/').next().map(str::to_owned);
        let name = match self.config.role {
            NodeRole::Nva { .. } => suffix(&path.remote),
            NodeRole::Cpe { .. } => {
                let mut locators = self.config.locators.iter();
                let own = locators.find(|locator| locator.name == path.local);
                own.map(|locator| locator.underlay.clone())
            }
        };
        name.unwrap_or_default()
    }

    pub(super) fn classes(&mut self) -> Vec<Class> {
        let config = self.config;
        self.range("classes", config.classes.len() as u32, 0, CLASSES_MAX);
        let mut names = BTreeSet::new();
        for (index, class) in config.classes.iter().enumerate() {
            let at = format!("classes[{index}]");
            if class.name.is_empty() {
                self.refuse(format!("{at}.name"), ConfigReason::Empty);
            }
            if !names.insert(&class.name) {
                self.refuse(format!("{at}.name"), ConfigReason::Duplicate);
            }
            self.class(&at, class);
        }
        let matches = config.classes.iter().flat_map(|class| &class.matches);
        let by_domain = matches.filter(|one| !one.domains.is_empty()).count() as u32;
        self.range("classes", by_domain, 0, DOMAIN_MATCHES_MAX);
        config.classes.iter().map(class).collect()
    }

    fn class(&mut self, at: &str, class: &ClassConfig) {
        if class.matches.is_empty() {
            self.refuse(format!("{at}.matches"), ConfigReason::Empty);
        }
        for (number, one) in class.matches.iter().enumerate() {
            let at = format!("{at}.matches[{number}]");
            for dscp in &one.dscp {
                self.range(format!("{at}.dscp"), u32::from(*dscp), 0, DSCP_MAX);
            }
            for (field, ports) in [("ports", one.ports), ("source_ports", one.source_ports)] {
                if let Some((low, high)) = ports {
                    let (low, high) = (u32::from(low), u32::from(high));
                    self.range(format!("{at}.{field}"), high, low, u32::from(u16::MAX));
                }
            }
            let sets = &self.config.prefix_sets;
            let unknown = |name: &&String| !sets.iter().any(|set| set.name == **name);
            if let Some(name) = one.sets.iter().find(unknown) {
                let name = name.clone();
                self.refuse(format!("{at}.sets"), ConfigReason::Unknown { name });
            }
        }
        if let Some(sla) = class.sla {
            self.range(format!("{at}.sla.loss_ppm"), sla.loss_ppm, 0, MILLION);
        }
        let mut underlays = BTreeSet::new();
        if !class
            .underlays
            .iter()
            .flatten()
            .all(|name| underlays.insert(name))
        {
            self.refuse(format!("{at}.underlays"), ConfigReason::Duplicate);
        }
    }
}

fn class(config: &ClassConfig) -> Class {
    Class {
        name: config.name.clone(),
        paths: ClassSettings {
            sla: config.sla.map(sla).unwrap_or_default(),
            otherwise: match config.otherwise {
                OtherwiseConfig::Best => Otherwise::Best,
                OtherwiseConfig::Drop => Otherwise::Drop,
            },
            hold: Duration::from_secs(u64::from(config.hold_s)),
        },
        shape: Shape {
            dscp: config
                .matches
                .iter()
                .find_map(|one| one.dscp.first().copied())
                .unwrap_or_default(),
            octets: config.probe_octets,
        },
        share: config.share,
        protect: config.protect,
        breakout: config.breakout,
        underlays: config.underlays.clone(),
    }
}

fn sla(config: SlaConfig) -> Sla {
    let micros = |micros: u32| (micros > 0).then(|| Duration::from_micros(u64::from(micros)));
    Sla {
        rtt: micros(config.rtt_us),
        jitter: micros(config.jitter_us),
        loss_ppm: (config.loss_ppm < MILLION).then_some(config.loss_ppm),
    }
}
