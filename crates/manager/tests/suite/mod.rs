//! What every store has to do, whatever it is made of. A case gets a function that opens the store at a place: again, it is
//! the same one.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::path::Path;
use std::sync::Arc;

use manager::store::{
    Answer, Enrol, EnrolRefused, Enrolled, Event, Hello, Invite, Link, Refused, Source, Store, Taken,
};
use plan::{
    AgentId, BackedUp, Condition, Direction, Fingerprint, GroupId, Join, Kind, Member, MemberId, Record, Report, Shape,
    VersionId,
};

/// How a store is opened: where, and whether it plans.
pub(crate) type Open<'a> = &'a dyn Fn(&Path, bool) -> Arc<dyn Store>;

pub(crate) fn agent(number: u8) -> AgentId {
    AgentId([number; 16])
}

pub(crate) fn group_id(number: u8) -> GroupId {
    GroupId([number; 16])
}

pub(crate) fn member_id(number: u8) -> MemberId {
    MemberId([number; 16])
}

pub(crate) fn version_id(number: u8) -> VersionId {
    VersionId([number; 16])
}

pub(crate) fn member(id: MemberId, agent: AgentId, format: &str, join: Join) -> Member {
    Member {
        id,
        agent,
        path: format!("/{id}"),
        selector: "json:/a".to_owned(),
        shape: Shape { format: format.to_owned(), mapping: String::new() },
        direction: Direction::Both,
        join,
        on_missing: plan::OnMissing::Suspend,
        paused: false,
        condition: Condition::Fine,
        reported_gen: 0,
        committed_gen: 0,
        standing: None,
        agreed: false,
        restored_at: 0,
    }
}

pub(crate) fn report(member: MemberId, generation: u64, base: Option<(VersionId, u64)>) -> Report {
    Report {
        member,
        generation,
        base: base.map(|b| b.0),
        base_gen: base.map_or(0, |b| b.1),
        fingerprint: Fingerprint([1; 32]),
        format: String::new(),
        condition: Condition::Fine,
    }
}

pub(crate) fn record(
    group: GroupId,
    member: MemberId,
    generation: u64,
    version: VersionId,
    content: (&str, u8, u8),
) -> Record {
    Record {
        version,
        group,
        member,
        generation,
        shape: Shape { format: content.0.to_owned(), mapping: String::new() },
        text: Fingerprint([content.1; 32]),
        value: Fingerprint([content.2; 32]),
        size: 5,
        copy: vec![1, 2, 3],
        mac: [7; 32],
    }
}

pub(crate) fn backed_up(record: Record) -> BackedUp {
    BackedUp { base: None, base_gen: 0, base_fp: Fingerprint::ABSENT, record }
}

pub(crate) fn source(number: u8) -> Source {
    Source { agent: agent(number), stream: [number; 16] }
}

/// Enrols an agent and connects it.
pub(crate) async fn connect(store: &dyn Store, number: u8) -> Source {
    let secret_hash = [number; 32];
    let invite = Invite { secret_hash, wrapped: vec![1], expires_at: u64::MAX >> 1, uses: 1, operate: false };
    store.invite(invite).await.unwrap().await.unwrap();
    let (name, host) = (format!("agent-{number}"), "host".to_owned());
    let enrol = Enrol { secret_hash, agent: agent(number), name, host, protocol: 1 };
    store.enrol(enrol).await.unwrap().await.unwrap().unwrap();
    reconnect(store, source(number)).await;
    source(number)
}

pub(crate) async fn reconnect(store: &dyn Store, source: Source) {
    let hello = Hello { source, host: "host".to_owned(), program: "test".to_owned() };
    assert!(store.connected(hello).await.unwrap().await.unwrap());
}

pub(crate) async fn link(store: &dyn Store, group: u8, make: bool, members: Vec<Member>) -> Result<GroupId, Refused> {
    let name = format!("group-{group}");
    let link = Link { name, group: group_id(group), make, conflict: None, members };
    store.link(link).await.unwrap().await.unwrap()
}

/// All cases.
pub(crate) async fn run(open: Open<'_>) {
    enrolment(open).await;
    links(open).await;
    streams(open).await;
    commits(open).await;
    jobs(open).await;
    merges(open).await;
    without_planning(open).await;
    unlinking(open).await;
}

async fn enrolment(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    let incarnation = store.incarnation();
    let invite = |hash: u8, expires_at, uses| Invite {
        secret_hash: [hash; 32],
        wrapped: vec![hash, 2, 3],
        expires_at,
        uses,
        operate: hash == 1,
    };
    for invite in [invite(1, u64::MAX >> 1, 2), invite(2, 1, 1)] {
        store.invite(invite).await.unwrap().await.unwrap();
    }
    let enrol = async |hash: u8, number: u8, name: &str| {
        let (name, host) = (name.to_owned(), "h".to_owned());
        let enrol = Enrol { secret_hash: [hash; 32], agent: agent(number), name, host, protocol: 1 };
        store.enrol(enrol).await.unwrap().await.unwrap()
    };
    assert_eq!(enrol(9, 1, "box").await, Err(EnrolRefused::Unknown));
    assert_eq!(enrol(2, 1, "box").await, Err(EnrolRefused::Expired));
    let done = Enrolled { operate: true, wrapped: vec![1, 2, 3] };
    assert_eq!(enrol(1, 1, "box").await, Ok(done.clone()));
    // A refusal uses nothing up.
    assert_eq!(enrol(1, 2, "box").await, Err(EnrolRefused::NameTaken));
    assert_eq!(enrol(1, 2, "other").await, Ok(done));
    assert_eq!(enrol(1, 3, "third").await, Err(EnrolRefused::Used));
    store.sweep().await.unwrap().await.unwrap();
    let agents = store.agents().await.unwrap();
    assert_eq!(
        agents.iter().map(|a| (a.name.as_str(), a.operate)).collect::<Vec<_>>(),
        [("box", true), ("other", true)]
    );
    store.close().await;
    let unknown = Hello { source: source(9), host: String::new(), program: String::new() };
    assert!(store.connected(unknown.clone()).await.is_err(), "it is closed");
    let store = open(dir.path(), true);
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(store.agents().await.unwrap(), agents);
    assert!(!store.connected(unknown).await.unwrap().await.unwrap());
    store.close().await;
}

async fn links(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    connect(&*store, 1).await;
    let new = |id: u8| member(member_id(id), agent(1), "json", Join::Wait);
    assert_eq!(link(&*store, 1, false, vec![new(1)]).await, Err(Refused::NoGroup("group-1".into())));
    assert_eq!(link(&*store, 1, true, vec![new(1)]).await, Ok(group_id(1)));
    assert_eq!(link(&*store, 1, true, vec![new(2)]).await, Err(Refused::GroupExists("group-1".into())));
    assert!(matches!(link(&*store, 2, true, vec![new(1)]).await, Err(Refused::Linked { .. })), "one group a portion");
    let stranger = member(member_id(3), agent(7), "json", Join::Wait);
    assert!(matches!(link(&*store, 1, false, vec![stranger]).await, Err(Refused::NoAgent(_))));
    assert_eq!(link(&*store, 1, false, vec![new(2)]).await, Ok(group_id(1)));
    let large = |id: u8| {
        let mut member = new(id);
        member.shape.mapping = "m".repeat(1_000_000);
        member
    };
    assert_eq!(link(&*store, 2, true, (3..6).map(large).collect()).await, Ok(group_id(2)));
    assert_eq!(link(&*store, 3, true, vec![large(6)]).await, Err(Refused::Full("agent-1".into())), "one message");
    store.unlink("group-2".into(), None).await.unwrap().await.unwrap().unwrap();
    let groups = store.groups(None).await.unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].members.values().cloned().collect::<Vec<_>>(), [new(1), new(2)]);
    store.close().await;
}

async fn streams(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    let one = connect(&*store, 1).await;
    let two = connect(&*store, 2).await;
    link(&*store, 1, true, vec![member(member_id(1), agent(1), "json", Join::Offer)]).await.unwrap();
    let say = async |source: Source, generation: u64| {
        store.report(source, report(member_id(1), generation, None), None).await.unwrap().await.unwrap()
    };
    assert_eq!(say(one, 1).await, Taken::Stored { committed: false });
    assert!(matches!(say(two, 2).await, Taken::Refused(_)), "another agent's member");
    let newer = Source { stream: [77; 16], ..one };
    reconnect(&*store, newer).await;
    assert_eq!(say(one, 2).await, Taken::Void);
    let record = record(group_id(1), member_id(1), 2, version_id(1), ("json", 1, 1));
    let void = store.backed_up(one, backed_up(record), None).await.unwrap().await.unwrap();
    assert_eq!(void, Taken::Void);
    assert_eq!(say(newer, 2).await, Taken::Stored { committed: false });
    let groups = store.groups(Some("group-1".into())).await.unwrap();
    assert_eq!(groups[0].members[&member_id(1)].reported_gen, 2);
    assert_eq!(groups[0].head, None);
    store.close().await;
}

async fn commits(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    let one = connect(&*store, 1).await;
    for group in [1, 2] {
        link(&*store, group, true, vec![member(member_id(group), agent(1), "json", Join::Offer)]).await.unwrap();
    }
    let commit = async |group: u8, generation: u64, version: u8, content: u8| {
        let record =
            record(group_id(group), member_id(group), generation, version_id(version), ("json", content, content));
        store.backed_up(one, backed_up(record), None).await.unwrap().await.unwrap()
    };
    let stored = Taken::Stored { committed: true };
    assert_eq!(commit(1, 1, 1, 1).await, stored);
    assert_eq!(commit(1, 1, 1, 1).await, stored, "once more");
    assert_eq!(commit(1, 2, 2, 2).await, stored);
    assert!(matches!(commit(1, 3, 1, 3).await, Taken::Refused(_)), "an id that was used");
    assert!(matches!(commit(2, 1, 1, 1).await, Taken::Refused(_)), "an id that was used in another group");
    let other = record(group_id(2), member_id(1), 9, version_id(9), ("json", 9, 9));
    let taken = store.backed_up(one, backed_up(other), None).await.unwrap().await.unwrap();
    assert!(matches!(taken, Taken::Refused(_)), "a record of another group");
    store.sealed(one, vec![version_id(1), version_id(200)], "snap".into()).await.unwrap().await.unwrap();
    store.close().await;
    let store = open(dir.path(), true);
    let log = store.log("group-1".into(), 0).await.unwrap().unwrap();
    let seen: Vec<_> = log
        .versions
        .iter()
        .map(|row| {
            (row.version.number, row.version.parents.clone(), row.version.snapshot.as_deref(), row.agent.as_str())
        })
        .collect();
    assert_eq!(seen, [(2, vec![version_id(1)], None, "agent-1"), (1, vec![], Some("snap"), "agent-1")]);
    assert_eq!(log.head, Some(version_id(2)));
    assert_eq!(log.versions[0].version.kind, Kind::Edit);
    assert_eq!(store.log("none".into(), 0).await.unwrap(), None);
    store.close().await;
}

async fn jobs(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    let mut events = store.events().unwrap();
    assert!(store.events().is_none());
    let one = connect(&*store, 1).await;
    let new = |id: u8, join| member(member_id(id), agent(1), "json", join);
    link(&*store, 1, true, vec![new(1, Join::Offer), new(2, Join::Wait)]).await.unwrap();
    // Events come in the order of the transactions: those before another agent's stream are all.
    let mut marker = connect(&*store, 2).await;
    let mut instructed = async || {
        marker.stream[0] += 1;
        reconnect(&*store, marker).await;
        let mut all = Vec::new();
        loop {
            for event in events.recv().await.unwrap() {
                match event {
                    Event::Instruct { job, .. } => all.push(job),
                    Event::Connected { source, .. } if source == marker => return all,
                    _ => {}
                }
            }
        }
    };
    let say = async |store: &dyn Store, report: Report, answer: Option<Answer>| {
        store.report(one, report, answer).await.unwrap().await.unwrap()
    };
    say(&*store, report(member_id(1), 1, None), None).await;
    let first = instructed().await;
    assert_eq!(first.len(), 1);
    say(&*store, report(member_id(1), 1, None), None).await;
    store.sweep().await.unwrap().await.unwrap();
    assert_eq!(instructed().await, [], "planning again doubles nothing");
    // What is given up begins again with the next change, and says why it stood still.
    store.give_up(first[0], "never answered".into()).await.unwrap().await.unwrap();
    assert_eq!(store.jobs(None, 0).await.unwrap()[0].state, "given up");
    let refused = Answer { job: first[0], refused: "no key".into() };
    let mut again = report(member_id(1), 1, None);
    again.condition = Condition::HardLinked("x".into());
    say(&*store, again, Some(refused)).await;
    let job = &store.jobs(None, 0).await.unwrap()[0];
    assert_eq!((job.state.as_str(), job.error.as_str()), ("overtaken", "no key"));
    say(&*store, report(member_id(1), 1, None), None).await;
    assert_eq!(instructed().await, first, "the same job");
    let done = record(group_id(1), member_id(1), 1, version_id(1), ("json", 1, 1));
    store.backed_up(one, backed_up(done), None).await.unwrap().await.unwrap();
    say(&*store, report(member_id(2), 1, None), None).await;
    let done = record(group_id(1), member_id(2), 1, version_id(2), ("json", 1, 1));
    store.backed_up(one, backed_up(done), None).await.unwrap().await.unwrap();
    let done = record(group_id(1), member_id(1), 2, version_id(3), ("json", 3, 3));
    instructed().await;
    store.backed_up(one, backed_up(done), None).await.unwrap().await.unwrap();
    assert_eq!(instructed().await.len(), 1, "the other member is told of the new head");
    store.close().await;
    // After a restart the jobs are there, and only what is open is handed out.
    let store = open(dir.path(), true);
    let mut events = store.events().unwrap();
    let newer = Source { stream: [8; 16], ..one };
    reconnect(&*store, newer).await;
    let Some(Event::Connected { jobs, members, .. }) = events.recv().await.unwrap().into_iter().next() else {
        panic!("it is connected");
    };
    assert_eq!(members.len(), 2);
    let plan::Instruction::Restore(restore) = &jobs[0].1 else { panic!("a restore") };
    assert_eq!((jobs.len(), restore.member, restore.record.version), (1, member_id(2), version_id(3)));
    let kinds: Vec<_> =
        store.jobs(None, 0).await.unwrap().into_iter().map(|j| (j.kind, j.state, j.noticed_at > 0)).collect();
    let seen: Vec<_> = kinds.iter().map(|(kind, state, noticed)| (kind.as_str(), state.as_str(), *noticed)).collect();
    assert_eq!(seen, [("restore", "waiting", true), ("backup", "done", true), ("backup", "done", true)]);
    store.close().await;
}

/// A merge is planned, tried in vain, tried again with another head, and taken; all of it outlasts a restart.
async fn merges(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), true);
    let one = connect(&*store, 1).await;
    let two = connect(&*store, 2).await;
    let new = |id: u8, join| member(member_id(id), agent(id), "json", join);
    link(&*store, 1, true, vec![new(1, Join::Offer), new(2, Join::Wait)]).await.unwrap();
    let content = |member: u8, generation: u64, version: u8| {
        record(group_id(1), member_id(member), generation, version_id(version), ("json", version, version))
    };
    let commit = async |store: &dyn Store, source: Source, record: Record| {
        let stored = store.backed_up(source, backed_up(record), None).await.unwrap().await.unwrap();
        assert_eq!(stored, Taken::Stored { committed: true });
    };
    commit(&*store, one, content(1, 1, 1)).await;
    commit(&*store, two, Record { version: version_id(9), ..content(2, 1, 1) }).await;
    // A branch of two edits, beside another head.
    commit(&*store, one, content(1, 2, 2)).await;
    commit(&*store, two, content(2, 2, 3)).await;
    commit(&*store, two, content(2, 3, 4)).await;
    let planned = async |store: &dyn Store| {
        let group = store.groups(Some("group-1".into())).await.unwrap().remove(0);
        let jobs = store.jobs(None, 0).await.unwrap();
        let job = jobs.iter().find(|j| j.kind == "merge" && j.state == "waiting").map(|j| j.job.clone());
        let planned = plan::instructions(&group).into_iter().find_map(|i| match i {
            plan::Instruction::Merge(m) => Some((m.base.version, m.head.version, m.branch.version)),
            _ => None,
        });
        assert_eq!(job.is_some(), planned.is_some());
        planned.map(|(base, head, branch)| {
            let job = wire::id("job", &job.unwrap(), plan::JobId).unwrap();
            let result = Err("`/a`: changed on both sides".to_owned());
            (base, wire::MergeAnswer { job, member: member_id(2), head, branch, result })
        })
    };
    let (base, answer) = planned(&*store).await.unwrap();
    assert_eq!((base, answer.head, answer.branch), (version_id(1), version_id(2), version_id(4)));
    let say = async |store: &dyn Store, source: Source, answer: &wire::MergeAnswer| {
        store.merged(source, answer.clone()).await.unwrap().await.unwrap()
    };
    assert!(matches!(say(&*store, one, &answer).await, Taken::Refused(_)), "another agent's member");
    assert_eq!(say(&*store, two, &answer).await, Taken::Stored { committed: false });
    assert!(planned(&*store).await.is_none());
    for reopened in [false, true] {
        if reopened {
            store.close().await;
            store = open(dir.path(), true);
            store.sweep().await.unwrap().await.unwrap();
        }
        let group = store.groups(None).await.unwrap().remove(0);
        assert_eq!(group.unmergeable(version_id(4)), Some("`/a`: changed on both sides"));
        assert!(planned(&*store).await.is_none());
    }
    // With another head it is tried again.
    commit(&*store, one, content(1, 3, 5)).await;
    assert!(matches!(say(&*store, two, &answer).await, Taken::Refused(_)), "the head has moved");
    let (base, mut answer) = planned(&*store).await.unwrap();
    assert_eq!((base, answer.head, answer.branch), (version_id(1), version_id(5), version_id(4)));
    for wrong in [content(1, 3, 6), content(2, 3, 5), Record { group: group_id(2), ..content(2, 3, 6) }] {
        let refused = wire::MergeAnswer { result: Ok(wrong), ..answer.clone() };
        assert!(matches!(say(&*store, two, &refused).await, Taken::Refused(_)));
    }
    answer.result = Ok(content(2, 3, 6));
    let void = Source { stream: [99; 16], ..two };
    assert_eq!(say(&*store, void, &answer).await, Taken::Void);
    assert_eq!(say(&*store, two, &answer).await, Taken::Stored { committed: true });
    assert!(matches!(say(&*store, two, &answer).await, Taken::Refused(_)), "once");
    let log = store.log("group-1".into(), 0).await.unwrap().unwrap();
    let newest = &log.versions[0].version;
    assert_eq!((log.head, newest.kind), (Some(version_id(6)), Kind::Merge));
    assert_eq!(newest.parents, [version_id(5), version_id(4)]);
    assert!(log.versions.iter().all(|row| row.version.merged && !row.open));
    let mut jobs = store.jobs(None, 0).await.unwrap();
    jobs.retain(|j| j.kind == "merge");
    let states: Vec<&str> = jobs.iter().map(|j| j.state.as_str()).collect();
    assert_eq!(states, ["done", "done", "overtaken"]);
    store.close().await;
}

async fn without_planning(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), false);
    let one = connect(&*store, 1).await;
    link(&*store, 1, true, vec![member(member_id(1), agent(1), "json", Join::Offer)]).await.unwrap();
    store.report(one, report(member_id(1), 1, None), None).await.unwrap().await.unwrap();
    store.sweep().await.unwrap().await.unwrap();
    assert_eq!(store.jobs(None, 0).await.unwrap(), []);
    store.close().await;
    let store = open(dir.path(), true);
    store.sweep().await.unwrap().await.unwrap();
    assert_eq!(store.jobs(None, 0).await.unwrap().len(), 1, "the notice was stored");
    store.close().await;
}

async fn unlinking(open: Open<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    let one = connect(&*store, 1).await;
    let new = |id: u8, join| member(member_id(id), agent(1), "json", join);
    link(&*store, 1, true, vec![new(1, Join::Offer), new(2, Join::Wait)]).await.unwrap();
    for id in [1, 2] {
        store.report(one, report(member_id(id), 1, None), None).await.unwrap().await.unwrap();
    }
    let unlink = async |member: Option<MemberId>| store.unlink("group-1".into(), member).await.unwrap().await.unwrap();
    assert!(matches!(unlink(Some(member_id(9))).await, Err(Refused::NoMember { .. })));
    // The member that brings the content goes: the other one waits for nobody any more.
    assert_eq!(store.jobs(None, 0).await.unwrap().len(), 1);
    assert_eq!(unlink(Some(member_id(1))).await, Ok(()));
    let states: Vec<_> = store.jobs(None, 0).await.unwrap().into_iter().map(|j| j.state).collect();
    assert_eq!(states, ["waiting", "overtaken"]);
    let taken = store.report(one, report(member_id(1), 2, None), None).await.unwrap().await.unwrap();
    assert!(matches!(taken, Taken::Refused(_)));
    let pause = async |paused| store.pause("group-1".into(), None, paused).await.unwrap().await.unwrap();
    assert_eq!(pause(true).await, Ok(()));
    assert!(store.jobs(None, 0).await.unwrap().iter().all(|j| j.state == "overtaken"));
    assert_eq!(pause(false).await, Ok(()));
    assert_eq!(unlink(None).await, Ok(()));
    assert_eq!(unlink(None).await, Err(Refused::NoGroup("group-1".into())));
    assert_eq!(store.groups(None).await.unwrap(), []);
    // The portion is free, the ids of members are not.
    assert!(link(&*store, 1, true, vec![new(1, Join::Offer)]).await.is_err());
    let again = plan::Member { path: new(1, Join::Offer).path, ..new(5, Join::Offer) };
    let link_again =
        Link { name: "group-1".into(), group: group_id(5), make: true, conflict: None, members: vec![again] };
    assert_eq!(store.link(link_again).await.unwrap().await.unwrap(), Ok(group_id(5)));
    store.close().await;
}
