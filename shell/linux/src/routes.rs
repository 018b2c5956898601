//! Reading the kernel's routes.

use std::fs;
use std::io;
use std::net::Ipv4Addr;

/// A default route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultRoute {
    /// Name of the interface.
    pub interface: String,
    /// The next router, if there is one.
    pub gateway: Option<Ipv4Addr>,
}

/// The default route that the calling thread's namespace prefers, if it has any.
///
/// # Errors
///
/// `/proc` is not mounted.
pub fn default_route() -> io::Result<Option<DefaultRoute>> {
    Ok(preferred(&table()?, |_| true))
}

/// The default route by an interface, if it has any.
///
/// # Errors
///
/// `/proc` is not mounted.
pub fn default_route_by(interface: &str) -> io::Result<Option<DefaultRoute>> {
    Ok(preferred(&table()?, |name| name == interface))
}

fn table() -> io::Result<String> {
    fs::read_to_string("/proc/thread-self/net/route")
}

/// The default route with the lowest metric in the kernel's table, which has a line of headings and
/// then for each route: interface, destination, gateway, flags, two counters, metric, mask.
fn preferred(table: &str, by: impl Fn(&str) -> bool) -> Option<DefaultRoute> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[interface, destination, gateway, _, _, _, metric, mask, ..] = fields.as_slice()
        else {
            return None;
        };
        let is_default = destination == "00000000" && mask == "00000000";
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        let metric: u32 = metric.parse().ok()?;
        (is_default && by(interface)).then_some((metric, interface, gateway))
    });
    let (_, interface, gateway) = routes.min()?;
    Some(DefaultRoute {
        interface: interface.to_owned(),
        // Addresses are written as the number that their octets make in the machine's byte order.
        gateway: (gateway != 0).then(|| Ipv4Addr::from(gateway.to_ne_bytes())),
    })
}

#[cfg(test)]
mod tests {
    use super::{DefaultRoute, preferred};

    #[test]
    fn the_default_route_of_the_lowest_metric_is_preferred() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            wan1\t00000000\t00000000\t0001\t0\t0\t20\t00000000\t0\t0\t0\n\
            wan0\t00000000\t0100000A\t0003\t0\t0\t10\t00000000\t0\t0\t0\n\
            lan0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let found = preferred(table, |_| true);
        if cfg!(target_endian = "little") {
            assert_eq!(
                found,
                Some(DefaultRoute {
                    interface: "wan0".to_owned(),
                    gateway: Some([10, 0, 0, 1].into()),
                })
            );
        }
        let by_wan1 = preferred(table, |name| name == "wan1").map(|found| found.gateway);
        assert_eq!(by_wan1, Some(None));
        assert_eq!(preferred("Iface\n", |_| true), None);
    }
}
