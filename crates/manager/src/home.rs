//! The manager's own directory: what lies where, and the settings that `init` writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ca::{CaError, CertificateAuthority};
use crate::os;

/// What a manager is made with.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Where it will listen.
    pub listen: SocketAddr,
    /// The names and addresses under which agents reach it, besides `localhost` and `listen`: the host name first.
    pub names: Vec<String>,
    /// The repositories that agents may use.
    pub repositories: Vec<RepositoryInfo>,
}

/// A repository, as far as the manager knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryInfo {
    /// Its id, in hexadecimal.
    pub id: String,
    /// How agents reach it: `rest:/repo/NAME/` at the manager's own address, or a URL that they can open.
    pub url: String,
}

/// What `init` made.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// SHA-256 of the CA's certificate (DER): what an invite carries.
    pub ca_fingerprint: [u8; 32],
    /// The operator's certificate and key.
    pub operator: OperatorFiles,
}

/// Where a program in the same home finds what it needs to act as the operator, over TLS. PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorFiles {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The operator's certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The settings, as they lie in `manager.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Further names and addresses under which agents reach it.
    pub names: Vec<String>,
    /// The repositories that agents may use.
    pub repositories: Vec<RepositoryInfo>,
}

/// Why a manager's directory cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A manager lives there already.
    #[error("there is a manager in {0} already")]
    Exists(PathBuf),
    /// No manager lives there.
    #[error("there is no manager in {0}: `inlay manager init` makes one")]
    Absent(PathBuf),
    /// A file could not be read or written.
    #[error("cannot {doing} {path}")]
    File {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The settings are not what `init` writes.
    #[error("the settings in {path} cannot be read")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// A certificate could not be made or read.
    #[error("the certificates in {path} cannot be used")]
    Certificates {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: CaError,
    },
}

/// The paths in a manager's directory.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(dir: &Path) -> Self {
        Home(dir.to_owned())
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.0.join("manager.json")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("manager.db")
    }

    fn ca_key(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    pub(crate) fn operator(&self) -> OperatorFiles {
        OperatorFiles {
            ca: self.0.join("ca.pem"),
            certificate: self.0.join("operator.pem"),
            key: self.0.join("operator.key"),
        }
    }

    pub(crate) fn read_settings(&self) -> Result<Settings, HomeError> {
        let path = self.settings();
        let text = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(HomeError::Absent(self.0.clone())),
            text => text.map_err(|source| HomeError::File { doing: "read", path: path.clone(), source })?,
        };
        serde_json::from_slice(&text).map_err(|source| HomeError::Settings { path, source })
    }

    /// The CA, and the operator's certificate if it is still good for long enough; it is renewed otherwise.
    pub(crate) fn read_ca(&self) -> Result<CertificateAuthority, HomeError> {
        let operator = self.operator();
        let certificate = read(&operator.ca)?;
        let key = read(&self.ca_key())?;
        let ca = CertificateAuthority::from_pem(&certificate, &key).map_err(|source| self.certificates(source))?;
        if !read(&operator.certificate).is_ok_and(|pem| ca.lasts(&pem)) {
            self.write_operator(&ca)?;
        }
        Ok(ca)
    }

    fn certificates(&self, source: CaError) -> HomeError {
        HomeError::Certificates { path: self.0.clone(), source }
    }

    fn write_operator(&self, ca: &CertificateAuthority) -> Result<(), HomeError> {
        let files = self.operator();
        let (certificate, key) = ca.operator().map_err(|source| self.certificates(source))?;
        write(&files.key, key.as_bytes(), true)?;
        write(&files.certificate, certificate.as_bytes(), false)
    }
}

/// The settings of the manager in `dir`, and where its operator's certificate lies: for commands in the same home, which open
/// nothing else.
///
/// # Errors
/// [`HomeError::Absent`] if no manager lives there; [`HomeError::File`], [`HomeError::Settings`].
pub fn find(dir: &Path) -> Result<(Settings, OperatorFiles), HomeError> {
    let home = Home::new(dir);
    Ok((home.read_settings()?, home.operator()))
}

/// Makes a manager's directory: CA, operator certificate and settings. The database is made when it is first opened.
///
/// The settings are written last: a directory without them is no manager, and `init` may be tried again.
///
/// # Errors
/// [`HomeError`]; [`HomeError::Exists`] if a manager lives there.
pub fn init(dir: &Path, options: &InitOptions) -> Result<Initialised, HomeError> {
    let home = Home::new(dir);
    if home.settings().exists() {
        return Err(HomeError::Exists(dir.to_owned()));
    }
    fs::create_dir_all(dir).map_err(|source| HomeError::File { doing: "make", path: dir.to_owned(), source })?;
    os::private_directory(dir).map_err(|source| HomeError::File { doing: "protect", path: dir.to_owned(), source })?;
    let (ca, key) = CertificateAuthority::generate().map_err(|source| home.certificates(source))?;
    write(&home.ca_key(), key.as_bytes(), true)?;
    write(&home.operator().ca, ca.pem().as_bytes(), false)?;
    home.write_operator(&ca)?;
    let settings =
        Settings { listen: options.listen, names: options.names.clone(), repositories: options.repositories.clone() };
    let path = home.settings();
    let text =
        serde_json::to_vec_pretty(&settings).map_err(|source| HomeError::Settings { path: path.clone(), source })?;
    write(&path, &text, false)?;
    Ok(Initialised { ca_fingerprint: ca.fingerprint(), operator: home.operator() })
}

fn read(path: &Path) -> Result<String, HomeError> {
    fs::read_to_string(path).map_err(|source| HomeError::File { doing: "read", path: path.to_owned(), source })
}

/// Writes beside, syncs, renames, syncs the directory: after a crash the file is the old one or the new one.
fn write(path: &Path, bytes: &[u8], secret: bool) -> Result<(), HomeError> {
    let failed = |source| HomeError::File { doing: "write", path: path.to_owned(), source };
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    os::mode(&mut options, secret);
    let mut file = options.open(&beside).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    let parent = path.parent().unwrap_or(path);
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)
}
