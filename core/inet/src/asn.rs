//! Autonomous system numbers (RFC 6793), written `65010` or asdot `1.10` (RFC 5396).

use core::fmt;
use core::str::FromStr;

/// A four-octet autonomous system number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl Asn {
    /// `AS_TRANS`, which stands for a four-octet number towards a two-octet speaker (RFC 6793 §9).
    pub const TRANS: Self = Self(23_456);

    /// Whether the number fits two octets.
    pub const fn is_two_octet(self) -> bool {
        self.0 <= 0xffff
    }

    /// Whether the number is for private use (RFC 6996).
    pub const fn is_private(self) -> bool {
        matches!(self.0, 64_512..=65_534 | 4_200_000_000..=4_294_967_294)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not an AS number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsnError {
    /// Neither asplain nor asdot.
    Syntax,
    /// Larger than 4294967295, or an asdot half larger than 65535.
    Range,
}

impl fmt::Display for AsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "an AS number is written 65010 or 1.10",
            Self::Range => "an AS number is at most 4294967295",
        })
    }
}

impl core::error::Error for AsnError {}

fn number(text: &str) -> Result<u64, AsnError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AsnError::Syntax);
    }
    text.parse().map_err(|_| AsnError::Range)
}

impl FromStr for Asn {
    type Err = AsnError;

    fn from_str(text: &str) -> Result<Self, AsnError> {
        let value = match text.split_once('.') {
            None => number(text)?,
            Some((high, low)) => {
                let (high, low) = (number(high)?, number(low)?);
                if high > 0xffff || low > 0xffff {
                    return Err(AsnError::Range);
                }
                (high << 16) | low
            }
        };
        u32::try_from(value).map(Self).map_err(|_| AsnError::Range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asplain_and_asdot_name_the_same_number() {
        assert_eq!("65546".parse(), Ok(Asn(65_546)));
        assert_eq!("1.10".parse(), Ok(Asn(65_546)));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "x", "-1", "1.", ".1", "1.2.3", "+5"] {
            assert_eq!(text.parse::<Asn>(), Err(AsnError::Syntax), "{text}");
        }
        for text in ["4294967296", "65536.1", "1.65536"] {
            assert_eq!(text.parse::<Asn>(), Err(AsnError::Range), "{text}");
        }
    }
}
