//! Bringing a lab up, and taking one down.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use design::plan::Plan;
use linux::process::{self, Forked};
use serde::{Deserialize, Serialize};

use crate::lab::Lab;
use crate::state::{self, State};
use crate::supervisor::{self, Start};
use crate::{Error, Progress, Report, Stage, reap, request};

/// How long the next sign of life from a rising supervisor may take.
const SILENCE: Duration = Duration::from_secs(120);

/// How to bring a lab up.
pub struct Options<'a> {
    /// Whether the lab goes on when the calling process ends.
    pub detach: bool,
    /// The private key of a locator, by its name, in base64.
    pub private_key: &'a dyn Fn(&str) -> String,
    /// The program that has the commands `node`, `route-server` and `fabric`; this one, mostly.
    pub program: PathBuf,
    /// All devices that the lab will ever have, when it is to become another network later
    /// ([`Lab::install`]); only those of the Plan are started.
    pub ground: Option<&'a Plan>,
    /// How long tunnels, then BGP sessions, then first replies between hosts may take.
    pub patience: Duration,
}

impl<'a> Options<'a> {
    /// Attached, with the calling program's own daemons and 30 s of patience.
    #[must_use]
    pub fn new(private_key: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            detach: false,
            ground: None,
            private_key,
            program: PathBuf::from("/proc/self/exe"),
            patience: Duration::from_secs(30),
        }
    }
}

/// What a rising supervisor tells the process that started it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "kebab-case")]
pub(crate) enum News {
    /// Progress.
    Advance {
        stage: Stage,
        done: usize,
        total: usize,
    },
    /// The lab is up.
    Up(Report),
    /// The lab is not up, and nothing is left of it.
    Failed { reason: String },
}

/// Brings a lab up and verifies it. What an earlier, killed lab of the same name left is removed.
///
/// The calling process must have a single thread, since it forks the supervisor; so `progress` must
/// not have started one before its first call.
///
/// # Errors
///
/// A lab of that name runs, or the machine refuses something. Nothing is left then. A lab that is
/// up but whose verification found something is no error: see [`Lab::report`].
pub fn up(plan: &Plan, options: &Options<'_>, progress: &mut dyn Progress) -> Result<Lab, Error> {
    let state = State::new(&state::root(), &plan.name);
    if state.is_running()? {
        return Err(Error::Running(plan.name.clone()));
    }
    reap::remains(&state)?;
    let system = |cause| Error::system("starting the lab's supervisor")(cause);
    let (leash, far) = UnixStream::pair().map_err(system)?;
    match process::fork().map_err(system)? {
        Forked::Child => {
            drop(leash);
            supervisor::run(&Start {
                state,
                plan,
                options,
                leash: far,
            })
        }
        Forked::Parent(_) => {
            drop(far);
            follow(state, plan, leash, progress)
        }
    }
}

/// Listens to a rising supervisor until the lab is up.
fn follow(
    state: State,
    plan: &Plan,
    leash: UnixStream,
    progress: &mut dyn Progress,
) -> Result<Lab, Error> {
    let mut news = request::Lines::new(&leash, SILENCE);
    loop {
        match news.next() {
            Ok(News::Advance { stage, done, total }) => progress.advance(stage, done, total),
            Ok(News::Up(report)) => return Ok(Lab::raised(state, plan.clone(), leash, report)),
            Ok(News::Failed { reason }) => return Err(Error::Refused(reason)),
            Err(_) => {
                reap::remains(&state)?;
                return Err(Error::SupervisorGone);
            }
        }
    }
}

/// Takes labs down: the one of this name, or the only one. Also removes what killed labs left. The
/// names of those that are gone now.
///
/// # Errors
///
/// None runs and none was left, or several run and no name was given.
pub fn down(name: Option<&str>) -> Result<Vec<String>, Error> {
    let root = state::root();
    let mut gone = Vec::new();
    let mut running = Vec::new();
    for state in State::all(&root)? {
        if name.is_some_and(|name| name != state.name()) {
            continue;
        }
        if state.is_running()? {
            running.push(state);
        } else {
            reap::remains(&state)?;
            gone.push(state.name().to_owned());
        }
    }
    if name.is_none() && running.len() > 1 {
        let names = running.iter().map(|state| state.name().to_owned());
        return Err(Error::Several(names.collect()));
    }
    for state in running {
        reap::take_down(&state)?;
        gone.push(state.name().to_owned());
    }
    if gone.is_empty() {
        return Err(Error::NotRunning {
            name: name.map(str::to_owned),
        });
    }
    Ok(gone)
}
