//! Peerings by name.

use design::plan::RouteServerConfig;

use super::net::{config, nvas, prefix};
use crate::route_server::{Command, Peering, PeeringRefusal, Peerings};

fn peering(name: &str, space: &str, gateway_transit: bool) -> Peering {
    Peering {
        name: name.to_owned(),
        space: vec![prefix(space)],
        gateway_transit,
    }
}

/// The configuration after a command, as an instance has it.
fn after(mut config: RouteServerConfig, command: Command) -> RouteServerConfig {
    if let Command::Vnets { announced, space } = command {
        config.announced = announced;
        config.vnet_space = space;
    }
    config
}

#[test]
fn a_peering_adds_its_address_space_and_takes_it_away_again() {
    let before = config(&nvas(&[65_001]));
    let mut peerings = Peerings::default();
    let spoke = peering("spoke9", "10.99.0.0/16", true);
    let command = peerings.put(&before, spoke.clone()).expect("made");
    let with = after(before.clone(), command);
    assert!(with.announced.contains(&prefix("10.99.0.0/16")));
    assert!(peerings.list(&with).contains(&spoke));
    // Without gateway transit it is not announced any more.
    let quiet = peering("spoke9", "10.99.0.0/16", false);
    let command = peerings.put(&with, quiet.clone()).expect("replaced");
    let with = after(with, command);
    assert!(!with.announced.contains(&prefix("10.99.0.0/16")));
    assert!(peerings.list(&with).contains(&quiet));
    let command = peerings.remove(&with, "spoke9").expect("was there");
    let without = after(with, command);
    assert_eq!(
        (&without.announced, &without.vnet_space),
        (&before.announced, &before.vnet_space)
    );
    assert_eq!(peerings.remove(&without, "spoke9"), None);
}

#[test]
fn address_space_of_the_configuration_is_a_peering_under_its_prefix() {
    let before = config(&nvas(&[65_001]));
    let mut peerings = Peerings::default();
    let names: Vec<String> = peerings
        .list(&before)
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["10.2.0.0-16", "10.3.0.0-16"]);
    let command = peerings.remove(&before, "10.2.0.0-16").expect("was there");
    assert_eq!(
        after(before, command).vnet_space,
        ["10.1.0.0/16", "10.3.0.0/16"].map(prefix)
    );
}

#[test]
fn overlapping_address_space_is_refused() {
    let config = config(&nvas(&[65_001]));
    for space in ["10.1.0.0/16", "10.2.3.0/24", "10.0.0.0/8"] {
        let refused = Peerings::default().put(&config, peering("spoke9", space, true));
        assert!(
            matches!(refused, Err(PeeringRefusal::Overlap { .. })),
            "{space}"
        );
    }
    let empty = Peering {
        space: Vec::new(),
        ..peering("spoke9", "10.9.0.0/16", true)
    };
    assert_eq!(
        Peerings::default().put(&config, empty),
        Err(PeeringRefusal::Empty)
    );
}
