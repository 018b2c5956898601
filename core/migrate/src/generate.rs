//! Two designs of any size, for measurements: all sites on a provider, and all sites on the SD-WAN.

use core::fmt::Write as _;

/// Most sites: a /24 of 10.128.0.0/10 each, and a 16-bit private AS that is not the overlay's.
const SITES_MAX: usize = 400;

/// A design with this many sites on an IPVPN, and the same sites without it. Three regions, each
/// with a gateway and a circuit to the provider in the first design.
pub fn generate(sites: usize) -> (String, String) {
    let sites = sites.min(SITES_MAX);
    (text(sites, true), text(sites, false))
}

const REGIONS: [(&str, &str, &str); 3] = [
    ("westeurope", "ams", "Amsterdam"),
    ("eastus", "nyc", "New York"),
    ("southeastasia", "sin", "Singapore"),
];

fn text(sites: usize, provider: bool) -> String {
    let mut text = "longhaul: 1\nname: company\n\
         overlay: {asn: 65010, loopbacks: 172.16.0.0/15, summaries: [10.0.0.0/8]}\nregions:\n"
        .to_owned();
    let gateway = if provider {
        ", express_route: true"
    } else {
        ""
    };
    for (index, (region, _, _)) in REGIONS.iter().enumerate() {
        let number = index + 1;
        let _ = writeln!(
            text,
            "  {region}: {{hub: {{address_space: 10.{number}.0.0/20}}, \
             spokes: {{spoke1: {{address_space: 10.{number}.16.0/20, vms: 1}}}}{gateway}}}"
        );
    }
    if provider {
        text.push_str("networks:\n  mpls:\n    asn: 64900\n    pes:\n");
        for (_, name, city) in REGIONS {
            let _ = writeln!(text, "      {name}: {{city: {city}}}");
        }
        text.push_str("circuits:\n");
        for (region, name, city) in REGIONS {
            let _ = writeln!(
                text,
                "  {name}: {{location: {city}, customer: pe-{name}.mpls, connections: [{region}]}}"
            );
        }
    }
    text.push_str("sites:\n");
    let attached = if provider { ", networks: [mpls]" } else { "" };
    let cpes = if provider { "cpes: 0, " } else { "" };
    for site in 0..sites {
        let city = CITIES[site % CITIES.len()];
        let (number, lan, asn) = (site + 1, (128 << 8) + site, 65101 + site);
        let (high, low) = (lan >> 8, lan & 0xff);
        let _ = writeln!(
            text,
            "  - {{name: site{number}, city: {city}, lans: [10.{high}.{low}.0/24], {cpes}\
             routers: {{core: {{asn: {asn}{attached}}}}}}}"
        );
    }
    text
}

/// Where the sites are, in turn.
const CITIES: [&str; 20] = [
    "Paris",
    "New York",
    "Singapore",
    "Madrid",
    "Boston",
    "Tokyo",
    "London",
    "Chicago",
    "Sydney",
    "Berlin",
    "Toronto",
    "Mumbai",
    "Milan",
    "Miami",
    "Seoul",
    "Vienna",
    "Dallas",
    "Jakarta",
    "Warsaw",
    "Atlanta",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_designs_are_read() {
        let (from, to) = generate(50);
        for text in [from, to] {
            let (design, reports) = design::read("generated", &text, &design::NoFiles);
            assert!(design.is_some(), "{}", reports.render(false));
        }
    }
}
