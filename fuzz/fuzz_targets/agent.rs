//! The agent's rules, whatever the manager instructs: messages as they cross the wire, between edits, copies and restores of the agent's
//! own that go well or not.
#![no_main]

use std::collections::BTreeMap;

use agent::Keys;
use agent::step::{
    Assignment, BrakeEntry, Clash, Copied, Effect, Entry, Event, Merged, Portion, Restored, Sight, Steps,
};
use fuzz::pool::Pool;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use plan::{Direction, MemberId, Record};
use prost::Message as _;
use wire::v1::{self, to_agent::Message};

fuzz_target!(|data: &[u8]| {
    fuzz::memory::bounded(data.len() * 64, || {
        let _ = World::new(Pool(Unstructured::new(data))).and_then(World::run);
    });
});

struct World<'a> {
    pool: Pool<'a>,
    keys: Keys,
    steps: Steps,
    now: u64,
    /// What each member is at.
    under_way: BTreeMap<MemberId, Effect>,
    /// What the journal holds.
    entries: BTreeMap<MemberId, Entry>,
}

impl<'a> World<'a> {
    fn new(mut pool: Pool<'a>) -> Result<Self> {
        let keys = Keys::derived(|context| zeroize::Zeroizing::new([context.len() as u8; 32]));
        let mut journaled = BTreeMap::new();
        for _ in 0..pool.below(3)? {
            let entry = entry(&mut pool)?;
            let left = (0..pool.below(4)?).map(|_| pool.version()).collect::<Result<_>>()?;
            journaled.insert(pool.member()?, (entry, left));
        }
        let entries = journaled.iter().map(|(id, (entry, _))| (*id, entry.clone())).collect();
        Ok(World {
            pool,
            keys,
            steps: Steps::new(journaled, BrakeEntry::default()),
            now: 0,
            under_way: BTreeMap::new(),
            entries,
        })
    }

    fn run(mut self) -> Result<()> {
        self.step(Event::Online);
        while !self.pool.is_empty() {
            self.now += u64::from(self.pool.below(4)?) * 3_000;
            match self.pool.below(10)? {
                0..=4 => self.told()?,
                5 => {
                    let member = self.pool.member()?;
                    self.step(Event::Touched(member));
                }
                6 => self.step(Event::Tick),
                7 => {
                    let online = self.pool.below(2)? == 0;
                    self.step(if online { Event::Online } else { Event::Offline });
                }
                _ => self.answer()?,
            }
        }
        Ok(())
    }

    /// The manager says something, in bytes.
    fn told(&mut self) -> Result<()> {
        let message = self.message()?;
        let bytes = v1::ToAgent { message: Some(message) }.encode_to_vec();
        let message = v1::ToAgent::decode(&bytes[..]).ok().and_then(|message| message.message).expect("it was encoded");
        if let Message::Members(members) = &message {
            for assigned in &members.assigned {
                if let Ok((member, assignment, _)) = agent::fuzzing::assignment(assigned) {
                    self.step(Event::Assigned(member, Box::new(assignment)));
                }
            }
            for removed in &members.removed {
                if let Ok(member) = wire::id("removed", removed, MemberId) {
                    self.step(Event::Removed(member));
                    self.under_way.remove(&member);
                    self.entries.remove(&member);
                }
            }
        }
        if let Ok(Some(event)) = agent::fuzzing::event(&self.keys, &message) {
            self.step(event);
        }
        Ok(())
    }

    fn message(&mut self) -> Result<Message> {
        let pool = &mut self.pool;
        let member = pool.member()?.0.to_vec();
        let job = pool.job()?.0.to_vec();
        let group = pool.group()?.0.to_vec();
        Ok(match pool.below(8)? {
            0 | 1 => {
                let assignment = v1::Assignment {
                    member: member.clone(),
                    group,
                    group_name: "g".to_owned(),
                    path: "/a".to_owned(),
                    selector: "json:/a".to_owned(),
                    mapping: pool.shape()?.mapping,
                    direction: pool.below(4)?.into(),
                    create: pool.below(2)? == 0,
                    delete: pool.below(2)? == 0,
                    paused: pool.below(4)? == 0,
                };
                let removed = if pool.below(6)? == 0 { vec![member] } else { Vec::new() };
                Message::Members(v1::Members { whole: false, assigned: vec![assignment], removed })
            }
            2 => Message::Acknowledged(v1::Acknowledged {
                member,
                generation: pool.generation()?,
                refused: String::new(),
                committed: pool.below(2)? == 0,
            }),
            3 => Message::Backup(v1::Backup { job, group, member, generation: pool.generation()? }),
            4 | 5 => {
                let record = self.record()?;
                let text_base = if self.pool.below(3)? == 0 { Some(self.record()?) } else { None };
                let expected_gen = self.pool.generation()?;
                let create = self.pool.below(2)? == 0;
                Message::Restore(v1::Restore {
                    job,
                    group,
                    member,
                    record: Some(record),
                    text_base,
                    expected_gen,
                    create,
                })
            }
            6 => {
                let (base, head, branch) = (Some(self.record()?), Some(self.record()?), Some(self.record()?));
                Message::Merge(v1::Merge { job, group, member, base, head, branch })
            }
            _ => Message::Accept(v1::AcceptRequest {
                id: member,
                give_way: pool.below(2)? == 0,
                ..v1::AcceptRequest::default()
            }),
        })
    }

    /// A record: of a key holder, or forged.
    fn record(&mut self) -> Result<v1::Record> {
        let mut record: Record = self.pool.record()?;
        if self.pool.below(4)? != 0 {
            self.keys.sign(&mut record);
        }
        Ok(wire::record(&record))
    }

    /// What a member is at comes to an end.
    fn answer(&mut self) -> Result<()> {
        let member = self.pool.member()?;
        let Some(effect) = self.under_way.remove(&member) else { return Ok(()) };
        let pool = &mut self.pool;
        let event = match effect {
            Effect::Look(_) => Event::Looked(member, sight(pool)?),
            Effect::BackUp(_) if pool.below(4)? == 0 => Event::NotCopied(member, pool.condition()?),
            Effect::BackUp(_) => Event::Copied(member, Box::new(copied(pool)?)),
            Effect::Restore { .. } => {
                let restored = match pool.below(6)? {
                    0 => Restored::Changed(sight(pool)?),
                    1 => Restored::Refused("no".to_owned()),
                    2 => Restored::Failed(pool.condition()?),
                    _ => Restored::Done(portion(pool)?),
                };
                Event::Restored(member, restored)
            }
            Effect::Merge(_) => {
                let merged = match pool.below(3)? {
                    0 => Merged::Clash(Clash { cause: "c".to_owned() }),
                    1 => Merged::Failed(pool.condition()?),
                    _ => Merged::Done(Box::new(copied(pool)?)),
                };
                Event::Merged(member, merged)
            }
            _ => return Ok(()),
        };
        self.step(event);
        Ok(())
    }

    fn step(&mut self, event: Event) {
        let effects = self.steps.step(self.now, event);
        assert!(effects.len() < 64, "{} effects of one event", effects.len());
        for effect in effects {
            self.allowed(&effect);
            match effect {
                Effect::Look(member) | Effect::BackUp(member) => self.begin(member, effect),
                Effect::Restore { ref instruction, .. } => self.begin(instruction.member, effect),
                Effect::Merge(ref instruction) => self.begin(instruction.member, effect),
                Effect::Journal { member, entry, .. } => {
                    let before = self.entries.insert(member, entry.clone());
                    assert!(
                        before.is_none_or(|before| before.generation <= entry.generation),
                        "a generation goes back"
                    );
                }
                Effect::Forget(member) => {
                    self.entries.remove(&member);
                    self.under_way.remove(&member);
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, member: MemberId, effect: Effect) {
        let before = self.under_way.insert(member, effect);
        assert!(before.is_none(), "a member does one operation at a time: {before:?}");
    }

    /// What the manager cannot make an agent do.
    fn allowed(&self, effect: &Effect) {
        match effect {
            Effect::Restore { instruction, expected } => {
                let member = self.steps.member(instruction.member).expect("it is a member");
                let Assignment { group, direction, .. } = &member.assignment;
                assert!(instruction.authentic, "a forged record is restored");
                assert!(instruction.group == *group && instruction.record.group == *group, "of another group");
                assert_ne!(*direction, Direction::Send, "into a member that only sends");
                assert_eq!(instruction.expected_gen, member.entry.generation, "over an edit");
                assert!(expected.is_none() || *expected == member.entry.fingerprint);
            }
            Effect::Merge(instruction) => {
                assert!(instruction.authentic, "a forged record is merged");
                assert_eq!(
                    Some(instruction.branch.text),
                    self.steps.member(instruction.member).and_then(|m| m.entry.fingerprint)
                );
            }
            Effect::Report { report, .. } => {
                let member = self.steps.member(report.member).expect("it is a member");
                assert!(report.generation <= member.entry.generation, "a generation is named that is not reached");
            }
            _ => {}
        }
    }
}

fn entry(pool: &mut Pool<'_>) -> Result<Entry> {
    Ok(Entry {
        generation: pool.below(9)?.into(),
        fingerprint: pool.perhaps(Pool::fingerprint)?,
        empty: pool.below(2)? == 0,
        base: pool.perhaps(Pool::version)?,
        base_gen: pool.below(9)?.into(),
        base_fp: pool.perhaps(Pool::fingerprint)?,
        held: pool.perhaps(Pool::version)?,
        proposed: pool.perhaps(Pool::version)?,
    })
}

fn portion(pool: &mut Pool<'_>) -> Result<Portion> {
    Ok(Portion { fingerprint: pool.fingerprint()?, format: pool.format()?, empty: pool.below(4)? == 0 })
}

fn sight(pool: &mut Pool<'_>) -> Result<Sight> {
    Ok(if pool.below(5)? == 0 { Sight::Absent(pool.condition()?) } else { Sight::Present(portion(pool)?) })
}

fn copied(pool: &mut Pool<'_>) -> Result<Copied> {
    Ok(Copied {
        portion: portion(pool)?,
        value: pool.fingerprint()?,
        size: pool.below(9)?.into(),
        copy: vec![1; 8],
        version: pool.version()?,
    })
}
