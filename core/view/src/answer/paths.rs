//! Why paths carry what they carry.

use core::time::Duration;

use design::plan::NodeConfig;
use inet::Instant;
use node::{Account, Fault, LinkView, Node, PathView, Standing, Way};

use crate::{FormatVersion, PathMove, PathStanding, Paths};

pub(super) fn paths(node: &Node, config: &NodeConfig, now: Instant) -> Paths {
    let mut paths = Vec::new();
    for link in node.links(now) {
        for path in &link.paths {
            let standing = |class: Option<String>, carries, standing: &str, because| PathStanding {
                device: config.name.clone(),
                neighbor: link.neighbor.clone(),
                path: node.path_name(path.id).to_owned(),
                class,
                carries,
                standing: standing.to_owned(),
                because,
            };
            let dead = format!("no reply for {}ms", config.probe.dead_after_ms);
            for class in &path.classes {
                let (word, because) = match path.up {
                    true => (word(class.account.standing), account(now, &class.account)),
                    false => ("down", dead.clone()),
                };
                paths.push(standing(
                    Some(class.name.clone()),
                    class.carries,
                    word,
                    because,
                ));
            }
            let (word, because) = match path.up {
                true => unclassed(now, path),
                false => ("down", dead),
            };
            paths.push(standing(None, is_used(&link, path), word, because));
        }
    }
    Paths {
        format_version: FormatVersion,
        paths,
        moves: moves(node, config, now),
    }
}

fn moves(node: &Node, config: &NodeConfig, now: Instant) -> Vec<PathMove> {
    let moves = node.moves().map(|moved| PathMove {
        device: config.name.clone(),
        ago_ms: u64::try_from(now.since(moved.at).as_millis()).unwrap_or(u64::MAX),
        neighbor: moved.neighbor.clone(),
        class: moved.class.clone(),
        from: moved.from.clone(),
        to: moved.to.clone(),
        cause: moved.cause.name().to_owned(),
        because: moved.because(),
    });
    moves.collect()
}

/// Whether a path takes what is of no class.
pub(super) fn is_used(link: &LinkView, path: &PathView) -> bool {
    let rank = |path: &PathView| {
        let over_tls = path.carrier == Way::Tls;
        (over_tls, path.held_until.is_some(), path.preference)
    };
    let up = link.paths.iter().filter(|path| path.up);
    path.up && up.map(rank).min() == Some(rank(path))
}

fn unclassed(now: Instant, path: &PathView) -> (&'static str, String) {
    match path.held_until {
        Some(until) => (
            "held",
            format!("was down; held for {} more", seconds(now, until)),
        ),
        None => ("keeps", format!("preference {}", path.preference)),
    }
}

pub(super) const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Keeps => "keeps",
        Standing::Held => "held",
        Standing::Breaks(_) => "breaks",
    }
}

/// Which measurement and which rule made it so that a path stands with a class as it does.
pub(super) fn account(now: Instant, account: &Account) -> String {
    let choice = format!("choice {}", account.group + 1);
    let measured = match account.worst {
        Some(worst) => worst.to_string(),
        None => "nothing that it asks is missed".to_owned(),
    };
    let fault = match account.fault {
        Some(Fault::Down) => "was down".to_owned(),
        Some(Fault::Broke(measure)) => format!("measured {measure}"),
        None => String::new(),
    };
    match (account.standing, account.held_until) {
        (Standing::Keeps, _) => format!("{choice}; {measured}"),
        (Standing::Held, Some(until)) => {
            format!(
                "{choice}; {fault}; held for {} more; now {measured}",
                seconds(now, until)
            )
        }
        (Standing::Held, None) => format!("{choice}; {fault}"),
        (Standing::Breaks(_), _) => format!("{choice}; {fault}; now {measured}"),
    }
}

fn seconds(now: Instant, until: Instant) -> String {
    let left: Duration = until.since(now);
    format!("{}s", left.as_millis().div_ceil(1_000))
}
