//! Merging: the member's own branch with the head. Nothing is written to the file: the restore of what comes of it does that.

use plan::{Condition, MemberId};

use super::words::{Effect, MergeAnswer, MergeInstruction, Merged};
use super::{Member, Millis, Operation, Queued};

impl Member {
    pub(super) fn instructed_merge(
        &mut self,
        id: MemberId,
        instruction: Box<MergeInstruction>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if self.operation.is_some() {
            self.queued = Some(Queued::Merge(instruction));
            return;
        }
        if let Some(why) = self.refuses(&instruction) {
            self.report(id, now, Some(instruction.job), why, effects);
            return;
        }
        // The branch must be what stands in the file: an edit that the manager does not know of yet goes before.
        let stands =
            self.entry.fingerprint == Some(instruction.branch.text) && self.shape() == instruction.branch.shape;
        if self.condition != Condition::Fine || !stands {
            self.report(id, now, Some(instruction.job), "", effects);
            return;
        }
        if let Some(answer) = &self.answer
            && answer.instruction == *instruction
        {
            effects.push(Effect::Answer(answer.clone()));
            return;
        }
        self.operation = Some(Operation::Merge(instruction.clone()));
        effects.push(Effect::Merge(instruction));
    }

    fn refuses(&self, instruction: &MergeInstruction) -> Option<&'static str> {
        let MergeInstruction { base, head, branch, group, .. } = instruction;
        let ours = self.assignment.group;
        if *group != ours || [base, head, branch].iter().any(|record| record.group != ours) {
            Some("the copy belongs to another group")
        } else if !instruction.authentic {
            Some("the version's record was not made by a holder of the repository's key")
        } else if self.left.contains(&head.version) {
            // What was left would come back as if somebody had edited it.
            Some("this member has already left that version")
        } else {
            None
        }
    }

    pub(super) fn merged(&mut self, id: MemberId, merged: Merged, now: Millis, effects: &mut Vec<Effect>) {
        let instruction = match self.operation.take() {
            Some(Operation::Merge(instruction)) => instruction,
            other => {
                self.operation = other;
                return;
            }
        };
        let job = instruction.job;
        match merged {
            Merged::Done(copied) => self.answer(*instruction, Ok(*copied), effects),
            Merged::Clash(clash) => self.answer(*instruction, Err(clash), effects),
            Merged::Failed(condition) => self.fail(id, condition, job, now, effects),
        }
        self.next(id, now, effects);
    }

    fn answer(
        &mut self,
        instruction: MergeInstruction,
        result: Result<super::Copied, super::Clash>,
        effects: &mut Vec<Effect>,
    ) {
        let answer = Box::new(MergeAnswer { instruction, generation: self.entry.generation, result });
        self.answer = Some(answer.clone());
        effects.push(Effect::Answer(answer));
    }
}
