//! Requests to the supervisor.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use view::{Action, Answer, FABRIC, Query, Target};

use super::{Supervisor, thread};
use crate::recorder::Recorder;
use crate::request::{self, Lines, Reply, Request};
use crate::verify::{REACH_PATIENCE, Verifier};
use crate::{Error, Installed, state};

/// How long a client may take to say what it wants; the next one waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the fabric may take to break something.
const FABRIC_PATIENCE: Duration = Duration::from_secs(2);

impl Supervisor {
    /// Takes one request. Whether the lab goes on.
    pub(super) fn serve(&mut self) -> bool {
        let Ok((mut stream, _)) = self.listener.accept() else {
            return true;
        };
        let Ok(request) = Lines::new(&stream, PATIENCE).next() else {
            return true;
        };
        let reply = match request {
            Request::Down => {
                self.end();
                reply(&mut stream, &Reply::Done);
                return false;
            }
            Request::Enter { device } => self.enter(&stream, &device),
            Request::Verify => self.verify(stream),
            Request::StopRecording => self.stop_recording(stream),
            Request::Change { target, up } => {
                let done = self.change(&target, up);
                reply(&mut stream, &outcome(done));
                Ok(())
            }
            Request::Install { device, file } => {
                let done = self.install(&device, file.as_deref());
                let done = done.map_or_else(|error| outcome(Err(error)), Reply::Installed);
                reply(&mut stream, &done);
                Ok(())
            }
            Request::Become { plan } => {
                let kept = state::write(&self.state.plan_file(), &*plan);
                self.plan = plan.into();
                reply(&mut stream, &outcome(kept));
                Ok(())
            }
            Request::Record { interval_us } => {
                let interval = Duration::from_micros(interval_us);
                let done = Recorder::start(&self.plan, &self.namespaces, interval)
                    .map(|recorder| self.recorder = Some(recorder));
                reply(&mut stream, &outcome(done));
                Ok(())
            }
        };
        if let Err(error) = reply {
            tracing::warn!(%error, "answering");
        }
        true
    }

    /// Hands over the namespaces of a device.
    fn enter(&self, stream: &UnixStream, device: &str) -> io::Result<()> {
        let Some(namespace) = self.namespaces.get(device) else {
            let mut stream = stream.try_clone()?;
            let reason = format!("the lab has no device {device}");
            return request::send(&mut stream, &Reply::Refused { reason });
        };
        let mark = self.identity.mark.clone();
        let mut line = serde_json::to_vec(&Reply::Entered { mark })?;
        line.push(b'\n');
        let descriptors = [namespace.as_fd(), self.user_namespace.as_fd()];
        linux::send_descriptors(stream, &line, &descriptors)
    }

    /// Lets a target fail or heal.
    fn change(&mut self, target: &str, up: bool) -> Result<(), Error> {
        let refused = |error: view::TargetError| Error::Refused(error.to_string());
        let target = Target::parse(target, &self.plan).map_err(refused)?;
        for action in target.actions(&self.plan, up).map_err(refused)? {
            match action {
                Action::Fault { fault, up } => {
                    let socket = self.state.control_socket(FABRIC);
                    let query = Query::Fault { fault, up };
                    match driver::ask(&socket, &query, FABRIC_PATIENCE) {
                        Ok(Answer::Done) => {}
                        Ok(Answer::Refused { reason }) => return Err(Error::Refused(reason)),
                        Ok(_) => return Err(Error::Refused("an odd answer".to_owned())),
                        Err(cause) => return Err(Error::system("asking the fabric")(cause)),
                    }
                }
                Action::Kill { device } | Action::Maintain { device, on: true } => {
                    self.daemons.kill(&device)?;
                }
                Action::Start { device } | Action::Maintain { device, on: false } => {
                    self.daemons.start(&device, &self.namespaces)?;
                }
            }
        }
        self.watch_daemons()
    }

    /// Lets a device go on from another file, or end.
    fn install(&mut self, device: &str, file: Option<&str>) -> Result<Installed, Error> {
        let how = match file {
            Some(text) => {
                let path = self.state.config_file(device);
                std::fs::write(&path, text).map_err(Error::file(&path))?;
                self.daemons.renew(device, &self.namespaces)?
            }
            None => {
                self.daemons.kill(device)?;
                Installed::Ended
            }
        };
        self.watch_daemons()?;
        Ok(how)
    }

    /// Verifies on a thread of its own, which replies.
    fn verify(&self, mut stream: UnixStream) -> io::Result<()> {
        let (state, plan) = (self.state.clone(), self.plan.clone());
        let namespaces = self.namespaces.clone();
        thread("verify", move || {
            let verifier = Verifier {
                state: &state,
                plan: &plan,
                namespaces: &namespaces,
                foreign_sites: true,
                patience: REACH_PATIENCE,
            };
            let said = match verifier.run(&mut |_, _| {}) {
                Ok(report) => {
                    let kept = state::write(&state.verification_file(), &report.verification());
                    kept.map_or_else(|error| outcome(Err(error)), |()| Reply::Verified(report))
                }
                Err(error) => outcome(Err(error)),
            };
            reply(&mut stream, &said);
        })
    }

    /// Ends the recording on a thread of its own, which waits for the last packets and replies.
    fn stop_recording(&mut self, mut stream: UnixStream) -> io::Result<()> {
        let Some(recorder) = self.recorder.take() else {
            let reason = "nothing is being recorded".to_owned();
            return request::send(&mut stream, &Reply::Refused { reason });
        };
        thread("recording", move || {
            reply(&mut stream, &Reply::Recorded(recorder.stop()));
        })
    }
}

fn outcome(done: Result<(), Error>) -> Reply {
    match done {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Refused {
            reason: error.to_string(),
        },
    }
}

/// Sends a reply; whoever asked may have gone.
fn reply(stream: &mut UnixStream, reply: &Reply) {
    if let Err(error) = request::send(stream, reply) {
        tracing::debug!(%error, "replying");
    }
}
