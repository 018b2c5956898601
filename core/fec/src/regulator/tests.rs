//! A regulator against reports as they come from paths of all kinds.

use super::*;

/// A path's other side: what it has counted, and the time.
struct Path {
    regulator: Regulator,
    report: Report,
    now: Instant,
}

impl Path {
    fn new() -> Self {
        Self {
            regulator: Regulator::default(),
            report: Report::default(),
            now: Instant::from_secs(1),
        }
    }

    /// Half a second passes with so many packets, of which some are lost and some of those recovered.
    fn pass(&mut self, sent: u32, lost: u32, recovered: u32) -> Level {
        self.now = self.now + Duration::from_millis(500);
        self.report.expected += sent;
        self.report.received += sent - lost;
        self.report.recovered += recovered;
        self.regulator.on_report(self.now, 0, self.report);
        self.regulator.level()
    }
}

#[test]
fn a_path_that_loses_nothing_gets_no_parity() {
    let mut path = Path::new();
    for _ in 0..100 {
        assert!(path.pass(500, 0, 0).is_off());
    }
    assert!(
        path.pass(500, 1, 0).is_off(),
        "one of 500 is as good as none"
    );
}

#[test]
fn parity_comes_with_the_first_report_of_loss_and_goes_slowly_when_there_is_none() {
    let mut path = Path::new();
    assert_eq!(path.pass(40, 2, 0).loss_ppm(), 50_000);
    let mut halves = 0;
    while !path.pass(100, 0, 0).is_off() {
        halves += 1;
    }
    assert!((10..100).contains(&halves), "{halves}");
    assert_eq!(path.regulator.state(), State::Idle);
}

#[test]
fn a_little_better_for_a_little_while_changes_nothing() {
    let mut path = Path::new();
    let level = path.pass(500, 25, 0);
    for _ in 0..20 {
        assert_eq!(path.pass(500, 22, 22), level);
        assert_eq!(path.pass(500, 25, 25), level);
    }
}

#[test]
fn parity_that_brings_nothing_back_is_off_for_a_minute() {
    let mut path = Path::new();
    assert!(!path.pass(500, 50, 0).is_off());
    // Lost in bursts that no block survives.
    assert!(path.pass(500, 50, 2).is_off());
    for _ in 0..119 {
        assert!(path.pass(500, 50, 0).is_off());
    }
    assert!(!path.pass(500, 50, 0).is_off(), "tried again");
}

#[test]
fn parity_that_fills_a_full_path_is_taken_away() {
    let mut path = Path::new();
    assert!(!path.pass(500, 20, 0).is_off());
    assert!(path.pass(500, 120, 80).is_off());
    assert!(matches!(path.regulator.state(), State::Useless { .. }));
}

#[test]
fn a_report_of_one_that_began_anew_is_only_where_counting_begins() {
    let mut path = Path::new();
    path.pass(10_000, 0, 0);
    path.report = Report::default();
    assert!(path.pass(100, 50, 0).is_off());
    assert!(!path.pass(100, 5, 0).is_off());
}
