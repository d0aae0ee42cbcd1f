//! What the manager says.

use plan::MemberId;
use wire::v1::{self, from_agent, to_agent};

use super::{Engine, Happened};
use crate::inspect;
use crate::step::{Event, Instruction, MergeInstruction};
use crate::stream::Stream;

/// So many questions are answered at a time.
const QUESTIONS: usize = 8;

impl Engine {
    pub(super) async fn streamed(&mut self, stream: Stream) {
        match stream {
            Stream::Up(number, sender) => {
                tracing::info!("connected to the manager");
                self.connected.cancel();
                self.stream = Some((number, sender));
                self.handle(Event::Online).await;
                self.say_seals().await;
            }
            Stream::Down(number) => {
                if self.stream.as_ref().is_some_and(|(current, _)| *current == number) {
                    self.stream = None;
                    self.handle(Event::Offline).await;
                }
            }
            Stream::Message(number, message) => {
                if self.stream.as_ref().is_some_and(|(current, _)| *current == number)
                    && let Err(error) = self.told(*message).await
                {
                    tracing::warn!(%error, "the manager said something that means nothing");
                }
            }
        }
    }

    async fn told(&mut self, message: v1::ToAgent) -> Result<(), wire::WireError> {
        let Some(message) = message.message else { return Ok(()) };
        match message {
            to_agent::Message::Welcome(_) => {}
            to_agent::Message::Members(members) => self.members(members).await?,
            to_agent::Message::Acknowledged(ack) => {
                let member = wire::id("member", &ack.member, MemberId)?;
                if !ack.refused.is_empty() {
                    tracing::warn!(member = %member.short(), why = ack.refused, "the manager refused what was sent");
                }
                let event = Event::Acknowledged { member, generation: ack.generation, committed: ack.committed };
                self.handle(event).await;
            }
            to_agent::Message::Backup(backup) => {
                let member = wire::id("member", &backup.member, MemberId)?;
                let job = wire::id("job", &backup.job, plan::JobId)?;
                self.handle(Event::Backup { member, job, generation: backup.generation }).await;
            }
            to_agent::Message::Restore(restore) => {
                let instruction = self.instruction(&restore)?;
                self.handle(Event::Restore(Box::new(instruction))).await;
            }
            to_agent::Message::Merge(merge) => {
                let instruction = self.merge_instruction(&merge)?;
                self.handle(Event::Merge(Box::new(instruction))).await;
            }
            to_agent::Message::Inspect(request) => self.ask(request).await,
            to_agent::Message::Accept(accept) if !accept.machine.is_empty() => self.handle(Event::Release).await,
            to_agent::Message::Accept(accept) => {
                let member = wire::id("id", &accept.id, MemberId)?;
                self.handle(Event::Accept { member, give_way: accept.give_way }).await;
            }
        }
        Ok(())
    }

    fn instruction(&self, restore: &v1::Restore) -> Result<Instruction, wire::WireError> {
        let record = wire::from_record(restore.record.as_ref().ok_or(wire::WireError::Missing("record"))?)?;
        let text_base = restore.text_base.as_ref().map(wire::from_record).transpose()?;
        let keys = &self.tools.keys;
        let authentic = keys.is_authentic(&record) && text_base.as_ref().is_none_or(|base| keys.is_authentic(base));
        Ok(Instruction {
            member: wire::id("member", &restore.member, MemberId)?,
            job: wire::id("job", &restore.job, plan::JobId)?,
            group: wire::id("group", &restore.group, plan::GroupId)?,
            record,
            text_base,
            authentic,
            expected_gen: restore.expected_gen,
            create: restore.create,
        })
    }

    fn merge_instruction(&self, merge: &v1::Merge) -> Result<MergeInstruction, wire::WireError> {
        let record =
            |record: &Option<v1::Record>| wire::from_record(record.as_ref().ok_or(wire::WireError::Missing("record"))?);
        let (base, head, branch) = (record(&merge.base)?, record(&merge.head)?, record(&merge.branch)?);
        let authentic = [&base, &head, &branch].iter().all(|record| self.tools.keys.is_authentic(record));
        Ok(MergeInstruction {
            member: wire::id("member", &merge.member, MemberId)?,
            job: wire::id("job", &merge.job, plan::JobId)?,
            group: wire::id("group", &merge.group, plan::GroupId)?,
            base,
            head,
            branch,
            authentic,
        })
    }

    async fn ask(&mut self, request: v1::InspectRequest) {
        if self.questions >= QUESTIONS {
            let refused = "this agent is asked too much at a time".to_owned();
            let reply = v1::InspectReply { id: request.id, path: request.path, refused, ..Default::default() };
            self.say(from_agent::Message::Inspected(reply), 0).await;
            return;
        }
        self.questions += 1;
        let (tools, home) = (self.tools.clone(), self.user_home.clone());
        self.start(async move { Happened::Answered(Box::new(inspect::inspect(tools, home, request).await)) });
    }
}
