//! `show paths`: what each path carries and why, then the last moves.

use view::{PathMove, PathStanding, Paths};

use super::{milliseconds, or_dash, right, table, text};

/// The paths, and below them the moves, if there were any.
pub(crate) fn paths(answer: &Paths) -> String {
    let mut out = table(&[
        "DEVICE", "NEIGHBOR", "PATH", "CLASS", "", "STANDING", "BECAUSE",
    ]);
    for path in &answer.paths {
        out.add_row(row(path));
    }
    if answer.moves.is_empty() {
        return text(&out);
    }
    let mut moves = table(&[
        "DEVICE", "AGO ms", "NEIGHBOR", "CLASS", "FROM", "TO", "BECAUSE",
    ]);
    for one in &answer.moves {
        moves.add_row(moved(one));
    }
    right(&mut moves, &[1]);
    format!("{}\n{}", text(&out), text(&moves))
}

fn row(path: &PathStanding) -> [String; 7] {
    [
        path.device.clone(),
        path.neighbor.clone(),
        path.path.clone(),
        or_dash(path.class.clone()),
        if path.carries { "carries" } else { "" }.to_owned(),
        path.standing.clone(),
        path.because.clone(),
    ]
}

fn moved(one: &PathMove) -> [String; 7] {
    let names = |paths: &[String]| match paths {
        [] => "-".to_owned(),
        paths => paths.join(" "),
    };
    [
        one.device.clone(),
        milliseconds(one.ago_ms.saturating_mul(1_000)),
        one.neighbor.clone(),
        or_dash(one.class.clone()),
        names(&one.from),
        names(&one.to),
        one.because.clone(),
    ]
}
