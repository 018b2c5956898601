//! One thing that changes between two designs.

use core::fmt;

use serde::Serialize;

/// One thing that changes, small enough to be done and undone at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "edit")]
pub enum Edit {
    /// Names that nobody uses so far are defined: underlays, policies, classes.
    Definitions,
    /// A key of the whole design gets its new value.
    Setting {
        /// The key: `overlay`, `platform`.
        key: String,
    },
    /// A named thing comes, changes or goes.
    Item {
        /// Where it stands.
        section: Section,
        /// Its name.
        name: String,
        /// What becomes of it.
        change: Change,
    },
    /// A key of a region comes, changes or goes.
    Region {
        /// The region.
        region: String,
        /// The key: `nvas`, `express_route`.
        key: String,
        /// What becomes of it.
        change: Change,
    },
    /// Route Server and gateway exchange routes for the time of the migration, so that sites here
    /// and there reach each other.
    Exchange {
        /// The region.
        region: String,
    },
    /// A site goes on to a stage.
    Site {
        /// The site.
        site: String,
        /// The stage.
        stage: Stage,
    },
    /// What is left of the difference: definitions that nobody uses, and order.
    Finish,
}

/// Where named things stand in a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Azure regions.
    Regions,
    /// Underlays.
    Underlays,
    /// Routed networks of providers.
    Networks,
    /// ExpressRoute circuits.
    Circuits,
}

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It comes.
    Add,
    /// It gets another value.
    Alter,
    /// It goes.
    Remove,
}

/// How far a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is new.
    New,
    /// CPE and router stand side by side; the provider carries the traffic still.
    Beside,
    /// The CPE carries the traffic; the provider's link is there and silent.
    Moved,
    /// As in the second design.
    Done,
    /// It is gone.
    Gone,
}

impl Section {
    /// All, in the order in which their things come.
    pub const ALL: [Self; 4] = [
        Self::Underlays,
        Self::Regions,
        Self::Networks,
        Self::Circuits,
    ];

    /// Its key in the design.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Regions => "regions",
            Self::Underlays => "underlays",
            Self::Networks => "networks",
            Self::Circuits => "circuits",
        }
    }

    const fn one(self) -> &'static str {
        match self {
            Self::Regions => "region",
            Self::Underlays => "underlay",
            Self::Networks => "network",
            Self::Circuits => "circuit",
        }
    }
}

impl Change {
    const fn verb(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Alter => "change",
            Self::Remove => "remove",
        }
    }
}

impl Edit {
    /// Why it stands where it stands, in one sentence.
    pub const fn why(&self) -> &'static str {
        match self {
            Self::Definitions => "names come before those who use them; nothing uses them yet",
            Self::Setting { .. } => "it holds for the whole network, so it comes before its parts",
            Self::Item {
                change: Change::Remove,
                ..
            }
            | Self::Region {
                change: Change::Remove,
                ..
            } => "no site needs it any more",
            Self::Item { .. } | Self::Region { .. } => "sites need it before they can move",
            Self::Exchange { .. } => {
                "sites on both sides of the migration reach each other through this region until the last one has moved"
            }
            Self::Site { stage, .. } => stage.why(),
            Self::Finish => "what nothing uses any more can go at once",
        }
    }

    /// A short name for files: letters, digits and dashes.
    pub fn slug(&self) -> String {
        let mut slug = String::new();
        for c in self.to_string().chars() {
            match c {
                'a'..='z' | '0'..='9' => slug.push(c),
                'A'..='Z' => slug.push(c.to_ascii_lowercase()),
                _ if slug.ends_with('-') => {}
                _ => slug.push('-'),
            }
        }
        slug.truncate(SLUG_MAX);
        slug.trim_matches('-').to_owned()
    }
}

/// Longer names of files are cut.
const SLUG_MAX: usize = 60;

impl Stage {
    const fn why(self) -> &'static str {
        match self {
            Self::New => "the network it joins is ready",
            Self::Beside => {
                "tunnels and sessions are seen up while the provider carries every packet still, so going back costs nothing"
            }
            Self::Moved => {
                "both directions move at once, and the provider's link stays as the way back until the site is seen to work"
            }
            Self::Done => "nothing passes there any more",
            Self::Gone => "the second design does not have it",
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definitions => f.write_str("define what comes"),
            Self::Setting { key } => write!(f, "change {key}"),
            Self::Item {
                section,
                name,
                change,
            } => {
                write!(f, "{} {} {name}", change.verb(), section.one())
            }
            Self::Region {
                region,
                key,
                change,
            } => match (key.as_str(), change) {
                ("express_route", Change::Add) => {
                    write!(f, "{region}: add the ExpressRoute gateway")
                }
                ("express_route", Change::Remove) => {
                    write!(f, "{region}: remove the ExpressRoute gateway")
                }
                ("route_server", Change::Add) => write!(f, "{region}: add the Route Server"),
                _ => write!(f, "{region}: {} {key}", change.verb()),
            },
            Self::Exchange { region } => write!(f, "{region}: branch-to-branch on"),
            Self::Site { site, stage } => match stage {
                Stage::New => write!(f, "{site}: connect the new site"),
                Stage::Beside => write!(f, "{site}: install the CPE beside the router"),
                Stage::Moved => write!(f, "{site}: move the traffic to the CPE"),
                Stage::Done => write!(f, "{site}: as in the second design"),
                Stage::Gone => write!(f, "{site}: disconnect the site"),
            },
            Self::Finish => f.write_str("tidy up"),
        }
    }
}
