//! All points, in one place.

/// A point in the code: `point("name")` there, and a line here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// What was just done.
    pub name: &'static str,
    /// In which process.
    pub at: At,
    /// How to get a process there.
    pub way: Way,
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The manager, with its repository.
    Manager,
    /// An agent.
    Agent,
    /// `inlay join`.
    Join,
}

/// How to get a process to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An edit on that machine (on any, for the manager).
    Edit,
    /// An edit on the other machine.
    Restore,
    /// An edit of the other machine's database.
    Rows,
    /// Edits on both machines at once.
    Merge,
    /// An edit on the other machine; and one on this when the restore has come to the point named here.
    Raced(&'static str),
    /// Edits until the journal is long.
    Many,
    /// It is asked to end.
    End,
    /// It dies at the point named here and is started again.
    Start(&'static str),
    /// A machine is enrolled.
    Join,
}

const fn manager(name: &'static str) -> Point {
    Point { name, at: At::Manager, way: Way::Edit }
}

const fn agent(name: &'static str, way: Way) -> Point {
    Point { name, at: At::Agent, way }
}

const fn join(name: &'static str) -> Point {
    Point { name, at: At::Join, way: Way::Join }
}

/// Every point.
pub const POINTS: &[Point] = &[
    // The repository's files, on the manager's machine.
    manager("storage: written"),
    manager("storage: synced"),
    manager("storage: named"),
    manager("storage: durable"),
    // The manager's transactions, and what is said after them.
    manager("transaction: run"),
    manager("transaction: durable"),
    manager("transaction: answered"),
    manager("manager: acknowledged"),
    manager("manager: instructed"),
    manager("checkpoint: made"),
    // The journal.
    agent("journal: appended", Way::Edit),
    agent("journal: synced", Way::Edit),
    agent("journal: written anew", Way::Many),
    agent("journal: replaced", Way::Many),
    agent("state: journaled", Way::Edit),
    agent("report: said", Way::Edit),
    // Backup.
    agent("backup: read", Way::Edit),
    agent("pack: made", Way::Edit),
    agent("pack: beside its lock", Way::Start("backup: read")),
    agent("pack: durable", Way::Edit),
    agent("backup: copied", Way::Edit),
    agent("backup: copy journaled", Way::Edit),
    agent("backup: said", Way::Edit),
    // Seal.
    agent("seal: made", Way::Edit),
    agent("seal: trees durable", Way::Edit),
    agent("seal: index durable", Way::Edit),
    agent("seal: snapshot durable", Way::Edit),
    agent("seal: said", Way::Edit),
    agent("lock: given back", Way::End),
    agent("lock: removed", Way::End),
    // Merge.
    agent("merge: made", Way::Merge),
    agent("merge: copied", Way::Merge),
    agent("merge: said", Way::Merge),
    // Restore.
    agent("restore: fetched", Way::Restore),
    agent("temporary: written", Way::Restore),
    agent("temporary: synced", Way::Restore),
    agent("splice: temporary durable", Way::Restore),
    agent("splice: intent journaled", Way::Restore),
    agent("splice: compared", Way::Restore),
    agent("splice: exchanged", Way::Restore),
    agent("splice: displaced compared", Way::Restore),
    agent("splice: folder synced", Way::Restore),
    agent("restore: journaled", Way::Restore),
    agent("displaced: deleted", Way::Restore),
    agent("record: intent journaled", Way::Rows),
    agent("record: committed", Way::Rows),
    // A restore that somebody's edit overtakes: before the comparison, and after it.
    agent("splice: given up", Way::Raced("splice: intent journaled")),
    agent("splice: temporary removed", Way::Raced("splice: intent journaled")),
    agent("splice: exchanged back", Way::Raced("splice: compared")),
    // Recovery: killed while recovering.
    agent("recovery: begun", Way::Start("splice: compared")),
    agent("recovery: write settled", Way::Start("splice: exchanged")),
    agent("recovery: writes journaled", Way::Start("splice: folder synced")),
    agent("recovery: transaction settled", Way::Start("record: committed")),
    agent("recovery: swept", Way::Start("temporary: synced")),
    agent("unsealed: taken up", Way::Start("backup: copy journaled")),
    agent("unsealed: sealed", Way::Start("seal: index durable")),
    agent("recovery: seals journaled", Way::Start("seal: snapshot durable")),
    // What an agent keeps in files of its own: its members, on each connection.
    agent("own file: written", Way::Start("backup: said")),
    agent("own file: synced", Way::Start("report: said")),
    agent("own file: named", Way::Start("restore: journaled")),
    // Enrolment.
    join("enrolment: answered"),
    join("enrolment: password kept"),
    join("enrolment: repository kept"),
    join("enrolment: identity kept"),
];
