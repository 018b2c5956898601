//! A Route Server at its published limits: eight NVAs announce 4,000 routes each to both instances,
//! and the interfaces of 4,000 VMs are programmed with what they decide.
//!
//! The sessions and the encoded announcements are made before the clock starts; all of it runs in
//! this process, without sockets.

use std::time::Instant;

use azure::scale::{Scale, Size};
use serde::Serialize;

use crate::Error;
use crate::machine::Machine;
use crate::report::Spread;
use crate::usage::Usage;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteServerReport {
    /// Of this shape.
    pub format_version: u32,
    /// Where.
    pub machine: Machine,
    /// How often.
    pub repeat: usize,
    /// With the same prefixes from all NVAs, and with each NVA's own.
    pub rows: Vec<RouteServerRow>,
}

/// A size with its figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteServerRow {
    /// NVAs.
    pub nvas: u8,
    /// Prefixes of each.
    pub routes: u32,
    /// Whether all announce the same.
    pub same: bool,
    /// VMs.
    pub vms: u16,
    /// Seconds from the first octet until every interface is programmed.
    pub time: Spread,
    /// Processor seconds.
    pub cpu_s: Spread,
    /// Octets that the process had resident at most so far.
    pub peak_rss: u64,
}

/// Measures so often.
///
/// # Errors
///
/// An interface lacks a route in the end.
pub fn route_server(repeat: usize) -> Result<RouteServerReport, Error> {
    let rows = [true, false].map(|same| {
        row(
            Size {
                same,
                ..Size::PUBLISHED
            },
            repeat,
        )
    });
    Ok(RouteServerReport {
        format_version: 1,
        machine: Machine::here(),
        repeat,
        rows: rows.into_iter().collect::<Result<_, _>>()?,
    })
}

fn row(size: Size, repeat: usize) -> Result<RouteServerRow, Error> {
    let (mut times, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let made = Scale::new(size);
        let mut scale = made.map_err(|error| Error::Daemon(format!("{error:?}")))?;
        let before = Usage::of(std::process::id());
        let start = Instant::now();
        scale.announce();
        times.push(start.elapsed().as_secs_f64());
        let after = Usage::of(std::process::id());
        cpus.push(after.cpu.saturating_sub(before.cpu).as_secs_f64());
        let missing = scale.missing();
        if missing > 0 {
            return Err(Error::Daemon(format!("{missing} routes are missing")));
        }
    }
    let spread = |figures: Vec<f64>| {
        let none = || Error::Daemon("nothing was measured".to_owned());
        Spread::of(figures.into_iter()).ok_or_else(none)
    };
    Ok(RouteServerRow {
        nvas: size.nvas,
        routes: size.routes,
        same: size.same,
        vms: size.vms,
        time: spread(times)?,
        cpu_s: spread(cpus)?,
        peak_rss: Usage::of(std::process::id()).peak_rss,
    })
}
