//! How nodes forward.

use crate::reader::record;
use crate::scalars::{Count, words};

record! {
    /// How nodes forward packets.
    ForwardingText {
        /// Forwarding threads of each node.
        threads: Count<1, 16> = "2",
        /// What is checked of the source of a packet that comes out of a tunnel.
        source_check: SourceCheckText = "strict",
        /// Whether AES-256-GCM is used between nodes whose processors have instructions for it.
        aes: bool = "true",
    }
}

words! {
    /// What is checked of the source of a packet that comes out of a tunnel.
    SourceCheckText {
        /// The peer that it came from announces it.
        Strict = "strict",
        /// Somebody announces it.
        Loose = "loose",
        /// Nothing.
        Off = "off",
    }
}
