//! Copies: what is done and said when one was made, and merges, which make them from others.

use plan::{MemberId, Record, VersionId};

use super::{Engine, Happened};
use crate::journal;
use crate::point::point;
use crate::step::{Copied, Event, MergeAnswer, MergeInstruction, Merged};

impl Engine {
    pub(super) fn sign(&self, member: MemberId, generation: u64, mapping: String, copied: &Copied) -> Option<Record> {
        let assignment = &self.steps.member(member)?.assignment;
        let Copied { portion, value, size, copy, version } = copied.clone();
        let mut record = Record {
            version,
            group: assignment.group,
            member,
            generation,
            shape: portion.shape(mapping),
            text: portion.fingerprint,
            value,
            size,
            copy,
            mac: [0; 32],
        };
        self.tools.keys.sign(&mut record);
        Some(record)
    }

    pub(super) fn merge(&mut self, instruction: Box<MergeInstruction>) {
        let (tools, member) = (self.tools.clone(), instruction.member);
        match self.target(member) {
            Ok(target) => self.start(async move {
                let (merged, unsealed) = tools.merge(member, target, instruction).await;
                Happened::Merged(member, merged, unsealed)
            }),
            Err(condition) => {
                self.start(async move { Happened::Merged(member, Merged::Failed(condition), Vec::new()) });
            }
        }
    }

    /// Says what a merge came to.
    pub(super) async fn answer(&mut self, answer: MergeAnswer) {
        let MergeAnswer { instruction, generation, result } = answer;
        let MergeInstruction { member, job, head, branch, .. } = instruction;
        let result = match result {
            Ok(copied) => match self.sign(member, generation, branch.shape.mapping, &copied) {
                Some(record) => Ok(record),
                None => return,
            },
            Err(clash) => Err(clash.cause),
        };
        let answer = wire::MergeAnswer { job, member, head: head.version, branch: branch.version, result };
        if let Some(message) = wire::merge_answer(&answer).message {
            self.say(message, self.named(member)).await;
        }
    }

    /// A copy was made: the journal has it until it is sealed.
    pub(super) async fn copied(&mut self, version: VersionId, unsealed: Vec<u8>, event: Event) {
        let position = self.append([journal::Record::Unsealed(version, unsealed)]);
        point("backup: copy journaled");
        self.handle(event).await;
        // Not waited for: without it a power failure within the next second leaves the copy to `restic rebuild-index`.
        let journal = self.tools.journal.clone();
        self.running.spawn_blocking(move || journal.sync(position));
    }
}
