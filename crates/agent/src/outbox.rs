//! What is said to the manager, in order, and nothing before what it rests on is durable.

use std::sync::Arc;

use plan::VersionId;
use tokio::sync::mpsc;
use wire::v1::{FromAgent, from_agent};

use crate::journal::{Journal, Record};
use crate::point::point;

/// So many messages wait.
const QUEUE: usize = 1024;
/// So many are sent after one sync.
const BATCH: usize = 256;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// What to say.
    pub message: from_agent::Message,
    /// The stream to say it on; if that is gone nothing is said.
    pub stream: mpsc::Sender<FromAgent>,
    /// The journal has to be durable up to here.
    pub needs: u64,
    /// Versions whose seal is said by it.
    pub sealed: Vec<VersionId>,
}

/// Starts the task that sends. It ends when the sender is dropped and everything was sent.
pub(crate) fn start(journal: Arc<Journal>) -> (mpsc::Sender<Outgoing>, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (sender, tokio::spawn(run(journal, receiver)))
}

async fn run(journal: Arc<Journal>, mut receiver: mpsc::Receiver<Outgoing>) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        // What rests on a record that could not be written at all holds up nothing else.
        let needs = batch.iter().map(|outgoing| outgoing.needs).filter(|needs| *needs != u64::MAX).max().unwrap_or(0);
        if needs > journal.synced() {
            sync(&journal, needs).await;
        }
        for outgoing in batch.drain(..) {
            if outgoing.needs > journal.synced() {
                // It is said again once it is due, and then perhaps the disk is well.
                continue;
            }
            let said = said(&outgoing.message);
            let sent = outgoing.stream.send(FromAgent { message: Some(outgoing.message) }).await.is_ok();
            if let Some(said) = said {
                point(said);
            }
            if sent
                && !outgoing.sealed.is_empty()
                && let Err(error) = journal.append([Record::Sealed(outgoing.sealed)])
            {
                tracing::warn!(%error, "a seal was not journaled: it is said again after the next start");
            }
        }
    }
}

/// The point behind a message, by what it says.
const fn said(message: &from_agent::Message) -> Option<&'static str> {
    match message {
        from_agent::Message::Report(_) => Some("report: said"),
        from_agent::Message::BackedUp(_) => Some("backup: said"),
        from_agent::Message::Merged(_) | from_agent::Message::Unmergeable(_) => Some("merge: said"),
        from_agent::Message::Sealed(_) => Some("seal: said"),
        // Nothing durable rests on these.
        from_agent::Message::Hello(_) | from_agent::Message::Inspected(_) => None,
    }
}

async fn sync(journal: &Arc<Journal>, needs: u64) {
    let journal = journal.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || journal.sync(needs)).await {
        tracing::error!(%error, "the journal cannot be made durable: nothing that rests on it is said");
    }
}
