//! Between messages and the types of `plan`.

use plan::{
    AgentId, BackedUp, Condition, Direction, Fingerprint, GroupId, Instruction, JobId, Join, MemberId, OnMissing,
    Record, Report, Shape, VersionId,
};

use crate::v1;

/// Why a message cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field has another length.
    #[error("the field `{field}` has {found} bytes")]
    Length {
        /// The field.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
    },
    /// A field that must be there is not.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A text is too long to be true.
    #[error("the field `{field}` is too long: {found} bytes")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
    },
}

/// The longest path, selector, mapping or cause, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// Reads an id or a fingerprint of its own length.
///
/// # Errors
/// [`WireError::Length`] for any other.
pub fn id<const N: usize, T>(field: &'static str, bytes: &[u8], make: impl Fn([u8; N]) -> T) -> Result<T, WireError> {
    bytes.try_into().map(make).map_err(|_| WireError::Length { field, found: bytes.len() })
}

/// Reads an agent's id.
///
/// # Errors
/// [`WireError::Length`] unless it has 16 bytes.
pub fn agent_id(bytes: &[u8]) -> Result<AgentId, WireError> {
    id("agent", bytes, AgentId)
}

/// Reads a version that may be absent: no bytes are none.
///
/// # Errors
/// [`WireError::Length`] for anything but 0 or 16 bytes.
pub fn optional_version(field: &'static str, bytes: &[u8]) -> Result<Option<VersionId>, WireError> {
    if bytes.is_empty() { Ok(None) } else { id(field, bytes, VersionId).map(Some) }
}

/// A version that may be absent, as bytes.
pub fn version_bytes(version: Option<VersionId>) -> Vec<u8> {
    version.map(|v| v.0.to_vec()).unwrap_or_default()
}

pub(crate) fn text(field: &'static str, text: &str) -> Result<String, WireError> {
    if text.len() > MAX_TEXT { Err(WireError::TooLong { field, found: text.len() }) } else { Ok(text.to_owned()) }
}

/// A condition, to its message.
pub fn condition(condition: &Condition) -> v1::Condition {
    use v1::condition::Kind;
    let (kind, cause) = match condition {
        Condition::Fine => (Kind::Fine, ""),
        Condition::AwaitingConsent => (Kind::AwaitingConsent, ""),
        Condition::Missing(cause) => (Kind::Missing, cause.as_str()),
        Condition::NoFile(cause) => (Kind::NoFile, cause.as_str()),
        Condition::Suspended(cause) => (Kind::Suspended, cause.as_str()),
        Condition::Braked(cause) => (Kind::Braked, cause.as_str()),
        Condition::Doubtful(cause) => (Kind::Doubtful, cause.as_str()),
        Condition::HardLinked(cause) => (Kind::HardLinked, cause.as_str()),
    };
    v1::Condition { kind: kind.into(), cause: cause.to_owned() }
}

/// A condition, from its message. An unknown kind is a suspension: nothing is done to that member.
///
/// # Errors
/// [`WireError::TooLong`].
pub fn from_condition(message: Option<&v1::Condition>) -> Result<Condition, WireError> {
    use v1::condition::Kind;
    let Some(message) = message else { return Ok(Condition::Fine) };
    let cause = text("cause", &message.cause)?;
    Ok(match Kind::try_from(message.kind) {
        Ok(Kind::Fine) => Condition::Fine,
        Ok(Kind::AwaitingConsent) => Condition::AwaitingConsent,
        Ok(Kind::Missing) => Condition::Missing(cause),
        Ok(Kind::NoFile) => Condition::NoFile(cause),
        Ok(Kind::Braked) => Condition::Braked(cause),
        Ok(Kind::Doubtful) => Condition::Doubtful(cause),
        Ok(Kind::HardLinked) => Condition::HardLinked(cause),
        Ok(Kind::Suspended) | Err(_) => Condition::Suspended(cause),
    })
}

/// A direction, to its message.
pub fn direction(direction: Direction) -> v1::Direction {
    match direction {
        Direction::Both => v1::Direction::Both,
        Direction::Send => v1::Direction::Send,
        Direction::Receive => v1::Direction::Receive,
    }
}

/// A direction, from its message. An unknown one is `Receive`: the direction that changes nobody else.
pub fn from_direction(message: i32) -> Direction {
    match v1::Direction::try_from(message) {
        Ok(v1::Direction::Both) => Direction::Both,
        Ok(v1::Direction::Send) => Direction::Send,
        Ok(v1::Direction::Receive) | Err(_) => Direction::Receive,
    }
}

/// What becomes of a portion that goes missing, to its message.
pub fn on_missing(on_missing: OnMissing) -> v1::OnMissing {
    match on_missing {
        OnMissing::Suspend => v1::OnMissing::Suspend,
        OnMissing::Create => v1::OnMissing::Create,
        OnMissing::Delete => v1::OnMissing::Delete,
    }
}

/// What becomes of a portion that goes missing, from its message. An unknown word is `Suspend`: nothing is done by itself.
pub fn from_on_missing(message: i32) -> OnMissing {
    match v1::OnMissing::try_from(message) {
        Ok(v1::OnMissing::Create) => OnMissing::Create,
        Ok(v1::OnMissing::Delete) => OnMissing::Delete,
        Ok(v1::OnMissing::Suspend) | Err(_) => OnMissing::Suspend,
    }
}

/// A way of joining, to its message.
pub fn join(join: Join) -> v1::Join {
    match join {
        Join::Done => v1::Join::Done,
        Join::Offer => v1::Join::Offer,
        Join::Adopt => v1::Join::Adopt,
        Join::Wait => v1::Join::Wait,
    }
}

/// A way of joining, from its message. An unknown one waits for a person.
pub fn from_join(message: i32) -> Join {
    match v1::Join::try_from(message) {
        Ok(v1::Join::Done) => Join::Done,
        Ok(v1::Join::Offer) => Join::Offer,
        Ok(v1::Join::Adopt) => Join::Adopt,
        Ok(v1::Join::Wait) | Err(_) => Join::Wait,
    }
}

/// A record, to its message.
pub fn record(record: &Record) -> v1::Record {
    v1::Record {
        version: record.version.0.to_vec(),
        group: record.group.0.to_vec(),
        member: record.member.0.to_vec(),
        generation: record.generation,
        format: record.shape.format.clone(),
        mapping: record.shape.mapping.clone(),
        text: record.text.0.to_vec(),
        value: record.value.0.to_vec(),
        size: record.size,
        copy: record.copy.clone(),
        mac: record.mac.to_vec(),
    }
}

/// A record, from its message. Whether it is authentic is for a key holder to say.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_record(message: &v1::Record) -> Result<Record, WireError> {
    if message.copy.len() > 1 << 20 {
        return Err(WireError::TooLong { field: "copy", found: message.copy.len() });
    }
    Ok(Record {
        version: id("version", &message.version, VersionId)?,
        group: id("group", &message.group, GroupId)?,
        member: id("member", &message.member, MemberId)?,
        generation: message.generation,
        shape: Shape { format: text("format", &message.format)?, mapping: text("mapping", &message.mapping)? },
        text: id("text", &message.text, Fingerprint)?,
        value: id("value", &message.value, Fingerprint)?,
        size: message.size,
        copy: message.copy.clone(),
        mac: id("mac", &message.mac, |mac| mac)?,
    })
}

/// A report, to its message; `job` is what it answers, `refused` why that instruction was not followed.
pub fn report(report: &Report, job: Option<JobId>, refused: &str) -> v1::Report {
    v1::Report {
        member: report.member.0.to_vec(),
        generation: report.generation,
        base: version_bytes(report.base),
        base_gen: report.base_gen,
        fingerprint: report.fingerprint.0.to_vec(),
        format: report.format.clone(),
        condition: Some(condition(&report.condition)),
        job: job.map(|j| j.0.to_vec()).unwrap_or_default(),
        refused: refused.to_owned(),
    }
}

/// A report, from its message, with the job that it answers.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_report(message: &v1::Report) -> Result<(Report, Option<JobId>), WireError> {
    let report = Report {
        member: id("member", &message.member, MemberId)?,
        generation: message.generation,
        base: optional_version("base", &message.base)?,
        base_gen: message.base_gen,
        fingerprint: id("fingerprint", &message.fingerprint, Fingerprint)?,
        format: text("format", &message.format)?,
        condition: from_condition(message.condition.as_ref())?,
    };
    Ok((report, job(&message.job)?))
}

fn job(bytes: &[u8]) -> Result<Option<JobId>, WireError> {
    if bytes.is_empty() { Ok(None) } else { id("job", bytes, JobId).map(Some) }
}

/// What was backed up, to its message.
pub fn backed_up(done: &BackedUp, job: Option<JobId>) -> v1::BackedUp {
    v1::BackedUp {
        base: version_bytes(done.base),
        base_gen: done.base_gen,
        base_fp: done.base_fp.0.to_vec(),
        record: Some(record(&done.record)),
        job: job.map(|j| j.0.to_vec()).unwrap_or_default(),
    }
}

/// What was backed up, from its message, with the job that it answers.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_backed_up(message: &v1::BackedUp) -> Result<(BackedUp, Option<JobId>), WireError> {
    let done = BackedUp {
        base: optional_version("base", &message.base)?,
        base_gen: message.base_gen,
        base_fp: id("base_fp", &message.base_fp, Fingerprint)?,
        record: from_record(message.record.as_ref().ok_or(WireError::Missing("record"))?)?,
    };
    Ok((done, job(&message.job)?))
}

/// An acknowledgement: of a report that was stored, or of a backed-up content that was decided.
pub fn acknowledged(member: MemberId, generation: u64, committed: bool, refused: &str) -> v1::Acknowledged {
    v1::Acknowledged { member: member.0.to_vec(), generation, committed, refused: refused.to_owned() }
}

/// A member, as its agent is told of it.
pub fn assignment(group: &plan::Group, member: &plan::Member) -> v1::Assignment {
    v1::Assignment {
        member: member.id.0.to_vec(),
        group: group.id.0.to_vec(),
        group_name: group.name.clone(),
        path: member.path.clone(),
        selector: member.selector.clone(),
        mapping: member.shape.mapping.clone(),
        direction: direction(member.direction).into(),
        create: member.on_missing == OnMissing::Create || member.join == Join::Adopt,
        delete: member.on_missing == OnMissing::Delete,
        paused: member.paused || group.paused,
    }
}

/// A member's id and group, from its assignment; the other fields are plain text, checked for their lengths.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_assignment(message: &v1::Assignment) -> Result<(MemberId, GroupId), WireError> {
    for (field, value) in [("path", &message.path), ("selector", &message.selector), ("mapping", &message.mapping)] {
        text(field, value)?;
    }
    Ok((id("member", &message.member, MemberId)?, id("group", &message.group, GroupId)?))
}

/// The members of an agent, as it keeps them over a restart.
pub fn members_to_bytes(members: &v1::Members) -> Vec<u8> {
    prost::Message::encode_to_vec(members)
}

/// What [`members_to_bytes`] wrote; `None` for other bytes.
pub fn members_from_bytes(bytes: &[u8]) -> Option<v1::Members> {
    prost::Message::decode(bytes).ok()
}

/// An instruction, to its message.
pub fn instruction(instruction: &Instruction, job: JobId) -> v1::ToAgent {
    use v1::to_agent::Message;
    let message = match instruction {
        Instruction::Backup(backup) => Message::Backup(v1::Backup {
            job: job.0.to_vec(),
            group: backup.group.0.to_vec(),
            member: backup.member.0.to_vec(),
            generation: backup.generation,
        }),
        Instruction::Restore(restore) => Message::Restore(v1::Restore {
            job: job.0.to_vec(),
            group: restore.group.0.to_vec(),
            member: restore.member.0.to_vec(),
            record: Some(record(&restore.record)),
            text_base: restore.text_base.as_ref().map(record),
            expected_gen: restore.expected_gen,
            create: restore.create,
        }),
        Instruction::Merge(merge) => Message::Merge(v1::Merge {
            job: job.0.to_vec(),
            group: merge.group.0.to_vec(),
            member: merge.member.0.to_vec(),
            base: Some(record(&merge.base)),
            head: Some(record(&merge.head)),
            branch: Some(record(&merge.branch)),
        }),
    };
    v1::ToAgent { message: Some(message) }
}
