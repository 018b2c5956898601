//! A community (RFC 1997) as people write it: `65010:100`.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Community(pub u32);

impl Community {
    /// From its two halves.
    pub const fn new(high: u16, low: u16) -> Self {
        Self((high as u32) << 16 | low as u32)
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff)
    }
}

/// Why a text is no community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityError(String);

impl fmt::Display for CommunityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not two numbers of 16 bits with a colon", self.0)
    }
}

impl core::error::Error for CommunityError {}

impl FromStr for Community {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let halves = text
            .split_once(':')
            .and_then(|(high, low)| Some(Self::new(high.parse().ok()?, low.parse().ok()?)));
        halves.ok_or_else(|| CommunityError(text.to_owned()))
    }
}

impl TryFrom<String> for Community {
    type Error = CommunityError;

    fn try_from(text: String) -> Result<Self, CommunityError> {
        text.parse()
    }
}

impl From<Community> for String {
    fn from(community: Community) -> Self {
        community.to_string()
    }
}
