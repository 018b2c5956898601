//! Sites: class inheritance, place, home and backup region, LANs, access links.

use std::collections::BTreeMap;

use inet::{Coordinates, Prefix};

use super::routers::Around;
use super::{
    Design, Lan, Overlay, Region, Router, Site, SiteUnderlay, Underlay, Val, Wireguard, circuits,
    pick, places, region_index, unknown,
};
use crate::geography::{self, Atlas};
use crate::model::{
    AccessText, ClassText, DefaultsText, LanText, ProxyText, RegionChoice, SiteText,
};
use crate::reader::{At, Inherit};
use crate::report::Report;
use crate::scalars::Count;

/// What settling sites needs to know of the rest of the design.
pub(crate) struct Settler<'a> {
    texts: &'a [At<SiteText>],
    classes: BTreeMap<&'a str, ClassText>,
    no_class: ClassText,
    pub(super) regions: &'a [Region],
    pub(super) underlays: &'a [Underlay],
    pub(super) access: Vec<AccessText>,
    /// Proxies of underlays, by index.
    pub(super) proxies: Vec<Option<At<ProxyText>>>,
    atlas: &'a Atlas,
    pub(super) around: Around<'a>,
    /// Circuits by the place and the router where they end.
    pub(super) ending: BTreeMap<(String, String), Vec<usize>>,
    lan_pool: Prefix,
    lan_next: u64,
    parents: Vec<Report>,
}

/// Where sites stand and what they reach.
pub(crate) struct Places<'a> {
    pub(super) regions: &'a [Region],
    pub(super) underlays: &'a [Underlay],
    pub(super) atlas: &'a Atlas,
}

impl<'a> Settler<'a> {
    pub(crate) fn new(
        design: &'a Design,
        defaults: &DefaultsText,
        places: Places<'a>,
        around: Around<'a>,
        overlay: &Overlay,
    ) -> Self {
        let Places {
            regions,
            underlays,
            atlas,
        } = places;
        let no_class = defaults
            .site
            .as_ref()
            .map(|at| at.value.clone())
            .unwrap_or_default();
        let written = design
            .file
            .site_classes
            .as_ref()
            .map(|at| &at.value.0[..])
            .unwrap_or_default();
        let mut parents = Vec::new();
        let classes = written.iter().map(|(name, class)| {
            let text = inherit(name, class, written, &mut parents).over(&no_class);
            (name.value.as_str(), text)
        });
        let classes = classes.collect();
        let texts = design.file.underlays.as_ref().map(|at| &at.value);
        let written = |underlay: &Underlay| texts.and_then(|all| all.get(&underlay.name.value));
        let proxies = underlays
            .iter()
            .map(|underlay| written(underlay)?.proxy.clone());
        let access = underlays.iter().map(|underlay| {
            written(underlay)
                .and_then(|text| text.access.as_ref())
                .map(|at| at.value.clone())
                .unwrap_or_default()
        });
        Self {
            texts: &design.sites,
            classes,
            no_class,
            regions,
            underlays,
            access: access.collect(),
            proxies: proxies.collect(),
            atlas,
            around,
            ending: circuits::ending_at(&design.file),
            lan_pool: overlay.pools.lans.value,
            lan_next: 0,
            parents,
        }
    }

    /// Settles every site.
    pub(crate) fn all(mut self, reports: &mut Vec<Report>) -> Vec<Site> {
        reports.append(&mut self.parents);
        super::unique(
            "site",
            self.texts
                .iter()
                .filter_map(|site| site.value.name.as_ref()),
            reports,
        );
        let mut sites = Vec::with_capacity(self.texts.len());
        let mut seen = std::collections::BTreeSet::new();
        for text in self.texts {
            if let Some(name) = &text.value.name
                && seen.insert(name.value.as_str())
            {
                sites.push(self.site(name, text, reports));
            }
        }
        sites
    }

    fn site(&mut self, name: &At<String>, at: &At<SiteText>, reports: &mut Vec<Report>) -> Site {
        let text = &at.value;
        let class = self.class(text, reports).clone();
        let cpes = pick!([text.cpes, class.cpes], 1, "one CPE", |count: &Count<
            0,
            4,
        >| count.0);
        let hosts = pick!(
            [text.hosts, class.hosts],
            1,
            "one host on each LAN",
            |count: &Count<0, 200>| count.0
        );
        let place = self.place(text, reports);
        let at = place.as_ref().map(|place| place.value);
        let routers = text.routers.as_ref().map(|at| &at.value.0[..]);
        let routers = routers.unwrap_or_default();
        let routers = self.around.routers(routers, at, reports);
        without_cpes(text, &cpes, &routers, reports);
        wireguard_beside(text, reports);
        let (underlays, (home, backup)) = if cpes.value == 0 {
            (Vec::new(), (None, None))
        } else {
            let underlays = self.site_underlays(text, &class, (name, at, &routers), reports);
            let regions = self.regions_of(text, &class, place.as_ref(), &underlays, reports);
            (underlays, regions)
        };
        let place = place.or_else(|| {
            let home = home.as_ref()?;
            Some(Val::default(
                self.regions[home.value].place.value,
                "where its home region is",
            ))
        });
        let lans = self.lans(text, &class, hosts, reports);
        let wireguard = wireguard(text, &lans, reports);
        if let (Some(device), Some(home)) = (&wireguard, &home) {
            self.nva_exists(&device.nva, home.value, reports);
        }
        let named = text.home.as_ref().or(class.home.as_ref());
        if let Some(At {
            value: RegionChoice::None,
            span,
        }) = named
        {
            let says = "a site has a home region; only `backup` can be `none`";
            reports.push(Report::shape(*span, says));
        }
        Site {
            name: Val::line(name.value.clone(), name.span),
            place,
            place_written: text.coordinates.is_some() || text.city.is_some() || text.near.is_some(),
            home,
            home_written: named.is_some_and(|at| at.value != RegionChoice::Closest),
            backup,
            cpes,
            lans,
            underlays,
            wireguard,
            routers,
            shortcuts: Val::pick(
                &[text.shortcuts.as_ref(), class.shortcuts.as_ref()],
                true,
                "where overlay.shortcuts has them",
            ),
        }
    }

    fn class(&self, text: &SiteText, reports: &mut Vec<Report>) -> &ClassText {
        let Some(class) = &text.class else {
            return &self.no_class;
        };
        let found = self.classes.get(class.value.as_str());
        found.unwrap_or_else(|| {
            let known = self.classes.keys().copied().collect();
            reports.push(unknown("site class", &class.value, class.span, known));
            &self.no_class
        })
    }

    fn nva_exists(&self, nva: &Val<String>, home: usize, reports: &mut Vec<Report>) {
        let region = &self.regions[home];
        let names: Vec<String> = (1..=region.nvas.count.value)
            .map(|n| format!("nva{n}"))
            .collect();
        if let (false, Some(at)) = (names.contains(&nva.value), nva.why.span()) {
            let what = format!("NVA of {}", region.name.value);
            let known = names.iter().map(String::as_str).collect();
            reports.push(unknown(&what, &nva.value, at, known));
        }
    }

    fn place(&self, text: &SiteText, reports: &mut Vec<Report>) -> Option<Val<Coordinates>> {
        let written = [
            text.coordinates.as_ref().map(|at| at.span),
            text.city.as_ref().map(|at| at.span),
            text.near.as_ref().map(|at| at.span),
        ];
        if let [first, second, ..] = written.iter().flatten().collect::<Vec<_>>()[..] {
            let report = Report::shape(*second, "the site's place is given twice");
            reports.push(report.also(Some(*first), "first here"));
        }
        if let Some(at) = &text.coordinates {
            return Some(Val::line(at.value, at.span));
        }
        if let Some(at) = &text.city {
            return places::city(self.atlas, at, reports);
        }
        places::near(self.atlas, self.regions, text.near.as_ref()?, reports)
    }

    fn regions_of(
        &self,
        text: &SiteText,
        class: &ClassText,
        place: Option<&Val<Coordinates>>,
        underlays: &[SiteUnderlay],
        reports: &mut Vec<Report>,
    ) -> (Option<Val<usize>>, Option<Val<usize>>) {
        let nearest = |except: Option<usize>| {
            let place = place?.value;
            let ways = |region: usize| {
                let distance = geography::distance_m(place, self.regions[region].place.value);
                let latency = |link: &SiteUnderlay| match &link.via {
                    Some(via) => via.latency_us(region),
                    None => {
                        let underlay = &self.underlays[link.underlay];
                        let latency = geography::latency_us(distance, underlay.stretch.value);
                        underlay.reaches(region).then_some(latency)
                    }
                };
                underlays.iter().filter_map(latency).min()
            };
            let all = (0..self.regions.len()).filter(|region| Some(*region) != except);
            all.filter_map(|region| Some((ways(region)?, region)))
                .min()
                .map(|(_, region)| region)
        };
        let mut choose = |choice: Option<&At<RegionChoice>>, except, why| match choice {
            None => Some(Val::default(nearest(except)?, why)),
            Some(At {
                value: RegionChoice::Closest,
                span,
            }) => Some(Val::line(nearest(except)?, *span)),
            Some(At {
                value: RegionChoice::None,
                ..
            }) => None,
            Some(At {
                value: RegionChoice::Named(name),
                span,
            }) => {
                let name = At {
                    value: name.clone(),
                    span: *span,
                };
                region_index(&name, self.regions, reports).map(|region| Val::line(region, *span))
            }
        };
        let home = choose(
            text.home.as_ref().or(class.home.as_ref()),
            None,
            "the closest by modelled latency",
        );
        let except = home.as_ref().map(|home| home.value);
        let choice = text.backup.as_ref().or(class.backup.as_ref());
        let backup = choose(choice, except, "the next closest by modelled latency");
        let backup = match (backup, except) {
            (Some(backup), Some(home)) if backup.value == home => {
                if let Some(at) = backup.why.span() {
                    let says = "the backup region is the home region";
                    reports.push(
                        Report::shape(at, says)
                            .try_this("name another region, `closest` or `none`"),
                    );
                }
                None
            }
            (backup, _) => backup,
        };
        (home, backup)
    }

    fn lans(
        &mut self,
        text: &SiteText,
        class: &ClassText,
        hosts: Val<u32>,
        reports: &mut Vec<Report>,
    ) -> Vec<Lan> {
        let gateway_why = "the first address of the LAN";
        if let Some(written) = &text.lans {
            let lans = written.value.iter().filter_map(
                |At {
                     value: LanText(lan),
                     ..
                 }| {
                    let prefix = lan.prefix.as_ref()?;
                    let Some(first) = prefix.value.nth(1).filter(|_| prefix.value.len() <= 30)
                    else {
                        reports.push(Report::shape(prefix.span, "a LAN is a /30 or larger"));
                        return None;
                    };
                    let gateway = Val::pick(&[lan.gateway.as_ref()], first, gateway_why);
                    if let (false, Some(at)) =
                        (prefix.value.contains(gateway.value), gateway.why.span())
                    {
                        reports.push(Report::shape(
                            at,
                            format!("the gateway is not in {}", prefix.value),
                        ));
                    }
                    Some(Lan {
                        prefix: Val::line(prefix.value, prefix.span),
                        gateway,
                        hosts: pick!(
                            [lan.hosts],
                            hosts.value,
                            "as for the site",
                            |count: &Count<0, 200>| count.0
                        ),
                    })
                },
            );
            return lans.collect();
        }
        let len = class
            .lan_length
            .as_ref()
            .map_or(24, |at| at.value.0 as u8)
            .max(self.lan_pool.len());
        let size = 1u64 << (32 - len);
        let start = self.lan_next.next_multiple_of(size);
        let prefix = self
            .lan_pool
            .nth(start)
            .and_then(|address| Prefix::new(address, len));
        let Some(prefix) = prefix else {
            if let Some(name) = &text.name {
                let says = format!(
                    "overlay.addresses.lans ({}) has no room for this site's LAN",
                    self.lan_pool
                );
                reports.push(Report::shape(name.span, says));
            }
            return Vec::new();
        };
        self.lan_next = start + size;
        let gateway = prefix
            .nth(1)
            .expect("a LAN made here has eight addresses or more");
        vec![Lan {
            prefix: Val::default(prefix, "the next free part of overlay.addresses.lans"),
            gateway: Val::default(gateway, gateway_why),
            hosts,
        }]
    }
}

/// A plain WireGuard device speaks no BGP.
fn wireguard_beside(text: &SiteText, reports: &mut Vec<Report>) {
    if let (Some(at), Some(routers)) = (&text.wireguard, &text.routers) {
        let says = "a plain WireGuard device does not speak BGP with routers";
        let advice = "leave `routers` or `wireguard` out";
        let report = Report::shape(at.span, says).also(Some(routers.span), "the routers");
        reports.push(report.try_this(advice));
    }
}

/// A site without CPE lives by its routers, and by them alone.
fn without_cpes(text: &SiteText, cpes: &Val<u32>, routers: &[Router], reports: &mut Vec<Report>) {
    if cpes.value > 0 {
        return;
    }
    if let (true, Some(at)) = (routers.is_empty(), cpes.why.span()) {
        let says = "a site has CPEs or routers, and this one has neither";
        let advice = "give it `routers`, or leave `cpes` out";
        reports.push(Report::shape(at, says).try_this(advice));
    }
    let needing = [
        text.underlays.as_ref().map(|at| at.span),
        text.wireguard.as_ref().map(|at| at.span),
    ];
    for at in needing.into_iter().flatten() {
        let says = "this needs a CPE, and the site has none";
        reports.push(Report::shape(at, says).also(cpes.why.span(), "said here"));
    }
}

fn wireguard(text: &SiteText, lans: &[Lan], reports: &mut Vec<Report>) -> Option<Wireguard> {
    let text = &text.wireguard.as_ref()?.value;
    if let Some(key) = &text.public_key
        && let Err(why) = crate::device::key(&key.value.0)
    {
        reports.push(Report::shape(
            key.span,
            format!("this is not a WireGuard key: {why}"),
        ));
    }
    let prefixes: Vec<Prefix> = lans.iter().map(|lan| lan.prefix.value).collect();
    let list = |list: &Vec<At<Prefix>>| list.iter().map(|at| at.value).collect();
    let key = text.public_key.as_ref();
    Some(Wireguard {
        public_key: key.map(|at| Val::line(at.value.0.clone(), at.span)),
        nva: Val::pick(
            &[text.nva.as_ref()],
            "nva1".to_owned(),
            "the home region's first NVA",
        ),
        allowed: pick!([text.allowed], prefixes, "the site's LANs", list),
    })
}

/// A class over the classes it extends. A ring of classes is reported and cut.
fn inherit(
    name: &At<String>,
    class: &ClassText,
    all: &[(At<String>, ClassText)],
    reports: &mut Vec<Report>,
) -> ClassText {
    let mut text = class.clone();
    let mut seen = vec![name.value.as_str()];
    let mut next = class.extends.as_ref();
    while let Some(parent) = next {
        let found = all.iter().find(|(name, _)| name.value == parent.value);
        let Some((parent_name, parent_class)) = found else {
            let known = all.iter().map(|(name, _)| name.value.as_str()).collect();
            reports.push(unknown("site class", &parent.value, parent.span, known));
            break;
        };
        if seen.contains(&parent_name.value.as_str()) {
            reports.push(Report::shape(
                parent.span,
                "these classes extend each other in a ring",
            ));
            break;
        }
        seen.push(&parent_name.value);
        text = text.over(parent_class);
        next = parent_class.extends.as_ref();
    }
    text
}
