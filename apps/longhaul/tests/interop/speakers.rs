//! The foreign speakers: what a test may wish of them, and what it asks them.

mod bird;
mod exabgp;
mod frr;
mod gobgp;
mod openbgpd;

pub(crate) use bird::Bird;
pub(crate) use exabgp::ExaBgp;
pub(crate) use frr::Frr;
pub(crate) use gobgp::GoBgp;
pub(crate) use openbgpd::OpenBgpd;

use crate::meeting::{Far, OUR_AS};

/// On a speaker's own IPv4 route: a community, a large one and an extended one, a route target.
pub(crate) const COMMUNITY: (u32, u32) = (65_001, 100);
pub(crate) const LARGE: (u32, u32, u32) = (4_200_000_009, 1, 2);
pub(crate) const TARGET: (u32, u32) = (65_001, 7);

/// What a speaker is to be, beyond a neighbour of ours that waits for us to connect.
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// It connects to us.
    pub(crate) active: bool,
    /// The password of TCP MD5.
    pub(crate) password: Option<&'static str>,
    /// Takes and gives several paths for a prefix (RFC 7911).
    pub(crate) add_path: bool,
    /// Graceful restart (RFC 4724), with its own routes kept by us while it is away.
    pub(crate) restart: bool,
    /// How many routes it takes of us.
    pub(crate) limit: Option<u32>,
    /// Announces 198.51.100.0/24 as well, which is nobody's own.
    pub(crate) shared: bool,
    /// Announces this many more routes: 192.0.0.0/24, 192.0.1.0/24, …
    pub(crate) more: u8,
    /// Announces this as well, which is another's own.
    pub(crate) also: Option<&'static str>,
    /// Its own route has the community GRACEFUL_SHUTDOWN (RFC 8326).
    pub(crate) leaves: bool,
}

/// A prefix that several announce.
pub(crate) const SHARED: &str = "198.51.100.0/24";

/// A foreign speaker on a wire.
pub(crate) trait Speaker: Sized {
    /// Whether it can give us IPv6 routes over an IPv4 session. OpenBGPD on Linux says that the next
    /// hop is ::1.
    const GIVES_IPV6: bool = true;

    /// Starts one.
    fn start(far: Far, wish: Wish) -> Self;

    fn far(&self) -> &Far;

    fn far_mut(&mut self) -> &mut Far;

    /// Starts it again after it was killed.
    fn start_again(&mut self);

    /// Whether its session with us stands, as it sees it.
    fn is_established(&self) -> Result<(), String>;

    /// Whether it has a route of ours to a prefix with this AS_PATH, and, if `tagged`, the three
    /// communities.
    fn has(&self, prefix: &str, path: &[u32], tagged: bool) -> Result<(), String>;

    /// How many paths it has to a prefix.
    fn paths(&self, prefix: &str) -> (usize, String);

    /// What it says of the session: state, capabilities, counters, the last error.
    fn describe(&self) -> String;

    /// Whether it names every capability that we offer and it knows.
    fn reports_capabilities(&self) -> Result<(), String>;

    /// Whether it says that the session ended with Cease, Maximum Number of Prefixes Reached
    /// (RFC 4486).
    fn reports_too_many_prefixes(&self) -> Result<(), String>;

    /// Whether it says that it ended the session because we told it too much.
    fn reports_our_excess(&self) -> Result<(), String>;

    /// How many announcements it has counted.
    fn announcements_heard(&self) -> u64;

    /// What it is to be when it is started again.
    fn wish_mut(&mut self) -> &mut Wish;

    /// Makes it ask us for our routes (RFC 2918).
    fn ask_for_refresh(&self);

    /// Its own IPv4 prefix.
    fn own(&self) -> String {
        own(self.far())
    }

    /// Its own IPv6 prefix.
    fn own_v6(&self) -> String {
        own_v6(self.far())
    }

    /// Our name for it.
    fn name(&self) -> String {
        name(self.far())
    }

    /// Whether it has no route to a prefix.
    fn lacks(&self, prefix: &str) -> Result<(), String> {
        match self.paths(prefix) {
            (0, _) => Ok(()),
            (_, seen) => Err(seen),
        }
    }
}

pub(crate) fn own(far: &Far) -> String {
    format!("203.0.{}.0/24", far.number)
}

pub(crate) fn own_v6(far: &Far) -> String {
    format!("2001:db8:a{:x}::/48", far.number)
}

pub(crate) fn name(far: &Far) -> String {
    format!("far{}", far.number)
}

/// All that a speaker announces in IPv4 beside its own.
pub(crate) fn others(wish: Wish) -> Vec<String> {
    let more = (0..wish.more).map(|number| format!("192.0.{number}.0/24"));
    let shared = wish.shared.then_some(SHARED);
    let given = shared.into_iter().chain(wish.also).map(str::to_owned);
    more.chain(given).collect()
}

/// Our side of a speaker's session, as a line of our router's file; `more` goes before what is usual.
pub(crate) fn neighbor(far: &Far, wish: Wish, more: &str) -> String {
    let (name, address, asn) = (name(far), far.address(), far.asn());
    let (local, local_v6) = (far.ours(), far.ours_v6());
    let connect = if wish.active { "passive" } else { "active" };
    format!(
        "  {name}: {{{more}address: {address}, asn: {asn}, local_address: {local}, \
         local_address_v6: \"{local_v6}\", connect: {connect}, families: [ipv4, ipv6], \
         hold_time: 9s, connect_retry: 1s, idle_hold: 200ms, import: accept, export: accept}}\n"
    )
}

/// Text of a path as most write it: ours first.
pub(crate) fn path(path: &[u32]) -> String {
    let numbers = std::iter::once(OUR_AS).chain(path.iter().copied());
    let words: Vec<String> = numbers.map(|asn| asn.to_string()).collect();
    words.join(" ")
}

/// The first number behind a word in a text.
pub(crate) fn number_after(text: &str, word: &str) -> u64 {
    let rest = text.split_once(word).map_or("", |(_, rest)| rest);
    let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = end.map_or(digits, |end| &digits[..end]);
    digits.parse().unwrap_or(0)
}

/// Parts of a text, as [`holds`] wants them.
pub(crate) fn parts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether a text has all of these parts.
pub(crate) fn holds(text: String, parts: &[String]) -> Result<(), String> {
    let missing = parts.iter().find(|part| !text.contains(part.as_str()));
    match missing {
        None => Ok(()),
        Some(part) => Err(format!("no {part:?} in:\n{text}")),
    }
}
