//! MRT files: messages as they come and go, and the whole table now and then.
//!
//! Files are named `updates.<time>.mrt` and `rib.<time>.mrt`, the time in UTC. A thread writes them. What waits for
//! it is bounded: messages that a slow disk has no time for are left out and counted, a table waits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bgp::{Direction, NeighborId, Speaker};
use design::plan::MrtConfig;
use observe::{Ends, mrt};
use tokio::time::Instant;

use crate::error::Error;
use crate::monitor::{NOBODY, Session, Us, after, now};

/// Pieces that may wait for the disk, and octets in them.
const QUEUE: usize = 8_192;
const WAITING_MAX: usize = 64 << 20;
/// A page of the table is written only while less than this waits.
const WAITING_FOR_PAGE: usize = 1 << 20;
/// As many places of the table are written in one turn.
const PAGE: u32 = 512;
/// Tables do not follow each other faster.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// When the disk has no time for a page, it is offered again after this long.
const PAUSE: Duration = Duration::from_millis(20);

/// Writes MRT files.
#[derive(Debug)]
pub(crate) struct Recorder {
    messages: bool,
    table_every: Option<Duration>,
    next_table: Option<Instant>,
    dump: Option<Dump>,
    pieces: Option<SyncSender<Piece>>,
    /// Octets that wait.
    waiting: Arc<AtomicUsize>,
    left_out: u64,
    thread: Option<JoinHandle<()>>,
}

/// Something to write.
#[derive(Debug)]
enum Piece {
    Messages(Vec<u8>),
    /// The peers, with which each table begins.
    TableBegin(Vec<u8>),
    Table(Vec<u8>),
    /// The table is complete.
    TableEnd,
}

/// A table on its way to the disk.
#[derive(Debug)]
struct Dump {
    now: Duration,
    peers: BTreeMap<Option<NeighborId>, u16>,
    sequence: u32,
    from: Option<u32>,
    /// What the disk had no time for.
    waiting: Option<Piece>,
    resume: Instant,
}

impl Recorder {
    /// Starts the thread; the directory must be there.
    pub(crate) fn start(config: &MrtConfig) -> Result<Self, Error> {
        let directory = PathBuf::from(&config.directory);
        let what = format!("MRT directory {}", directory.display());
        fs::read_dir(&directory).map_err(Error::system(what))?;
        let table_every = config.table_every.map(|every| every.max(EVERY_MIN));
        let (pieces, queue) = sync_channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = waiting.clone();
        let mut files = Files::new(directory, config.rotate_every);
        let thread = std::thread::Builder::new().name("mrt".to_owned());
        let thread = thread.spawn(move || files.write(&queue, &taken));
        Ok(Self {
            messages: config.messages,
            table_every,
            next_table: table_every.map(after),
            dump: None,
            pieces: Some(pieces),
            waiting,
            left_out: 0,
            thread: Some(thread.map_err(Error::system("starting a thread"))?),
        })
    }

    /// When [`Self::turn`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.dump
            .as_ref()
            .map(|dump| dump.resume)
            .or(self.next_table)
    }

    /// A whole message.
    pub(crate) fn message(
        &mut self,
        ends: Ends,
        session: &Session,
        direction: Direction,
        bytes: &[u8],
    ) {
        if !self.messages {
            return;
        }
        let ours = direction == Direction::Out;
        let encoding = mrt::Encoding {
            // What comes before a session stands is written as RFC 6396 §4.4.3 prefers it.
            four_octet_as: session.four_octet_as || !session.established,
            add_path: match direction {
                Direction::In => session.add_path_in.contains(&true),
                Direction::Out => session.add_path_out,
            },
        };
        let mut record = Vec::with_capacity(bytes.len() + 64);
        mrt::message(now(), ends, encoding, ours, bytes, &mut record);
        self.write(record);
    }

    /// A session came up or went down.
    pub(crate) fn state(&mut self, ends: Ends, from: mrt::State, to: mrt::State) {
        if self.messages {
            let mut record = Vec::new();
            mrt::state_change(now(), ends, from, to, &mut record);
            self.write(record);
        }
    }

    /// Begins a table when it is time, or goes on with one.
    pub(crate) fn turn(&mut self, us: &Us, speaker: &Speaker) {
        if self.dump.is_none() && self.next_table.is_some_and(|at| at <= Instant::now()) {
            self.next_table = self.table_every.map(after);
            self.dump = Some(Dump::begin(us, speaker));
        }
        let (Some(dump), Some(pieces)) = (&mut self.dump, &self.pieces) else {
            return;
        };
        if dump.resume > Instant::now() {
            return;
        }
        if self.waiting.load(Ordering::Relaxed) > WAITING_FOR_PAGE {
            dump.resume = after(PAUSE);
            return;
        }
        let piece = dump.waiting.take().unwrap_or_else(|| dump.page(speaker));
        let is_end = matches!(piece, Piece::TableEnd);
        match send(pieces, &self.waiting, piece) {
            Ok(()) if is_end => self.dump = None,
            Ok(()) => {}
            Err(TrySendError::Full(piece)) => {
                dump.waiting = Some(piece);
                dump.resume = after(PAUSE);
            }
            // The thread has said why.
            Err(TrySendError::Disconnected(_)) => self.dump = None,
        }
    }

    fn write(&mut self, record: Vec<u8>) {
        let Some(pieces) = &self.pieces else {
            return;
        };
        if self.waiting.load(Ordering::Relaxed) > WAITING_MAX {
            self.left_out += 1;
            return;
        }
        match send(pieces, &self.waiting, Piece::Messages(record)) {
            Ok(()) if self.left_out > 0 => {
                tracing::warn!(
                    messages = self.left_out,
                    "left out of the MRT file: the disk is too slow"
                );
                self.left_out = 0;
            }
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => self.left_out += 1,
        }
    }
}

/// Has a piece wait for the disk, if it has room.
fn send(
    pieces: &SyncSender<Piece>,
    waiting: &AtomicUsize,
    piece: Piece,
) -> Result<(), TrySendError<Piece>> {
    let len = piece.len();
    // Before the thread can count it off.
    waiting.fetch_add(len, Ordering::Relaxed);
    let sent = pieces.try_send(piece);
    if sent.is_err() {
        waiting.fetch_sub(len, Ordering::Relaxed);
    }
    sent
}

impl Piece {
    /// Octets.
    const fn len(&self) -> usize {
        match self {
            Self::Messages(bytes) | Self::TableBegin(bytes) | Self::Table(bytes) => bytes.len(),
            Self::TableEnd => 0,
        }
    }
}

/// Waits until everything is on the disk.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}

impl Dump {
    fn begin(us: &Us, speaker: &Speaker) -> Self {
        let ours = mrt::Peer {
            router_id: us.router_id,
            address: NOBODY,
            asn: us.asn,
        };
        let mut table = vec![ours];
        let mut peers = BTreeMap::from([(None, 0)]);
        for view in speaker.neighbors() {
            let Ok(place) = u16::try_from(table.len()) else {
                break;
            };
            peers.insert(Some(view.id), place);
            let router_id = view.session.as_ref().map(|session| session.router_id);
            table.push(mrt::Peer {
                router_id: router_id.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED),
                address: view.settings.address,
                asn: view.settings.remote_as,
            });
        }
        let now = now();
        let mut record = Vec::new();
        mrt::peer_index_table(now, us.router_id, &us.name, &table, &mut record);
        Self {
            now,
            peers,
            sequence: 0,
            from: Some(0),
            waiting: Some(Piece::TableBegin(record)),
            resume: Instant::now(),
        }
    }

    /// The accepted paths of the next places; those with identifiers in records of their own.
    fn page(&mut self, speaker: &Speaker) -> Piece {
        let Some(from) = self.from else {
            return Piece::TableEnd;
        };
        let page = speaker.page(from, PAGE);
        self.from = page.next;
        let mut out = Vec::new();
        for routes in page.routes.chunk_by(|a, b| a.net == b.net) {
            for identified in [false, true] {
                let paths = routes
                    .iter()
                    .filter(|route| (route.path_id != 0) == identified);
                let entries: Vec<mrt::Entry<'_>> = paths
                    .filter_map(|route| {
                        Some(mrt::Entry {
                            peer: *self.peers.get(&route.neighbor)?,
                            originated: self.now,
                            path_id: identified.then_some(route.path_id),
                            attributes: route.accepted?,
                        })
                    })
                    .collect();
                if let (Some(route), false) = (routes.first(), entries.is_empty()) {
                    mrt::rib(self.now, self.sequence, route.net, &entries, &mut out);
                    self.sequence = self.sequence.wrapping_add(1);
                }
            }
        }
        Piece::Table(out)
    }
}

/// The files, on their thread.
#[derive(Debug)]
struct Files {
    directory: PathBuf,
    rotate_every: Duration,
    updates: Option<(Duration, io::BufWriter<File>)>,
    table: Option<(PathBuf, io::BufWriter<File>)>,
}

impl Files {
    const fn new(directory: PathBuf, rotate_every: Duration) -> Self {
        Self {
            directory,
            rotate_every,
            updates: None,
            table: None,
        }
    }

    /// Until nobody has more to write.
    fn write(&mut self, queue: &Receiver<Piece>, waiting: &AtomicUsize) {
        let mut trouble = false;
        while let Ok(piece) = queue.recv() {
            let mut next = Some(piece);
            while let Some(piece) = next {
                let len = piece.len();
                match self.take(piece) {
                    Ok(()) => trouble = false,
                    Err(error) if !trouble => {
                        trouble = true;
                        let directory = self.directory.display();
                        tracing::error!(%error, %directory, "MRT records are lost");
                        (self.updates, self.table) = (None, None);
                    }
                    Err(_) => (self.updates, self.table) = (None, None),
                }
                waiting.fetch_sub(len, Ordering::Relaxed);
                next = queue.try_recv().ok();
            }
            // Nothing waits: what there is can be read by others.
            if let Some((_, file)) = &mut self.updates {
                drop(file.flush());
            }
        }
    }

    fn take(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Messages(bytes) => self.updates()?.write_all(&bytes),
            Piece::TableBegin(bytes) => self.begin_table()?.write_all(&bytes),
            // The rest of a table of which something was lost is of no use.
            Piece::Table(bytes) => match &mut self.table {
                None => Ok(()),
                Some((_, file)) => file.write_all(&bytes),
            },
            Piece::TableEnd => match self.table.take() {
                None => Ok(()),
                Some((path, mut file)) => {
                    file.flush()?;
                    fs::rename(path.with_extension("part"), path)
                }
            },
        }
    }

    fn updates(&mut self) -> io::Result<&mut io::BufWriter<File>> {
        let now = now();
        let is_old = |opened: Duration| now.saturating_sub(opened) >= self.rotate_every;
        if let Some((opened, file)) = &mut self.updates
            && is_old(*opened)
        {
            file.flush()?;
            self.updates = None;
        }
        if self.updates.is_none() {
            let file = append(&self.directory.join(format!("updates.{}.mrt", stamp(now))))?;
            self.updates = Some((now, file));
        }
        let (_, file) = self.updates.as_mut().expect("opened above");
        Ok(file)
    }

    /// A table that is not complete has another name.
    fn begin_table(&mut self) -> io::Result<&mut io::BufWriter<File>> {
        let path = self.directory.join(format!("rib.{}.mrt", stamp(now())));
        let file = io::BufWriter::new(File::create(path.with_extension("part"))?);
        let (_, file) = self.table.insert((path, file));
        Ok(file)
    }
}

fn append(path: &Path) -> io::Result<io::BufWriter<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    Ok(io::BufWriter::new(file))
}

/// A time since 1970 as `20231114.221320`.
fn stamp(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have the leap day at their end (Howard Hinnant, chrono-compatible date algorithms).
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}.{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, text) in [
            (0, "19700101.000000"),
            (951_782_399, "20000228.235959"),
            (951_827_696, "20000229.123456"),
            (1_700_000_000, "20231114.221320"),
            (4_107_542_399, "21000228.235959"),
            (4_107_542_400, "21000301.000000"),
        ] {
            assert_eq!(stamp(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_waits_for_a_disk_that_hangs_is_bounded() {
        let text = "router: 1\nname: r\nasn: 65000\nrouter_id: 192.0.2.1\n";
        let (config, reports) = design::read_router("router.yaml", text);
        let config = config.unwrap_or_else(|| panic!("{}", reports.render(false)));
        let speaker = Speaker::new(config.settings, 1, inet::Instant::ZERO);
        let us = Us {
            name: "r".to_owned(),
            asn: inet::Asn(65_000),
            router_id: std::net::Ipv4Addr::new(192, 0, 2, 1),
        };
        let (pieces, _disk) = sync_channel(QUEUE);
        let mut recorder = Recorder {
            messages: true,
            table_every: None,
            next_table: None,
            dump: Some(Dump::begin(&us, &speaker)),
            pieces: Some(pieces),
            waiting: Arc::default(),
            left_out: 0,
            thread: None,
        };
        let waiting = recorder.waiting.clone();
        for _ in 0..QUEUE {
            recorder.write(vec![0; 65_535]);
        }
        assert!(waiting.load(Ordering::Relaxed) < WAITING_MAX + 100_000);
        assert!(recorder.left_out > 0);
        recorder.turn(&us, &speaker);
        let dump = recorder.dump.as_ref().expect("the table waits");
        assert!(dump.waiting.is_some() && dump.resume > Instant::now());
    }

    #[test]
    fn messages_rotate_and_a_table_appears_when_it_is_complete() {
        let directory = std::env::temp_dir().join(format!("longhaul-mrt-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory");
        let names = || {
            let files = fs::read_dir(&directory).expect("a directory");
            let mut names: Vec<String> = files
                .map(|file| {
                    file.expect("a file")
                        .file_name()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect();
            names.sort();
            names
        };
        let mut files = Files::new(directory.clone(), Duration::ZERO);
        for piece in [
            Piece::Messages(vec![1]),
            Piece::Messages(vec![2]),
            Piece::TableBegin(vec![3]),
            Piece::Table(vec![4]),
        ] {
            files.take(piece).expect("it is written");
        }
        let before = names();
        assert!(
            before
                .iter()
                .any(|name| name.starts_with("rib.") && name.ends_with(".part"))
        );
        files.take(Piece::TableEnd).expect("it is written");
        assert!(
            names().iter().all(|name| name.ends_with(".mrt")),
            "{:?}",
            names()
        );
        drop(files);
        let sizes: u64 = fs::read_dir(&directory)
            .expect("a directory")
            .map(|file| file.and_then(|file| file.metadata()).expect("a file").len())
            .sum();
        assert_eq!(sizes, 4, "nothing is lost by rotation");
        fs::remove_dir_all(&directory).expect("it goes");
    }

    #[test]
    fn a_table_of_which_something_was_lost_never_gets_its_name() {
        let name = format!("longhaul-mrt-lost-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory");
        let mut files = Files::new(directory.clone(), Duration::ZERO);
        files.take(Piece::TableBegin(vec![1])).expect("it begins");
        // What an error does.
        files.table = None;
        for piece in [Piece::Table(vec![2]), Piece::TableEnd] {
            files.take(piece).expect("it is passed over");
        }
        let finished = fs::read_dir(&directory).expect("a directory").any(|file| {
            let path = file.expect("a file").path();
            path.extension().is_some_and(|extension| extension == "mrt")
        });
        assert!(!finished);
        fs::remove_dir_all(&directory).expect("it goes");
    }
}
