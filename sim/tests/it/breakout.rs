//! Classes that break out leave at the site, with its address; others do not.

use core::time::Duration;

use sim::{Options, World};
use tunnel::Suite;
use view::Target;

use super::{converge, plan_of};

/// Accesses of other sites, which the two providers reach.
const BY_INTERNET: [u8; 4] = [11, 0, 0, 20];
const BY_ISP2: [u8; 4] = [11, 1, 0, 20];

fn world(text: &str) -> World {
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan_of(text), options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

#[test]
fn a_class_that_asks_for_it_leaves_at_the_site_and_gets_its_answers() {
    let text = include_str!("../../../examples/16-internet-breakout.yaml");
    let mut all = world(text);
    let there = all.ping("host1.paris", BY_INTERNET.into());
    let there = there.expect("an answer from the internet");
    assert!(
        there < Duration::from_millis(40),
        "{there:?}: not by the hub"
    );
    assert!(
        all.ping_all()
            .echoes
            .iter()
            .all(|echo| echo.round_trip.is_some())
    );
    let mut none = world(&text.replace(", breakout: true", ""));
    assert_eq!(none.ping("host1.paris", BY_INTERNET.into()), None);
}

#[test]
fn it_moves_to_another_access_when_its_own_goes_down_and_not_back() {
    let text = include_str!("../../../examples/16-internet-breakout.yaml");
    let mut world = world(text);
    let reaches = |world: &mut World| {
        [BY_INTERNET, BY_ISP2].map(|to| world.ping("host1.paris", to.into()).is_some())
    };
    assert_eq!(reaches(&mut world), [true, false]);
    let access = Target::Underlay {
        site: "paris".to_owned(),
        underlay: "internet".to_owned(),
    };
    world.fail(&access).expect("it can fail");
    world.run_until(world.now() + Duration::from_secs(3));
    assert_eq!(reaches(&mut world), [false, true]);
    world.heal(&access).expect("it can be healed");
    world.run_until(world.now() + Duration::from_secs(60));
    assert_eq!(
        reaches(&mut world),
        [false, true],
        "flows stay where they are"
    );
}
