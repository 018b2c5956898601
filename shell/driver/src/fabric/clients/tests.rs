//! Devices that call again before the fabric has heard of the end of their last call.

use std::net::Ipv4Addr;

use design::NoFiles;

use super::*;
use crate::daemon;
use crate::programming::line;

const MSEE: &str = "msee0.ams";
const DESIGN: &str = include_str!("../../../../../examples/07-coexistence.yaml");

fn fabric() -> Fabric {
    let (design, reports) = design::read("07-coexistence.yaml", DESIGN, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{reports:?}"));
    let plan = design::resolve(&design, &|locator| locator.to_owned());
    let plan = plan.unwrap_or_else(|reports| panic!("{reports:?}"));
    Fabric::new(&plan.fabric, Instant::ZERO).expect("a good configuration")
}

fn told(prefix: &str) -> Vec<u8> {
    let hello = line(&Hello {
        instance: MSEE.to_owned(),
    });
    let decision = line(&Decision {
        prefix: prefix.parse().expect("a prefix"),
        next_hops: vec![Ipv4Addr::new(172, 16, 0, 1)],
        table: Table::Own,
    });
    [hello, decision].concat()
}

#[test]
fn the_late_end_of_an_old_connection_leaves_the_new_ones_table_alone() {
    let path = std::env::temp_dir().join(format!("clients-{}.sock", std::process::id()));
    let listener = daemon::listen(&path).expect("listens");
    let poller = Poller::new().expect("a poller");
    let (mut clients, mut fabric) = (Clients::new(7), fabric());
    let msee = fabric.forwarder(MSEE).expect("the design has it");
    let call = |clients: &mut Clients, prefix| {
        let mut stream = UnixStream::connect(&path).expect("connects");
        stream.write_all(&told(prefix)).expect("writes");
        let accepted = clients.accept(&listener, true, &poller);
        accepted.expect("is let in");
        stream
    };
    let mut serve = |clients: &mut Clients, token| {
        clients.serve(token, Instant::ZERO, &mut fabric, &mut Vec::new());
        let table = fabric.forwarding(msee);
        table
            .map(|(prefix, _)| prefix.to_string())
            .collect::<Vec<_>>()
    };
    let mut old = call(&mut clients, "10.1.0.0/16");
    assert_eq!(serve(&mut clients, 7), ["10.1.0.0/16"]);
    let new = call(&mut clients, "10.2.0.0/16");
    assert_eq!(serve(&mut clients, 8), ["10.2.0.0/16"]);
    // The fabric may have closed it already.
    drop(old.write_all(&told("10.3.0.0/16")));
    drop(old);
    assert_eq!(serve(&mut clients, 7), ["10.2.0.0/16"]);
    drop(new);
    assert!(serve(&mut clients, 8).is_empty());
    std::fs::remove_file(&path).expect("the socket is there");
}
