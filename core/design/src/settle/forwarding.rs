//! How nodes forward, and how large packets may be on the way.

use super::{Forwarding, Platform, Underlay, Val, pick};
use crate::model::{ForwardingText, SourceCheckText, UnderlayKind};
use crate::plan::{ForwardingConfig, SourceCheck};
use crate::reader::At;
use crate::scalars::Count;

/// Settles it from what is written nearest, then further off.
pub(super) fn forwarding(texts: &[Option<&At<ForwardingText>>]) -> Forwarding {
    let written = || texts.iter().flatten().map(|at| &at.value);
    let threads = written().find_map(|text| text.threads.clone());
    let source_check = written().find_map(|text| text.source_check.clone());
    let aes = written().find_map(|text| text.aes.clone());
    Forwarding {
        threads: pick!(
            [threads],
            1,
            "one core carries several gigabits",
            |count: &Count<1, 16>| count.0 as u8
        ),
        source_check: Val::pick(
            &[source_check.as_ref()],
            SourceCheckText::Strict,
            "nobody sends with addresses of others",
        ),
        aes: Val::pick(
            &[aes.as_ref()],
            true,
            "cheaper than ChaCha20 where the processor has instructions for it",
        ),
    }
}

impl Forwarding {
    /// As a node is told.
    pub(crate) const fn config(&self) -> ForwardingConfig {
        ForwardingConfig {
            threads: self.threads.value,
            source_check: match self.source_check.value {
                SourceCheckText::Strict => SourceCheck::Strict,
                SourceCheckText::Loose => SourceCheck::Loose,
                SourceCheckText::Off => SourceCheck::Off,
            },
            aes: self.aes.value,
        }
    }
}

/// The largest packet that an underlay passes.
pub(super) fn underlay_mtu(
    written: Option<&At<Count<576, 9216>>>,
    kind: UnderlayKind,
    platform: &Platform,
) -> Val<u16> {
    let (mtu, why) = match kind {
        UnderlayKind::Internet | UnderlayKind::Mpls => (ETHERNET, "Ethernet's usual MTU"),
        UnderlayKind::PrivatePeering | UnderlayKind::MicrosoftPeering => {
            let limit = platform.numbers.express_route.max_packet;
            let why = "larger packets are fragmented on ExpressRoute, and fragments are dropped";
            (u16::try_from(limit).unwrap_or(ETHERNET), why)
        }
    };
    pick!([written], mtu, why, |mtu: &Count<576, 9216>| mtu.0 as u16)
}

/// Ethernet's usual MTU: what a path passes unless something else is known.
pub(crate) const ETHERNET: u16 = 1_500;

/// What a path between an NVA and a site over an underlay passes: the narrower of both, as a path is
/// told.
pub(crate) fn path_mtu(underlay: &Underlay, platform: &Platform) -> Option<u16> {
    let mtu = underlay.mtu.value.min(nic(platform));
    (mtu != ETHERNET).then_some(mtu)
}

/// What a path between two NVAs passes, as a path is told.
pub(crate) fn nva_mtu(platform: &Platform) -> Option<u16> {
    let mtu = nic(platform);
    (mtu != ETHERNET).then_some(mtu)
}

/// MTU of an NVA's network interface.
fn nic(platform: &Platform) -> u16 {
    u16::try_from(platform.numbers.vm.mtu).unwrap_or(ETHERNET)
}
