//! Anything from any interface at any time: nothing panics, wakes lie ahead, and the same inputs
//! give the same outputs.

use core::time::Duration;

use inet::Instant;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::{prop_oneof, proptest};

use super::world::{World, config, ip, packet_of, tcp};
use crate::fabric::{Fault, Input, InstanceId, Output, PortId};

const ADDRESSES: [&str; 9] = [
    "10.1.1.4",
    "10.2.0.4",
    "10.11.1.4",
    "20.0.0.1",
    "84.0.0.1",
    "84.0.0.9",
    "192.168.1.2",
    "172.20.1.10",
    "224.0.0.18",
];

/// A few real ports of the world and some that do not exist.
fn arb_port() -> impl Strategy<Value = PortId> {
    (0u32..20).prop_map(PortId)
}

fn arb_packet() -> impl Strategy<Value = Vec<u8>> {
    let addressed = (
        0..ADDRESSES.len(),
        0..ADDRESSES.len(),
        any::<u16>(),
        vec((0usize..40, any::<u8>()), 0..3),
    );
    let mutated = addressed.prop_map(|(source, destination, port, changes)| {
        let mut bytes = packet_of(tcp(ADDRESSES[source], ADDRESSES[destination], port, 443));
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    });
    prop_oneof![mutated, vec(any::<u8>(), 0..60)]
}

fn arb_input() -> impl Strategy<Value = Input> {
    let packet =
        || (arb_port(), arb_packet()).prop_map(|(port, bytes)| Input::Packet { port, bytes });
    let program =
        (0u16..3, any::<u32>(), 0u8..=32, 0usize..3).prop_map(|(instance, bits, len, hops)| {
            Input::Program {
                instance: InstanceId(instance),
                prefix: inet::Prefix::around(bits.into(), len).expect("a length"),
                next_hops: ["10.1.1.4", "10.1.1.5"]
                    .iter()
                    .take(hops)
                    .map(|hop| ip(hop))
                    .collect(),
            }
        });
    let instance = (0u16..3, any::<bool>()).prop_map(|(instance, up)| {
        if up {
            Input::InstanceUp(InstanceId(instance))
        } else {
            Input::InstanceDown(InstanceId(instance))
        }
    });
    let device = (0usize..4, any::<bool>()).prop_map(|(index, up)| {
        let name = ["rs0.west", "nva1.west", "cpe1.paris", "nobody"][index].to_owned();
        Input::Command(Fault::Device { name, up })
    });
    prop_oneof![
        packet(),
        packet(),
        packet(),
        program,
        instance,
        device,
        proptest::strategy::Just(Input::Wake)
    ]
}

fn run(inputs: &[(u32, Input)]) -> Vec<Output> {
    let mut fabric = World::new(&config()).fabric;
    let mut out = Vec::new();
    let mut now = Instant::ZERO;
    for (micros, input) in inputs {
        now = now + Duration::from_micros(u64::from(*micros));
        fabric.handle(now, input.clone(), &mut out);
        assert!(fabric.wake().is_none_or(|wake| wake > now));
    }
    while let Some(wake) = fabric.wake() {
        fabric.handle(wake, Input::Wake, &mut out);
    }
    out
}

proptest! {
    #[test]
    fn anything_may_happen_in_any_order(
        inputs in vec((0u32..100_000, arb_input()), 0..60),
    ) {
        assert_eq!(run(&inputs), run(&inputs));
    }
}
