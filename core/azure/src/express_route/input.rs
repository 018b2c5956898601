//! Everything that can happen to a gateway or an MSEE.

/// An input; `C` is what the platform's management can want of the device.
#[derive(Clone, Debug)]
pub enum Input<'a, C> {
    /// The time that `wake` named has come. Give all waiting datagrams first.
    Wake,
    /// Something happened to a connection.
    Bgp(bgp::Input<'a>),
    /// Something happened to a BFD session; a gateway has none and ignores it.
    Bfd(bfd::Input<'a>),
    /// The platform's management wants something.
    Command(C),
}
