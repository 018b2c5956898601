//! The supervisor: the process that holds a lab's namespaces and is the parent of its daemons.
//!
//! One thread waits for requests, for the end of daemons and for the end of whoever started the lab
//! in the foreground. It must be the one that starts daemons, since they die with the thread
//! that started them. Bringing up, verifying and recording, which take time, have threads of their own.

mod serve;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

use design::plan::Plan;
use linux::epoll::Poller;
use linux::{LockFile, realtime, user};

use crate::daemons::Daemons;
use crate::device::{self, Namespaces};
use crate::recorder::Recorder;
use crate::rise::Rise;
use crate::state::{self, Identity, State};
use crate::up::{News, Options};
use crate::{Error, Stage, files, reap, request};

const LISTENER: u64 = 0;
const LEASH: u64 = 1;
const RISEN: u64 = 2;
const DAEMONS: u64 = 3;

/// What a supervisor starts with.
pub(crate) struct Start<'a> {
    pub(crate) state: State,
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a Options<'a>,
    /// Where news go; its end is the end of whoever started the lab.
    pub(crate) leash: UnixStream,
}

/// Daemons that have ended by themselves, as the threads see it.
pub(crate) type Ended = Arc<Mutex<BTreeSet<String>>>;

/// Runs a lab until it is taken down, then ends the process.
pub(crate) fn run(start: &Start<'_>) -> ! {
    let code = match Supervisor::begin(start) {
        Ok(mut supervisor) => {
            let result = supervisor.run();
            supervisor.end();
            match result {
                Ok(()) => 0,
                Err(error) => {
                    tracing::error!(%error, "waiting for requests");
                    1
                }
            }
        }
        Err(error) => {
            tell(
                &start.leash,
                &News::Failed {
                    reason: error.to_string(),
                },
            );
            1
        }
    };
    std::process::exit(code)
}

/// Sends news; whoever wanted them may have gone.
fn tell(leash: &UnixStream, news: &News) {
    if let Ok(mut leash) = leash.try_clone() {
        drop(request::send(&mut leash, news));
    }
}

struct Supervisor {
    state: State,
    plan: Arc<Plan>,
    identity: Identity,
    lock: Option<LockFile>,
    user_namespace: OwnedFd,
    namespaces: Arc<Namespaces>,
    daemons: Daemons,
    ended: Ended,
    recorder: Option<Recorder>,
    listener: UnixListener,
    leash: UnixStream,
    /// Whether the lab outlives the process that started it, once it is up.
    keep: bool,
    /// Gets a byte when the lab is up, or when it is clear that it will not be.
    risen: UnixStream,
    rising: bool,
    poller: Poller,
    watched: Vec<OwnedFd>,
}

impl Supervisor {
    /// Makes the namespaces and starts the daemons.
    fn begin(start: &Start<'_>) -> Result<Self, Error> {
        let Start {
            state,
            plan,
            options,
            leash,
        } = start;
        let lock = state.create()?;
        let begun = Self::build(start, lock);
        if begun.is_err() {
            // Daemons that were started have ended with the value that held them.
            state.remove()?;
        }
        let mut supervisor = begun?;
        supervisor.watch_daemons()?;
        supervisor.rise(leash, options, plan)?;
        Ok(supervisor)
    }

    fn build(start: &Start<'_>, lock: LockFile) -> Result<Self, Error> {
        let Start {
            state,
            plan,
            options,
            leash,
        } = start;
        let missing = |what: &str| {
            let what = what.to_owned();
            move |cause| Error::Missing { what, cause }
        };
        let system = |cause| Error::system("starting the lab's supervisor")(cause);
        if !user::may_administer_networks().map_err(system)? {
            user::enter_own().map_err(missing("having a user namespace"))?;
        }
        let log = state.log_file("supervisor");
        let log = File::create(&log).map_err(Error::file(&log))?;
        linux::process::detach_from_terminal(&log).map_err(system)?;
        realtime::many_descriptors().map_err(system)?;
        let identity = Identity::new().map_err(system)?;
        state::write(&state.identity_file(), &identity)?;
        let ground = options.ground.unwrap_or(plan);
        files::write_all(state, plan, ground, options.private_key)?;
        let (namespaces, wires) = device::make_all(ground, |done, total| {
            tell(
                leash,
                &News::Advance {
                    stage: Stage::Namespaces,
                    done,
                    total,
                },
            );
        })?;
        let program = options.program.clone();
        let mut daemons = Daemons::new(state, ground, program, &identity.mark);
        daemons.start_fabric(wires)?;
        daemons.start_all(plan, &namespaces)?;
        let socket = state.supervisor_socket();
        let listener = UnixListener::bind(&socket).map_err(Error::file(&socket))?;
        let poller = Poller::new().map_err(system)?;
        poller.add_readable(&listener, LISTENER).map_err(system)?;
        let leash = leash.try_clone().map_err(system)?;
        poller.add_readable(&leash, LEASH).map_err(system)?;
        Ok(Self {
            state: state.clone(),
            plan: Arc::new((*plan).clone()),
            identity,
            lock: Some(lock),
            user_namespace: File::open("/proc/self/ns/user").map_err(system)?.into(),
            namespaces: Arc::new(namespaces),
            daemons,
            ended: Ended::default(),
            recorder: None,
            listener,
            leash,
            keep: options.detach,
            risen: UnixStream::pair().map_err(system)?.0,
            rising: true,
            poller,
            watched: Vec::new(),
        })
    }

    /// Lets a thread see the lab up.
    fn rise(
        &mut self,
        leash: &UnixStream,
        options: &Options<'_>,
        plan: &Plan,
    ) -> Result<(), Error> {
        let system = |cause| Error::system("seeing the lab up")(cause);
        let (near, mut far) = UnixStream::pair().map_err(system)?;
        self.poller.add_readable(&near, RISEN).map_err(system)?;
        self.risen = near;
        let leash = leash.try_clone().map_err(system)?;
        let rise = Rise {
            state: self.state.clone(),
            plan: plan.clone(),
            namespaces: self.namespaces.clone(),
            ended: self.ended.clone(),
            patience: options.patience,
        };
        let work = move || {
            let report = rise.run(&mut |stage, done, total| {
                tell(&leash, &News::Advance { stage, done, total });
            });
            let up = report.is_ok();
            // The word that the lab goes on comes first: whoever started it may leave upon the news.
            drop(far.write_all(&[u8::from(up)]));
            // And is heard before them.
            drop(far.read(&mut [0]));
            tell(
                &leash,
                &match report {
                    Ok(report) => News::Up(report),
                    Err(error) => News::Failed {
                        reason: error.to_string(),
                    },
                },
            );
        };
        thread("rise", work).map_err(system)
    }

    /// Waits for whatever comes, until the lab is to end.
    fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            self.poller.wait(None, &mut ready)?;
            for token in std::mem::take(&mut ready) {
                let goes_on = match token {
                    LISTENER => self.serve(),
                    LEASH => self.let_go()?,
                    RISEN => self.risen()?,
                    _ => {
                        self.note_ended()?;
                        true
                    }
                };
                if !goes_on {
                    return Ok(());
                }
            }
        }
    }

    /// Whoever started the lab has gone. Whether the lab goes on.
    fn let_go(&mut self) -> io::Result<bool> {
        self.poller.remove(&self.leash)?;
        Ok(self.keep && !self.rising)
    }

    /// The lab is up, or will not be. Whether it goes on.
    fn risen(&mut self) -> io::Result<bool> {
        let mut up = [0];
        let len = self.risen.read(&mut up)?;
        self.poller.remove(&self.risen)?;
        self.rising = false;
        let goes_on = len == 1 && up == [1];
        if !goes_on {
            self.end();
        }
        // Lets the thread tell the news.
        self.risen.write_all(&[0])?;
        if !goes_on {
            // The process is about to end; the thread closes its side when it has told them.
            self.risen.read_to_end(&mut Vec::new())?;
        }
        Ok(goes_on)
    }

    fn note_ended(&mut self) -> io::Result<()> {
        for device in self.daemons.ended() {
            tracing::warn!(device, "has ended");
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.insert(device);
        }
        self.watch_daemons().map_err(io::Error::other)
    }

    /// Waits for the end of every daemon that runs now.
    fn watch_daemons(&mut self) -> Result<(), Error> {
        let system = |cause| Error::system("watching the lab's processes")(cause);
        // Closing the earlier descriptors takes them out of the epoll set as well.
        self.watched.clear();
        for device in self.daemons.names() {
            match self.daemons.watch(device) {
                Ok(descriptor) => {
                    self.poller
                        .add_readable(&descriptor, DAEMONS)
                        .map_err(system)?;
                    self.watched.push(descriptor);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(system(error)),
            }
        }
        Ok(())
    }

    /// Ends all processes and removes the lab's directory. Doing it twice is harmless.
    fn end(&mut self) {
        self.recorder = None;
        self.daemons.kill_all();
        let cleared = reap::strays(&self.identity.mark).and_then(|()| self.state.remove());
        if let Err(error) = cleared {
            tracing::error!(%error, "taking the lab down");
        }
        self.lock = None;
    }
}

/// Starts a thread that nobody waits for.
fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}
