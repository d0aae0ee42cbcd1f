//! Clocks order nothing: whatever the manager's clock says, the same commits in the same order become the same versions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use plan::{
    AgentId, BackedUp, Condition, Conflict, Direction, Fingerprint, Group, GroupId, Join, Kind, Member, MemberId,
    Policy, Record, Shape, VersionId,
};

const GROUP: GroupId = GroupId([9; 16]);

/// A year, in milliseconds.
const YEAR: u64 = 31_557_600_000;

fn member(n: u8, join: Join) -> Member {
    Member {
        id: MemberId([n; 16]),
        agent: AgentId([n; 16]),
        path: format!("/{n}"),
        selector: "json:/a".to_owned(),
        shape: Shape { format: "json".to_owned(), mapping: String::new() },
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

fn record(member: u8, generation: u64, version: u8) -> Record {
    Record {
        version: VersionId([version; 16]),
        group: GROUP,
        member: MemberId([member; 16]),
        generation,
        shape: Shape { format: "json".to_owned(), mapping: String::new() },
        text: Fingerprint([version; 32]),
        value: Fingerprint([version; 32]),
        size: 1,
        copy: Vec::new(),
        mac: [0; 32],
    }
}

/// Two members edit in turn, both from what they held before, so that each edit but the first meets another; then a person restores the
/// first version. What came of it, times left out.
fn story(conflict: Conflict, clock: impl Fn(u64) -> u64) -> Vec<(u64, VersionId, Kind, Vec<VersionId>, bool)> {
    let mut group = Group::new(GROUP, "clocks", Policy { conflict });
    group.members.insert(MemberId([1; 16]), member(1, Join::Offer));
    group.members.insert(MemberId([2; 16]), member(2, Join::Adopt));
    let mut version = 0;
    for generation in 1..=6 {
        for member in [1, 2] {
            version += 1;
            let record = record(member, generation, version);
            let done = BackedUp { base: None, base_gen: 0, base_fp: Fingerprint::ABSENT, record };
            group.commit(&done, clock(version.into())).unwrap();
        }
    }
    let again = record(1, 1, 99);
    group.resolve(Kind::Restore, group.head, &[], &again, clock(50)).unwrap();
    assert_eq!(group.head, Some(again.version), "what was done last is the newest");
    let mut versions: Vec<_> =
        group.versions.values().map(|v| (v.number, v.id(), v.kind, v.parents.clone(), v.merged)).collect();
    versions.sort_by_key(|(number, ..)| *number);
    versions
}

#[test]
fn the_managers_clock_orders_nothing() {
    type Clock = fn(u64) -> u64;
    let now = 55 * YEAR;
    let clocks: [(&str, Clock); 6] = [
        ("it stands still", |_| 55 * YEAR),
        ("it runs backwards, a year each time", |n| 200 * YEAR - n * YEAR),
        ("it jumps to and fro by decades", |n| if n % 2 == 0 { 90 * YEAR } else { 20 * YEAR }),
        ("it was never set", |_| 0),
        ("it is beyond everything", |_| u64::MAX),
        ("it is set back in the middle", |n| if n > 5 { 0 } else { 55 * YEAR }),
    ];
    for conflict in [
        Conflict::Merge,
        Conflict::Newest,
        Conflict::Manual,
        Conflict::Prefer(MemberId([1; 16])),
        Conflict::Prefer(MemberId([2; 16])),
    ] {
        let right = story(conflict, |n| now + n * 1_000);
        assert_eq!(right.len(), 13);
        for (what, clock) in clocks {
            assert_eq!(story(conflict, clock), right, "{conflict:?}: {what}");
        }
    }
}
