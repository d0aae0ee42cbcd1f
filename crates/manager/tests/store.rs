//! The SQLite store: the suite, and that its decisions are those of the pure group, however little of it is in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod suite;

use std::path::Path;
use std::sync::Arc;

use manager::store::{Resolve, Source, SqliteOptions, SqliteStore, Store, Taken};
use plan::{BackedUp, Condition, Conflict, Direction, Fingerprint, Group, Instruction, Join, Kind, Policy, VersionId};
use proptest::prelude::*;
use suite::{agent, group_id, member, member_id, version_id};
use wire::MergeAnswer;

fn open(dir: &Path, plan: bool, cache: usize) -> Arc<dyn Store> {
    let options = SqliteOptions { plan, cache, ..SqliteOptions::default() };
    Arc::new(SqliteStore::open(&dir.join("manager.db"), options).unwrap())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn the_suite() {
    block_on(suite::run(&|dir, plan| open(dir, plan, 1_000)));
}

#[test]
fn the_suite_without_a_cache() {
    block_on(suite::run(&|dir, plan| open(dir, plan, 0)));
}

#[test]
fn a_newer_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("manager.db");
    block_on(async { open(dir.path(), true, 0).close().await });
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
    std::fs::write(&path, b"this is no database, whatever its name says; it is long enough to be looked at").unwrap();
    assert!(SqliteStore::open(&path, SqliteOptions::default()).is_err());
}

#[test]
fn an_older_database_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("manager.db");
    block_on(async { open(dir.path(), true, 0).close().await });
    let columns = || {
        let database = rusqlite::Connection::open(&path).unwrap();
        let told = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        (told("SELECT count(*) FROM pragma_table_info('members') WHERE name = 'agreed'"), told("PRAGMA user_version"))
    };
    assert_eq!(columns(), (1, 2));
    let older = "ALTER TABLE members DROP COLUMN agreed; PRAGMA user_version = 1;";
    rusqlite::Connection::open(&path).unwrap().execute_batch(older).unwrap();
    block_on(async { open(dir.path(), true, 0).close().await });
    assert_eq!(columns(), (1, 2));
}

/// What is done to a group with four members, of two agents and two formats. Numbers choose.
#[derive(Debug, Clone)]
enum Op {
    Report { member: u8, generation: u64, base: Option<(u8, u64)>, format: bool, condition: u8 },
    BackedUp { member: u8, generation: u64, base: Option<(u8, u64)>, content: u8, format: bool },
    Resolve { take: u8, content: u8, format: bool, stale: bool },
    Merge { take: u8, content: Option<u8>, wrong: u8 },
    GiveWay { member: u8 },
    Pause { paused: bool },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let base = || prop::option::of((0_u8..12, 0_u64..12));
    prop_oneof![
        4 => (0_u8..4, 0_u64..12, base(), any::<bool>(), 0_u8..12).prop_map(|(member, generation, base, format, condition)| {
            Op::Report { member, generation, base, format, condition }
        }),
        8 => (0_u8..4, 0_u64..12, base(), 0_u8..5, any::<bool>()).prop_map(|(member, generation, base, content, format)| {
            Op::BackedUp { member, generation, base, content, format }
        }),
        2 => (any::<u8>(), 0_u8..5, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(take, content, format, stale)| Op::Resolve { take, content, format, stale }),
        6 => (any::<u8>(), prop::option::of(0_u8..5), 0_u8..20)
            .prop_map(|(take, content, wrong)| Op::Merge { take, content, wrong }),
        1 => (0_u8..4).prop_map(|member| Op::GiveWay { member }),
        1 => any::<bool>().prop_map(|paused| Op::Pause { paused }),
        1 => Just(Op::Reopen),
    ]
}

fn form(format: bool) -> &'static str {
    if format { "json" } else { "toml" }
}

/// The store and the pure group, side by side.
struct Pair {
    dir: tempfile::TempDir,
    cache: usize,
    store: Arc<dyn Store>,
    group: Group,
    next: u8,
}

impl Pair {
    async fn new(policy: Conflict, cache: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), true, cache);
        let mut group = Group::new(group_id(1), "group-1", Policy { conflict: policy });
        for number in [1, 2] {
            suite::connect(&*store, number).await;
        }
        for number in 0..4_u8 {
            let join = [Join::Offer, Join::Wait, Join::Adopt, Join::Wait][usize::from(number)];
            let mut new = member(member_id(number), agent(1 + number % 2), form(number != 1), join);
            new.direction = if number == 3 { Direction::Receive } else { Direction::Both };
            group.members.insert(new.id, new);
        }
        let link = manager::store::Link {
            name: group.name.clone(),
            group: group.id,
            make: true,
            conflict: Some(policy),
            members: group.members.values().cloned().collect(),
        };
        store.link(link).await.unwrap().await.unwrap().unwrap();
        Pair { dir, cache, store, group, next: 1 }
    }

    fn source(member: u8) -> Source {
        suite::source(1 + member % 2)
    }

    /// A version by number: of this group, or unknown.
    fn base(&self, base: Option<(u8, u64)>) -> (Option<VersionId>, u64) {
        (base.map(|(version, _)| version_id(version)), base.map_or(0, |(_, generation)| generation))
    }

    async fn apply(&mut self, op: &Op) {
        match *op {
            Op::Report { member, generation, base, format, condition } => {
                let (base, base_gen) = self.base(base);
                let mut report = suite::report(member_id(member), generation, None);
                (report.base, report.base_gen) = (base, base_gen);
                report.format = if condition == 5 { String::new() } else { form(format).to_owned() };
                report.condition = match condition {
                    0 => Condition::Doubtful("emptied".into()),
                    1 => Condition::Missing("gone".into()),
                    2 => Condition::AwaitingConsent,
                    _ => Condition::Fine,
                };
                self.group.report(&report);
                let committed = generation <= self.group.members[&report.member].committed_gen;
                let taken = self.store.report(Self::source(member), report, None).await.unwrap().await.unwrap();
                assert_eq!(taken, Taken::Stored { committed });
            }
            Op::BackedUp { member, generation, base, content, format } => {
                let (base, base_gen) = self.base(base);
                let version = version_id(self.next);
                self.next += 1;
                // Texts of two formats differ, values do not.
                let content = (form(format), content + 10 * u8::from(format), content);
                let record = suite::record(group_id(1), member_id(member), generation, version, content);
                let done = BackedUp { base, base_gen, base_fp: Fingerprint([content.1; 32]), record };
                let wanted = match self.group.commit(&done, 0) {
                    Ok(_) => Taken::Stored { committed: true },
                    Err(error) => Taken::Refused(error.to_string()),
                };
                let taken = self.store.backed_up(Self::source(member), done, None).await.unwrap().await.unwrap();
                assert_eq!(taken, wanted);
            }
            Op::Resolve { take, content, format, stale } => {
                let head = if stale { Some(version_id(250)) } else { self.group.head };
                let mut branches = self.group.open_branches();
                if take % 3 == 0 {
                    branches.truncate(1);
                }
                let content = (form(format), content + 10 * u8::from(format), content);
                let record = suite::record(group_id(1), member_id(0), 1, version_id(self.next), content);
                self.next += 1;
                let wanted = self.group.resolve(Kind::Resolve, head, &branches, &record, 0);
                let resolve =
                    Resolve { name: "group-1".into(), kind: Kind::Resolve, head, branches, record, snapshot: None };
                let done = self.store.resolve(resolve).await.unwrap().await.unwrap();
                assert_eq!(done, wanted.map_err(Into::into));
            }
            Op::Merge { take, content, wrong } => self.merge(take, content, wrong).await,
            Op::GiveWay { member } => {
                let done = self.group.give_way(member_id(member));
                let stored =
                    self.store.give_way("group-1".into(), vec![member_id(member)]).await.unwrap().await.unwrap();
                assert_eq!(stored.is_ok(), done);
            }
            Op::Pause { paused } => {
                self.group.paused = paused;
                self.store.pause("group-1".into(), None, paused).await.unwrap().await.unwrap().unwrap();
            }
            Op::Reopen => {
                self.store.close().await;
                self.store = open(self.dir.path(), true, self.cache);
            }
        }
    }

    /// Answers one of the merges that are planned; `wrong` says what is wrong with the answer, if anything.
    async fn merge(&mut self, take: u8, content: Option<u8>, wrong: u8) {
        let planned = plan::instructions(&self.group).into_iter().filter_map(|i| match i {
            Instruction::Merge(merge) => Some(merge),
            _ => None,
        });
        let planned: Vec<_> = planned.collect();
        let Some(merge) = planned.get(usize::from(take) % planned.len().max(1)) else { return };
        let path = &self.group.members[&merge.member].path;
        let jobs = self.store.jobs(None, 0).await.unwrap();
        let job = jobs.iter().find(|j| j.kind == "merge" && j.state == "waiting" && j.path == *path).unwrap();
        assert_eq!(job.version, merge.branch.version.0);
        let result = content.ok_or_else(|| format!("clash {take}")).map(|content| {
            let content = (merge.branch.shape.format.as_str(), content, content);
            let record = suite::record(group_id(1), merge.member, 1, version_id(self.next), content);
            match wrong {
                1 => plan::Record { group: group_id(2), ..record },
                2 => plan::Record { member: member_id(77), ..record },
                3 => plan::Record { version: merge.base.version, ..record },
                _ => record,
            }
        });
        self.next += 1;
        let mut answer = MergeAnswer {
            job: wire::id("job", &job.job, plan::JobId).unwrap(),
            member: merge.member,
            head: merge.head.version,
            branch: merge.branch.version,
            result,
        };
        let number = (1..3).find(|number| agent(*number) == merge.agent).unwrap();
        let mut source = suite::source(number);
        match wrong {
            4 => answer.job = plan::JobId([1; 16]),
            5 => answer.head = merge.base.version,
            6 => answer.branch = merge.base.version,
            7 => source = suite::source(3 - number),
            _ => {}
        }
        let taken = self.store.merged(source, answer.clone()).await.unwrap().await.unwrap();
        let is_wrong = matches!(wrong, 4..=7) || (matches!(wrong, 1..=3) && content.is_some());
        assert_eq!(matches!(taken, Taken::Refused(_)), is_wrong, "{taken:?} {wrong}");
        let (head, branch) = (merge.head.version, merge.branch.version);
        match answer.result {
            _ if is_wrong => {}
            Ok(record) => {
                self.group.resolve(Kind::Merge, Some(head), &[branch], &record, 0).unwrap();
                let again = self.store.merged(source, MergeAnswer { result: Ok(record), ..answer }).await.unwrap();
                assert!(matches!(again.await.unwrap(), Taken::Refused(_)), "once");
            }
            Err(cause) => assert!(self.group.cannot_merge(branch, head, cause)),
        }
    }

    async fn compare(&self) {
        let stored = self.store.groups(Some("group-1".into())).await.unwrap().remove(0);
        let mut members = stored.members.clone();
        members.values_mut().for_each(|m| m.restored_at = 0);
        assert_eq!(members, self.group.members);
        assert_eq!(
            (stored.head, stored.last_number, stored.paused),
            (self.group.head, self.group.last_number, self.group.paused)
        );
        let log = self.store.log("group-1".into(), 0).await.unwrap().unwrap();
        assert_eq!(log.versions.len(), self.group.versions.len());
        for row in log.versions {
            let mut version = row.version;
            version.committed_at = 0;
            assert_eq!(&version, &self.group.versions[&version.id()]);
            assert_eq!(row.open, self.group.is_open(version.id()));
        }
        // The open jobs are exactly what the planner says.
        let mut wanted: Vec<(String, Vec<u8>, u64)> = plan::instructions(&self.group)
            .into_iter()
            .map(|instruction| match instruction {
                Instruction::Backup(b) => ("backup".to_owned(), Vec::new(), b.generation),
                Instruction::Restore(r) => ("restore".to_owned(), r.record.version.0.to_vec(), r.expected_gen),
                Instruction::Merge(m) => ("merge".to_owned(), m.branch.version.0.to_vec(), m.branch.generation),
            })
            .collect();
        let jobs = self.store.jobs(None, 0).await.unwrap().into_iter().filter(|j| j.state == "waiting");
        let mut open: Vec<(String, Vec<u8>, u64)> = jobs.map(|j| (j.kind, j.version, j.generation)).collect();
        wanted.sort();
        open.sort();
        assert_eq!(open, wanted);
        assert_eq!(plan::instructions(&stored), plan::instructions(&self.group), "also from what a reader loads");
    }
}

/// A member that another one's backup puts on the head, which stays where it is: what it was to restore is over.
#[test]
fn what_another_ones_backup_ends() {
    let backed_up =
        |member, generation, content| Op::BackedUp { member, generation, base: None, content, format: false };
    let report = |generation, base, condition| Op::Report { member: 0, generation, base, format: false, condition };
    let resolve = || Op::Resolve { take: 0, content: 3, format: false, stale: false };
    let ops = [
        resolve(),
        backed_up(2, 0, 0),
        backed_up(1, 4, 4),
        report(0, None, 0),
        resolve(),
        report(0, None, 0),
        report(1, Some((1, 1)), 3),
        backed_up(1, 5, 3),
    ];
    block_on(async {
        let mut pair = Pair::new(Conflict::Merge, 0).await;
        for op in &ops {
            pair.apply(op).await;
            pair.compare().await;
        }
        pair.store.close().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_through_the_store_are_those_of_the_pure_group(
        policy in prop_oneof![
            Just(Conflict::Merge), Just(Conflict::Newest), Just(Conflict::Manual), Just(Conflict::Prefer(member_id(1)))
        ],
        cache in prop_oneof![Just(0_usize), Just(100)],
        ops in prop::collection::vec(op(), 1..60),
    ) {
        block_on(async {
            let mut pair = Pair::new(policy, cache).await;
            for op in &ops {
                pair.apply(op).await;
                pair.compare().await;
            }
            pair.store.close().await;
        });
    }
}
