#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Whole agents, with the real repository and real files, against a manager in memory. Tests wait for states.

mod manager;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{Agent, AgentOptions, Allow, Consent, Credentials, Identity, RepositoryOpener};
use manager::{Manager, agent_id};
use plan::{Condition, Join};
use repo::{Kdf, LocalStorage, Options, Password, Repository};

struct World {
    folder: tempfile::TempDir,
    manager: Manager,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(LocalStorage::new(folder.path().join("repository")));
        let kdf = Kdf { log_n: 10, r: 8, p: 1 };
        Repository::init(storage, &Password::new("secret".to_owned()), Options { kdf }).await.unwrap();
        World { folder, manager: Manager::start().await }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    async fn agent(&self, name: &str) -> Agent {
        let repository = self.path("repository");
        let open = move || -> futures::future::BoxFuture<'static, _> {
            let storage = Arc::new(LocalStorage::new(repository.clone()));
            Box::pin(async move { Ok(Repository::open(storage, &Password::new("secret".to_owned())).await.unwrap()) })
        };
        let home = self.path(name);
        Allow::add(&home.join("allow.toml"), &Consent::Folder(self.path("files"))).unwrap();
        let credentials = Credentials { ca: String::new(), certificate: String::new(), key: String::new().into() };
        let identity = Identity {
            agent: agent_id(name),
            name: name.to_owned(),
            operate: false,
            protocol: 1,
            addresses: Vec::new(),
            credentials,
        };
        Agent::start(AgentOptions {
            folder: home,
            identity,
            connect: Arc::new(self.manager.clone()),
            copies: Arc::new(RepositoryOpener { name: name.to_owned(), host: name.to_owned(), open }),
            user_home: Some(self.path("files")),
            environment: |_| None,
            program: "test".to_owned(),
            host: name.to_owned(),
            rescan: Duration::from_secs(3600),
        })
        .await
        .unwrap()
    }

    /// Waits until every member stands on the head, with nothing uncommitted.
    async fn in_sync(&self) {
        self.until("in sync", |state| {
            let group = &state.group;
            group.head.is_some()
                && group.members.values().all(|m| {
                    m.standing == group.head && !m.is_dirty() && m.condition == Condition::Fine && m.join == Join::Done
                })
        })
        .await;
    }

    async fn until(&self, what: &str, mut is: impl FnMut(&manager::State) -> bool) {
        let started = Instant::now();
        while !is(&self.manager.state.lock().unwrap()) {
            if started.elapsed() > Duration::from_secs(20) {
                panic!("never {what}: {:#?}", self.manager.state.lock().unwrap().group);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn holds(path: &Path, text: &str) {
    let started = Instant::now();
    loop {
        let found = fs::read_to_string(path).unwrap_or_default();
        if found == text {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{} holds {found:?}, not {text:?}", path.display());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_travel_both_ways_and_nothing_else_changes() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\n  // mine\n  \"own\": 1,\n  \"shared\": {\"k\": 1}\n}\n");
    let b = world.write("files/b.json", "{\"shared\": {\"k\": 0},\t\"state\": [1,2]}");
    world.manager.member(1, "one", &a, "jsonc:/shared", Join::Offer);
    world.manager.member(2, "two", &b, "jsonc:/shared", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    holds(&b, "{\"shared\": {\"k\": 1},\t\"state\": [1,2]}").await;

    fs::write(&b, "{\"shared\": {\"k\": 2},\t\"state\": [3]}").unwrap();
    holds(&a, "{\n  // mine\n  \"own\": 1,\n  \"shared\": {\"k\": 2}\n}\n").await;
    world.in_sync().await;
    fs::write(world.path("beside"), "{\n  \"own\": 2,\n  \"shared\": {\"k\": 3}\n}\n").unwrap();
    fs::rename(world.path("beside"), &a).unwrap();
    holds(&b, "{\"shared\": {\"k\": 3},\t\"state\": [3]}").await;
    world.in_sync().await;
    let versions = world.manager.state.lock().unwrap().group.versions.len();
    // The first content, the other's own first content, and two edits.
    assert_eq!(versions, 4);

    // Nothing echoes: an edit outside the portion is seen, and makes nothing.
    fs::write(&a, "{\n  \"own\": 9,\n  \"shared\": {\"k\": 3}\n}\n").unwrap();
    fs::write(&b, "{\"shared\": {\"k\": 4},\t\"state\": [3]}").unwrap();
    holds(&a, "{\n  \"own\": 9,\n  \"shared\": {\"k\": 4}\n}\n").await;
    world.in_sync().await;
    assert_eq!(world.manager.state.lock().unwrap().group.versions.len(), 5);

    one.shut_down().await;
    two.shut_down().await;
    world.until("sealed", |state| state.sealed.len() >= 5).await;
    // Nothing is left beside the files.
    let mut names: Vec<_> = fs::read_dir(world.path("files")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.json", "b.json"]);
}

/// Two programs' files on one machine, and several portions in one file.
#[tokio::test(flavor = "multi_thread")]
async fn members_in_one_file() {
    let world = World::new().await;
    let text = |values: [u32; 3]| {
        format!(
            "{{\"a\": {{\"v\": {}}}, \"b\": {{\"v\": {}}}, \"c\": {{\"v\": {}}}}}\n",
            values[0], values[1], values[2]
        )
    };
    let file = world.write("files/a.json", &text([1, 0, 0]));
    for (number, key) in ["a", "b", "c"].iter().enumerate() {
        let join = if number == 0 { Join::Offer } else { Join::Adopt };
        world.manager.member(number as u8 + 1, "one", &file, &format!("json:/{key}"), join);
    }
    let one = world.agent("one").await;
    holds(&file, &text([1, 1, 1])).await;
    world.in_sync().await;
    for round in 2..6 {
        let mut values = [round - 1; 3];
        values[round as usize % 3] = round;
        fs::write(&file, text(values)).unwrap();
        holds(&file, &text([round; 3])).await;
        world.in_sync().await;
    }
    one.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_while_the_agent_was_away_is_found() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"n\": 1}}");
    let b = world.write("files/b.json", "{\"x\": {\"n\": 1}}");
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    one.shut_down().await;
    fs::write(&a, "{\"x\": {\"n\": 2}}").unwrap();
    let one = world.agent("one").await;
    holds(&b, "{\"x\": {\"n\": 2}}").await;
    world.in_sync().await;
    // Streams break; what happens meanwhile is said afterwards.
    world.manager.drop_streams();
    fs::write(&b, "{\"x\": {\"n\": 3}}").unwrap();
    holds(&a, "{\"x\": {\"n\": 3}}").await;
    world.in_sync().await;
    // Without having been killed: nothing is said anew after a restart.
    let versions = world.manager.state.lock().unwrap().group.versions.len();
    one.shut_down().await;
    two.shut_down().await;
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    assert_eq!(world.manager.state.lock().unwrap().group.versions.len(), versions);
    one.shut_down().await;
    two.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_is_said_and_never_propagated() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"n\": 1}}");
    let b = world.write("files/b.json", "{\"x\": {\"n\": 1}}");
    let member = world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    type Case = (&'static str, fn(&Path), &'static str);
    let cases: [Case; 6] = [
        ("unparsable", |path| fs::write(path, "{\"x\": {\"n\": ").unwrap(), "unparsable at 1:"),
        ("without the portion", |path| fs::write(path, "{}").unwrap(), "the portion is missing"),
        ("removed", |path| fs::remove_file(path).unwrap(), "the file is missing"),
        ("emptied", |path| fs::write(path, "{\"x\": {}}").unwrap(), "emptied"),
        (
            "a folder",
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap()
            },
            "no regular file",
        ),
        (
            "with two names",
            |path| {
                fs::remove_dir(path).unwrap();
                fs::write(path.with_extension("other"), "{\"x\": {\"n\": 1}}").unwrap();
                fs::hard_link(path.with_extension("other"), path).unwrap();
            },
            "hard links",
        ),
    ];
    for (what, make, cause) in cases {
        make(&a);
        world
            .until(what, |state| match &state.group.members[&member].condition {
                Condition::Missing(said) | Condition::NoFile(said) | Condition::Suspended(said) => said.contains(cause),
                Condition::Doubtful(said) => cause == "emptied" && said.starts_with("emptied: "),
                Condition::HardLinked(said) => cause == "hard links" && said.contains(cause),
                _ => false,
            })
            .await;
    }
    fs::remove_file(a.with_extension("other")).unwrap();
    fs::write(&a, "{\"x\": {\"n\": 2}}").unwrap();
    holds(&b, "{\"x\": {\"n\": 2}}").await;
    world.in_sync().await;
    fs::write(&a, "{\"x\": {}}").unwrap();
    world.until("emptied", |state| state.group.members[&member].condition != Condition::Fine).await;
    world.manager.accept("one", member);
    holds(&b, "{\"x\": {}}").await;
    one.shut_down().await;
    two.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_waited_for() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"n\": 1}}");
    let b = world.write("private/b.json", "{\"x\": {\"n\": 0}}");
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    let member = world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.until("waiting", |state| state.group.members[&member].condition == Condition::AwaitingConsent).await;
    world.until("committed", |state| state.group.head.is_some()).await;
    world.manager.ask("two", b.to_str().unwrap(), "json:/x");
    world.until("answered", |state| state.inspected.len() == 1).await;
    {
        let state = world.manager.state.lock().unwrap();
        let reply = &state.inspected[0];
        assert!(!reply.allowed && reply.text.is_empty() && reply.format.is_empty(), "{reply:?}");
    }
    assert_eq!(fs::read_to_string(&b).unwrap(), "{\"x\": {\"n\": 0}}");
    let consent = Consent::to(&b, Some(&"json:/x".parse().unwrap())).unwrap();
    Allow::add(&world.path("two").join("allow.toml"), &consent).unwrap();
    holds(&b, "{\"x\": {\"n\": 1}}").await;
    world.in_sync().await;
    world.manager.ask("two", b.to_str().unwrap(), "/x");
    world.until("answered", |state| state.inspected.len() == 2).await;
    {
        let state = world.manager.state.lock().unwrap();
        let reply = &state.inspected[1];
        assert!(reply.allowed && reply.text.len() == 32 && reply.value.len() == 32 && reply.size == 8, "{reply:?}");
        assert_eq!((reply.selector.as_str(), reply.format.as_str()), ("json:/x", "json"));
    }
    one.shut_down().await;
    two.shut_down().await;
}

/// What a manager may try: each is refused, and the file stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_manager_changes_nothing() {
    type Twist = (fn(&mut wire::v1::Restore), &'static str);
    let twists: [Twist; 6] = [
        (|restore| restore.record.as_mut().unwrap().generation += 1, "not made by a holder"),
        (|restore| restore.record.as_mut().unwrap().mac[0] ^= 1, "not made by a holder"),
        (|restore| restore.record.as_mut().unwrap().group = vec![9; 16], "another group"),
        (|restore| restore.group = vec![9; 16], "another group"),
        (|restore| restore.record.as_mut().unwrap().text[0] ^= 1, "not made by a holder"),
        (|restore| restore.record.as_mut().unwrap().copy[40] ^= 1, "not made by a holder"),
    ];
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"n\": 0}}");
    let b = world.write("files/b.json", "{\"x\": {\"n\": 0}}");
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    for (round, (twist, cause)) in twists.into_iter().enumerate() {
        world.manager.state.lock().unwrap().twist = Some(twist);
        let before = fs::read_to_string(&b).unwrap();
        fs::write(&a, format!("{{\"x\": {{\"n\": {}}}}}", round + 1)).unwrap();
        world.until("refused", |state| state.refusals.iter().any(|said| said.contains(cause))).await;
        assert_eq!(fs::read_to_string(&b).unwrap(), before, "{cause}");
        world.manager.change(|state| {
            state.refusals.clear();
            state.twist = None;
        });
        world.manager.drop_streams();
        world.in_sync().await;
    }
    one.shut_down().await;
    two.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_agent_in_a_folder() {
    let world = World::new().await;
    let one = world.agent("one").await;
    one.shut_down().await;
    let again = world.agent("one").await;
    again.shut_down().await;
}

/// JSON here and TOML there: values travel, and each file keeps its own comments and order.
#[tokio::test(flavor = "multi_thread")]
async fn formats_meet() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"port\": 1, \"name\": \"n\"}}\n");
    let b = world.write("files/b.toml", "top = 1\n\n[x] # mine\nname = \"n\" # the name\nport = 1\n\n[y]\n");
    let c = world.write("files/c.toml", "other = true\n");
    let d = world.path("files/d.json");
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "toml:/x", Join::Adopt);
    world.manager.member(3, "two", &c, "toml:/x", Join::Adopt);
    world.manager.member(4, "one", &d, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    // The portion that was missing is made, and so is the file.
    world.until("made", |_| d.exists() && fs::read_to_string(&c).unwrap().contains("port = 1")).await;
    world.in_sync().await;
    fs::write(&a, "{\"x\": {\"port\": 2, \"name\": \"n\"}}\n").unwrap();
    holds(&b, "top = 1\n\n[x] # mine\nname = \"n\" # the name\nport = 2\n\n[y]\n").await;
    world.in_sync().await;
    let text = fs::read_to_string(&b).unwrap();
    fs::write(&b, text.replace("name = \"n\" # the name", "name = \"m\" # the new name")).unwrap();
    holds(&a, "{\"x\": {\"port\": 2, \"name\": \"m\"}}\n").await;
    world.in_sync().await;
    assert!(
        fs::read_to_string(&c).unwrap().contains("name = \"m\" # the new name"),
        "a comment travels where the shape is the same"
    );
    let value = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        let fragment = portion::get(portion::Scheme::Json, &bytes, "/x").unwrap();
        fragment.format.value(&fragment.text).unwrap()
    };
    assert_eq!(value(&a), value(&d));
    one.shut_down().await;
    two.shut_down().await;
}

/// A program that this machine names runs after a restore, and sees what was restored.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_after_a_restore() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": 1}\n");
    let b = world.write("files/b.json", "{\"x\": 0}\n");
    let seen = world.path("seen");
    let hook = format!("[[after_restore]]\nfile = '{}'\nrun = ['cp', 'b.json', '{}']\n", b.display(), seen.display());
    world.write("two/allow.toml", &hook);
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    holds(&seen, "{\"x\": 1}\n").await;
    fs::write(&a, "{\"x\": 2}\n").unwrap();
    holds(&seen, "{\"x\": 2}\n").await;
    one.shut_down().await;
    two.shut_down().await;
}

/// Edits that meet: nobody's is lost, and a file with an edit of its own is not written.
#[tokio::test(flavor = "multi_thread")]
async fn edits_meet() {
    let world = World::new().await;
    let a = world.write("files/a.json", "{\"x\": {\"n\": 0}}");
    let b = world.write("files/b.json", "{\"x\": {\"n\": 0}}");
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    for round in 1..=5 {
        fs::write(&a, format!("{{\"x\": {{\"n\": {round}}}}}")).unwrap();
        fs::write(&b, format!("{{\"x\": {{\"n\": {}}}}}", -round)).unwrap();
        world
            .until("decided", |state| {
                let group = &state.group;
                let settled =
                    group.members.values().all(|m| !m.is_dirty()) && group.versions.len() > 2 * round as usize;
                settled
                    && group
                        .members
                        .values()
                        .all(|m| m.standing == group.head || m.standing.is_some_and(|s| group.is_open(s)))
            })
            .await;
        let found = [fs::read_to_string(&a).unwrap(), fs::read_to_string(&b).unwrap()];
        assert_eq!(found, [format!("{{\"x\": {{\"n\": {round}}}}}"), format!("{{\"x\": {{\"n\": {}}}}}", -round)]);
        // A person takes the first file's side: the same content there.
        fs::write(&b, format!("{{\"x\": {{\"n\": {round}}}}}")).unwrap();
        fs::write(&a, format!("{{\"x\": {{\"n\": {round}}}}}")).unwrap();
        world.in_sync().await;
    }
    one.shut_down().await;
    two.shut_down().await;
}

/// Edits of different things are put together: nobody has to do anything, across formats too, and comments stay.
#[tokio::test(flavor = "multi_thread")]
async fn edits_that_go_together_are_merged() {
    let world = World::new().await;
    let a =
        world.write("files/a.json", "{\n  // mine\n  \"x\": {\n    \"n\": 0, // the number\n    \"m\": 0\n  }\n}\n");
    let b = world.write("files/b.toml", "# b\n[x]\nn = 0\nm = 0 # the other\n");
    world.manager.member(1, "one", &a, "jsonc:/x", Join::Offer);
    world.manager.member(2, "two", &b, "toml:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    for round in 1..=5 {
        let edit = |path: &Path, old: &str, new: &str| {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains(old), "{old} in {text}");
            fs::write(path, text.replace(old, new)).unwrap();
        };
        edit(&a, &format!("\"n\": {}", round - 1), &format!("\"n\": {round}"));
        edit(&b, &format!("m = {}", round - 1), &format!("m = {round}"));
        world
            .until("both are in both", |_| {
                let (a, b) = (fs::read_to_string(&a).unwrap(), fs::read_to_string(&b).unwrap());
                a.contains(&format!("\"n\": {round}, // the number\n    \"m\": {round}\n"))
                    && b.contains(&format!("n = {round}\nm = {round} # the other\n"))
            })
            .await;
        world.in_sync().await;
    }
    assert!(fs::read_to_string(&a).unwrap().starts_with("{\n  // mine\n"));
    assert!(fs::read_to_string(&b).unwrap().starts_with("# b\n"));
    one.shut_down().await;
    two.shut_down().await;
}

/// Large files are written in pieces and read as seldom as can be; nothing else is different.
#[tokio::test(flavor = "multi_thread")]
async fn large_files() {
    let world = World::new().await;
    let text = |n: usize, own: usize| {
        let pad = "  \"0123456789abcdef\",\n".repeat(100_000);
        format!("{{\"pad\": [\n{pad}  {own}],\n \"x\": {{\"n\": {n}}}, \"more\": [{pad} 1]}}\n")
    };
    let a = world.write("files/a.json", &text(0, 1));
    let b = world.write("files/b.json", &text(0, 2));
    let marked = |body: &str| format!("{}# inlay:begin m\n{body}# inlay:end m\nend\n", "some text\n".repeat(300_000));
    let c = world.write("files/c.txt", &marked("one\n"));
    let d = world.write("files/d.txt", &marked("none\n"));
    world.manager.member(1, "one", &a, "json:/x", Join::Offer);
    world.manager.member(2, "two", &b, "json:/x", Join::Adopt);
    let (one, two) = (world.agent("one").await, world.agent("two").await);
    world.in_sync().await;
    for round in 1..6 {
        // Now by one, now by the other; and each file's own part changes as well.
        let (from, to, own) = if round % 2 == 0 { (&a, &b, 2) } else { (&b, &a, 1) };
        fs::write(from, text(round, 10 + round)).unwrap();
        holds(to, &text(round, if round == 1 { own } else { 9 + round })).await;
        world.in_sync().await;
    }
    let versions = world.manager.state.lock().unwrap().group.versions.len();
    assert_eq!(versions, 6);
    world
        .manager
        .change(|state| state.group = plan::Group::new(plan::GroupId([2; 16]), "other", plan::Policy::default()));
    world.manager.member(3, "one", &c, "mark:m", Join::Offer);
    world.manager.member(4, "two", &d, "mark:m", Join::Adopt);
    holds(&d, &marked("one\n")).await;
    world.in_sync().await;
    fs::write(&d, marked("two\nlines\n")).unwrap();
    holds(&c, &marked("two\nlines\n")).await;
    world.in_sync().await;
    fs::write(&c, marked("")).unwrap();
    world.until("emptied", |state| state.group.members[&plan::MemberId([3; 16])].condition != Condition::Fine).await;
    one.shut_down().await;
    two.shut_down().await;
}
