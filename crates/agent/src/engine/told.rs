//! What the manager says.

use plan::MemberId;
use wire::v1::{self, from_agent, to_agent};

use super::{Engine, Happened};
use crate::inspect;
use crate::keys::Keys;
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
            to_agent::Message::Inspect(request) => self.ask(request).await,
            message => {
                if let Some(event) = event(&self.tools.keys, &message)? {
                    self.handle(event).await;
                }
            }
        }
        Ok(())
    }

    async fn ask(&mut self, request: v1::InspectRequest) {
        if self.questions >= QUESTIONS {
            let refused = "this agent is asked too much at a time".to_owned();
            let reply = v1::InspectReply { id: request.id, path: request.path, refused, ..Default::default() };
            self.say(from_agent::Message::Inspected(reply), 0).await;
            return;
        }
        self.questions += 1;
        if request.look {
            self.ask_to_look(request.id);
            return;
        }
        let (tools, home) = (self.tools.clone(), self.user_home.clone());
        self.start(async move { Happened::Answered(Box::new(inspect::inspect(tools, home, request).await)) });
    }
}

/// What a message means for the rules, if it is for them. Whether its records are authentic is found out here.
pub(crate) fn event(keys: &Keys, message: &to_agent::Message) -> Result<Option<Event>, wire::WireError> {
    Ok(Some(match message {
        to_agent::Message::Welcome(_) | to_agent::Message::Members(_) | to_agent::Message::Inspect(_) => {
            return Ok(None);
        }
        to_agent::Message::Acknowledged(ack) => {
            let member = wire::id("member", &ack.member, MemberId)?;
            if !ack.refused.is_empty() {
                tracing::warn!(member = %member.short(), why = ack.refused, "the manager refused what was sent");
            }
            Event::Acknowledged { member, generation: ack.generation, committed: ack.committed }
        }
        to_agent::Message::Backup(backup) => Event::Backup {
            member: wire::id("member", &backup.member, MemberId)?,
            job: wire::id("job", &backup.job, plan::JobId)?,
            generation: backup.generation,
        },
        to_agent::Message::Restore(restore) => Event::Restore(Box::new(instruction(keys, restore)?)),
        to_agent::Message::Merge(merge) => Event::Merge(Box::new(merge_instruction(keys, merge)?)),
        to_agent::Message::Accept(accept) if !accept.machine.is_empty() => Event::Release,
        to_agent::Message::Accept(accept) => {
            Event::Accept { member: wire::id("id", &accept.id, MemberId)?, give_way: accept.give_way }
        }
    }))
}

fn instruction(keys: &Keys, restore: &v1::Restore) -> Result<Instruction, wire::WireError> {
    let record = wire::from_record(restore.record.as_ref().ok_or(wire::WireError::Missing("record"))?)?;
    let text_base = restore.text_base.as_ref().map(wire::from_record).transpose()?;
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

fn merge_instruction(keys: &Keys, merge: &v1::Merge) -> Result<MergeInstruction, wire::WireError> {
    let record =
        |record: &Option<v1::Record>| wire::from_record(record.as_ref().ok_or(wire::WireError::Missing("record"))?);
    let (base, head, branch) = (record(&merge.base)?, record(&merge.head)?, record(&merge.branch)?);
    let authentic = [&base, &head, &branch].iter().all(|record| keys.is_authentic(record));
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
