//! Whom management asks: the daemon itself, the other instance, the fabric.

use std::io;
use std::path::Path;
use std::time::Duration;

use view::platform::PlatformError;
use view::{Answer, Query};

use super::Hub;
use crate::control::{self, Asker};

/// How long an answer of the daemon's own loop may take.
const OWN_TIME: Duration = Duration::from_secs(5);
/// How long an answer of another process may take.
const OTHER_TIME: Duration = Duration::from_secs(3);

/// Whom management asks.
#[derive(Debug)]
pub(crate) struct Sources {
    own: Asker,
    hub: Option<Hub>,
}

impl Sources {
    pub(crate) const fn new(own: Asker, hub: Option<Hub>) -> Self {
        Self { own, hub }
    }

    /// The Route Server, where there is one.
    pub(crate) const fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// What the daemon itself answers.
    pub(crate) async fn ask(&self, query: Query) -> Result<Answer, PlatformError> {
        let asked = tokio::time::timeout(OWN_TIME, self.own.ask(query)).await;
        match asked {
            Ok(Some(answer)) => said(answer),
            Ok(None) => Err(unavailable("the daemon is ending")),
            Err(_) => Err(unavailable("the daemon is busy")),
        }
    }

    /// What both instances answer, the own first; of the other only what it answers.
    pub(crate) async fn ask_both(&self, query: Query) -> Result<Vec<Answer>, PlatformError> {
        let mut answers = vec![self.ask(query.clone()).await?];
        if let Some(path) = self.twin() {
            match other(path, &query).await {
                Ok(answer) => answers.extend(said(answer)),
                Err(error) => tracing::warn!(%error, "the other instance does not answer"),
            }
        }
        Ok(answers)
    }

    /// Changes something at both instances. The own refuses before the other hears of it.
    pub(crate) async fn change_both(&self, query: Query) -> Result<(), PlatformError> {
        self.ask(query.clone()).await?;
        self.change_twin(query).await
    }

    /// What one instance answers.
    pub(crate) async fn ask_instance(
        &self,
        instance: u8,
        query: Query,
    ) -> Result<Answer, PlatformError> {
        if self
            .hub
            .as_ref()
            .is_some_and(|hub| hub.instance == instance)
        {
            return self.ask(query).await;
        }
        let Some(path) = self.twin() else {
            return Err(PlatformError::new(
                "OtherInstanceUnreachable",
                "this instance was started without --twin",
            ));
        };
        let answer = other(path, &query).await.map_err(|error| {
            PlatformError::new(
                "OtherInstanceUnreachable",
                format!("the other instance does not answer: {error}"),
            )
        })?;
        said(answer)
    }

    /// Removes something at both instances; whether one of them had it.
    pub(crate) async fn remove_both(&self, query: Query) -> Result<bool, PlatformError> {
        let here = was_there(self.ask(query.clone()).await.map(drop))?;
        let there = was_there(self.change_twin(query).await)?;
        Ok(here || (there && self.twin().is_some()))
    }

    /// Changes something at the other instance, where there is one.
    async fn change_twin(&self, query: Query) -> Result<(), PlatformError> {
        let Some(path) = self.twin() else {
            return Ok(());
        };
        match other(path, &query).await {
            Ok(answer) => said(answer).map(drop).map_err(|error| {
                PlatformError::new(
                    &error.code,
                    format!("the other instance: {}", error.message),
                )
            }),
            Err(error) => Err(PlatformError::new(
                "OtherInstanceUnreachable",
                format!(
                    "done at this instance; the other does not answer ({error}): \
                     send the same again when it does"
                ),
            )),
        }
    }

    /// What the fabric answers.
    pub(crate) async fn ask_fabric(&self, query: Query) -> Result<Answer, PlatformError> {
        let path = self.hub.as_ref().and_then(|hub| hub.fabric.as_deref());
        let Some(path) = path else {
            return Err(PlatformError::new(
                "FabricUnreachable",
                "this Route Server was started without --fabric-control",
            ));
        };
        match other(path, &query).await {
            Ok(answer) => said(answer),
            Err(error) => Err(PlatformError::new(
                "FabricUnreachable",
                format!("the fabric does not answer: {error}"),
            )),
        }
    }

    fn twin(&self) -> Option<&Path> {
        self.hub.as_ref()?.twin.as_deref()
    }
}

async fn other(path: &Path, query: &Query) -> io::Result<Answer> {
    match tokio::time::timeout(OTHER_TIME, control::ask_other(path, query)).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn unavailable(why: &str) -> PlatformError {
    PlatformError::new("ServiceUnavailable", why)
}

/// An answer, or why there is none.
fn said(answer: Answer) -> Result<Answer, PlatformError> {
    match answer {
        Answer::Unable(error) => Err(error),
        Answer::Refused { reason } => Err(PlatformError::bad_request(reason)),
        answer => Ok(answer),
    }
}

fn was_there(removed: Result<(), PlatformError>) -> Result<bool, PlatformError> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.status() == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
