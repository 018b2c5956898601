//! The state machine as one table: every state, every event. `matrix.txt` is reviewed against RFC 5880 §6.2, §6.8.

use std::fmt::Write as _;

use bfd::{Command, Settings, State, Verdict};

use crate::neighbor::{Bench, ms};

const STATES: [State; 4] = [State::AdminDown, State::Down, State::Init, State::Up];

type Event = (&'static str, fn(&mut Bench));

const EVENTS: [Event; 11] = [
    ("hears AdminDown", |bench| bench.hear(State::AdminDown)),
    ("hears Down", |bench| bench.hear(State::Down)),
    ("hears Init", |bench| bench.hear(State::Init)),
    ("hears Up", |bench| bench.hear(State::Up)),
    ("hears poll", |bench| {
        bench.theirs.poll = true;
        let state = bench.view().remote_state;
        bench.hear(state);
    }),
    ("hears nothing", |bench| bench.run(ms(7_000))),
    ("intervals x2", |bench| {
        bench.command(Command::Set(bench.key, Settings::new(ms(4_000), 3)))
    }),
    ("admin down", |bench| {
        bench.command(Command::AdminDown(bench.key))
    }),
    ("admin up", |bench| {
        bench.command(Command::AdminUp(bench.key))
    }),
    ("remove", |bench| bench.command(Command::Remove(bench.key))),
    ("remove, later", |bench| {
        bench.command(Command::Remove(bench.key));
        bench.run(ms(10_000));
    }),
];

fn bench_in(state: State) -> Bench {
    let mut bench = Bench::new(Settings::new(ms(2_000), 3));
    match state {
        State::AdminDown => {
            bench.hear(State::AdminDown);
            bench.command(Command::AdminDown(bench.key));
        }
        State::Down => bench.hear(State::AdminDown),
        State::Init => bench.hear(State::Down),
        State::Up => {
            bench.hear(State::Down);
            bench.hear(State::Init);
        }
    }
    assert_eq!(bench.view().state, state);
    bench.sent.clear();
    bench.states.clear();
    bench.verdicts.clear();
    bench
}

fn cell(state: State, event: fn(&mut Bench)) -> String {
    let mut bench = bench_in(state);
    let began = bench.now;
    event(&mut bench);
    let after = match bench.endpoint.session(bench.key) {
        None => "gone".to_owned(),
        Some(view) => format!("{} ({})", view.state, view.diagnostic.number()),
    };
    let at_once = bench.sent.iter().filter(|(at, _)| *at == began);
    let said: Vec<String> = at_once
        .map(|(_, packet)| {
            let bits = [(packet.poll, "P"), (packet.is_final, "F")];
            let bits: String = bits
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, bit)| *bit)
                .collect();
            format!(
                "{}{}{bits}",
                packet.state,
                if bits.is_empty() { "" } else { "+" }
            )
        })
        .collect();
    let verdicts: Vec<&str> = bench
        .verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Alive => "alive",
            Verdict::Failed => "failed",
            Verdict::Unknown => "unknown",
        })
        .collect();
    let mut cell = after;
    if !said.is_empty() {
        write!(cell, ", says {}", said.join(" ")).expect("a string grows");
    }
    if !verdicts.is_empty() {
        write!(cell, ", client: {}", verdicts.join(" ")).expect("a string grows");
    }
    cell
}

fn table() -> String {
    let mut text = String::from(
        "What follows from an event: state (diagnostic), what is said at once, what clients are told.\n",
    );
    for state in STATES {
        writeln!(text, "\n{state}").expect("a string grows");
        for (name, event) in EVENTS {
            writeln!(text, "  {name:<16} {}", cell(state, event)).expect("a string grows");
        }
    }
    text
}

#[test]
fn rfc5880_6_2_every_state_and_event_does_what_the_reviewed_table_says() {
    let table = table();
    assert_eq!(
        table,
        include_str!("matrix.txt"),
        "the table is now:\n{table}"
    );
}
