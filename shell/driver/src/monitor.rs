//! Lets others watch a speaker: MRT files and BMP stations.
//!
//! The speaker's loop shows every output ([`Monitor::see`]) and lets the monitor work when it asks for it
//! ([`Monitor::due`], [`Monitor::turn`]), a bounded piece at a time. Files are written by a thread, stations are
//! served by a task each; a disk or a station that does not keep up loses records or its connection, and never makes
//! routing wait.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bgp::{Direction, Ended, Event, NeighborId, NeighborView, Output, Speaker};
use design::plan::{BmpConfig, MrtConfig};
use inet::Asn;
use observe::Ends;

use crate::bmp::Station;
use crate::clock::unix_time;
use crate::daemon;
use crate::error::Error;
use crate::mrt::Recorder;

const KIND_AT: usize = 18;
const OPEN: u8 = 1;
const UPDATE: u8 = 2;

/// Who watches.
#[derive(Debug)]
pub(crate) struct Monitor {
    us: Us,
    recorder: Option<Recorder>,
    stations: Vec<Station>,
    sessions: BTreeMap<NeighborId, Session>,
}

/// The speaker, as others are told of it.
#[derive(Clone, Debug)]
pub(crate) struct Us {
    pub(crate) name: String,
    pub(crate) asn: Asn,
    pub(crate) router_id: Ipv4Addr,
}

/// What was seen of a neighbour's session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// The last OPENs, ours and theirs.
    pub(crate) sent: Option<Arc<[u8]>>,
    pub(crate) received: Option<Arc<[u8]>>,
    pub(crate) established: bool,
    /// Who talks, once it stands. The speaker may know the neighbour no more, or otherwise, when its end is seen.
    ends: Option<Ends>,
    pub(crate) four_octet_as: bool,
    /// Prefixes that come and go have path identifiers, for each family and direction.
    pub(crate) add_path_in: [bool; 2],
    pub(crate) add_path_out: bool,
}

impl Monitor {
    /// Opens what the configuration says; `None` when it says nothing.
    pub(crate) fn start(
        us: Us,
        mrt: Option<&MrtConfig>,
        bmp: &[BmpConfig],
    ) -> Result<Option<Self>, Error> {
        if mrt.is_none() && bmp.is_empty() {
            return Ok(None);
        }
        let recorder = mrt.map(Recorder::start).transpose()?;
        let stations = bmp.iter().map(Station::new).collect();
        Ok(Some(Self {
            us,
            recorder,
            stations,
            sessions: BTreeMap::new(),
        }))
    }

    /// Takes note of what a speaker has just put out.
    pub(crate) fn see(&mut self, speaker: &Speaker, output: &Output) {
        match output {
            Output::Message {
                neighbor,
                direction,
                bytes,
            } => {
                self.message(speaker, *neighbor, *direction, bytes);
            }
            Output::Changed { net } => {
                for station in &mut self.stations {
                    station.best(&self.us, speaker, *net);
                }
            }
            Output::Event(Event::Established { neighbor }) => self.established(speaker, *neighbor),
            Output::Event(Event::Ended {
                neighbor,
                established: true,
                reason,
            }) => {
                self.ended(*neighbor, reason);
            }
            _ => {}
        }
    }

    /// Waits until [`Self::turn`] has something to do.
    pub(crate) async fn due(&mut self) {
        let at = self.stations.iter().filter_map(Station::wake);
        let at = at
            .chain(self.recorder.as_ref().and_then(Recorder::wake))
            .min();
        let connected = async {
            match self.stations.is_empty() {
                true => std::future::pending().await,
                false => first(&mut self.stations).await,
            }
        };
        tokio::select! {
            () = daemon::sleep_until(at) => {}
            () = connected => {}
        }
    }

    /// Works on what is due, a bounded piece of it.
    pub(crate) fn turn(&mut self, speaker: &Speaker) {
        if let Some(recorder) = &mut self.recorder {
            recorder.turn(&self.us, speaker);
        }
        for station in &mut self.stations {
            station.turn(&self.us, speaker, &self.sessions);
        }
    }

    /// Says goodbye.
    pub(crate) fn finish(&mut self) {
        for station in &mut self.stations {
            station.finish();
        }
    }

    fn message(
        &mut self,
        speaker: &Speaker,
        id: NeighborId,
        direction: Direction,
        bytes: &Arc<[u8]>,
    ) {
        let view = speaker.neighbor(id);
        let known = self.sessions.get(&id).and_then(|session| session.ends);
        let named = || view.as_ref().map(|view| ends(&self.us, view));
        let Some(ends) = known.or_else(named) else {
            return;
        };
        let session = self.sessions.entry(id).or_default();
        let kind = bytes.get(KIND_AT).copied();
        if kind == Some(OPEN) {
            let last = match direction {
                Direction::In => &mut session.received,
                Direction::Out => &mut session.sent,
            };
            *last = Some(bytes.clone());
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.message(ends, session, direction, bytes);
        }
        if let Some(view) = view
            && kind == Some(UPDATE)
            && direction == Direction::In
            && session.established
        {
            for station in &mut self.stations {
                station.update(speaker, &view, session, bytes);
            }
        }
    }

    fn established(&mut self, speaker: &Speaker, id: NeighborId) {
        let Some(view) = speaker.neighbor(id) else {
            return;
        };
        let session = self.sessions.entry(id).or_default();
        let ends = ends(&self.us, &view);
        session.established = true;
        session.ends = Some(ends);
        if let Some(stands) = &view.session {
            let agreed = stands.negotiated.agreed;
            session.four_octet_as = agreed.four_octet;
            session.add_path_in = agreed.add_path_in;
            session.add_path_out = agreed.add_path_out.iter().any(Option::is_some);
        }
        if let Some(recorder) = &mut self.recorder {
            let (from, to) = (
                observe::mrt::State::OpenConfirm,
                observe::mrt::State::Established,
            );
            recorder.state(ends, from, to);
        }
        for station in &mut self.stations {
            station.up(&view, session);
        }
    }

    fn ended(&mut self, id: NeighborId, reason: &Ended) {
        let session = self.sessions.remove(&id).unwrap_or_default();
        // Nobody heard of a session whose beginning was not seen.
        let Some(ends) = session.ends else {
            return;
        };
        if let Some(recorder) = &mut self.recorder {
            let (from, to) = (observe::mrt::State::Established, observe::mrt::State::Idle);
            recorder.state(ends, from, to);
        }
        for station in &mut self.stations {
            station.down(ends, &session, reason);
        }
    }
}

/// Waits for the first station to which something happened.
async fn first(stations: &mut [Station]) {
    std::future::poll_fn(|context| {
        let mut stations = stations.iter_mut();
        match stations.any(|station| station.poll_happened(context)) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

fn ends(us: &Us, view: &NeighborView<'_>) -> Ends {
    Ends {
        remote_as: view.settings.remote_as,
        local_as: us.asn,
        remote: view.settings.address,
        local: view.settings.local_address,
    }
}

/// The neighbour's BGP identifier as far as its OPEN told it.
pub(crate) fn router_id(received: Option<&[u8]>) -> Ipv4Addr {
    /// Behind the header: version, AS, hold time.
    const AT: usize = 24;
    let octets = received.and_then(|open| open.get(AT..AT + 4)?.try_into().ok());
    octets.map_or(Ipv4Addr::UNSPECIFIED, <Ipv4Addr as From<[u8; 4]>>::from)
}

/// Now, and the same as tokio's timers want it.
pub(crate) fn after(pause: Duration) -> tokio::time::Instant {
    tokio::time::Instant::now() + pause
}

/// Now, since 1970.
pub(crate) fn now() -> Duration {
    unix_time()
}

/// Stands for the neighbour that our own routes are of.
pub(crate) const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests;
