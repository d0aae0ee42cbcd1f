//! A manager that is open: its settings, its CA, its store and its dispatcher.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plan::Backoff;
use tokio_util::sync::CancellationToken;

use crate::ca::CertificateAuthority;
use crate::dispatch::Dispatcher;
use crate::home::{Home, HomeError, OperatorFiles, Settings};
use crate::store::{SqliteOptions, SqliteStore, Store, StoreError};
use crate::tls::{ServerCertificate, TlsError};

/// How a manager behaves. The default is what people want.
#[derive(Debug, Clone)]
pub struct ManagerOptions {
    /// Whether it plans and dispatches. Without, notices are stored and nothing is copied or restored.
    pub dispatch: bool,
    /// When an instruction that was not answered is sent again.
    pub backoff: Backoff,
    /// How often an instruction is sent before it is given up.
    pub attempts: u32,
    /// How many messages a second one member may send, in the long run; a burst may have twice as many.
    pub member_rate: u32,
    /// How long an agent may take to answer a question of a person: a portion of a large file on a slow disk takes a while,
    /// and an agent that is gone is noticed by `ping`.
    pub ask: Duration,
    /// How often an idle connection is asked whether the other end is still there, and how long it may take to say so: a
    /// half-open link ends after twice this time.
    pub ping: Duration,
    /// How many connections may stand at once.
    pub connections: usize,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        ManagerOptions {
            dispatch: true,
            backoff: Backoff { base: 4_000, most: 60_000 },
            attempts: 10,
            member_rate: 1_000,
            ask: Duration::from_secs(120),
            ping: Duration::from_secs(7),
            connections: 16_384,
        }
    }
}

/// Why a manager cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its directory cannot be used.
    #[error("the manager's directory cannot be used")]
    Home(#[from] HomeError),
    /// Its database cannot be used.
    #[error("the manager's database {path} cannot be used")]
    Store {
        /// The database.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// Its certificates cannot be used.
    #[error("the manager's certificates cannot be used")]
    Tls(#[from] TlsError),
}

/// An open manager. Clones are the same one.
#[derive(Clone)]
pub struct Manager {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) home: Home,
    pub(crate) settings: Settings,
    pub(crate) options: ManagerOptions,
    pub(crate) ca: CertificateAuthority,
    pub(crate) certificate: Arc<ServerCertificate>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// Where it really listens, once it does.
    pub(crate) listening: OnceLock<SocketAddr>,
    pub(crate) stop: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Manager {
    /// Opens the manager in `dir`: renews certificates that need it, opens the database, makes one if there is none. Needs
    /// nothing else of the home, and no key of a repository. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, options: ManagerOptions) -> Result<Self, OpenError> {
        let home = Home::new(dir);
        let settings = home.read_settings()?;
        let ca = home.read_ca()?;
        let certificate = Arc::new(ServerCertificate::new(&ca, &names(&settings))?);
        let path = home.database();
        let store_options = SqliteOptions { plan: options.dispatch, ..SqliteOptions::default() };
        let store = SqliteStore::open(&path, store_options).map_err(|source| OpenError::Store { path, source })?;
        let store: Arc<dyn Store> = Arc::new(store);
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::start(store.clone(), &options, &stop);
        let inner =
            Inner { home, settings, options, ca, certificate, store, dispatcher, listening: OnceLock::new(), stop };
        Ok(Manager { inner: Arc::new(inner) })
    }

    /// SHA-256 of the CA's certificate (DER).
    pub fn ca_fingerprint(&self) -> [u8; 32] {
        self.inner.ca.fingerprint()
    }

    /// Where the operator's certificate lies.
    pub fn operator_files(&self) -> OperatorFiles {
        self.inner.home.operator()
    }

    /// The settings that `init` wrote.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Stores what is queued, and closes the database. [`crate::serve`] does it at its end.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.store.close().await;
    }

    /// `host:port` for each name and address under which agents reach it.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let listen = self.inner.listening.get().copied().unwrap_or(self.inner.settings.listen);
        let mut addresses = Vec::new();
        if !listen.ip().is_unspecified() {
            addresses.push(listen.to_string());
        }
        for name in &self.inner.settings.names {
            let address = match name.parse::<std::net::IpAddr>() {
                Ok(ip) => SocketAddr::new(ip, listen.port()).to_string(),
                Err(_) => format!("{name}:{}", listen.port()),
            };
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            addresses.push(format!("127.0.0.1:{}", listen.port()));
        }
        addresses
    }
}

/// What the server's certificate names, besides the loopback.
pub(crate) fn names(settings: &Settings) -> Vec<String> {
    let listen = settings.listen.ip();
    let own = (!listen.is_unspecified()).then(|| listen.to_string());
    settings.names.iter().cloned().chain(own).collect()
}
