//! Agents that come, go, and are told what to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::Duration;

use manager::ManagerOptions;
use plan::{Backoff, Condition};
use tonic::Code;
use wire::v1::{self, from_agent, to_agent::Message};
use world::World;
use world::agent::{Agent, link, new_member};

fn quick() -> ManagerOptions {
    ManagerOptions { backoff: Backoff { base: 40, most: 80 }, attempts: 3, ..ManagerOptions::default() }
}

/// Two agents, one group of a file each.
async fn pair(options: ManagerOptions) -> (World, Agent, Agent, [world::Credentials; 2]) {
    let world = World::new(options).await;
    let credentials = [world.enrol("one", false).await, world.enrol("two", false).await];
    let mut one = Agent::connect(&world, &credentials[0]).await.unwrap();
    let mut two = Agent::connect(&world, &credentials[1]).await.unwrap();
    one.until(|m| matches!(m, Message::Members(m) if m.whole)).await;
    two.until(|m| matches!(m, Message::Members(m) if m.whole)).await;
    (world, one, two, credentials)
}

async fn link_pair(world: &World) {
    let members = vec![new_member("one", "/a", v1::Join::Offer), new_member("two", "/b", v1::Join::Adopt)];
    link(world, "g", members).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_travels_and_nothing_echoes() {
    let (world, mut one, mut two, _) = pair(ManagerOptions::default()).await;
    one.files.insert("/a".into(), "first".into());
    two.files.insert("/b".into(), "other".into());
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    two.until_text("/b", "first").await;
    let one = one.alone();
    world.until("g", "in-sync").await;
    two.edit("/b", "second").await;
    let two = two.alone();
    let watched = async {
        loop {
            let status = world.until("g", "in-sync").await;
            if status.head_number == 3 {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(20), watched).await.unwrap();
    assert!(status.members.iter().all(|m| m.state == "in-sync" && m.version == status.head));
    let log = world.operator().await.log(v1::LogRequest { name: "g".into(), limit: 0 }).await.unwrap().into_inner();
    let kinds: Vec<(&str, &str, bool)> =
        log.versions.iter().map(|v| (v.kind.as_str(), v.agent.as_str(), v.branch)).collect();
    assert_eq!(kinds, [("edit", "two", false), ("join", "two", true), ("edit", "one", false)]);
    let jobs = world.jobs().await;
    assert!(jobs.iter().all(|j| j.state == "done" && j.done_at >= j.sent_at && j.made_at >= j.noticed_at), "{jobs:#?}");
    assert_eq!(jobs.len(), 5);
    world.stop().await;
    assert_eq!(one.await.unwrap().member("/a").1.text, "second");
    assert_eq!(two.await.unwrap().member("/b").1.text, "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_dispatcher_stopped_no_copy_and_no_restore_appear() {
    let (world, mut one, _two, _) = pair(ManagerOptions { dispatch: false, ..ManagerOptions::default() }).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(_))).await;
    one.edit("/a", "next").await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.generation == 2)).await;
    assert_eq!(world.jobs().await, []);
    assert!(one.seen.iter().all(|m| matches!(m, Message::Members(_) | Message::Acknowledged(_))));
    // The notices were stored: a dispatcher over the same database goes on from them.
    let again = world.killed(ManagerOptions::default()).await;
    // Its first change comes after the sweep that it begins with.
    again.manager.store().sweep().await.unwrap().await.unwrap();
    let jobs = again.jobs().await;
    assert_eq!((jobs.len(), jobs[0].kind.as_str(), jobs[0].generation), (1, "backup", 2));
    again.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_stream_ends_the_earlier_one_whose_words_are_void() {
    let (world, mut one, _two, credentials) = pair(ManagerOptions::default()).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Backup(_))).await;
    let mut newer = Agent::connect(&world, &credentials[0]).await.unwrap();
    let ended = one.ended().await;
    assert_eq!(ended.code(), Code::Aborted, "{ended}");
    newer.until(|m| matches!(m, Message::Members(m) if m.whole && m.assigned.len() == 1)).await;
    newer.until(|m| matches!(m, Message::Acknowledged(a) if a.generation == 1)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_is_killed_loses_no_job() {
    let (world, mut one, mut two, credentials) = pair(ManagerOptions::default()).await;
    one.files.insert("/a".into(), "first".into());
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    two.until(|m| matches!(m, Message::Backup(_))).await;
    // Two is behind now; its restore is handed out, and never answered.
    let lost = loop {
        match two.next().await.unwrap() {
            Message::Restore(restore) => break restore,
            Message::Acknowledged(_) => {}
            other => panic!("a restore comes, not {other:?}"),
        }
    };
    let again = world.killed(ManagerOptions::default()).await;
    let mut two_again = Agent::connect(&again, &credentials[1]).await.unwrap();
    assert_eq!(two_again.incarnation, two.incarnation);
    two_again.members = two.members;
    let Message::Members(_) = two_again.next().await.unwrap() else { panic!("members come") };
    let Message::Restore(restore) = two_again.next().await.unwrap() else { panic!("the restore comes again") };
    assert_eq!(restore, lost);
    two_again.follow(Message::Restore(restore)).await;
    two_again.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    let status = again.status("g").await;
    assert_eq!(status.members.iter().filter(|m| m.version == status.head).count(), 2);
    again.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_restart_goes_on_where_it_was() {
    let (world, mut one, two, credentials) = pair(ManagerOptions::default()).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(_))).await;
    let world = world.restart().await;
    assert_eq!(one.ended().await.code(), Code::Unavailable);
    drop(two);
    for (at, files) in [(0, "/a"), (1, "/b")] {
        let mut agent = Agent::connect(&world, &credentials[at]).await.unwrap();
        agent.files.insert(files.into(), "kept".into());
        agent.alone();
    }
    world.until("g", "in-sync").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_that_nobody_answers_is_sent_again_then_given_up_then_begins_again() {
    let (world, mut one, _two, _) = pair(quick()).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Members(m) if !m.whole)).await;
    let mut sent = 0;
    while sent < 3 {
        if let Message::Backup(backup) = one.next().await.unwrap() {
            assert_eq!(backup.generation, 1);
            sent += 1;
        }
    }
    let given_up = async {
        loop {
            let jobs = world.jobs().await;
            if jobs[0].state == "given up" {
                return jobs;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let jobs = tokio::time::timeout(Duration::from_secs(10), given_up).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].attempts), (1, 3));
    assert!(jobs[0].error.contains("never answered"), "{}", jobs[0].error);
    one.edit("/a", "more").await;
    one.until(|m| matches!(m, Message::Backup(b) if b.generation == 2)).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_ask_reaches_agents() {
    let (world, mut one, mut two, _) = pair(ManagerOptions { ask: Duration::from_millis(300), ..quick() }).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    two.until_text("/b", "start").await;
    let mut operator = world.operator().await;
    let question = |agent: &str| v1::InspectRequest { agent: agent.into(), path: "~/x".into(), ..Default::default() };
    // Answered.
    let asked = tokio::spawn({
        let mut operator = operator.clone();
        let question = question("one");
        async move { operator.inspect(question).await }
    });
    let Message::Inspect(inspect) = one.until(|m| matches!(m, Message::Inspect(_))).await else { panic!() };
    assert_eq!((inspect.agent.as_str(), inspect.path.as_str()), ("", "~/x"));
    let reply = v1::InspectReply { id: inspect.id, path: "/home/x".into(), ..Default::default() };
    one.send(from_agent::Message::Inspected(reply)).await;
    assert_eq!(asked.await.unwrap().unwrap().into_inner().path, "/home/x");
    // Not in time, nobody there, nobody known.
    let codes = [("two", Code::DeadlineExceeded), ("none", Code::NotFound)];
    for (agent, code) in codes {
        assert_eq!(operator.inspect(question(agent)).await.unwrap_err().code(), code, "{agent}");
    }
    // A suspended member is accepted: its agent hears of it.
    let (id, member) = one.member("/a");
    member.condition = Condition::Doubtful("emptied".into());
    // Whoever has the agents look first finds what they reported.
    let looking = tokio::spawn({
        let mut operator = operator.clone();
        async move { operator.status(v1::StatusRequest { name: "g".into(), look: true }).await }
    });
    let Message::Inspect(asked) = two.until(|m| matches!(m, Message::Inspect(i) if i.look)).await else { panic!() };
    let looked = |id| from_agent::Message::Inspected(v1::InspectReply { id, ..Default::default() });
    two.send(looked(asked.id)).await;
    let Message::Inspect(asked) = one.until(|m| matches!(m, Message::Inspect(i) if i.look)).await else { panic!() };
    one.report(id, &[]).await;
    one.send(looked(asked.id)).await;
    let status = looking.await.unwrap().unwrap().into_inner().groups.remove(0);
    assert_eq!(status.state, "suspended");
    assert!(status.members.iter().any(|m| m.cause == "emptied" && m.doubtful && !m.hard_linked));
    let accept = v1::AcceptRequest { name: "g".into(), ..Default::default() };
    operator.accept(accept.clone()).await.unwrap();
    one.until(|m| matches!(m, Message::Accept(a) if a.id == id.0)).await;
    drop(one);
    world.until("g", "suspended").await;
    let offline = async {
        loop {
            let error = operator.accept(accept.clone()).await;
            if let Err(status) = error {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), offline).await.unwrap().code(), Code::Unavailable);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_are_refused_clearly() {
    let world = World::new(ManagerOptions::default()).await;
    world.enrol("one", false).await;
    let member = |path: &str| new_member("one", path, v1::Join::Wait);
    let cases = [
        ("", vec![member("/a")], Code::InvalidArgument),
        ("a@b", vec![member("/a")], Code::InvalidArgument),
        ("g", vec![], Code::InvalidArgument),
        ("g", vec![member("")], Code::InvalidArgument),
        ("g", vec![member("/a"), member("/a")], Code::InvalidArgument),
        ("g", vec![member(&"x".repeat(5_000))], Code::InvalidArgument),
        ("g", vec![new_member("nobody", "/a", v1::Join::Wait)], Code::NotFound),
    ];
    for (name, members, code) in cases {
        let error = link(&world, name, members).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    link(&world, "g", vec![member("/a")]).await.unwrap();
    assert_eq!(link(&world, "g", vec![member("/b")]).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(link(&world, "h", vec![member("/a")]).await.unwrap_err().code(), Code::AlreadyExists);
    let mut operator = world.operator().await;
    let unlink = |name: &str| v1::UnlinkRequest { name: name.into(), member: None };
    assert_eq!(operator.unlink(unlink("nothing")).await.unwrap_err().code(), Code::NotFound);
    let place = v1::MemberName { path: "/zzz".into(), ..Default::default() };
    let pause = v1::PauseRequest { name: "g".into(), member: Some(place), paused: true };
    assert_eq!(operator.pause(pause).await.unwrap_err().code(), Code::NotFound);
    let by_bare_selector = v1::MemberName { selector: "/a".into(), ..Default::default() };
    let pause = v1::PauseRequest { name: "g".into(), member: Some(by_bare_selector), paused: true };
    operator.pause(pause).await.unwrap();
    assert_eq!(world.status("g").await.members[0].state, "paused");
    operator.unlink(unlink("g")).await.unwrap();
    assert_eq!(operator.status(v1::StatusRequest::default()).await.unwrap().into_inner().groups, []);
    let agents = operator.list_agents(v1::ListAgentsRequest {}).await.unwrap().into_inner().agents;
    assert_eq!((agents.len(), agents[0].online, agents[0].members), (1, false, 0));
    world.stop().await;
}

/// Both edit before either hears of the other.
async fn conflict(world: &World, one: &mut Agent, two: &mut Agent) {
    link_pair(world).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    two.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 1)).await;
    one.edit("/a", "ones").await;
    two.edit("/b", "twos").await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 2)).await;
    two.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 2)).await;
    try_to_merge(one, two).await;
    let status = world.until("g", "conflict").await;
    assert_eq!(status.open_branches.len(), 1);
}

/// Whoever came second is asked to merge, perhaps before its backup is acknowledged. Returns its name.
async fn try_to_merge(one: &mut Agent, two: &mut Agent) -> String {
    loop {
        for (agent, name) in [(&*one, "one"), (&*two, "two")] {
            if agent.seen.iter().any(|m| matches!(m, Message::Merge(_))) {
                return name.to_owned();
            }
        }
        tokio::select! {
            message = one.next() => one.follow(message.unwrap()).await,
            message = two.next() => two.follow(message.unwrap()).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edits_that_go_together_are_merged() {
    let (world, mut one, mut two, _) = pair(ManagerOptions::default()).await;
    link_pair(&world).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    two.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 1)).await;
    let start = one.member("/a").1.text.clone();
    one.edit("/a", &format!("{start}+a")).await;
    two.edit("/b", &format!("{start}+b")).await;
    one.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 2)).await;
    two.until(|m| matches!(m, Message::Acknowledged(a) if a.committed && a.generation == 2)).await;
    assert_ne!(world.status("g").await.state, "conflict", "nobody has to do anything");
    let second = try_to_merge(&mut one, &mut two).await;
    let text = if second == "one" { format!("{start}+b+a") } else { format!("{start}+a+b") };
    let tasks = [one.alone(), two.alone()];
    world.until("g", "in-sync").await;
    let log = world.operator().await.log(v1::LogRequest { name: "g".into(), limit: 0 }).await.unwrap().into_inner();
    let kinds: Vec<(&str, usize)> = log.versions.iter().map(|v| (v.kind.as_str(), v.parents.len())).collect();
    assert_eq!(kinds, [("merge", 2), ("edit", 1), ("edit", 1), ("edit", 0)]);
    assert_eq!(log.versions[0].agent, second);
    let jobs = world.operator().await.list_jobs(v1::ListJobsRequest::default()).await.unwrap().into_inner().jobs;
    let merges: Vec<&str> = jobs.iter().filter(|j| j.kind == "merge").map(|j| j.state.as_str()).collect();
    assert_eq!(merges, ["done"]);
    world.stop().await;
    for task in tasks {
        assert!(task.await.unwrap().members.values().all(|m| m.text == text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_ended_by_a_person_who_saw_it_as_it_is() {
    let (world, mut one, mut two, _) = pair(ManagerOptions::default()).await;
    conflict(&world, &mut one, &mut two).await;
    let status = world.status("g").await;
    let waiting = status.members.iter().find(|m| m.state == "conflict").unwrap();
    assert!(
        waiting.cause.starts_with("the whole: changed on both sides; `inlay resolve g` shows"),
        "{}",
        waiting.cause
    );
    let log = world.operator().await.log(v1::LogRequest { name: "g".into(), limit: 0 }).await.unwrap().into_inner();
    let branch = log.versions.iter().find(|v| v.open).unwrap();
    let mut record = branch.record.clone().unwrap();
    record.version = vec![42; 16];
    let resolve = |head: &[u8]| v1::ResolveRequest {
        name: "g".into(),
        kind: "resolve".into(),
        head: head.to_vec(),
        branches: status.open_branches.clone(),
        record: Some(record.clone()),
        snapshot: "abc".into(),
    };
    let mut operator = world.operator().await;
    assert_eq!(operator.resolve(resolve(&[7; 16])).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(operator.resolve(resolve(&[7; 3])).await.unwrap_err().code(), Code::InvalidArgument);
    let reply = operator.resolve(resolve(&status.head)).await.unwrap().into_inner();
    assert_eq!(reply.version, [42; 16]);
    let winner = log.versions.iter().find(|v| v.open).unwrap().agent.clone();
    let text = if winner == "one" { "ones" } else { "twos" };
    let tasks = [one.alone(), two.alone()];
    world.until("g", "in-sync").await;
    world.stop().await;
    for task in tasks {
        assert!(task.await.unwrap().members.values().all(|m| m.text == text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_gives_way_takes_the_head() {
    let (world, mut one, mut two, _) = pair(ManagerOptions::default()).await;
    conflict(&world, &mut one, &mut two).await;
    let status = world.status("g").await;
    let behind = status.members.iter().find(|m| m.state == "conflict").unwrap();
    let place = v1::MemberName { agent: behind.agent.clone(), ..Default::default() };
    let accept = v1::AcceptRequest { name: "g".into(), member: Some(place), give_way: true, ..Default::default() };
    world.operator().await.accept(accept).await.unwrap();
    let text = if behind.agent == "two" { "ones" } else { "twos" };
    let tasks = [one.alone(), two.alone()];
    world.until("g", "in-sync").await;
    world.stop().await;
    for task in tasks {
        assert!(task.await.unwrap().members.values().all(|m| m.text == text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_while_their_agent_is_connected() {
    let (world, mut one, _two, _) = pair(ManagerOptions::default()).await;
    link_pair(&world).await;
    let Message::Members(members) = one.until(|m| matches!(m, Message::Members(_))).await else { panic!() };
    assert!(!members.whole && members.assigned[0].path == "/a" && members.assigned[0].group_name == "g");
    let pause = |paused| v1::PauseRequest { name: "g".into(), member: None, paused };
    let mut operator = world.operator().await;
    operator.pause(pause(true)).await.unwrap();
    one.until(|m| matches!(m, Message::Members(m) if m.assigned.iter().all(|a| a.paused))).await;
    operator.pause(pause(false)).await.unwrap();
    let place = v1::MemberName { path: "/a".into(), ..Default::default() };
    operator.unlink(v1::UnlinkRequest { name: "g".into(), member: Some(place) }).await.unwrap();
    one.until(|m| matches!(m, Message::Members(m) if m.removed.len() == 1)).await;
    assert!(one.members.is_empty());
    world.stop().await;
}
