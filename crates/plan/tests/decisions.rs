//! The protocol's rules one by one: what a commit becomes, and what follows for the others.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use plan::{
    AgentId, BackedUp, Condition, Conflict, Direction, Fingerprint, Group, GroupId, GroupState, Instruction, Join,
    Kind, Member, MemberId, OnMissing, Outcome, Policy, Record, Report, ReportOutcome, Shape, VersionId, group_state,
    instruction, instructions,
};

const A: MemberId = MemberId([1; 16]);
const B: MemberId = MemberId([2; 16]);
const C: MemberId = MemberId([3; 16]);

fn version(id: u8) -> VersionId {
    VersionId([id; 16])
}

fn member(id: MemberId, format: &str, join: Join) -> Member {
    Member {
        id,
        agent: AgentId(id.0),
        path: "/file".to_owned(),
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

/// A (JSON) and B (JSON) hold version 1, C (TOML) has joined with the same value in version 2.
fn group(conflict: Conflict) -> Group {
    let mut group = Group::new(GroupId([9; 16]), "rules", Policy { conflict });
    group.members.insert(A, member(A, "json", Join::Offer));
    assert_eq!(backed_up(&mut group, A, 1, 1, ("json", 10, 10), None), Outcome::NewHead(version(1)));
    group.members.insert(B, member(B, "json", Join::Wait));
    assert_eq!(backed_up(&mut group, B, 1, 50, ("json", 10, 10), None), Outcome::Standing(version(1)));
    group.members.insert(C, member(C, "toml", Join::Wait));
    assert_eq!(backed_up(&mut group, C, 1, 2, ("toml", 20, 10), None), Outcome::Branch(version(2)));
    report(&mut group, C, 2, Some((1, 2)));
    assert_eq!(group_state(&group, |_| true), GroupState::InSync);
    group
}

/// Backs up a content (format, text, value) as `id`; `base` is the version, its generation and its text.
fn backed_up(
    group: &mut Group,
    member: MemberId,
    generation: u64,
    id: u8,
    content: (&str, u8, u8),
    base: Option<(u8, u64, u8)>,
) -> Outcome {
    let record = Record {
        version: version(id),
        group: group.id,
        member,
        generation,
        shape: Shape { format: content.0.to_owned(), mapping: String::new() },
        text: Fingerprint([content.1; 32]),
        value: Fingerprint([content.2; 32]),
        size: 1,
        copy: vec![],
        mac: [0; 32],
    };
    let base_fp = Fingerprint([base.map_or(0, |b| b.2); 32]);
    let done = BackedUp { base: base.map(|b| version(b.0)), base_gen: base.map_or(0, |b| b.1), base_fp, record };
    group.commit(&done, 1).unwrap()
}

fn report(group: &mut Group, member: MemberId, generation: u64, base: Option<(u8, u64)>) -> ReportOutcome {
    group.report(&Report {
        member,
        generation,
        base: base.map(|b| version(b.0)),
        base_gen: base.map_or(0, |b| b.1),
        fingerprint: Fingerprint([7; 32]),
        format: String::new(),
        condition: Condition::Fine,
    })
}

fn restores(group: &Group) -> Vec<(MemberId, VersionId, Option<VersionId>, u64)> {
    let wanted = instructions(group).into_iter().filter_map(|i| match i {
        Instruction::Restore(r) => Some((r.member, r.record.version, r.text_base.map(|t| t.version), r.expected_gen)),
        Instruction::Backup(_) | Instruction::Merge(_) => None,
    });
    wanted.collect()
}

#[test]
fn a_commit_becomes_what_the_rules_say_in_their_order() {
    // What is backed up: member, generation, content, base; and what it becomes.
    type Case = (&'static str, MemberId, (&'static str, u8, u8), Option<(u8, u64, u8)>, Outcome);
    let cases: [Case; 8] = [
        ("a: the head's text", A, ("json", 10, 10), None, Outcome::Standing(version(1))),
        (
            "b: the base's text, as this file says it",
            C,
            ("toml", 21, 10),
            Some((1, 2, 21)),
            Outcome::Standing(version(1)),
        ),
        (
            "b does not hold for a base that it stands on no more",
            C,
            ("toml", 21, 11),
            Some((2, 1, 21)),
            Outcome::NewHead(version(7)),
        ),
        ("c: the parent is the head", A, ("json", 11, 11), None, Outcome::NewHead(version(7))),
        ("c: only the text differs", A, ("json", 11, 10), None, Outcome::NewHead(version(7))),
        ("c: the base is what it stands on", C, ("toml", 22, 12), Some((1, 2, 20)), Outcome::NewHead(version(7))),
        ("an unknown base changes nothing", A, ("json", 11, 11), Some((77, 9, 11)), Outcome::NewHead(version(7))),
        (
            "a base of a later generation is taken first",
            B,
            ("json", 12, 12),
            Some((1, 2, 10)),
            Outcome::NewHead(version(7)),
        ),
    ];
    for (what, member, content, base, outcome) in cases {
        let mut group = group(Conflict::Merge);
        assert_eq!(backed_up(&mut group, member, 3, 7, content, base), outcome, "{what}");
        assert_eq!(backed_up(&mut group, member, 3, 7, content, base), Outcome::Ignored, "{what}: once more");
    }
}

#[test]
fn when_two_edits_meet_the_policy_decides() {
    // After A's edit 7 (value 11) became the head: B's edit, then what it becomes, and whether B waits for a person.
    let cases = [
        (Conflict::Merge, ("json", 12, 12), Outcome::Branch(version(8)), true),
        (Conflict::Manual, ("json", 12, 12), Outcome::Branch(version(8)), true),
        (Conflict::Newest, ("json", 12, 12), Outcome::NewHead(version(8)), false),
        (Conflict::Prefer(B), ("json", 12, 12), Outcome::NewHead(version(8)), false),
        (Conflict::Prefer(A), ("json", 12, 12), Outcome::Branch(version(8)), false),
        (Conflict::Prefer(C), ("json", 12, 12), Outcome::Branch(version(8)), true),
        (Conflict::Merge, ("json", 11, 11), Outcome::Standing(version(7)), false),
        (Conflict::Merge, ("yaml", 31, 11), Outcome::NewHead(version(8)), false),
    ];
    for (policy, content, outcome, waits) in cases {
        let mut group = group(policy);
        backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
        assert_eq!(backed_up(&mut group, B, 2, 8, content, None), outcome, "{policy:?} {content:?}");
        assert_eq!(group.is_open(version(8)), waits, "{policy:?} {content:?}");
        assert_eq!(group.open_branches().is_empty(), !waits);
        if let Outcome::NewHead(_) = outcome {
            assert_eq!(group.head_version().unwrap().parents, [version(7), version(1)], "{policy:?}");
        }
    }
}

#[test]
fn a_commit_tells_of_a_restore_whose_report_was_lost() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    // B restored version 7 as generation 2, and went on to edit.
    assert_eq!(backed_up(&mut group, B, 3, 8, ("json", 12, 12), Some((7, 2, 11))), Outcome::NewHead(version(8)));
    assert_eq!(group.head_version().unwrap().parents, [version(7)]);
}

#[test]
fn a_restore_carries_the_newest_text_of_the_members_own_form() {
    let mut group = group(Conflict::Merge);
    assert_eq!(restores(&group), []);
    backed_up(&mut group, C, 3, 7, ("toml", 22, 12), Some((1, 2, 20)));
    // A and B read JSON: their newest text is version 1's.
    assert_eq!(restores(&group), [(A, version(7), Some(version(1)), 1), (B, version(7), Some(version(1)), 1)]);
    report(&mut group, A, 2, None);
    // A has an edit now: nothing is restored over it.
    assert_eq!(restores(&group), [(B, version(7), Some(version(1)), 1)]);
    assert_eq!(instructions(&group).len(), 2);
    assert_eq!(report(&mut group, B, 2, Some((7, 2))), ReportOutcome::Changed);
    assert_eq!(report(&mut group, B, 2, Some((7, 2))), ReportOutcome::Known);
    assert_eq!(restores(&group), []);
}

#[test]
fn members_agree_with_a_head_that_says_the_same() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    // B and C made the same edit at the same time, C in TOML; A goes on.
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    backed_up(&mut group, C, 3, 9, ("toml", 32, 12), Some((1, 2, 20)));
    assert_eq!(group.open_branches(), [version(8), version(9)]);
    backed_up(&mut group, A, 3, 10, ("json", 12, 12), None);
    assert_eq!(group.open_branches(), []);
    assert_eq!(group.members[&B].standing, Some(version(10)), "the same text: nothing is to be written");
    assert!(group.versions[&version(9)].merged, "the same value in another format: a parent of the head");
    assert_eq!(group.head_version().unwrap().parents, [version(7), version(9)]);
    assert_eq!(restores(&group), [(C, version(10), Some(version(9)), 3)]);
}

#[test]
fn a_member_that_was_passed_over_agrees_once_its_report_is_committed() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, C, 3, 8, ("toml", 32, 12), Some((1, 2, 20)));
    assert_eq!(group.open_branches(), [version(8)]);
    // C edits, and back again; meanwhile the head comes to say what C's branch says.
    report(&mut group, C, 5, None);
    backed_up(&mut group, A, 3, 9, ("json", 12, 12), None);
    assert_eq!(group.open_branches(), [version(8)], "what C holds now is not known");
    assert_eq!(backed_up(&mut group, C, 5, 10, ("toml", 32, 12), None), Outcome::Standing(version(8)));
    assert_eq!(group.open_branches(), []);
    assert_eq!(group.head_version().unwrap().parents, [version(7), version(8)]);
}

#[test]
fn a_conflict_ends_only_as_the_person_saw_it() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    let mut record = group.versions[&version(8)].record.clone();
    record.version = version(9);
    let mut resolve = |head, branches: &[VersionId], record: &Record| {
        group.resolve(Kind::Resolve, Some(head), branches, record, 2).map_err(|e| e.to_string())
    };
    assert!(resolve(version(1), &[version(8)], &record).unwrap_err().contains("moved on"));
    assert!(resolve(version(7), &[version(2)], &record).unwrap_err().contains("not open"));
    let used = Record { version: version(2), ..record.clone() };
    assert!(resolve(version(7), &[version(8)], &used).is_err());
    let other = Record { group: GroupId([8; 16]), ..record.clone() };
    assert!(resolve(version(7), &[version(8)], &other).is_err());
    assert_eq!(resolve(version(7), &[version(8)], &record), Ok(version(9)));
    assert_eq!(group.open_branches(), []);
    assert_eq!(group.head_version().unwrap().parents, [version(7), version(8)]);
    assert_eq!(group.members[&B].standing, Some(version(9)), "B has that text already");
}

#[test]
fn whoever_adopts_has_joined_once_it_holds_the_head() {
    let mut group = group(Conflict::Merge);
    let d = MemberId([4; 16]);
    group
        .members
        .insert(d, Member { condition: Condition::Missing("the file".to_owned()), ..member(d, "json", Join::Adopt) });
    assert_eq!(restores(&group), [(d, version(1), None, 0)], "what is missing is made");
    report(&mut group, d, 1, Some((1, 1)));
    assert_eq!(group.members[&d].join, Join::Done);
    assert_eq!(
        backed_up(&mut group, d, 2, 7, ("json", 11, 11), Some((1, 1, 10))),
        Outcome::NewHead(version(7)),
        "its first edit is an edit"
    );
}

#[test]
fn what_has_not_joined_and_is_missing_is_made() {
    let d = MemberId([4; 16]);
    type Case = (Join, fn(&mut Member), bool);
    let cases: [Case; 7] = [
        (Join::Wait, |_| {}, true),
        (Join::Adopt, |_| {}, true),
        (Join::Offer, |_| {}, true),
        (Join::Done, |_| {}, false),
        (Join::Done, |m| m.on_missing = OnMissing::Create, true),
        (Join::Wait, |m| m.direction = Direction::Send, false),
        // Something stood there that is not backed up.
        (Join::Wait, |m| m.reported_gen = 1, false),
    ];
    for (join, change, made) in cases {
        let mut group = group(Conflict::Merge);
        let mut new = Member { condition: Condition::Missing("the file".to_owned()), ..member(d, "json", join) };
        change(&mut new);
        group.members.insert(d, new);
        assert_eq!(restores(&group), if made { vec![(d, version(1), None, 0)] } else { vec![] }, "{join:?}");
        let state = if made { GroupState::Syncing } else { GroupState::Suspended };
        assert_eq!(group_state(&group, |_| true), state, "{join:?}");
    }
    // Before its machine agreed, nothing is.
    let mut group = group(Conflict::Merge);
    group.members.insert(d, Member { condition: Condition::AwaitingConsent, ..member(d, "json", Join::Wait) });
    assert_eq!(restores(&group), []);
}

#[test]
fn where_nothing_stands_the_first_content_begins() {
    let mut group = Group::new(GroupId([9; 16]), "rules", Policy::default());
    group.members.insert(A, member(A, "json", Join::Wait));
    group.members.insert(B, member(B, "json", Join::Offer));
    report(&mut group, A, 1, None);
    let set = |group: &mut Group, condition: Condition| group.members.get_mut(&B).unwrap().condition = condition;
    for condition in [Condition::Fine, Condition::AwaitingConsent, Condition::Suspended("unparsable".into())] {
        set(&mut group, condition.clone());
        assert_eq!((instructions(&group), group.origin().map(|m| m.id)), (vec![], Some(B)), "{condition:?}");
    }
    // It had something, which is not backed up yet, before it went missing.
    let mut had = group.clone();
    report(&mut had, B, 1, None);
    set(&mut had, Condition::Missing("the file".into()));
    assert!(had.waits_for_origin());
    set(&mut group, Condition::Missing("the file".into()));
    assert!(!group.waits_for_origin());
    assert_eq!(instructions(&group).len(), 1);
    assert_eq!(backed_up(&mut group, A, 1, 1, ("json", 10, 10), None), Outcome::NewHead(version(1)));
    assert_eq!(restores(&group), [(B, version(1), None, 0)]);
    // What appears there first after all is not taken for the content that begins.
    report(&mut group, B, 1, None);
    assert_eq!(backed_up(&mut group, B, 1, 2, ("json", 20, 20), None), Outcome::Branch(version(2)));
    assert_eq!((group.head, group_state(&group, |_| true)), (Some(version(1)), GroupState::Conflict));
}

#[test]
fn giving_way_keeps_what_was_there_and_takes_the_head() {
    let mut group = group(Conflict::Merge);
    assert!(!group.give_way(B), "it has nothing to give");
    assert!(!group.give_way(MemberId([8; 16])));
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    // An open branch.
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    assert!(group.give_way(B));
    assert_eq!(group.open_branches(), []);
    assert_eq!(restores(&group), [(B, version(7), None, 2), (C, version(7), None, 2)]);
    assert_eq!(group.members[&B].join, Join::Done, "its next edit is an edit");
    // An edit that is not backed up yet.
    report(&mut group, C, 3, Some((1, 2)));
    assert!(group.give_way(C));
    assert_eq!(backed_up(&mut group, C, 3, 9, ("toml", 40, 40), Some((1, 2, 20))), Outcome::Branch(version(9)));
    assert!(group.versions.contains_key(&version(9)) && !group.is_open(version(9)));
    assert_eq!(restores(&group).len(), 2);
}

#[test]
fn what_a_person_makes_after_giving_way_is_an_edit() {
    let conditions = [
        (Condition::Suspended("it does not parse".into()), false),
        (Condition::HardLinked("two names".into()), false),
        (Condition::Missing("gone".into()), true),
        (Condition::NoFile("gone".into()), true),
    ];
    for (condition, is_made) in conditions {
        let mut group = group(Conflict::Merge);
        group.members.get_mut(&B).unwrap().condition = condition.clone();
        assert!(group.give_way(B));
        let made: Vec<MemberId> = restores(&group).iter().map(|restore| restore.0).collect();
        assert_eq!(made, if is_made { vec![B] } else { vec![] }, "{condition:?}");
        // It is put right by hand, with something new in it.
        group.members.get_mut(&B).unwrap().condition = Condition::Fine;
        assert_eq!(backed_up(&mut group, B, 2, 7, ("json", 11, 11), Some((1, 1, 10))), Outcome::NewHead(version(7)));
    }
    // What can be read is what gives way.
    let mut group = group(Conflict::Merge);
    group.members.get_mut(&B).unwrap().condition = Condition::Doubtful("emptied".into());
    assert!(group.give_way(B));
    assert_eq!(backed_up(&mut group, B, 2, 7, ("json", 11, 11), Some((1, 1, 10))), Outcome::Branch(version(7)));
}

#[test]
fn directions_and_pauses() {
    let mut group = group(Conflict::Merge);
    group.members.get_mut(&B).unwrap().direction = Direction::Receive;
    group.members.get_mut(&C).unwrap().direction = Direction::Send;
    assert_eq!(backed_up(&mut group, B, 2, 7, ("json", 11, 11), None), Outcome::Branch(version(7)));
    assert_eq!(restores(&group), [(B, version(1), None, 2)], "what only receives goes back to the head");
    assert_eq!(backed_up(&mut group, A, 2, 8, ("json", 12, 12), None), Outcome::NewHead(version(8)));
    assert_eq!(restores(&group), [(B, version(8), None, 2)], "nothing is restored into what only sends");
    assert_eq!(
        backed_up(&mut group, C, 3, 9, ("toml", 33, 13), None),
        Outcome::NewHead(version(9)),
        "what only sends is the next version"
    );
    group.paused = true;
    assert_eq!(instructions(&group), []);
    assert_eq!(instruction(&group, &group.members[&A]), None);
    group.paused = false;
    group.members.get_mut(&A).unwrap().paused = true;
    assert_eq!(restores(&group), [(B, version(9), Some(version(8)), 2)]);
    for condition in [Condition::AwaitingConsent, Condition::Missing("x".into()), Condition::Suspended("y".into())] {
        group.members.get_mut(&B).unwrap().condition = condition;
        assert_eq!(instructions(&group), []);
    }
}

/// Member, base, head and branch of every merge that is planned.
fn merges(group: &Group) -> Vec<(MemberId, VersionId, VersionId, VersionId)> {
    let wanted = instructions(group).into_iter().filter_map(|i| match i {
        Instruction::Merge(m) => Some((m.member, m.base.version, m.head.version, m.branch.version)),
        Instruction::Backup(_) | Instruction::Restore(_) => None,
    });
    wanted.collect()
}

#[test]
fn a_branch_is_merged_by_the_member_that_stands_on_it() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    assert_eq!(merges(&group), [(B, version(1), version(7), version(8))]);
    assert_eq!(group_state(&group, |_| true), GroupState::Syncing, "an edit on its way, no conflict");
    // An edit that is not committed comes first; what it became is merged then, from the same base.
    report(&mut group, B, 3, None);
    assert_eq!(merges(&group), []);
    backed_up(&mut group, B, 3, 9, ("json", 13, 13), None);
    assert_eq!(merges(&group), [(B, version(1), version(7), version(9))]);
    // Meanwhile the head moves: what was merged with the other one is not taken.
    backed_up(&mut group, A, 3, 10, ("json", 14, 14), None);
    let made = Record { version: version(20), ..group.versions[&version(9)].record.clone() };
    let moved = group.resolve(Kind::Merge, Some(version(7)), &[version(9)], &made, 2).unwrap_err();
    assert!(moved.to_string().contains("moved on"));
    assert!(!group.cannot_merge(version(9), version(7), "late"));
    assert_eq!(merges(&group), [(B, version(1), version(10), version(9))]);
    let made = Record { text: Fingerprint([15; 32]), value: Fingerprint([15; 32]), ..made };
    assert_eq!(group.resolve(Kind::Merge, Some(version(10)), &[version(9)], &made, 2), Ok(version(20)));
    assert_eq!((merges(&group), group.open_branches()), (vec![], vec![]));
    assert_eq!(group.head_version().unwrap().parents, [version(10), version(9)]);
    assert!(group.versions[&version(8)].merged, "the edit before it, too");
    assert_eq!(restores(&group).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(), [A, B, C].map(|m| (m, version(20))));
    assert!(group.resolve(Kind::Merge, Some(version(20)), &[version(9)], &made, 2).is_err(), "once");
}

#[test]
fn what_does_not_go_together_is_tried_again_with_another_head() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    assert!(group.cannot_merge(version(8), version(7), "`/a`: changed on both sides"));
    assert_eq!(merges(&group), []);
    assert_eq!(group_state(&group, |_| true), GroupState::Conflict);
    assert_eq!(group.unmergeable(version(8)), Some("`/a`: changed on both sides"));
    backed_up(&mut group, A, 3, 9, ("json", 13, 13), None);
    assert_eq!(group.unmergeable(version(8)), None);
    assert_eq!(merges(&group), [(B, version(1), version(9), version(8))]);
}

#[test]
fn a_branch_that_is_too_long_waits_for_a_person() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    for edit in 1..=plan::MERGE_DEPTH as u64 {
        let mut id = [200; 16];
        id[..8].copy_from_slice(&edit.to_be_bytes());
        let (version, text) = (VersionId(id), Fingerprint([id; 2].concat().try_into().unwrap()));
        let record =
            Record { version, text, value: text, member: B, ..group.versions[&group.head.unwrap()].record.clone() };
        let record = Record { generation: 1 + edit, ..record };
        let done = BackedUp { base: None, base_gen: 0, base_fp: Fingerprint::ABSENT, record };
        assert_eq!(group.commit(&done, 1).unwrap(), Outcome::Branch(version));
        // What both grew from is one of those that are looked at.
        let is_short = edit < plan::MERGE_DEPTH as u64;
        assert_eq!(group.merge_base(version).is_some(), is_short, "{edit}");
        assert_eq!(merges(&group).len(), usize::from(is_short));
    }
    assert_eq!(group_state(&group, |_| true), GroupState::Conflict);
}

/// The manager's database was put back: B had held a version that is lost, and nobody at B saw the one that says what B had before it.
#[test]
fn what_was_agreed_without_its_agent_is_no_parent_of_what_was_made_of_a_lost_version() {
    let bases = [
        (Some((77, 2, 30)), Outcome::Branch(version(9))),
        (Some((77, 1, 10)), Outcome::NewHead(version(9))),
        (Some((1, 1, 10)), Outcome::NewHead(version(9))),
        (None, Outcome::NewHead(version(9))),
    ];
    for (base, outcome) in bases {
        let mut group = group(Conflict::Merge);
        backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
        let again = Record { version: version(8), ..group.versions[&version(1)].record.clone() };
        group.resolve(Kind::Restore, Some(version(7)), &[], &again, 2).unwrap();
        assert_eq!(group.members[&B].standing, Some(version(8)));
        assert_eq!(backed_up(&mut group, B, 3, 9, ("json", 13, 13), base), outcome, "{base:?}");
        // From here on it stands on what it brought itself.
        let next = if matches!(outcome, Outcome::Branch(_)) {
            Outcome::Branch(version(10))
        } else {
            Outcome::NewHead(version(10))
        };
        assert_eq!(backed_up(&mut group, B, 4, 10, ("json", 14, 14), Some((78, 3, 30))), next, "{base:?}");
        assert_eq!(merges(&group), [], "it waits for a person");
    }
}

#[test]
fn two_branches_are_merged_one_after_the_other() {
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    backed_up(&mut group, C, 3, 9, ("toml", 32, 13), Some((1, 2, 20)));
    let both = [(B, version(1), version(7), version(8)), (C, version(1), version(7), version(9))];
    assert_eq!(merges(&group), both);
    let made =
        Record { version: version(20), text: Fingerprint([14; 32]), ..group.versions[&version(8)].record.clone() };
    group.resolve(Kind::Merge, Some(version(7)), &[version(8)], &made, 2).unwrap();
    assert_eq!(merges(&group), [(C, version(1), version(20), version(9))]);
}

#[test]
fn what_is_never_merged_by_itself() {
    // A content that joined.
    let mut joined = group(Conflict::Merge);
    let d = MemberId([4; 16]);
    joined.members.insert(d, member(d, "json", Join::Wait));
    backed_up(&mut joined, d, 1, 7, ("json", 40, 40), None);
    assert_eq!((merges(&joined), joined.open_branches()), (vec![], vec![version(7)]));
    backed_up(&mut joined, d, 2, 8, ("json", 41, 41), None);
    assert_eq!((merges(&joined), joined.open_branches()), (vec![], vec![version(8)]), "nor what grew from it");
    assert_eq!(group_state(&joined, |_| true), GroupState::Conflict);
    // Other policies.
    for policy in [Conflict::Manual, Conflict::Newest, Conflict::Prefer(A), Conflict::Prefer(C)] {
        let mut group = group(policy);
        backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
        backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
        assert_eq!(merges(&group), [], "{policy:?}");
    }
    // What a person gave up, and went on to edit before the head arrived.
    let mut group = group(Conflict::Merge);
    backed_up(&mut group, A, 2, 7, ("json", 11, 11), None);
    backed_up(&mut group, B, 2, 8, ("json", 12, 12), None);
    let waiting = group.clone();
    group.give_way(B);
    backed_up(&mut group, B, 3, 9, ("json", 13, 13), None);
    assert_eq!((merges(&group), group.open_branches()), (vec![], vec![version(9)]));
    // Members that cannot work.
    let cases: [fn(&mut Group); 5] = [
        |g| g.paused = true,
        |g| g.members.get_mut(&B).unwrap().paused = true,
        |g| g.members.get_mut(&B).unwrap().condition = Condition::Missing("x".into()),
        |g| g.members.get_mut(&B).unwrap().condition = Condition::Suspended("x".into()),
        |g| g.policy.conflict = Conflict::Manual,
    ];
    for change in cases {
        let mut group = waiting.clone();
        assert_eq!(merges(&group).len(), 1);
        change(&mut group);
        assert_eq!(merges(&group), []);
    }
    // A base that is not there.
    let mut group = waiting;
    group.versions.remove(&version(1));
    assert_eq!(merges(&group), []);
}
