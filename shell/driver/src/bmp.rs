//! BMP stations: a connection to each, what it is told, and a fresh start for one that does not keep up.
//!
//! A station hears of each neighbour the Adj-RIB-In before policy (the UPDATEs as they came) and after it, and the
//! Loc-RIB. When it connects it gets everything from the beginning, a page of the table at a time and only while it
//! takes it. What waits for a station is bounded: when it is too much the connection is dropped.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bgp::wire::attributes;
use bgp::wire::update::Update;
use bgp::{Ended, NeighborId, NeighborView, RecordedRoute, Speaker};
use design::plan::BmpConfig;
use inet::{Asn, Net};
use observe::Ends;
use observe::bmp::{self, Down, Family, Peer, Statistic, Table, Termination};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::monitor::{NOBODY, Session, Us, after, now, router_id};

/// A station for which more than this waits, octets, is dropped and begins anew.
const WAITING_MAX: usize = 64 << 20;
/// A page of the table is told only while less than this waits.
const WAITING_FOR_PAGE: usize = 1 << 20;
/// As many places of the table are told in one turn.
const PAGE: u32 = 512;
/// When a station has no time for a page, it is offered again after this long.
const PAUSE: Duration = Duration::from_millis(20);
/// Statistics do not follow each other faster.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// Before a station is called again; doubles up to the longest.
const REDIAL: Duration = Duration::from_secs(1);
const REDIAL_MAX: Duration = Duration::from_secs(60);
/// A connection must be made within this time.
const PATIENCE: Duration = Duration::from_secs(10);
const HEADER_LEN: usize = 19;

/// A station.
#[derive(Debug)]
pub(crate) struct Station {
    address: SocketAddr,
    statistics_every: Duration,
    calls: mpsc::Receiver<Line>,
    /// Whether one has come that [`Self::turn`] has not seen.
    called: Option<Line>,
    line: Option<Line>,
    sync: Option<Sync>,
    next_statistics: Instant,
    task: tokio::task::AbortHandle,
}

/// A connection that stands.
#[derive(Debug)]
struct Line {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    /// Octets.
    waiting: Arc<AtomicUsize>,
    /// What waits is not worth sending any more.
    abandon: Arc<Notify>,
}

/// How far the table is told.
#[derive(Debug)]
struct Sync {
    from: u32,
    resume: Instant,
}

impl Station {
    /// Begins to call it.
    pub(crate) fn new(config: &BmpConfig) -> Self {
        let (caller, calls) = mpsc::channel(1);
        let statistics_every = config.statistics_every.max(EVERY_MIN);
        let task = tokio::spawn(call(config.address, caller)).abort_handle();
        Self {
            address: config.address,
            statistics_every,
            calls,
            called: None,
            line: None,
            sync: None,
            next_statistics: after(statistics_every),
            task,
        }
    }

    /// Whether a connection stands that was not there before.
    pub(crate) fn poll_happened(&mut self, context: &mut Context<'_>) -> bool {
        if self.called.is_none()
            && let Poll::Ready(Some(line)) = self.calls.poll_recv(context)
        {
            self.called = Some(line);
        }
        self.called.is_some()
    }

    /// When [`Self::turn`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.line.as_ref()?;
        let page = self.sync.as_ref().map(|sync| sync.resume);
        Some(
            page.unwrap_or(self.next_statistics)
                .min(self.next_statistics),
        )
    }

    /// Greets a station that has just come, tells it a page of the table, sends statistics.
    pub(crate) fn turn(
        &mut self,
        us: &Us,
        speaker: &Speaker,
        sessions: &BTreeMap<NeighborId, Session>,
    ) {
        if let Some(line) = self.called.take() {
            self.line = Some(line);
            self.greet(us, speaker, sessions);
        }
        let now = Instant::now();
        if self.sync.as_ref().is_some_and(|sync| sync.resume <= now) {
            self.page(us, speaker);
        }
        if self.line.is_some() && self.next_statistics <= now {
            self.next_statistics = after(self.statistics_every);
            self.statistics(us, speaker, sessions);
        }
    }

    /// A session stands.
    pub(crate) fn up(&mut self, view: &NeighborView<'_>, session: &Session) {
        let peer = peer(view, session, Table::In);
        let (Some(sent), Some(received)) = (&session.sent, &session.received) else {
            return;
        };
        let local = view.settings.local_address;
        // Which end connected, and so the ports, the speaker does not know.
        let ports = (0, view.settings.port);
        self.tell(|out| bmp::peer_up(now(), &peer, local, ports, (sent, received), out));
    }

    /// A session ended.
    pub(crate) fn down(&mut self, ends: Ends, session: &Session, reason: &Ended) {
        let peer = peer_of(ends.remote, ends.remote_as, session, Table::In);
        let notification = match reason {
            Ended::Sent(notification) | Ended::Received(notification) => notification.encode(),
            _ => Vec::new(),
        };
        let why = match reason {
            Ended::Sent(_) => Down::Sent(&notification),
            Ended::Received(_) => Down::Received(&notification),
            _ => Down::Closed,
        };
        self.tell(|out| bmp::peer_down(now(), &peer, why, out));
    }

    /// An UPDATE came, and the speaker has taken it.
    pub(crate) fn update(
        &mut self,
        speaker: &Speaker,
        view: &NeighborView<'_>,
        session: &Session,
        bytes: &[u8],
    ) {
        let before = Peer {
            two_octet_as: !session.four_octet_as,
            ..peer(view, session, Table::In)
        };
        self.tell(|out| bmp::mirrored(now(), &before, bytes, out));
        let after = peer(view, session, Table::InPolicy);
        let reading = attributes::Session {
            four_octet: session.four_octet_as,
            add_path: session.add_path_in,
            inside: false,
            ..attributes::Session::INSIDE
        };
        let body = bytes.get(HEADER_LEN..).unwrap_or_default();
        // A faulty one has ended the session, or withdrawn what follows here.
        let Ok(update) = Update::parse(body, &reading) else {
            return;
        };
        let reach = update.attributes().reach.map(|reach| reach.prefixes);
        let nets = update
            .withdrawn()
            .chain(update.announced())
            .chain(reach.unwrap_or_default());
        self.tell(|out| {
            for (net, path_id) in nets {
                let routes = speaker.recorded(net);
                let route = routes
                    .iter()
                    .find(|route| route.neighbor == Some(view.id) && route.path_id == path_id);
                let accepted = route.and_then(|route| route.accepted);
                bmp::route(now(), &after, net, accepted, out);
            }
        });
    }

    /// The best path to a prefix changed.
    pub(crate) fn best(&mut self, us: &Us, speaker: &Speaker, net: Net) {
        self.tell(|out| {
            let best = speaker.multipath(net).into_iter().next();
            let block = best.map(|path| path.attributes.encode(true));
            bmp::route(now(), &loc_rib(us), net, block.as_deref(), out);
        });
    }

    /// Says goodbye; the task sends what there is as long as the loop lives.
    pub(crate) fn finish(&mut self) {
        self.tell(|out| bmp::termination(Termination::Administrative, out));
        self.line = None;
    }

    fn greet(&mut self, us: &Us, speaker: &Speaker, sessions: &BTreeMap<NeighborId, Session>) {
        tracing::info!(station = %self.address, "a BMP station listens");
        let version = concat!("Longhaul ", env!("CARGO_PKG_VERSION"));
        self.tell(|out| bmp::initiation(&us.name, version, out));
        let own = open_of(us);
        self.tell(|out| bmp::peer_up(now(), &loc_rib(us), NOBODY, (0, 0), (&own, &own), out));
        for (id, session) in sessions.iter().filter(|(_, session)| session.established) {
            if let Some(view) = speaker.neighbor(*id) {
                self.up(&view, session);
            }
        }
        self.sync = Some(Sync {
            from: 0,
            resume: Instant::now(),
        });
    }

    fn page(&mut self, us: &Us, speaker: &Speaker) {
        let (Some(sync), Some(line)) = (&mut self.sync, &self.line) else {
            return;
        };
        if line.waiting.load(Ordering::Relaxed) > WAITING_FOR_PAGE {
            sync.resume = after(PAUSE);
            return;
        }
        let page = speaker.page(sync.from, PAGE);
        match page.next {
            Some(next) => sync.from = next,
            None => self.sync = None,
        }
        let ends = page.next.is_none();
        self.tell(|out| {
            for routes in page.routes.chunk_by(|a, b| a.net == b.net) {
                tell_routes(us, speaker, routes, out);
            }
            if ends {
                let neighbors = speaker.neighbors().filter(|view| view.session.is_some());
                let told = neighbors.flat_map(|view| {
                    [Table::In, Table::InPolicy].map(|table| peer_now(&view, table))
                });
                for peer in told.chain([loc_rib(us)]) {
                    for family in [Family::Ipv4, Family::Ipv6] {
                        bmp::end_of_table(now(), &peer, family, out);
                    }
                }
            }
        });
    }

    fn statistics(&mut self, us: &Us, speaker: &Speaker, sessions: &BTreeMap<NeighborId, Session>) {
        self.tell(|out| {
            for (id, session) in sessions.iter().filter(|(_, session)| session.established) {
                let Some(view) = speaker.neighbor(*id) else {
                    continue;
                };
                let numbers = [
                    Statistic::Rejected(view.received.saturating_sub(view.accepted)),
                    Statistic::AdjRibIn(view.received.into()),
                    Statistic::TreatedAsWithdraw(view.counters.faults),
                    Statistic::AdjRibOut(view.sent.into()),
                ];
                bmp::statistics(now(), &peer(&view, session, Table::In), &numbers, out);
            }
            let prefixes = u64::try_from(speaker.counts().prefixes).unwrap_or(u64::MAX);
            bmp::statistics(now(), &loc_rib(us), &[Statistic::LocRib(prefixes)], out);
        });
    }

    /// Puts messages on the line, if there is one that keeps up.
    fn tell(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(line) = &self.line else {
            return;
        };
        let mut bytes = Vec::new();
        write(&mut bytes);
        let len = bytes.len();
        let waiting = line.waiting.fetch_add(len, Ordering::Relaxed) + len;
        if waiting > WAITING_MAX {
            tracing::warn!(station = %self.address, "a BMP station is too slow and begins anew");
            line.abandon.notify_one();
        }
        if waiting > WAITING_MAX || line.queue.send(bytes).is_err() {
            (self.line, self.sync) = (None, None);
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Calls a station again and again, and carries what it is told.
async fn call(address: SocketAddr, caller: mpsc::Sender<Line>) {
    let mut pause = REDIAL;
    loop {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                pause = REDIAL;
                let (queue, told) = mpsc::unbounded_channel::<Vec<u8>>();
                let waiting = Arc::new(AtomicUsize::new(0));
                let abandon = Arc::new(Notify::new());
                let line = Line {
                    queue,
                    waiting: waiting.clone(),
                    abandon: abandon.clone(),
                };
                if caller.send(line).await.is_err() {
                    return;
                }
                tokio::select! {
                    () = carry(stream, told, &waiting) => {}
                    () = abandon.notified() => {}
                }
                tracing::info!(station = %address, "a BMP station has gone");
            }
            Ok(Err(error)) => tracing::debug!(%error, station = %address, "calling a BMP station"),
            Err(_) => tracing::debug!(station = %address, "a BMP station does not answer"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(REDIAL_MAX);
    }
}

/// Sends what there is to say, until the station goes or we hang up.
async fn carry(
    mut stream: TcpStream,
    mut told: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting: &AtomicUsize,
) {
    let (mut reader, mut writer) = stream.split();
    // A station has nothing to say; the end is what is heard.
    let mut heard = [0; 256];
    loop {
        tokio::select! {
            bytes = told.recv() => {
                let Some(bytes) = bytes else {
                    return;
                };
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
                waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
            }
            len = reader.read(&mut heard) => {
                if !matches!(len, Ok(1..)) {
                    return;
                }
            }
        }
    }
}

/// What a page has of one prefix: each neighbour's routes before and after policy, and the best one.
fn tell_routes(us: &Us, speaker: &Speaker, routes: &[RecordedRoute<'_>], out: &mut Vec<u8>) {
    for route in routes {
        let Some(view) = route.neighbor.and_then(|id| speaker.neighbor(id)) else {
            continue;
        };
        let before = peer_now(&view, Table::In);
        bmp::route(now(), &before, route.net, Some(route.received), out);
        if let Some(accepted) = route.accepted {
            let after = peer_now(&view, Table::InPolicy);
            bmp::route(now(), &after, route.net, Some(accepted), out);
        }
    }
    let best = routes
        .first()
        .and_then(|route| speaker.multipath(route.net).into_iter().next());
    if let (Some(route), Some(best)) = (routes.first(), best) {
        let block = best.attributes.encode(true);
        bmp::route(now(), &loc_rib(us), route.net, Some(&block), out);
    }
}

fn peer(view: &NeighborView<'_>, session: &Session, table: Table) -> Peer {
    let settings = view.settings;
    peer_of(settings.address, settings.remote_as, session, table)
}

fn peer_of(address: IpAddr, asn: Asn, session: &Session, table: Table) -> Peer {
    Peer {
        table,
        address,
        asn,
        router_id: router_id(session.received.as_deref()),
        two_octet_as: false,
    }
}

fn peer_now(view: &NeighborView<'_>, table: Table) -> Peer {
    let router_id = view.session.as_ref().map(|session| session.router_id);
    Peer {
        table,
        address: view.settings.address,
        asn: view.settings.remote_as,
        router_id: router_id.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED),
        two_octet_as: false,
    }
}

/// RFC 9069 §4.1.
fn loc_rib(us: &Us) -> Peer {
    Peer {
        table: Table::Loc,
        address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        asn: us.asn,
        router_id: us.router_id,
        two_octet_as: false,
    }
}

/// The Loc-RIB has no session: both OPENs are ours (RFC 9069 §5.1).
fn open_of(us: &Us) -> Vec<u8> {
    let open = bgp::wire::open::Open {
        my_as: u16::try_from(us.asn.0).unwrap_or(23_456),
        hold_time_s: 0,
        router_id: us.router_id,
        capabilities: vec![
            bgp::Capability::Multiprotocol(bgp::wire::capability::Family::IPV4_UNICAST),
            bgp::Capability::Multiprotocol(bgp::wire::capability::Family::IPV6_UNICAST),
            bgp::Capability::FourOctetAs(us.asn),
        ],
    };
    open.encode()
}
