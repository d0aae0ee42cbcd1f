//! What lies where in `--home`.
//!
//! ```text
//! manager/            the manager's own: CA, database, settings
//! manager/hosted.toml the repositories on this machine that the manager's media agent serves
//! keys/ID.password    a repository's password, mode 0600; `manager run` never opens this folder
//! agent/              the agent's own: identity, journal, allow.toml
//! agent/repository.toml  where its repository is
//! repo/               the repository that `init` makes
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use repo::Password;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::CommandError;
use crate::os;

/// The name under which the manager serves the repository that `init` makes.
pub(crate) const MAIN: &str = "main";

/// The folders of a home.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// A repository that this home may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RepositoryFile {
    /// Its id, in hexadecimal.
    pub id: String,
    /// A folder; `rest:/repo/NAME/` at the manager's own address; or a whole address.
    pub url: String,
}

/// The repositories on this machine that the media agent serves: name → folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Hosted {
    #[serde(default)]
    folders: BTreeMap<String, PathBuf>,
}

impl Home {
    pub(crate) fn new(ctx: &Context) -> Home {
        Home(ctx.home.clone())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn manager(&self) -> PathBuf {
        self.0.join("manager")
    }

    pub(crate) fn agent(&self) -> PathBuf {
        self.0.join("agent")
    }

    pub(crate) fn allow(&self) -> PathBuf {
        self.agent().join("allow.toml")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    pub(crate) fn default_repository(&self) -> PathBuf {
        self.0.join("repo")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("up.log")
    }

    pub(crate) fn pid(&self) -> PathBuf {
        self.0.join("up.pid")
    }

    /// Whether a manager lives here.
    pub(crate) fn has_manager(&self) -> bool {
        self.manager().join("manager.json").exists()
    }

    /// Whether an agent does.
    pub(crate) fn has_agent(&self) -> bool {
        self.agent().join("agent.toml").exists()
    }

    /// The file that holds a repository's password.
    pub(crate) fn password_file(&self, id: &str) -> PathBuf {
        self.keys().join(format!("{id}.password"))
    }

    /// A repository's password; `None` where this home does not hold it.
    pub(crate) fn password(&self, id: &str) -> Result<Option<Password>, CommandError> {
        let path = self.password_file(id);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Password::new(text.trim_end().to_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CommandError::file("read", &path, error)),
        }
    }

    pub(crate) fn save_password(&self, id: &str, password: &Password) -> Result<(), CommandError> {
        let path = self.password_file(id);
        let text = zeroize::Zeroizing::new(format!("{}\n", password.reveal()));
        os::write_private(&path, text.as_bytes()).map_err(|e| CommandError::file("write", &path, e))
    }

    /// The repository of this home: the manager's first, with its folder if it is here; otherwise the agent's.
    pub(crate) fn repository(&self) -> Result<Option<RepositoryFile>, CommandError> {
        if self.has_manager() {
            let (settings, _) = manager::find(&self.manager()).map_err(CommandError::from)?;
            let folders = self.hosted()?;
            let Some(first) = settings.repositories.first() else { return Ok(None) };
            let url = folders
                .iter()
                .find(|(name, _)| first.url == served(name))
                .map_or_else(|| first.url.clone(), |(_, folder)| folder.display().to_string());
            return Ok(Some(RepositoryFile { id: first.id.clone(), url }));
        }
        let path = self.agent().join("repository.toml");
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map(Some).map_err(|e| syntax(&path, e)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CommandError::file("read", &path, error)),
        }
    }

    pub(crate) fn save_repository(&self, repository: &RepositoryFile) -> Result<(), CommandError> {
        write_toml(&self.agent().join("repository.toml"), repository)
    }

    /// The repositories on this machine that the manager serves, by name. Needs no key.
    pub(crate) fn hosted(&self) -> Result<BTreeMap<String, PathBuf>, CommandError> {
        let path = self.manager().join("hosted.toml");
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map(|h: Hosted| h.folders).map_err(|e| syntax(&path, e)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(CommandError::file("read", &path, error)),
        }
    }

    pub(crate) fn save_hosted(&self, name: &str, folder: &Path) -> Result<(), CommandError> {
        let folders = BTreeMap::from([(name.to_owned(), folder.to_owned())]);
        write_toml(&self.manager().join("hosted.toml"), &Hosted { folders })
    }
}

/// The address of a repository that the manager serves, as its agents are told it.
pub(crate) fn served(name: &str) -> String {
    format!("rest:/repo/{name}/")
}

fn syntax(path: &Path, error: toml::de::Error) -> CommandError {
    CommandError::failed(format!("{} is not what inlay wrote", path.display())).because(error)
}

fn write_toml(path: &Path, value: &impl Serialize) -> Result<(), CommandError> {
    let text = toml::to_string(value).map_err(|e| CommandError::failed("cannot write settings").because(e))?;
    os::write_private(path, text.as_bytes()).map_err(|e| CommandError::file("write", path, e))
}
