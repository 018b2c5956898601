//! Changes to bytes: UPDATE messages packed by attribute set.

use inet::Net;

use super::GroupKey;
use crate::interner::{AttrId, Interner};
use crate::rib::{PrefixId, Rib};
use crate::wire::update::{self, Announcement};

/// A route to tell: its attributes, its prefix, and its number among the prefix's paths.
pub(crate) type Told = (AttrId, PrefixId, u16);

/// What messages are made of.
#[derive(Clone, Copy)]
pub(crate) struct Encoder<'a> {
    pub(crate) rib: &'a Rib,
    pub(crate) interner: &'a Interner,
    pub(crate) key: &'a GroupKey,
}

/// Bytes for the longest prefixes of both families on the average, for buffers that fit at once.
const NLRI_BYTES: usize = 5;
/// The same for the attributes and headers of a message.
const MESSAGE_BYTES: usize = 100;

impl Encoder<'_> {
    /// Messages that withdraw and announce, and how many they are.
    pub(crate) fn encode(
        &self,
        mut withdrawn: Vec<(PrefixId, u16)>,
        mut announced: Vec<Told>,
    ) -> (Vec<u8>, u64) {
        announced.sort_unstable();
        let sets = announced.chunk_by(|a, b| a.0 == b.0).count();
        let routes = withdrawn.len() + announced.len();
        let mut bytes = Vec::with_capacity(routes * NLRI_BYTES + sets * MESSAGE_BYTES);
        // What turns out too long to announce is withdrawn: an older route must not stay there.
        let mut late = Vec::new();
        let mut messages = self.withdraw(&mut withdrawn, &mut bytes);
        for chunk in announced.chunk_by(|a, b| a.0 == b.0) {
            messages += self.announce(chunk, &mut late, &mut bytes);
        }
        messages += self.withdraw(&mut late, &mut bytes);
        (bytes, messages)
    }

    /// The prefix and the path identifier of a route.
    fn nlri(&self, id: PrefixId, tag: u16) -> (Net, Option<u32>) {
        let net = self.rib.net(id);
        let path = self.key.add_path(net.is_v6()).is_some();
        (net, path.then_some(u32::from(tag) + 1))
    }

    fn withdraw(&self, gone: &mut [(PrefixId, u16)], bytes: &mut Vec<u8>) -> u64 {
        if gone.is_empty() {
            return 0;
        }
        let mut messages = 0;
        for v6 in [false, true] {
            let routes = gone
                .iter()
                .filter(|(id, _)| self.rib.entry(*id).is_v6() == v6)
                .map(|(id, tag)| self.nlri(*id, *tag));
            messages += update::withdraw(v6, routes, self.key.message_max(), bytes);
        }
        messages
    }

    /// Routes that share their attributes.
    fn announce(
        &self,
        chunk: &[Told],
        late: &mut Vec<(PrefixId, u16)>,
        bytes: &mut Vec<u8>,
    ) -> u64 {
        let narrow;
        let block = if self.key.wire.four_octet {
            self.interner.block(chunk[0].0)
        } else {
            narrow = self.interner.attributes(chunk[0].0).encode(false);
            &narrow
        };
        let mut messages = 0;
        let families = chunk.iter().fold([false; 2], |mut seen, (_, id, _)| {
            seen[usize::from(self.rib.entry(*id).is_v6())] = true;
            seen
        });
        for v6 in [false, true] {
            if !families[usize::from(v6)] {
                continue;
            }
            let routes = chunk
                .iter()
                .filter(|(_, id, _)| self.rib.entry(*id).is_v6() == v6)
                .map(|(_, id, tag)| self.nlri(*id, *tag));
            let announcement = Announcement { block, v6 };
            match announcement.write(routes, self.key.message_max(), bytes) {
                Some(written) => messages += written,
                None => late.extend(
                    chunk
                        .iter()
                        .filter(|(_, id, _)| self.rib.entry(*id).is_v6() == v6)
                        .map(|(_, id, tag)| (*id, *tag)),
                ),
            }
        }
        messages
    }
}
