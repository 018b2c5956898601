//! Numbers by which the parts of a node are named; each is a position in the configuration.
//! Paths are counted through all links; their number is [`path::PathId`].

/// A locator, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocatorId(pub u16);

/// A LAN, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanId(pub u16);

/// A kernel interface, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u16);

/// A router of the site, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub u16);

/// An application class, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u16);

/// A link, by its position in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

impl LocatorId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl LanId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl InterfaceId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl RouterId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl ClassId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl LinkId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}
