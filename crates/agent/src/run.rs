//! Starting and ending an agent.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::allow::AllowFile;
use crate::buffers::Buffers;
use crate::connection::Connect;
use crate::copies::{Copies, OpenCopies};
use crate::engine::{Engine, Parts, Seals};
use crate::files::Files;
use crate::identity::Identity;
use crate::jobs::Tools;
use crate::journal::{Journal, JournalError};
use crate::keys::Keys;
use crate::os;
use crate::outbox;
use crate::stream::Keeper;
use crate::variables::{Environment, Variables};

/// The repository could not be opened: it is tried again after this time, and then after longer ones.
const REOPEN: plan::Backoff = plan::Backoff { base: 500, most: 30_000 };

/// What an agent is started with.
pub struct AgentOptions {
    /// Where it keeps its state (`HOME/agent`): journal, policy, members.
    pub folder: PathBuf,
    /// Who it is.
    pub identity: Identity,
    /// How it reaches the manager: [`crate::TlsConnect`].
    pub connect: Arc<dyn Connect>,
    /// How it opens the repository: [`crate::RepositoryOpener`].
    pub copies: Arc<dyn OpenCopies>,
    /// What `~` means in paths that it is asked about, and where relative ones start.
    pub user_home: Option<PathBuf>,
    /// What stands in its environment: only variables that its policy names are asked for.
    pub environment: Environment,
    /// The program's name and version, for people.
    pub program: String,
    /// The machine's name, for people.
    pub host: String,
    /// Every file is looked at about so often, whatever the watcher says.
    pub rescan: Duration,
}

/// The rescan's usual time.
pub const RESCAN: Duration = Duration::from_secs(60);

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another process is this agent.
    #[error("another process runs the agent in {}", .0.display())]
    Running(PathBuf),
    /// Its folder cannot be made or locked.
    #[error("cannot use {}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A running agent. Dropped without [`Agent::shut_down`] it ends soon, as if it had been killed: nothing is lost.
#[derive(Debug)]
pub struct Agent {
    stop: CancellationToken,
    connected: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Agent {
    /// Starts the agent, within a tokio runtime: reads the journal; then, in the background, opens the repository, finishes what a crash
    /// interrupted, watches, and connects. Where the manager or the repository cannot be reached it goes on trying.
    ///
    /// # Errors
    /// [`AgentError`]: what no waiting helps against.
    pub async fn start(options: AgentOptions) -> Result<Agent, AgentError> {
        let folder = options.folder.clone();
        let failed = |source| AgentError::Folder { path: folder.clone(), source };
        os::make_private_folder(&folder).map_err(failed)?;
        let lock = os::try_lock(&folder.join("lock")).map_err(failed)?.ok_or(AgentError::Running(folder.clone()))?;
        let journal = Arc::new(Journal::open(&folder.join("journal"))?);
        let stop = CancellationToken::new();
        let connected = CancellationToken::new();
        let running = tokio::spawn(run(options, journal, stop.clone(), connected.clone(), lock));
        Ok(Agent { stop, connected, running: Some(running) })
    }

    /// Waits until it has been connected to the manager once. It goes on by itself whether or not anybody waits.
    pub async fn connected(&self) {
        self.connected.cancelled().await;
    }

    /// Ends it: finishes what is being written, seals, closes the stream.
    pub async fn shut_down(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take()
            && let Err(error) = running.await
        {
            tracing::error!(%error, "the agent ended before its time");
        }
    }

    /// Waits until it ends, which it does only when it is shut down or fails.
    pub async fn ended(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.await;
            self.running = None;
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn run(
    options: AgentOptions,
    journal: Arc<Journal>,
    stop: CancellationToken,
    connected: CancellationToken,
    lock: File,
) {
    let seals = Arc::<Seals>::default();
    let Some(copies) = open(&options, &seals, &stop).await else { return };
    let folder = options.folder;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let variables = Variables { user_home: options.user_home.clone(), environment: options.environment };
    let tools = Arc::new(Tools {
        variables,
        allow: AllowFile::new(folder.join("allow.toml")),
        keys: Keys::new(copies.as_ref()),
        copies,
        journal: journal.clone(),
        buffers: Buffers::default(),
        tag: options.identity.agent.short(),
        permits: Semaphore::new(2 * threads + 2),
        files: Files::default(),
    });
    let (outbox, sending) = outbox::start(journal);
    let (events, streams) = mpsc::channel(256);
    let engine = Engine::new(Parts {
        tools,
        outbox,
        streams,
        seals,
        stop: stop.clone(),
        user_home: options.user_home,
        rescan: options.rescan,
        roster: folder.join("members"),
        connected,
    });
    let hello = wire::v1::Hello { protocol: wire::PROTOCOL, program: options.program, host: options.host };
    let end_stream = CancellationToken::new();
    let keeper = Keeper {
        connect: options.connect,
        hello,
        protocol: options.identity.protocol,
        events,
        stop: end_stream.clone(),
    };
    let mut keeping = tokio::spawn(keeper.run());
    engine.run().await;
    // What was said last has to be sent before the stream ends.
    let _ = tokio::time::timeout(Duration::from_secs(5), sending).await;
    // The stream has nothing more to say, and ends when the manager has heard it all.
    if tokio::time::timeout(Duration::from_secs(1), &mut keeping).await.is_err() {
        end_stream.cancel();
        let _ = keeping.await;
    }
    drop(lock);
}

/// Opens the repository, however long that takes.
async fn open(options: &AgentOptions, seals: &Arc<Seals>, stop: &CancellationToken) -> Option<Arc<dyn Copies>> {
    for attempt in 0.. {
        let told = seals.clone();
        let opening = options.copies.open(Arc::new(move |seal| told.add(seal)));
        let error = tokio::select! {
            opened = opening => match opened {
                Ok(copies) => return Some(copies),
                Err(error) => error,
            },
            () = stop.cancelled() => return None,
        };
        let wait = Duration::from_millis(REOPEN.wait(attempt, getrandom::u64().unwrap_or(0)));
        tracing::warn!(error = error.why, ?wait, "the repository cannot be opened");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return None,
        }
    }
    None
}
