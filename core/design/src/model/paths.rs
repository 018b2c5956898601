//! What paths need beside their underlay: TLS where UDP is blocked, proxies, shortcuts.

use core::net::SocketAddrV4;

use serde_json::{Map, Value, json};

use crate::reader::{Shape, expected, record};
use crate::report::Report;
use crate::scalars::{Count, Loss, Text, TimeSpan, scalar};
use crate::tree::Node;

record! {
    /// How NVAs take the tunnels of sites over TLS.
    TlsSettings {
        /// TCP port.
        port: Count<1, 65535> = "443",
    }
}

record! {
    /// Tunnels that two sites make between each other when a hub relays between them.
    ShortcutSettings {
        /// How many a site has at once.
        slots: Count<1, 256> = "8",
        /// By how much the round-trip time must be shorter than by the relay.
        margin: Loss = "10%",
        /// It goes after this time without traffic.
        idle: TimeSpan = "60s",
    }
}

record! {
    /// A proxy on the way out of TCP connections that knows HTTP CONNECT (RFC 9110).
    ProxyText required address {
        /// Where it listens.
        address: SocketAddrV4 = "192.0.2.7:3128",
        /// The user's name, if it asks for one; the password is in a file beside the private keys.
        user: Text = "branch",
    }
}

impl Shape for SocketAddrV4 {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "an IPv4 address and port";
        let endpoint: Option<Self> = scalar(node, what, reports)?.parse().ok();
        let endpoint = endpoint.filter(|endpoint| endpoint.port() > 0);
        if endpoint.is_none() {
            reports.push(expected(node, what).try_this("such as 192.0.2.7:3128"));
        }
        endpoint
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}:[0-9]{1,5}$" })
    }
}
