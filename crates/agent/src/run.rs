//! The agent: an event loop around the step function.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::Connect;
use crate::copies::OpenCopies;
use crate::identity::Identity;

/// What an agent is started with.
pub struct AgentOptions {
    /// Where it keeps its state (`HOME/agent`): journal, policy, identity.
    pub folder: PathBuf,
    /// Who it is.
    pub identity: Identity,
    /// How it reaches the manager: [`crate::TlsConnect`].
    pub connect: Arc<dyn Connect>,
    /// How it opens the repository.
    pub copies: Arc<dyn OpenCopies>,
    /// What `~` means in paths that it is asked about, and where relative ones start.
    pub user_home: Option<PathBuf>,
    /// The program's name and version, for people.
    pub program: String,
    /// The machine's name, for people.
    pub host: String,
    /// Every file is looked at so often, whatever the watcher says.
    pub rescan: Duration,
}

/// Why an agent cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another process is this agent.
    #[error("another process runs the agent of {}", .0.display())]
    Running(PathBuf),
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {}

impl Agent {
    /// Starts the agent, within a tokio runtime: reads the journal, finishes what a crash interrupted, watches, connects. It goes on
    /// trying where the manager or the repository cannot be reached.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn start(options: AgentOptions) -> Result<Agent, AgentError> {
        Err(AgentError::Running(options.folder))
    }

    /// Ends it: finishes what is being written, seals, closes the stream.
    ///
    /// # Errors
    /// What could not be finished; the next start does it.
    pub async fn shut_down(self) -> Result<(), AgentError> {
        Ok(())
    }
}
