//! Those who talk to the fabric process: operators with queries, Route Server instances, gateways and
//! MSEEs with what they decide.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use azure::Fabric;
use azure::fabric::{ForwarderId, Input, InstanceId, Output};
use inet::Instant;
use linux::epoll::Poller;
use view::{Answer, Query};

use crate::programming::{Decision, Hello, Table};

/// Longest line that a client may send, octets.
const LINE_MAX: usize = 64 * 1024;
/// Clients at once; more are sent away.
const CLIENTS_MAX: usize = 1024;
/// How long nobody is let in when the system has no room for a client.
const REST: Duration = Duration::from_millis(100);
/// Octets of an answer that the kernel is given at once: it waits anew for each page of what it is
/// given.
const PIECE: usize = 4096;
/// How long an operator may take to accept an answer while packets wait.
const ANSWER_PATIENCE: Duration = Duration::from_millis(200);

/// All clients, by token.
pub(super) struct Clients {
    clients: BTreeMap<u64, Client>,
    next: u64,
    /// Until when nobody is let in.
    rests_until: Option<Instant>,
}

struct Client {
    stream: UnixStream,
    /// What came of the line that is not complete.
    line: Vec<u8>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Operator,
    /// A device of the platform, once it has said which.
    Decider(Option<Decider>),
}

/// What a device of the platform decides about.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Decider {
    /// NICs: an instance of a Route Server, or of a gateway without one.
    instance: Option<InstanceId>,
    /// Its own packets: a gateway or an MSEE.
    forwarder: Option<ForwarderId>,
}

impl Decider {
    /// The device of a name.
    fn of(fabric: &Fabric, device: &str) -> io::Result<Self> {
        let found = Self {
            instance: fabric.instance(device),
            forwarder: fabric.forwarder(device),
        };
        if found.instance.is_none() && found.forwarder.is_none() {
            let reason = format!("{device} is no Route Server instance, gateway or MSEE");
            return Err(io::Error::other(reason));
        }
        Ok(found)
    }

    /// It knows nothing yet.
    fn begin(self, now: Instant, fabric: &mut Fabric, out: &mut Vec<Output>) {
        if let Some(instance) = self.instance {
            fabric.handle(now, Input::InstanceUp(instance), out);
        }
        if let Some(forwarder) = self.forwarder {
            fabric.handle(now, Input::ForwarderUp(forwarder), out);
        }
    }

    /// It has gone; one that forwards forwards nothing.
    fn end(self, now: Instant, fabric: &mut Fabric, out: &mut Vec<Output>) {
        if let Some(instance) = self.instance {
            fabric.handle(now, Input::InstanceDown(instance), out);
        }
        if let Some(forwarder) = self.forwarder {
            fabric.handle(now, Input::ForwarderUp(forwarder), out);
        }
    }

    /// What follows from a decision.
    fn input(self, decision: Decision) -> io::Result<Input> {
        let Decision {
            prefix,
            next_hops,
            table,
        } = decision;
        let input = match table {
            Table::Nics => self.instance.map(|instance| Input::Program {
                instance,
                prefix,
                next_hops,
            }),
            Table::Own => self.forwarder.map(|forwarder| Input::Forward {
                forwarder,
                prefix,
                next_hops,
            }),
        };
        input.ok_or_else(|| io::Error::other("a decision about what the device has no say in"))
    }
}

impl Clients {
    /// None yet; tokens count from `first`.
    pub(super) fn new(first: u64) -> Self {
        Self {
            clients: BTreeMap::new(),
            next: first,
            rests_until: None,
        }
    }

    /// Nobody is to be let in for a while.
    pub(super) fn rest(&mut self, now: Instant) {
        self.rests_until = Some(now + REST);
    }

    /// Until when nobody is let in.
    pub(super) const fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// Whether that time has just come.
    pub(super) fn is_rested(&mut self, now: Instant) -> bool {
        self.rests_until.take_if(|until| *until <= now).is_some()
    }

    /// Lets a client in.
    pub(super) fn accept(
        &mut self,
        listener: &UnixListener,
        programmer: bool,
        poller: &Poller,
    ) -> io::Result<()> {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.clients.len() >= CLIENTS_MAX {
            return Ok(());
        }
        stream.set_nonblocking(true)?;
        let token = self.next;
        self.next += 1;
        poller.add_readable(&stream, token)?;
        let role = if programmer {
            Role::Decider(None)
        } else {
            Role::Operator
        };
        let line = Vec::new();
        self.clients.insert(token, Client { stream, line, role });
        Ok(())
    }

    /// Does what a client says. Whether the process is to end.
    pub(super) fn serve(
        &mut self,
        token: u64,
        now: Instant,
        fabric: &mut Fabric,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(client) = self.clients.get_mut(&token) else {
            return false;
        };
        let open = client.fill().unwrap_or(false);
        let before = client.role;
        let mut stop = false;
        let mut fine = true;
        while let Some(line) = client.take_line() {
            match client.obey(&line, now, fabric, out) {
                Ok(wants_end) => stop |= wants_end,
                Err(error) => {
                    tracing::warn!(%error, "a client of the fabric");
                    fine = false;
                    break;
                }
            }
        }
        let after = client.role;
        let ends = !open || !fine || client.line.len() > LINE_MAX;
        if after != before {
            // A device speaks on its newest connection; what comes late on an older one, its end
            // included, is not about the table that it tells now.
            self.clients
                .retain(|other, client| *other == token || client.role != after);
        }
        if ends {
            if let Role::Decider(Some(decider)) = after {
                decider.end(now, fabric, out);
            }
            // Closing the stream takes it out of the epoll set as well.
            self.clients.remove(&token);
        }
        stop
    }
}

impl Client {
    /// Reads what there is; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(len) => {
                self.line.extend(buffer.iter().take(len));
                Ok(true)
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.line.iter().position(|byte| *byte == b'\n')?;
        let rest = self.line.split_off(end + 1);
        Some(std::mem::replace(&mut self.line, rest))
    }

    fn obey(
        &mut self,
        line: &[u8],
        now: Instant,
        fabric: &mut Fabric,
        out: &mut Vec<Output>,
    ) -> io::Result<bool> {
        match self.role {
            Role::Operator => {
                let query = Query::from_line(&String::from_utf8_lossy(line));
                let stop = query == Ok(Query::Stop);
                let answer = match query {
                    Err(reason) => Answer::Refused { reason },
                    Ok(Query::Stop) => Answer::Done,
                    Ok(Query::Fault { fault, up }) => break_or_mend(fabric, now, fault, up, out),
                    Ok(query) => view::fabric_answer(fabric, now, &query),
                };
                self.reply(&answer)?;
                return Ok(stop);
            }
            Role::Decider(None) => {
                let hello: Hello = serde_json::from_slice(line)?;
                let decider = Decider::of(fabric, &hello.instance)?;
                self.role = Role::Decider(Some(decider));
                decider.begin(now, fabric, out);
            }
            Role::Decider(Some(decider)) => {
                let input = decider.input(serde_json::from_slice(line)?)?;
                fabric.handle(now, input, out);
            }
        }
        Ok(false)
    }

    /// Sends an answer. An operator who does not read is dropped, since packets wait.
    fn reply(&mut self, answer: &Answer) -> io::Result<()> {
        let deadline = std::time::Instant::now() + ANSWER_PATIENCE;
        let line = answer.to_line();
        let mut rest = line.as_bytes();
        self.stream.set_nonblocking(false)?;
        while !rest.is_empty() {
            // One that reads an octet at a time has no longer than one that reads nothing.
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_write_timeout(Some(left))?;
            let piece = rest.get(..PIECE).unwrap_or(rest);
            match self.stream.write(piece) {
                Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.set_nonblocking(true)
    }
}

/// Gives a fault to the fabric, which may know nothing of what it names.
fn break_or_mend(
    fabric: &mut Fabric,
    now: Instant,
    fault: view::Fault,
    up: bool,
    out: &mut Vec<Output>,
) -> Answer {
    let before = out.len();
    let fault = view::fabric_fault(fault, up);
    fabric.handle(now, Input::Command(fault), out);
    let refused = out.iter().skip(before).find_map(|output| match output {
        Output::Refused(fault) => Some(format!("the fabric knows nothing of {fault:?}")),
        _ => None,
    });
    refused.map_or(Answer::Done, |reason| Answer::Refused { reason })
}

#[cfg(test)]
mod tests;
