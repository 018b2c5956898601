//! The control socket: queries come in as lines of JSON, answers go out as lines of JSON.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use view::{Answer, Query};

use crate::{Error, daemon};

/// Longest line that is read, octets. Queries are much shorter.
const LINE_MAX: u64 = 64 * 1024;
/// Longest answer that is read, octets. Answers may be long: whole tables of routes.
const ANSWER_MAX: u64 = 1 << 30;
/// Queries that wait for the core; a client that asks more waits itself.
const QUEUE: usize = 16;

/// A query and where its answer goes.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) query: Query,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Question {
    /// Answers it: with `answer`, except that a stop is agreed to whoever is asked. Nothing is done for an asker that
    /// has given up: it was told that it failed, and may have asked for something else since.
    pub(crate) fn reply(self, answer: impl FnOnce(&Query) -> Answer) {
        if self.answer.is_closed() && self.query != Query::Stop {
            return;
        }
        let said = match &self.query {
            Query::Stop => Answer::Done,
            query => answer(query),
        };
        // Whoever asked may have gone.
        drop(self.answer.send(said));
    }
}

/// Puts questions to the daemon's loop, and waits while too many are there.
#[derive(Clone, Debug)]
pub(crate) struct Asker(mpsc::Sender<Question>);

impl Asker {
    /// The answer; `None` when the daemon is ending.
    pub(crate) async fn ask(&self, query: Query) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Question { query, answer }).await.ok()?;
        answered.await.ok()
    }
}

/// The way from everybody who asks to the loop that answers.
pub(crate) fn channel() -> (Asker, mpsc::Receiver<Question>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Asker(sender), receiver)
}

/// Listens on `path` for as long as the loop hears; without a path nothing ever comes from here.
pub(crate) fn serve(path: Option<&Path>, asker: Asker) -> Result<(), Error> {
    let Asker(sender) = asker;
    let Some(path) = path else {
        // The sender must outlive this call, or the receiver would report the end again and again.
        tokio::spawn(async move { sender.closed().await });
        return Ok(());
    };
    let listener = UnixListener::from_std(daemon::listen(path)?)
        .map_err(Error::system(format!("control socket {}", path.display())))?;
    tokio::spawn(async move {
        while !sender.is_closed() {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(converse(stream, Asker(sender.clone())));
                }
                // Out of descriptors, mostly: others may close theirs.
                Err(error) => {
                    tracing::warn!(%error, "accepting on the control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

async fn converse(stream: tokio::net::UnixStream, questions: Asker) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = tokio::io::BufReader::new(reader);
    let mut line = String::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_MAX).read_line(&mut line).await {
            Ok(len) if len > 0 => {}
            _ => return,
        }
        let answer = match Query::from_line(line.trim_end()) {
            Err(reason) => Answer::Refused { reason },
            Ok(query) => match questions.ask(query).await {
                Some(answer) => answer,
                None => return,
            },
        };
        if writer.write_all(answer.to_line().as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Asks the daemon behind a control socket, and waits at most `patience` for each step.
///
/// # Errors
///
/// Nobody listens, no answer in time, or an answer that cannot be read.
pub fn ask(path: &Path, query: &Query, patience: Duration) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(query.to_line().as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_MAX)).read_line(&mut line)?;
    read_answer(&line)
}

/// Asks the daemon behind a control socket from an event loop. How long is the caller's matter.
pub(crate) async fn ask_other(path: &Path, query: &Query) -> io::Result<Answer> {
    let mut stream = tokio::net::UnixStream::connect(path).await?;
    stream.write_all(query.to_line().as_bytes()).await?;
    let mut line = String::new();
    let reader = tokio::io::BufReader::new(stream);
    reader.take(ANSWER_MAX).read_line(&mut line).await?;
    read_answer(&line)
}

fn read_answer(line: &str) -> io::Result<Answer> {
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Answer::from_line(line.trim_end())
        .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use view::{Answer, Query};

    use super::{Question, ask, channel, serve};

    #[test]
    fn a_query_is_answered_and_nonsense_is_refused_without_troubling_the_core() {
        let path = std::env::temp_dir().join(format!("control-{}.sock", std::process::id()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a loop").block_on(async {
            let (asker, mut questions) = channel();
            serve(Some(&path), asker).expect("listens");
            let asking = path.clone();
            let client = tokio::task::spawn_blocking(move || {
                use std::io::{BufRead as _, Write as _};
                let mut stream =
                    std::os::unix::net::UnixStream::connect(&asking).expect("connects");
                stream
                    .write_all(b"{\"query\":\"reboot\"}\n")
                    .expect("writes");
                let mut line = String::new();
                std::io::BufReader::new(stream)
                    .read_line(&mut line)
                    .expect("reads");
                assert!(
                    matches!(Answer::from_line(&line), Ok(Answer::Refused { .. })),
                    "{line}"
                );
                ask(&asking, &Query::Stop, Duration::from_secs(10))
            });
            let question = questions.recv().await.expect("a question");
            assert_eq!(question.query, Query::Stop);
            question.reply(|_| panic!("the core is not asked whether to stop"));
            let answer = client.await.expect("ends").expect("an answer");
            assert_eq!(answer, Answer::Done);
        });
        std::fs::remove_file(&path).expect("the socket is there");
    }

    #[test]
    fn nothing_is_done_for_an_asker_that_has_given_up() {
        let (answer, answered) = tokio::sync::oneshot::channel();
        drop(answered);
        let query = Query::Status;
        Question { query, answer }.reply(|_| panic!("nobody waits"));
    }
}
