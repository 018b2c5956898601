//! Everything that can happen to a prober.

/// What a prober is told.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time has passed.
    Wake,
    /// A STAMP reply came by this path: the UDP payload.
    Reply(&'a [u8]),
    /// Probe at once, because the path may just have become usable: its tunnel has keys.
    Probe,
    /// Packets that are no probes went through the path: it is in use for the next [`crate::USED_FOR`].
    Used,
}
