//! Who this agent is: its certificate, its private key, and where the manager is.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use plan::AgentId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::os;

/// What a program needs to speak to a manager as somebody. PEM.
#[derive(Clone)]
pub struct Credentials {
    /// The CA's certificate: the only one that the manager's is verified with.
    pub ca: String,
    /// The own certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Zeroizing<String>,
}

/// Who an enrolled agent is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its id.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Whether it may operate the manager, too.
    pub operate: bool,
    /// The oldest protocol that it may speak: pinned at enrolment.
    pub protocol: u32,
    /// Where the manager is, `HOST:PORT`, most likely first.
    pub addresses: Vec<String>,
    /// Its certificate and key.
    pub credentials: Credentials,
}

/// Why an identity cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// This home has no agent.
    #[error("there is no agent in {}: `inlay join` makes one", .0.display())]
    Absent(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {doing} {}", .path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings are not what enrolment writes.
    #[error("{} is not what enrolment writes: {why}", .path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Settings {
    agent: String,
    name: String,
    operate: bool,
    protocol: u32,
    addresses: Vec<String>,
}

impl Credentials {
    /// Reads three PEM files: the CA's certificate, the own one, its key.
    ///
    /// # Errors
    /// [`IdentityError::File`].
    pub fn load(ca: &Path, certificate: &Path, key: &Path) -> Result<Credentials, IdentityError> {
        Ok(Credentials { ca: read(ca)?, certificate: read(certificate)?, key: Zeroizing::new(read(key)?) })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the identity of the agent whose state is in `folder` (`HOME/agent`).
    ///
    /// # Errors
    /// [`IdentityError`]; [`IdentityError::Absent`] if there is none.
    pub fn load(folder: &Path) -> Result<Identity, IdentityError> {
        let path = settings(folder);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(IdentityError::Absent(folder.to_owned()));
            }
            Err(source) => return Err(IdentityError::File { doing: "read", path, source }),
        };
        let wrong = |why: String| IdentityError::Settings { path: path.clone(), why };
        let read: Settings = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        Ok(Identity {
            agent: read.agent.parse().map_err(|e: plan::IdError| wrong(e.to_string()))?,
            name: read.name,
            operate: read.operate,
            protocol: read.protocol,
            addresses: read.addresses,
            credentials: Credentials::load(
                &folder.join("ca.pem"),
                &folder.join("certificate.pem"),
                &folder.join("key.pem"),
            )?,
        })
    }

    /// Writes it to `folder`. The settings come last: without them there is no agent.
    ///
    /// # Errors
    /// [`IdentityError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), IdentityError> {
        let failed = |path: &Path, source| IdentityError::File { doing: "write", path: path.to_owned(), source };
        os::make_private_folder(folder).map_err(|e| failed(folder, e))?;
        let written = Settings {
            agent: self.agent.to_string(),
            name: self.name.clone(),
            operate: self.operate,
            protocol: self.protocol,
            addresses: self.addresses.clone(),
        };
        let path = settings(folder);
        let text = toml::to_string(&written)
            .map_err(|e| IdentityError::Settings { path: path.clone(), why: e.to_string() })?;
        let files = [
            (folder.join("key.pem"), self.credentials.key.as_str()),
            (folder.join("ca.pem"), &self.credentials.ca),
            (folder.join("certificate.pem"), &self.credentials.certificate),
            (path, &text),
        ];
        for (path, text) in files {
            os::write_private(&path, text.as_bytes()).map_err(|e| failed(&path, e))?;
        }
        Ok(())
    }
}

fn settings(folder: &Path) -> PathBuf {
    folder.join("agent.toml")
}

fn read(path: &Path) -> Result<String, IdentityError> {
    std::fs::read_to_string(path).map_err(|source| IdentityError::File { doing: "read", path: path.to_owned(), source })
}
