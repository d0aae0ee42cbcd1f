//! The manager's decisions about a group, whatever agents say and people ask for, and what the planner makes of it.
#![no_main]

use fuzz::pool::Pool;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use plan::{
    AgentId, Conflict, Direction, Group, GroupId, Instruction, Join, Kind, Member, MemberId, OnMissing, Policy,
    group_state, instructions, member_state,
};

fuzz_target!(|data: &[u8]| {
    fuzz::memory::bounded(data.len() * 16, || {
        let _ = run(Pool(Unstructured::new(data)));
    });
});

fn run(mut pool: Pool<'_>) -> Result<()> {
    let conflict = match pool.below(4)? {
        0 => Conflict::Merge,
        1 => Conflict::Newest,
        2 => Conflict::Manual,
        _ => Conflict::Prefer(pool.member()?),
    };
    let mut group = Group::new(GroupId([1; 16]), "g", Policy { conflict });
    for _ in 0..=pool.below(4)? {
        let member = member(&mut pool)?;
        group.members.insert(member.id, member);
    }
    let mut now = 0;
    while !pool.is_empty() {
        now += 1;
        step(&mut pool, &mut group, now)?;
        check(&group);
    }
    Ok(())
}

fn member(pool: &mut Pool<'_>) -> Result<Member> {
    Ok(Member {
        id: pool.member()?,
        agent: AgentId([1; 16]),
        path: "/a".to_owned(),
        selector: "json:/a".to_owned(),
        shape: pool.shape()?,
        direction: [Direction::Both, Direction::Send, Direction::Receive][usize::from(pool.below(3)?)],
        join: [Join::Offer, Join::Adopt, Join::Wait, Join::Done][usize::from(pool.below(4)?)],
        on_missing: [OnMissing::Suspend, OnMissing::Create, OnMissing::Delete][usize::from(pool.below(3)?)],
        paused: false,
        condition: pool.condition()?,
        reported_gen: 0,
        committed_gen: 0,
        standing: None,
        agreed: false,
        restored_at: 0,
    })
}

fn step(pool: &mut Pool<'_>, group: &mut Group, now: u64) -> Result<()> {
    match pool.below(10)? {
        0..=2 => drop(group.report(&pool.report()?)),
        3..=5 => drop(group.commit(&pool.backed_up()?, now)),
        6 => {
            let kind = [Kind::Merge, Kind::Restore, Kind::Resolve][usize::from(pool.below(3)?)];
            let open = group.open_branches();
            let branches = if pool.below(2)? == 0 { open } else { vec![pool.version()?] };
            let head = if pool.below(4)? == 0 { pool.perhaps(Pool::version)? } else { group.head };
            let _ = group.resolve(kind, head, &branches, &pool.record()?, now);
        }
        7 => drop(group.give_way(pool.member()?)),
        8 => {
            let member = member(pool)?;
            group.members.entry(member.id).or_insert(member);
        }
        _ => {
            let id = pool.member()?;
            match pool.below(3)? {
                0 => drop(group.members.remove(&id)),
                1 => group.paused = !group.paused,
                _ => group.members.values_mut().for_each(|member| member.paused ^= member.id == id),
            }
        }
    }
    Ok(())
}

fn check(group: &Group) {
    let planned = instructions(group);
    assert_eq!(instructions(group), planned, "asked twice it answers the same");
    for instruction in &planned {
        let member = &group.members[&instruction.member()];
        assert!(!group.paused && !member.paused);
        match instruction {
            Instruction::Backup(backup) => assert_eq!(backup.generation, member.reported_gen),
            Instruction::Restore(restore) => {
                assert!(member.reported_gen <= member.committed_gen, "an edit that is not backed up is overwritten");
                assert!(member.standing.is_none_or(|standing| !group.is_open(standing)), "a branch is overwritten");
                assert_ne!(member.direction, Direction::Send);
                assert_eq!(restore.expected_gen, member.committed_gen);
                assert_eq!(Some(restore.record.version), group.head);
            }
            Instruction::Merge(merge) => {
                assert_eq!(Some(merge.head.version), group.head);
                assert!(group.is_open(merge.branch.version));
            }
        }
    }
    assert_eq!(group.head.is_some(), group.head_version().is_some(), "the head is a version");
    for version in group.versions.values() {
        assert!(version.record.group == group.id);
        assert!(version.number <= group.last_number);
        assert!(version.parents.iter().all(|parent| group.versions.contains_key(parent)), "parents are versions");
    }
    assert_eq!(group.versions.len() as u64, group.last_number, "no version id is used twice");
    let _ = group_state(group, |_: &Member| true);
    for member in group.members.values() {
        let _ = member_state(group, member, true);
        assert!(member.standing.is_none_or(|standing| group.versions.contains_key(&standing)));
    }
    let _: Option<MemberId> = group.origin().map(|member| member.id);
}
