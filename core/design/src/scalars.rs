//! Single values of the design file: names, addresses, AS numbers, and quantities with their unit.
//!
//! A bare number where a unit belongs is an error, as is an AS number that YAML would take for a
//! fraction. All arithmetic is on integers.

use core::net::Ipv4Addr;
use core::str::FromStr;
use core::time::Duration;

use inet::{Asn, Coordinates, Prefix};
use serde_json::{Map, Value, json};

use crate::reader::{Shape, expected, suggestion};
use crate::report::{Report, Span};
use crate::tree::{Kind, Node};

mod net;

pub(crate) use net::{Community, ExtCommunity};

/// What a name looks like: it becomes part of device and file names.
pub(crate) const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$";

/// Checks a name.
pub(crate) fn name(text: &str, span: Span, reports: &mut Vec<Report>) -> Option<String> {
    let good = (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if !good {
        let advice = "a name has up to 40 of a-z, 0-9 and -, with no - at either end";
        let shown: String = text.chars().take(60).collect();
        reports.push(Report::shape(span, format!("`{shown}` is not a name")).try_this(advice));
        return None;
    }
    Some(text.to_owned())
}

/// A device's name: names joined by dots, such as `core.paris`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceName(pub(crate) String);

impl Shape for DeviceName {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "a name", reports)?;
        for part in text.split('.') {
            name(part, node.span, reports)?;
        }
        Some(Self(text.to_owned()))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        let part = "[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?";
        json!({ "type": "string", "pattern": format!(r"^{part}(\.{part})*$") })
    }
}

/// The text of a scalar, or a report that it is none.
pub(crate) fn scalar<'a>(node: &'a Node, what: &str, reports: &mut Vec<Report>) -> Option<&'a str> {
    match &node.kind {
        Kind::Scalar { text, .. } => Some(text),
        Kind::List(_) | Kind::Map(_) => {
            reports.push(expected(node, what));
            None
        }
    }
}

/// Reads a value with `FromStr`.
fn parsed<T: FromStr<Err: core::fmt::Display>>(
    node: &Node,
    what: &str,
    reports: &mut Vec<Report>,
) -> Option<T> {
    let text = scalar(node, what, reports)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            reports.push(expected(node, what).try_this(error.to_string()));
            None
        }
    }
}

impl Shape for String {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "a name", reports)?;
        name(text, node.span, reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }
}

/// Any text on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Shape for Text {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "text", reports)?;
        if text.contains('\n') {
            reports.push(Report::shape(node.span, "this text has more than one line"));
            return None;
        }
        Some(Self(text.to_owned()))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string" })
    }
}

/// Text on any number of lines, usually a block behind `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) String);

impl Shape for Lines {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "text", reports)?;
        Some(Self(text.to_owned()))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string" })
    }
}

impl Shape for bool {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match &node.kind {
            Kind::Scalar { text, plain: true } if text == "true" => Some(true),
            Kind::Scalar { text, plain: true } if text == "false" => Some(false),
            Kind::Scalar { text, .. } => {
                let advice = match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => "write `true`",
                    "no" | "off" | "n" | "false" => "write `false`",
                    _ => "",
                };
                reports.push(expected(node, "true or false").try_this(advice));
                None
            }
            Kind::List(_) | Kind::Map(_) => {
                reports.push(expected(node, "true or false"));
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Shape for Count<MIN, MAX> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = match MIN == MAX {
            true => format!("{MIN}"),
            false => format!("a whole number from {MIN} to {MAX}"),
        };
        let text = scalar(node, &what, reports)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(value) if digits && (MIN..=MAX).contains(&value) => Some(Self(value)),
            _ => {
                reports.push(expected(node, &what));
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl Shape for Prefix {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        parsed(node, "an IPv4 prefix", reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$" })
    }
}

/// An IPv4 or IPv6 prefix: the latter is read so that a rule can say what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnyPrefix {
    V4(Prefix),
    V6(String),
}

impl Shape for AnyPrefix {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "a prefix", reports)?;
        if let Some((address, len)) = text.split_once('/')
            && address.parse::<core::net::Ipv6Addr>().is_ok()
            && len.parse::<u8>().is_ok_and(|len| len <= 128)
        {
            return Some(Self::V6(text.to_owned()));
        }
        Prefix::read(node, reports).map(Self::V4)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$" })
    }
}

impl Shape for Ipv4Addr {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "an IPv4 address";
        let text = scalar(node, what, reports)?;
        let address = text.parse().ok();
        if address.is_none() {
            reports.push(expected(node, what));
        }
        address
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "format": "ipv4" })
    }
}

impl Shape for Asn {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &node.kind
            && text.contains('.')
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            reports.push(
                Report::shape(
                    node.span,
                    format!("`{text}` is a fraction to YAML, not an AS number"),
                )
                .try_this(format!("put asdot notation in quotes: \"{text}\"")),
            );
            return None;
        }
        parsed(node, "an AS number", reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$" },
        ] })
    }
}

/// `12.5` times ten to the `digits`, when that is a whole number.
fn decimal(text: &str, digits: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || text.ends_with('.') {
        return None;
    }
    let scale = digits.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(10u64.pow(digits))?;
    let fraction = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<u64>().ok()?
    };
    whole.checked_add(fraction.checked_mul(10u64.pow(scale))?)
}

/// A unit: its name, the power of ten that a decimal may use, and a factor beyond that.
type Unit = (&'static str, u32, u64);

/// A quantity: a number and one of the units, with a space between them or without.
fn quantity(node: &Node, what: &str, units: &[Unit], reports: &mut Vec<Report>) -> Option<u64> {
    let text = scalar(node, what, reports)?.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start());
    let is_number = decimal(number, 9).is_some();
    let names = || units.iter().map(|(name, ..)| *name);
    if unit.is_empty() && is_number {
        let advice = names()
            .map(|name| format!("`{number}{name}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        reports.push(
            Report::shape(
                node.span,
                format!("`{text}` has no unit; {what} is expected"),
            )
            .try_this(format!("write {advice}")),
        );
        return None;
    }
    let Some((_, digits, factor)) = units.iter().find(|(name, ..)| *name == unit) else {
        let advice = if is_number {
            suggestion(unit, names())
        } else {
            String::new()
        };
        reports.push(expected(node, what).try_this(advice));
        return None;
    };
    let value = decimal(number, *digits).and_then(|value| value.checked_mul(*factor));
    if value.is_none() {
        reports.push(expected(node, what).try_this("the number is too large or too fine"));
    }
    value
}

/// A time span, written `200ms`, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimeSpan(pub(crate) Duration);

impl Shape for TimeSpan {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let units = [
            ("us", 0, 1),
            ("ms", 3, 1),
            ("s", 6, 1),
            ("min", 6, 60),
            ("h", 6, 3_600),
        ];
        let micros = quantity(node, "a duration such as 200ms", &units, reports)?;
        if micros > DURATION_MAX_US {
            reports.push(Report::shape(node.span, "a duration here is at most a day"));
            return None;
        }
        Some(Self(Duration::from_micros(micros)))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(us|ms|s|min|h)$" })
    }
}

const DURATION_MAX_US: u64 = 86_400_000_000;

/// The slowest link that BGP and probes fit through; less is a slip of the pen.
const RATE_MIN_BPS: u64 = 64_000;

/// A rate, written `100mbit`, in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u64);

impl Shape for Rate {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let units = [
            ("kbit", 3, 1),
            ("mbit", 6, 1),
            ("gbit", 9, 1),
            ("bit", 0, 1),
        ];
        let rate = quantity(node, "a rate such as 100mbit", &units, reports)?;
        if rate < RATE_MIN_BPS {
            reports.push(Report::shape(node.span, "a rate is at least 64kbit"));
            return None;
        }
        Some(Self(rate))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(bit|kbit|mbit|gbit)$" })
    }
}

/// A share of packets, written `0.5%`, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss(pub(crate) u32);

impl Shape for Loss {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let ppm = quantity(node, "a share such as 0.5%", &[("%", 4, 1)], reports)?;
        match u32::try_from(ppm) {
            Ok(ppm) if ppm <= 1_000_000 => Some(Self(ppm)),
            _ => {
                reports.push(Report::shape(node.span, "more than 100% is lost"));
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$" })
    }
}

/// A factor from 100% to 1000%.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch(pub(crate) u16);

impl Shape for Stretch {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let percent = quantity(node, "a factor such as 170%", &[("%", 0, 1)], reports)?;
        match u16::try_from(percent) {
            Ok(percent) if (100..=1_000).contains(&percent) => Some(Self(percent)),
            _ => {
                reports.push(Report::shape(
                    node.span,
                    "a path is 100% to 1000% of the distance",
                ));
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9]{3,4} ?%$" })
    }
}

/// Degrees as the operator writes them, in millionths. `None` outside of ±`limit` degrees.
pub(crate) fn degrees(text: &str, limit: i32) -> Option<i32> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, text),
    };
    // Published tables have up to nine decimals; the rest is under a tenth of a metre.
    let number = match number.split_once('.') {
        Some((_, fraction)) if fraction.len() > 6 => &number[..number.len() - (fraction.len() - 6)],
        _ => number,
    };
    let micro = i32::try_from(decimal(number, 6)?).ok()?;
    (micro <= limit * 1_000_000).then_some(sign * micro)
}

impl Shape for Coordinates {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "coordinates such as [48.8566, 2.3522]";
        if let Kind::List(items) = &node.kind
            && let [latitude, longitude] = items.as_slice()
            && let Kind::Scalar { text: latitude, .. } = &latitude.kind
            && let Kind::Scalar {
                text: longitude, ..
            } = &longitude.kind
            && let (Some(latitude_udeg), Some(longitude_udeg)) =
                (degrees(latitude, 90), degrees(longitude, 180))
        {
            return Some(Self {
                latitude_udeg,
                longitude_udeg,
            });
        }
        let advice = "latitude from -90 to 90, then longitude from -180 to 180, in degrees";
        reports.push(expected(node, what).try_this(advice));
        None
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({
            "type": "array", "minItems": 2, "maxItems": 2,
            "items": [
                { "type": "number", "minimum": -90, "maximum": 90 },
                { "type": "number", "minimum": -180, "maximum": 180 },
            ],
        })
    }
}

/// A value that is written as one of some words.
pub(crate) trait Word {
    /// The word as it stands in the file.
    fn word(self) -> &'static str;
}

/// A word out of a fixed set, each with its meaning.
macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $word_doc:literal])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[doc = $word_doc])* $variant),+ }

        impl $crate::scalars::Word for $name {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::reader::Shape for $name {
            fn read(
                node: &$crate::tree::Node,
                reports: &mut Vec<$crate::report::Report>,
            ) -> Option<Self> {
                $crate::scalars::word(node, &[$(($word, Self::$variant)),+], reports)
            }

            fn schema(_: &mut serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}
pub(crate) use words;

/// Reads one of some words.
pub(crate) fn word<T: Copy>(
    node: &Node,
    words: &[(&'static str, T)],
    reports: &mut Vec<Report>,
) -> Option<T> {
    let known = || words.iter().map(|(word, _)| *word);
    let what = known().collect::<Vec<_>>().join(" or ");
    let text = scalar(node, &what, reports)?;
    let found = words.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let mut report = expected(node, &what);
        if let Some(meant) = crate::reader::nearest(text, known()) {
            report = report.try_this(format!("did you mean `{meant}`?"));
        }
        reports.push(report);
    }
    found.map(|(_, value)| *value)
}
