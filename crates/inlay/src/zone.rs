//! What this home can decrypt and sign: its repository, and the keys that are derived from it.

use std::sync::Arc;

use agent::{CopyError, Identity, Keys, tls_config};
use plan::{Fingerprint, Record, Shape, VersionId};
use portion::{Format, Fragment, Mapping};
use repo::{Location, OpenError, Repository, StorageError, Writer, WriterOptions, open_storage};
use wire::v1;

use crate::error::{CommandError, Exit};
use crate::home::{Home, RepositoryFile};
use crate::invitation;
use crate::members::Listed;

/// An open repository with its keys.
pub(crate) struct Zone {
    pub repository: Repository,
    pub keys: Keys,
}

impl Zone {
    /// Opens this home's repository; `None` where it holds no key. Where a person chose the password, it takes 0.3 s.
    pub(crate) async fn open(home: &Home) -> Result<Option<Zone>, CommandError> {
        let Some(file) = home.repository()? else { return Ok(None) };
        if home.password(&file.id)?.is_none() {
            return Ok(None);
        }
        let repository = open_repository(home, &file).await.map_err(CommandError::from)?;
        let keys = Keys::derived(|context| repository.derive_key(context));
        Ok(Some(Zone { repository, keys }))
    }

    /// Opens it, for what cannot be done without a key: `doing` says what.
    pub(crate) async fn need(home: &Home, doing: &str) -> Result<Zone, CommandError> {
        Zone::open(home).await?.ok_or_else(|| {
            CommandError::failed(format!("this home holds no repository key, so it cannot {doing}"))
                .hint("do it on a machine whose agent is enrolled: the manager by itself never sees contents")
        })
    }

    /// Reads a version's content: checks that a key holder made the record, and that the copy is what it says.
    pub(crate) async fn read(&self, record: &Record) -> Result<Fragment, CommandError> {
        let version = record.version.short();
        if !self.keys.is_authentic(record) {
            return Err(CommandError::failed(format!("version {version} was not made by a key holder of this zone"))
                .hint("somebody may have tampered with the manager's database"));
        }
        let damaged = || CommandError::failed(format!("the copy of version {version} cannot be read"));
        if record.shape.is_absent() {
            return Ok(Fragment { format: Format::Absent, text: Vec::new() });
        }
        let location = Location::decode(&record.copy).map_err(|e| damaged().because(e))?;
        let text = self.repository.read(&location).await.map_err(|e| {
            damaged().because(e).hint("`inlay repo verify`, on each machine, makes whole what a file still holds")
        })?;
        if !self.keys.is_copy(record, &text) {
            return Err(
                damaged().hint("it is not what was backed up; `inlay restic check` looks at the whole repository")
            );
        }
        let format = Format::from_name(&record.shape.format).ok_or_else(|| {
            CommandError::failed(format!("this inlay does not know the format `{}`", record.shape.format))
                .hint("install a newer inlay here")
        })?;
        Ok(Fragment { format, text: text.to_vec() })
    }

    /// A new version with a content that was written here, in the mapping of `like`: its record, and the snapshot that
    /// holds its copy.
    pub(crate) async fn write(
        &self,
        written: &Fragment,
        like: &Listed<'_>,
        group: &str,
    ) -> Result<(Record, String), CommandError> {
        let mapping = mapping(&like.record)?;
        let mut record = self.again(&like.record)?;
        record.value = self.keys.meaning(record.group, &mapping, written).map_err(|e| CommandError::lens(group, e))?;
        if written.format == Format::Absent {
            record.shape = Shape::absent();
            record.text = Fingerprint::ABSENT;
        } else {
            record.shape.format = written.format.name().to_owned();
            record.text = self.keys.text(record.group, &written.text);
        }
        record.size = written.text.len() as u64;
        let snapshot = self.copy(&mut record, &written.text, like.entry, group).await?;
        Ok((record, snapshot))
    }

    /// Backs up the text of a record, which then tells where the copy lies, and is signed. Returns the snapshot that holds it.
    pub(crate) async fn copy(
        &self,
        record: &mut Record,
        text: &[u8],
        entry: &v1::VersionEntry,
        group: &str,
    ) -> Result<String, CommandError> {
        let v1::VersionEntry { agent, path, selector, .. } = entry;
        let copy = repo::Copy {
            group: group.to_owned(),
            agent: agent.clone(),
            path: path.clone(),
            selector: selector.clone(),
            job: record.version.to_string(),
            content: text.to_vec().into(),
            time: jiff::Timestamp::now(),
        };
        let failed = |error| CommandError::failed("the content cannot be backed up").because(error);
        // Its locks are not those of an agent of this machine.
        let options = WriterOptions::new(format!("inlay resolve {}", std::process::id()));
        let writer = Writer::start(self.repository.clone(), options).map_err(failed)?;
        let location = writer.backup(copy).await.map_err(failed)?;
        let sealed = writer.shutdown().await.map_err(failed)?;
        record.copy = location.encode();
        self.keys.sign(record);
        Ok(sealed.last().map(|sealed| sealed.snapshot.to_string()).unwrap_or_default())
    }

    /// A new version with the content of an old one.
    pub(crate) fn again(&self, old: &Record) -> Result<Record, CommandError> {
        let mut id = [0; 16];
        invitation::random(&mut id)?;
        let mut record = Record { version: VersionId(id), ..old.clone() };
        self.keys.sign(&mut record);
        Ok(record)
    }
}

/// A version's mapping.
pub(crate) fn mapping(record: &Record) -> Result<Mapping, CommandError> {
    record.shape.mapping.parse().map_err(|e| {
        CommandError::failed(format!("the mapping of version {} cannot be read", record.version.short())).because(e)
    })
}

/// Why a repository cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepositoryError {
    #[error("this home holds no password of repository {0}")]
    NoKey(String),
    #[error("cannot read the repository's password")]
    Password(String),
    #[error("the address of the manager is not known")]
    NoAddress,
    #[error("this machine's certificates cannot be used")]
    Connect(#[from] agent::ConnectError),
    #[error("the repository's address cannot be used")]
    Storage(#[source] StorageError),
    #[error("cannot open the repository")]
    Open(#[source] OpenError),
    #[error("the repository at {0} is another one: its id is {1}")]
    Other(String, String),
}

impl RepositoryError {
    fn is_transient(&self) -> bool {
        match self {
            RepositoryError::Open(OpenError::Storage(error)) => error.is_transient(),
            RepositoryError::Open(OpenError::Interrupted) => true,
            _ => false,
        }
    }
}

impl From<RepositoryError> for CommandError {
    fn from(error: RepositoryError) -> Self {
        CommandError::of(Exit::Failed, error)
    }
}

/// For the agent, which asks again if the error may go away.
pub(crate) fn for_agent(error: RepositoryError) -> CopyError {
    let transient = error.is_transient();
    let mut why = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        let more = cause.to_string();
        if !why.ends_with(&more) {
            why.push_str(": ");
            why.push_str(&more);
        }
        next = cause.source();
    }
    CopyError { why, transient, lost: false }
}

/// Opens a repository with the password that this home holds, at the first address that answers.
pub(crate) async fn open_repository(home: &Home, file: &RepositoryFile) -> Result<Repository, RepositoryError> {
    let password = home.password(&file.id).map_err(|_| RepositoryError::Password(file.id.clone()))?;
    let password = password.ok_or_else(|| RepositoryError::NoKey(file.id.clone()))?;
    let mut last = RepositoryError::NoAddress;
    for storage in storages(home, file)? {
        let address = storage.address();
        match Repository::open(storage, &password).await {
            Ok(repository) if repository.id().to_string() != file.id => {
                return Err(RepositoryError::Other(address, repository.id().to_string()));
            }
            Ok(repository) => return Ok(repository),
            Err(error) => {
                last = RepositoryError::Open(error);
                if !last.is_transient() {
                    break;
                }
            }
        }
    }
    Err(last)
}

/// Where a repository may be reached: its folder, its address, or each of the manager's addresses.
fn storages(home: &Home, file: &RepositoryFile) -> Result<Vec<Arc<dyn repo::Storage>>, RepositoryError> {
    let open = |address: &str, tls| open_storage(address, tls).map_err(RepositoryError::Storage);
    let Some(path) = file.url.strip_prefix("rest:/") else {
        return Ok(vec![open(&file.url, None)?]);
    };
    let (addresses, credentials) = peer(home)?;
    let tls = Arc::new(tls_config(&credentials, b"http/1.1")?);
    addresses.iter().map(|address| open(&format!("rest:https://{address}/{path}"), Some(tls.clone()))).collect()
}

/// As whom this home speaks to the manager, and where.
pub(crate) fn peer(home: &Home) -> Result<(Vec<String>, agent::Credentials), RepositoryError> {
    if let Ok(identity) = Identity::load(&home.agent()) {
        return Ok((identity.addresses, identity.credentials));
    }
    let (address, credentials) = crate::service::own_manager(home).map_err(|_| RepositoryError::NoAddress)?;
    Ok((vec![address], credentials))
}
