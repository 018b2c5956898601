//! A running lab, seen from a command.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use design::plan::Plan;
use linux::{NetNamespace, process};
use view::{Answer, DeviceStatus, Query, Status, Target, Verification};

use crate::request::{self, Lines, Reply, Request};
use crate::standing::{Look, Standing};
use crate::state::{self, MARK, State};
use crate::{Error, Installed, Recording, Report, daemons, reap};

/// How long a daemon may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a supervisor may take to answer; verification is the longest.
const REPLY_PATIENCE: Duration = Duration::from_secs(120);

/// A running lab.
///
/// One that [`crate::up`] returned and that was not detached goes when this value goes, or the
/// process.
#[derive(Debug)]
pub struct Lab {
    state: State,
    plan: Plan,
    /// Its end tells the supervisor that whoever started the lab has gone.
    _leash: Option<UnixStream>,
    report: Option<Report>,
}

impl Lab {
    pub(crate) fn raised(state: State, plan: Plan, leash: UnixStream, report: Report) -> Self {
        Self {
            state,
            plan,
            _leash: Some(leash),
            report: Some(report),
        }
    }

    /// The running lab of this name, or the only one that runs.
    ///
    /// # Errors
    ///
    /// None runs, or several and no name was given.
    pub fn find(name: Option<&str>) -> Result<Self, Error> {
        let root = state::root();
        let mut found = Vec::new();
        for state in State::all(&root)? {
            if name.is_none_or(|name| name == state.name()) && state.is_running()? {
                found.push(state);
            }
        }
        if found.len() > 1 {
            let names = found.iter().map(|state| state.name().to_owned());
            return Err(Error::Several(names.collect()));
        }
        let Some(state) = found.pop() else {
            return Err(Error::NotRunning {
                name: name.map(str::to_owned),
            });
        };
        let plan = state.plan()?;
        Ok(Self {
            state,
            plan,
            _leash: None,
            report: None,
        })
    }

    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.state.name()
    }

    /// What the lab was made from.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What verification found when the lab was brought up by this process.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// Puts a query to a device, or to the fabric under the name [`view::FABRIC`].
    ///
    /// # Errors
    ///
    /// The device is down or has no daemon, or does not answer in time.
    pub fn ask(&self, device: &str, query: &Query) -> Result<Answer, Error> {
        let socket = self.state.control_socket(device);
        driver::ask(&socket, query, ANSWER_PATIENCE).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => Error::Refused(format!("{device} has no daemon")),
            io::ErrorKind::ConnectionRefused => Error::Refused(format!("{device} is down")),
            _ => Error::system(format!("asking {device}"))(cause),
        })
    }

    /// The lab in a few lines, with what the last verification found.
    #[must_use]
    pub fn status(&self) -> Status {
        let devices: Vec<DeviceStatus> = daemons::devices(&self.plan)
            .map(|(device, kind)| match self.ask(device, &Query::Status) {
                Ok(Answer::Status(status)) => status,
                _ => DeviceStatus::silent(device, kind),
            })
            .collect();
        let file = self.state.verification_file();
        let verification = state::read(&file).ok().map(|found: Verification| {
            let written = fs::metadata(&file).and_then(|file| file.modified());
            let age = written.ok().and_then(|at| at.elapsed().ok());
            Verification {
                age_ms: age.and_then(|age| u64::try_from(age.as_millis()).ok()),
                ..found
            }
        });
        Status::assemble(&self.plan, &devices, verification)
    }

    /// Breaks a target.
    ///
    /// # Errors
    ///
    /// The lab has no such target, or the supervisor is gone.
    pub fn fail(&self, target: &Target) -> Result<(), Error> {
        self.change(target, false)
    }

    /// Mends a target. Daemons that were ended start again, from nothing.
    ///
    /// # Errors
    ///
    /// As for [`Self::fail`].
    pub fn heal(&self, target: &Target) -> Result<(), Error> {
        self.change(target, true)
    }

    fn change(&self, target: &Target, up: bool) -> Result<(), Error> {
        let target = target.to_string();
        self.request(&Request::Change { target, up }).map(drop)
    }

    /// Gives a device another file: routers and the platform's devices read it again, a node starts
    /// anew and so does what cannot have the file while it runs, and one that did not run starts.
    /// Without a file the daemon ends.
    ///
    /// # Errors
    ///
    /// The lab's ground has no such device, or the supervisor is gone.
    pub fn install(&self, device: &str, file: Option<String>) -> Result<Installed, Error> {
        let device = device.to_owned();
        match self.request(&Request::Install { device, file })? {
            Reply::Installed(how) => Ok(how),
            other => Err(odd(&other)),
        }
    }

    /// Says that the devices that were [`Self::install`]ed make another network now: what is shown
    /// and verified from now on.
    ///
    /// # Errors
    ///
    /// The supervisor is gone.
    pub fn becomes(&mut self, plan: &Plan) -> Result<(), Error> {
        let boxed = Box::new(plan.clone());
        self.request(&Request::Become { plan: boxed })?;
        self.plan = plan.clone();
        Ok(())
    }

    /// How far the network stands. While the lab is on its way from or to another one, only what
    /// both have counts.
    #[must_use]
    pub fn standing(&self, other: Option<&Plan>) -> Standing {
        let look = Look {
            state: &self.state,
            plan: &self.plan,
            other,
        };
        look.all()
    }

    /// Lets every host reach every other one again.
    ///
    /// # Errors
    ///
    /// The supervisor is gone. That hosts do not reach each other is in the report.
    pub fn verify(&self) -> Result<Report, Error> {
        match self.request(&Request::Verify)? {
            Reply::Verified(report) => Ok(report),
            other => Err(odd(&other)),
        }
    }

    /// Begins to send a packet each `interval` between each two hosts; an earlier recording is
    /// forgotten.
    ///
    /// # Errors
    ///
    /// The supervisor is gone.
    pub fn record(&self, interval: Duration) -> Result<(), Error> {
        let interval_us = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        self.request(&Request::Record { interval_us }).map(drop)
    }

    /// Ends the recording and says what became of the packets.
    ///
    /// # Errors
    ///
    /// Nothing is being recorded, or the supervisor is gone.
    pub fn stop_recording(&self) -> Result<Recording, Error> {
        match self.request(&Request::StopRecording)? {
            Reply::Recorded(recording) => Ok(recording),
            other => Err(odd(&other)),
        }
    }

    /// A command that will run inside a device.
    ///
    /// # Errors
    ///
    /// The lab has no such device, or the supervisor is gone.
    pub fn command(&self, device: &str, program: impl AsRef<OsStr>) -> Result<Command, Error> {
        let system = |cause| Error::system(format!("entering {device}"))(cause);
        let device_name = device.to_owned();
        let mut stream = self.connect()?;
        request::send(
            &mut stream,
            &Request::Enter {
                device: device_name,
            },
        )
        .map_err(system)?;
        let mut line = [0; 4096];
        let (len, descriptors) = linux::receive_descriptors(&stream, &mut line).map_err(system)?;
        let reply = serde_json::from_slice(line.get(..len).unwrap_or_default());
        let mark = match reply.map_err(|error| system(error.into()))? {
            Reply::Entered { mark } => mark,
            other => return Err(odd(&other)),
        };
        let mut descriptors = descriptors.into_iter();
        let (Some(net), Some(user)) = (descriptors.next(), descriptors.next()) else {
            return Err(Error::Refused(format!("{device} has no namespaces")));
        };
        let mut command = Command::new(program);
        command.env(MARK, mark);
        process::in_namespaces(&mut command, user, NetNamespace::from(net));
        Ok(command)
    }

    /// Becomes a command inside a device. Comes back only if that fails. The calling process must
    /// have a single thread.
    pub fn exec(&self, device: &str, command: &[String]) -> Error {
        let Some((program, arguments)) = command.split_first() else {
            return Error::Refused("no command was given".to_owned());
        };
        match self.command(device, program) {
            Err(error) => error,
            Ok(mut command) => Error::system(program.as_str())(command.args(arguments).exec()),
        }
    }

    /// The log of a daemon, or of `supervisor`.
    #[must_use]
    pub fn log(&self, device: &str) -> PathBuf {
        self.state.log_file(device)
    }

    /// Takes the lab down.
    ///
    /// # Errors
    ///
    /// Something of it cannot be removed.
    pub fn down(self) -> Result<(), Error> {
        reap::take_down(&self.state)
    }

    fn connect(&self) -> Result<UnixStream, Error> {
        let name = || Some(self.name().to_owned());
        UnixStream::connect(self.state.supervisor_socket())
            .map_err(|_| Error::NotRunning { name: name() })
    }

    fn request(&self, request: &Request) -> Result<Reply, Error> {
        let system = |cause| Error::system("asking the lab's supervisor")(cause);
        let mut stream = self.connect()?;
        request::send(&mut stream, request).map_err(system)?;
        match Lines::new(&stream, REPLY_PATIENCE).next().map_err(system)? {
            Reply::Refused { reason } => Err(Error::Refused(reason)),
            reply => Ok(reply),
        }
    }
}

fn odd(reply: &Reply) -> Error {
    match reply {
        Reply::Refused { reason } => Error::Refused(reason.clone()),
        _ => Error::Refused("the supervisor gave an answer to another request".to_owned()),
    }
}
