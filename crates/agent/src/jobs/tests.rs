#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Members' operations on real files, with copies in memory: what the journal has at each moment, and what a restart makes of it.

use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;

use futures::future::BoxFuture;
use plan::{GroupId, JobId, Shape};
use zeroize::Zeroizing;

use super::*;
use crate::allow::{Allow, Consent};
use crate::copies::{Seal, StoredCopy};
use crate::step::Sight;
use crate::step::{MergeInstruction, Merged};

#[derive(Default)]
struct Memory(Mutex<HashMap<Vec<u8>, Bytes>>);

impl Copies for Memory {
    fn key(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*blake3::hash(context.as_bytes()).as_bytes())
    }
    fn store(&self, copy: NewCopy) -> BoxFuture<'_, Result<StoredCopy, CopyError>> {
        let location = copy.version.0.to_vec();
        self.0.lock().unwrap().insert(location.clone(), copy.content);
        Box::pin(async { Ok(StoredCopy { location, unsealed: Vec::new() }) })
    }
    fn fetch<'a>(&'a self, location: &'a [u8]) -> BoxFuture<'a, Result<Bytes, CopyError>> {
        let found = self.0.lock().unwrap().get(location).cloned();
        Box::pin(async {
            found.ok_or(CopyError { why: "there is no such copy".to_owned(), transient: false, lost: false })
        })
    }
    fn recover(&self, _: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn shut_down(&self) -> BoxFuture<'_, Result<Vec<Seal>, CopyError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

const MEMBER: MemberId = MemberId([1; 16]);
const GROUP: GroupId = GroupId([2; 16]);

struct World {
    root: PathBuf,
    copies: Arc<Memory>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("files")).unwrap();
        Allow::add(&root.join("allow.toml"), &Consent::Folder(root.join("files"))).unwrap();
        World { root, copies: Arc::default(), _folder: folder }
    }

    /// The tools of a process that starts now.
    fn tools(&self) -> Arc<Tools> {
        Arc::new(Tools {
            allow: AllowFile::new(self.root.join("allow.toml")),
            variables: Variables {
                user_home: Some(self.root.clone()),
                environment: |name| (name == "TOKEN").then(|| "s3cret-value".to_owned()),
            },
            keys: Keys::new(self.copies.as_ref()),
            copies: self.copies.clone(),
            journal: Arc::new(Journal::open(&self.root.join("journal")).unwrap()),
            buffers: Buffers::default(),
            tag: "a1".to_owned(),
            permits: Semaphore::new(4),
            files: Files::default(),
        })
    }

    fn target(&self, name: &str, text: Option<&str>) -> Arc<Target> {
        let path = self.root.join("files").join(name);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        Arc::new(Target {
            group: GROUP,
            group_name: "group".to_owned(),
            path,
            selector: "json:/x".parse().unwrap(),
            mapping: "".parse().unwrap(),
            mapping_text: String::new(),
        })
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("files")).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Backs a target up and makes an instruction that restores it.
async fn instruction(tools: &Arc<Tools>, target: &Arc<Target>) -> Instruction {
    let (copied, _) = tools.clone().back_up(MEMBER, target.clone(), None, false).await;
    let (copied, _) = copied.unwrap();
    let mut record = Record {
        version: copied.version,
        group: GROUP,
        member: MEMBER,
        generation: 1,
        shape: Shape { format: copied.portion.format, mapping: String::new() },
        text: copied.portion.fingerprint,
        value: copied.value,
        size: copied.size,
        copy: copied.copy,
        mac: [0; 32],
    };
    tools.keys.sign(&mut record);
    Instruction {
        member: MEMBER,
        job: JobId([3; 16]),
        group: GROUP,
        record,
        text_base: None,
        authentic: true,
        expected_gen: 1,
        create: false,
    }
}

async fn fingerprint(tools: &Arc<Tools>, target: &Arc<Target>) -> Option<Fingerprint> {
    match tools.clone().look(MEMBER, target.clone(), None).await.sight().0 {
        Sight::Present(portion) => Some(portion.fingerprint),
        Sight::Absent(_) | Sight::Blank(_) => None,
    }
}

#[tokio::test]
async fn a_write_whose_end_was_not_journaled_is_found_done() {
    let world = World::new();
    let tools = world.tools();
    let from = world.target("from.json", Some("{\"x\": [2]}"));
    let to = world.target("to.json", Some("{\"x\": [1], \"y\": 1}"));
    let instruction = instruction(&tools, &from).await;
    let expected = fingerprint(&tools, &to).await;
    let done = tools.clone().restore(MEMBER, to.clone(), Box::new(instruction.clone()), expected, None).await;
    let Restored::Done(portion) = done.restored else { panic!("{:?}", done.restored) };
    assert_eq!(fs::read_to_string(&to.path).unwrap(), "{\"x\": [2], \"y\": 1}");
    assert_eq!(world.names().len(), 3, "what was displaced is kept: {:?}", world.names());
    // Killed here: nothing was journaled but the intent.
    drop(tools);
    let tools = world.tools();
    let intent = tools.journal.read(|contents| contents.intents[&MEMBER].clone());
    assert_eq!((intent.version, &intent.portion), (instruction.record.version, &portion));
    let recovered = tools.recover(MEMBER, None, &intent).unwrap();
    assert_eq!(recovered.restored, Restored::Done(portion));
    let deletion = recovered.written.unwrap().unwrap();
    tools.journal.append([journal::Record::Finished(MEMBER, None, Some(deletion))]).unwrap();
    // Killed again: what is to be deleted is known.
    drop(tools);
    let tools = world.tools();
    tools.sweep(&world.root.join("files"));
    assert_eq!(world.names().len(), 3);
    let deletions: Vec<Deletion> = tools.journal.read(|contents| contents.deletions.values().cloned().collect());
    tools.delete(&deletions);
    assert_eq!(world.names(), ["from.json", "to.json"]);
    assert!(tools.journal.read(|contents| contents.intents.is_empty() && contents.deletions.is_empty()));
}

#[tokio::test]
async fn what_is_not_what_was_said_is_not_written() {
    let world = World::new();
    let tools = world.tools();
    let from = world.target("from.json", Some("{\"x\": [2]}"));
    let to = world.target("to.json", Some("{\"x\": [1]}"));
    let good = instruction(&tools, &from).await;
    let expected = fingerprint(&tools, &to).await;
    let restore = async |instruction: Instruction, expected| {
        tools.clone().restore(MEMBER, to.clone(), Box::new(instruction), expected, None).await.restored
    };
    // Another text under the record's location, as a broken repository would give.
    let location = good.record.copy.clone();
    let text = world.copies.0.lock().unwrap().insert(location.clone(), Bytes::from_static(b"[3]")).unwrap();
    assert!(
        matches!(restore(good.clone(), expected).await, Restored::Refused(why) if why.contains("not what its record says"))
    );
    world.copies.0.lock().unwrap().remove(&location);
    assert!(matches!(restore(good.clone(), expected).await, Restored::Refused(why) if why.contains("no such copy")));
    world.copies.0.lock().unwrap().insert(location, text);
    // A record that nobody signed, also if its caller believes it.
    let mut forged = good.clone();
    forged.record.generation = 7;
    assert!(matches!(restore(forged, expected).await, Restored::Refused(_)));
    // A record of another group, signed by a key holder.
    let mut other = good.clone();
    other.record.group = GroupId([9; 16]);
    tools.keys.sign(&mut other.record);
    assert!(matches!(restore(other, expected).await, Restored::Refused(_)));
    // A file that is not as expected.
    let seen = restore(good.clone(), Some(Fingerprint([9; 32]))).await;
    assert!(matches!(seen, Restored::Changed(Sight::Present(portion)) if Some(portion.fingerprint) == expected));
    assert!(matches!(restore(good.clone(), None).await, Restored::Changed(Sight::Present(_))));
    assert_eq!(fs::read_to_string(&to.path).unwrap(), "{\"x\": [1]}");
    assert_eq!(world.names(), ["from.json", "to.json"]);
    assert!(tools.journal.read(|contents| contents.intents.is_empty()));
    // And what is right is done, once: the second time there is nothing to write.
    assert!(matches!(restore(good.clone(), expected).await, Restored::Done(_)));
    let now = fingerprint(&tools, &to).await;
    let again = tools.clone().restore(MEMBER, to.clone(), Box::new(good), now, None).await;
    assert!(matches!(again.restored, Restored::Done(_)) && again.written.is_none());
}

#[tokio::test]
async fn what_the_policy_does_not_allow_any_more_is_not_written() {
    let world = World::new();
    let tools = world.tools();
    let from = world.target("from.json", Some("{\"x\": [2]}"));
    let to = world.target("to.json", Some("{\"x\": [1]}"));
    let good = instruction(&tools, &from).await;
    let expected = fingerprint(&tools, &to).await;
    fs::write(world.root.join("allow.toml"), "").unwrap();
    let done = tools.clone().restore(MEMBER, to.clone(), Box::new(good.clone()), expected, None).await;
    assert_eq!(done.restored, Restored::Failed(Condition::AwaitingConsent));
    // Nor is what the path leads to now, if it was made to lead elsewhere.
    Allow::add(&world.root.join("allow.toml"), &Consent::Folder(world.root.join("files"))).unwrap();
    fs::write(world.root.join("outside.json"), "{\"x\": [1]}").unwrap();
    fs::remove_file(&to.path).unwrap();
    std::os::unix::fs::symlink("../outside.json", &to.path).unwrap();
    let done = tools.clone().restore(MEMBER, to.clone(), Box::new(good), expected, None).await;
    assert_eq!(done.restored, Restored::Failed(Condition::AwaitingConsent));
    assert_eq!(fs::read_to_string(world.root.join("outside.json")).unwrap(), "{\"x\": [1]}");
}

/// A signed record of a text under a path, with a copy.
async fn version(world: &World, tools: &Arc<Tools>, text: &str) -> Record {
    let target = world.target("version.json", Some(&format!("{{\"x\": {text}}}")));
    let target = Target { selector: "jsonc:/x".parse().unwrap(), ..(*target).clone() };
    instruction(tools, &Arc::new(target)).await.record
}

#[tokio::test]
async fn a_branch_and_the_head_are_put_together() {
    let world = World::new();
    let tools = world.tools();
    let merge = async |base: &Record, head: &Record, branch: &Record| {
        let (base, head, branch) = (base.clone(), head.clone(), branch.clone());
        let merge =
            MergeInstruction { member: MEMBER, job: JobId([4; 16]), group: GROUP, base, head, branch, authentic: true };
        let target = world.target("version.json", None);
        tools.clone().merge(MEMBER, target, Box::new(merge)).await.0
    };
    let base = version(&world, &tools, "{\n  \"a\": 1, // one\n  \"b\": 2\n}").await;
    let head = version(&world, &tools, "{\n  \"a\": 1, // one\n  \"b\": 3\n}").await;
    let branch = version(&world, &tools, "{\n  \"a\": 0, // none\n  \"b\": 2\n}").await;
    let Merged::Done(copied) = merge(&base, &head, &branch).await else { panic!("they go together") };
    let text = world.copies.0.lock().unwrap()[&copied.copy].clone();
    assert_eq!(text, "{\n  \"a\": 0, // none\n  \"b\": 3\n}".as_bytes());
    assert_eq!((copied.size, copied.portion.fingerprint), (text.len() as u64, tools.keys.text(GROUP, &text)));
    assert_eq!(copied.portion.format, branch.shape.format);
    let value = portion::Format::Jsonc.value(&text).unwrap();
    assert_eq!(copied.value, tools.keys.value(GROUP, &value));

    // What does not go together is said without contents.
    let other = version(&world, &tools, "{\n  \"a\": \"secret\", // one\n  \"b\": 2\n}").await;
    let Merged::Clash(clash) = merge(&base, &other, &branch).await else { panic!("both changed it") };
    assert_eq!(clash.cause, "the same thing was changed here and elsewhere");

    // What is not what was said is not merged.
    let mut forged = head.clone();
    forged.generation = 7;
    let mut foreign = head.clone();
    foreign.group = GroupId([9; 16]);
    tools.keys.sign(&mut foreign);
    for bad in [&forged, &foreign] {
        for [base, head, branch] in [[bad, &head, &branch], [&base, bad, &branch], [&base, &head, bad]] {
            let Merged::Clash(clash) = merge(base, head, branch).await else { panic!("it was merged") };
            assert!(clash.cause.starts_with("a secondary copy that the merge needs cannot be used: "));
        }
    }
    world.copies.0.lock().unwrap().insert(head.copy.clone(), Bytes::from_static(b"{}"));
    assert!(matches!(merge(&base, &head, &branch).await, Merged::Clash(c) if c.cause.contains("not what its record")));
    world.copies.0.lock().unwrap().remove(&head.copy);
    assert!(matches!(merge(&base, &head, &branch).await, Merged::Clash(c) if c.cause.contains("no such copy")));
}

/// Fingerprints tell nothing to who has no key, and nothing across groups.
#[tokio::test]
async fn fingerprints_are_keyed_and_bound_to_the_group() {
    let world = World::new();
    let tools = world.tools();
    let text = b"[1]";
    let here = tools.keys.text(GROUP, text);
    assert_ne!(here, tools.keys.text(GroupId([9; 16]), text));
    assert_ne!(here.0, *blake3::hash(text).as_bytes());
    let value = portion::Format::Json.value(text).unwrap();
    let spaced = portion::Format::Json.value(b"[ 1.0 ]").unwrap();
    assert_eq!(tools.keys.value(GROUP, &value), tools.keys.value(GROUP, &spaced));
    assert_ne!(tools.keys.value(GROUP, &value), here);
}

/// What a machine keeps to itself: the file has the value, the copy its name; and nothing is read that the policy does not name.
#[tokio::test]
async fn values_of_variables_stay_here() {
    let world = World::new();
    let tools = world.tools();
    let target = world.target("a.json", Some("{\"x\": {\"t\": \"Bearer s3cret-value\", \"p\": \"HERE/bin\"}}"));
    let path = target.path.clone();
    let home = world.root.to_str().unwrap().to_owned();
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("HERE", &home)).unwrap();
    let clauses = "var TOKEN env:TOKEN; var HOME env:HOME";
    let target =
        Arc::new(Target { mapping: clauses.parse().unwrap(), mapping_text: clauses.to_owned(), ..(*target).clone() });
    let cause = |look: Look| match look.sight().0 {
        Sight::Absent(Condition::Suspended(cause)) => cause,
        other => panic!("{other:?}"),
    };
    let denied = cause(tools.look_at(&target).await);
    assert!(denied.contains("the variable `TOKEN` has no value: this machine does not allow it"), "{denied}");
    let policy = world.root.join("allow.toml");
    Allow::add_variable(&policy, &path, &portion::Source::Environment("TOKEN".to_owned())).unwrap();
    let Look::Found(found, _) = tools.look_at(&target).await else { panic!("not found") };
    let shared = String::from_utf8(found.shared.text.clone()).unwrap();
    assert_eq!(shared, "{\"t\": \"Bearer ${TOKEN}\", \"p\": \"${HOME}/bin\"}");
    // What comes back is the value again, in a file that had another content.
    let instruction = instruction(&tools, &target).await;
    let other = "{\"x\": {\"t\": \"s3cret-value\"}}";
    fs::write(&path, other).unwrap();
    let Look::Found(standing, _) = tools.look_at(&target).await else { panic!("not found") };
    let expected = Some(standing.portion.fingerprint);
    let done = tools.clone().restore(MEMBER, target.clone(), Box::new(instruction), expected, None).await;
    assert!(matches!(done.restored, Restored::Done(_) | Restored::Made(_)), "{:?}", done.restored);
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("Bearer s3cret-value") && written.contains(&format!("{home}/bin")), "{written}");
    // A secret that is not there any more may have been changed: nothing is shared.
    fs::write(&path, "{\"x\": {\"t\": \"old-value\"}}").unwrap();
    let gone = cause(tools.look_at(&target).await);
    assert!(gone.contains("the value of the variable `TOKEN` stands nowhere in the portion"), "{gone}");
    // One that is not set says so.
    let clauses = "var KEY env:KEY";
    let unset =
        Arc::new(Target { mapping: clauses.parse().unwrap(), mapping_text: clauses.to_owned(), ..(*target).clone() });
    Allow::add_variable(&policy, &path, &portion::Source::Environment("KEY".to_owned())).unwrap();
    let cause = cause(tools.look_at(&unset).await);
    assert!(cause.contains("the variable `KEY` has no value: `KEY` is not set where the agent runs"), "{cause}");
}
