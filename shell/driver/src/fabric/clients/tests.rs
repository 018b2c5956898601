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

#[test]
fn an_operator_that_reads_slowly_does_not_hold_packets_up() {
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    let mut client = Client {
        stream: ours,
        line: Vec::new(),
        role: Role::Operator,
    };
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 32 * 1024];
        while matches!(theirs.read(&mut buffer), Ok(1..)) {
            std::thread::sleep(ANSWER_PATIENCE / 4);
        }
    });
    let yaml = "x".repeat(8 << 20);
    let begun = std::time::Instant::now();
    let sent = client.reply(&Answer::Configuration { yaml });
    sent.expect_err("it takes too long");
    assert!(begun.elapsed() < 5 * ANSWER_PATIENCE);
    drop(client);
    reader.join().expect("it ends");
}

#[test]
fn nobody_is_let_in_for_a_while_when_there_is_no_room() {
    let mut clients = Clients::new(7);
    let at = |ms| Instant::from_millis(ms);
    assert!(!clients.is_rested(at(0)));
    clients.rest(at(1000));
    assert_eq!(clients.rests_until(), Some(at(1100)));
    assert!(!clients.is_rested(at(1099)));
    assert!(clients.is_rested(at(1100)));
    assert!(!clients.is_rested(at(1100)), "once");
}
