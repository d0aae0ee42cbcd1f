//! The rules for merges: one operation at a time, refusals, and an answer that is given again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use agent::step::{
    Assignment, BrakeEntry, Clash, Copied, Effect, Entry, Event, MergeInstruction, Merged, Portion, Sight, Steps,
};
use plan::{Condition, Direction, Fingerprint, GroupId, JobId, MemberId, Record, Shape, VersionId};
use std::collections::BTreeMap;

const MEMBER: MemberId = MemberId([1; 16]);
const GROUP: GroupId = GroupId([2; 16]);
const BRANCH: u8 = 5;
const LEFT: u8 = 77;

fn record(version: u8) -> Record {
    Record {
        version: VersionId([version; 16]),
        group: GROUP,
        member: MEMBER,
        generation: 3,
        shape: Shape { format: "json".to_owned(), mapping: String::new() },
        text: Fingerprint([version; 32]),
        value: Fingerprint([version; 32]),
        size: 1,
        copy: Vec::new(),
        mac: [0; 32],
    }
}

fn instruction() -> MergeInstruction {
    let (base, head, branch) = (record(1), record(2), record(BRANCH));
    MergeInstruction { member: MEMBER, job: JobId([9; 16]), group: GROUP, base, head, branch, authentic: true }
}

fn sight(text: u8) -> Sight {
    Sight::Present(Portion { fingerprint: Fingerprint([text; 32]), format: "json".to_owned(), empty: false })
}

/// An agent whose member stands on the branch, at generation 3.
fn standing() -> Steps {
    let entry = Entry { generation: 3, fingerprint: Some(Fingerprint([BRANCH; 32])), ..Entry::default() };
    let journaled = BTreeMap::from([(MEMBER, (entry, vec![VersionId([LEFT; 16])]))]);
    let mut steps = Steps::new(journaled, BrakeEntry::default());
    let assignment = Assignment {
        group: GROUP,
        group_name: "group".to_owned(),
        path: "/file".to_owned(),
        selector: "json:/x".to_owned(),
        mapping: String::new(),
        direction: Direction::Both,
        create: false,
        delete: false,
        paused: false,
    };
    steps.step(0, Event::Online);
    steps.step(0, Event::Assigned(MEMBER, Box::new(assignment)));
    steps.step(0, Event::Looked(MEMBER, sight(BRANCH)));
    steps
}

/// The effects, in words.
fn words(effects: &[Effect]) -> Vec<String> {
    let word = |effect: &Effect| match effect {
        Effect::Merge(_) => "merge".to_owned(),
        Effect::Answer(answer) => match &answer.result {
            Ok(copied) => format!("merged {} at {}", copied.version.0[0], answer.generation),
            Err(clash) => format!("clash {}", clash.cause),
        },
        Effect::Report { refused, report, .. } if refused.is_empty() => format!("report {}", report.generation),
        Effect::Report { refused, .. } => format!("refused {refused}"),
        Effect::Look(_) => "look".to_owned(),
        Effect::BackUp(_) => "back up".to_owned(),
        Effect::Journal { .. } => "journal".to_owned(),
        Effect::Brake(brake) => format!("{} changed", brake.changed.len()),
        other => format!("{other:?}"),
    };
    effects.iter().map(word).collect()
}

fn copied() -> Merged {
    let portion = Portion { fingerprint: Fingerprint([8; 32]), format: "json".to_owned(), empty: false };
    let (value, version) = (Fingerprint([8; 32]), VersionId([8; 16]));
    Merged::Done(Box::new(Copied { portion, value, size: 1, copy: Vec::new(), version }))
}

fn merge() -> Event {
    Event::Merge(Box::new(instruction()))
}

#[test]
fn what_is_not_merged() {
    type Change = fn(&mut MergeInstruction);
    let cases: [(Change, &str); 9] = [
        (|_| {}, "merge"),
        (|m| m.group = GroupId([7; 16]), "refused the copy belongs to another group"),
        (|m| m.base.group = GroupId([7; 16]), "refused the copy belongs to another group"),
        (|m| m.head.group = GroupId([7; 16]), "refused the copy belongs to another group"),
        (|m| m.branch.group = GroupId([7; 16]), "refused the copy belongs to another group"),
        (|m| m.authentic = false, "refused the version's record was not made by a holder of the repository's key"),
        (|m| m.head.version = VersionId([LEFT; 16]), "refused this member has already left that version"),
        (|m| m.branch.text = Fingerprint([6; 32]), "report 3"),
        (|m| m.branch.shape.mapping = "other".to_owned(), "report 3"),
    ];
    for (change, wanted) in cases {
        let mut merge = instruction();
        change(&mut merge);
        assert_eq!(words(&standing().step(1, Event::Merge(Box::new(merge)))), [wanted]);
    }
    let mut steps = standing();
    steps.step(1, Event::Touched(MEMBER));
    steps.step(1, Event::Looked(MEMBER, Sight::Absent(Condition::Missing("gone".to_owned()))));
    assert_eq!(words(&steps.step(2, merge())), ["report 3"], "a member that cannot take part says so");
}

#[test]
fn a_merge_is_one_operation_and_its_answer_is_kept() {
    let mut steps = standing();
    assert_eq!(words(&steps.step(1, merge())), ["merge"]);
    // Meanwhile nothing else is begun, and what arrives waits.
    assert_eq!(words(&steps.step(2, merge())), Vec::<String>::new());
    assert_eq!(words(&steps.step(2, Event::Touched(MEMBER))), Vec::<String>::new());
    assert_eq!(words(&steps.step(3, Event::Merged(MEMBER, copied()))), ["merged 8 at 3", "merged 8 at 3", "look"]);
    assert_eq!(
        words(&steps.step(4, Event::Merged(MEMBER, copied()))),
        Vec::<String>::new(),
        "no operation of that kind"
    );
    steps.step(4, Event::Looked(MEMBER, sight(BRANCH)));
    // It is asked again because the answer was lost: nothing is merged a second time.
    assert_eq!(words(&steps.step(5, merge())), ["merged 8 at 3"]);
    // With another head it is.
    let other = MergeInstruction { head: record(3), job: JobId([4; 16]), ..instruction() };
    assert_eq!(words(&steps.step(6, Event::Merge(Box::new(other)))), ["merge"]);
    let clash = Merged::Clash(Clash { cause: "both".to_owned() });
    assert_eq!(words(&steps.step(7, Event::Merged(MEMBER, clash))), ["clash both"]);
}

#[test]
fn an_answer_is_void_after_an_edit_and_on_a_new_stream() {
    let done = || {
        let mut steps = standing();
        steps.step(1, merge());
        steps.step(2, Event::Merged(MEMBER, copied()));
        steps
    };
    let mut steps = done();
    steps.step(3, Event::Offline);
    steps.step(4, Event::Online);
    assert_eq!(words(&steps.step(5, merge())), ["merge"], "an earlier database knows nothing of it");
    let mut steps = done();
    steps.step(3, Event::Touched(MEMBER));
    assert_eq!(words(&steps.step(4, Event::Looked(MEMBER, sight(6)))), ["1 changed", "journal", "report 4"]);
    assert_eq!(words(&steps.step(5, merge())), ["report 4"], "the edit goes before");
}

#[test]
fn what_stands_in_the_way_of_a_merge_is_said() {
    let away = Condition::Suspended("the repository: away".to_owned());
    let mut steps = standing();
    steps.step(1, merge());
    assert_eq!(words(&steps.step(2, Event::Merged(MEMBER, Merged::Failed(away.clone())))), ["report 3"]);
    assert_eq!(steps.member(MEMBER).unwrap().condition, away);
    // It looks again by itself, and can be asked again then.
    assert_eq!(words(&steps.step(10_000, Event::Tick)), ["look", "report 3"]);
    assert_eq!(words(&steps.step(10_001, Event::Looked(MEMBER, sight(BRANCH)))), ["report 3"]);
    assert_eq!(words(&steps.step(10_002, merge())), ["merge"]);
}
