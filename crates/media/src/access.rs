//! Who may do what.

use std::collections::BTreeMap;

use repo::Kind;

/// What a caller may do with a repository. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read everything; write and delete own locks, as restic does for every command.
    Read,
    /// Add packs, index files and snapshots.
    Append,
    /// Make the repository, change keys, delete: for the operator's own commands and for prune, never for an agent.
    Operate,
}

/// Which repositories a caller may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// All, the same way.
    All(Access),
    /// These, by name.
    Only(BTreeMap<String, Access>),
}

/// Who calls: a layer around the router puts it into the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name, from its certificate. Locks belong to names.
    pub name: String,
    /// What it may do.
    pub grants: Grants,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Create,
    Write(Kind),
    Delete(Kind),
}

impl Caller {
    /// What it may do with a repository; `None`: nothing, not even know that it exists.
    pub fn access(&self, repository: &str) -> Option<Access> {
        match &self.grants {
            Grants::All(access) => Some(*access),
            Grants::Only(repositories) => repositories.get(repository).copied(),
        }
    }
}

impl Access {
    /// Whether this is enough. That a lock is the caller's own is looked at later.
    pub(crate) fn allows(self, verb: Verb) -> bool {
        let needed = match verb {
            Verb::Read | Verb::Write(Kind::Locks) | Verb::Delete(Kind::Locks) => Self::Read,
            Verb::Write(Kind::Data | Kind::Index | Kind::Snapshots) => Self::Append,
            Verb::Create | Verb::Write(Kind::Config | Kind::Keys) | Verb::Delete(_) => Self::Operate,
        };
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_add_and_nothing_else() {
        for kind in [Kind::Data, Kind::Index, Kind::Snapshots] {
            assert!(!Access::Read.allows(Verb::Write(kind)));
            assert!(Access::Append.allows(Verb::Write(kind)));
            assert!(!Access::Append.allows(Verb::Delete(kind)));
            assert!(Access::Operate.allows(Verb::Delete(kind)));
        }
        for kind in [Kind::Config, Kind::Keys] {
            assert!(!Access::Append.allows(Verb::Write(kind)) && !Access::Append.allows(Verb::Delete(kind)));
        }
        assert!(!Access::Append.allows(Verb::Create));
    }
}
