//! Answers to merges.

use plan::{JobId, MemberId, Record, VersionId};

use crate::convert::{WireError, from_record, id, record, text};
use crate::v1;

/// An agent's answer to a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeAnswer {
    /// The job.
    pub job: JobId,
    /// Whose branch it is.
    pub member: MemberId,
    /// The head that the branch was to be merged with.
    pub head: VersionId,
    /// The branch.
    pub branch: VersionId,
    /// What came of it, or, for people, why the two do not go together.
    pub result: Result<Record, String>,
}

/// An answer to a merge, to its message.
pub fn merge_answer(answer: &MergeAnswer) -> v1::FromAgent {
    use v1::from_agent::Message;
    let MergeAnswer { job, member, head, branch, result } = answer;
    let (job, member) = (job.0.to_vec(), member.0.to_vec());
    let (head, branch) = (head.0.to_vec(), branch.0.to_vec());
    let message = match result {
        Ok(made) => Message::Merged(v1::Merged { job, member, head, branch, record: Some(record(made)) }),
        Err(cause) => Message::Unmergeable(v1::Unmergeable { job, member, head, branch, cause: cause.clone() }),
    };
    v1::FromAgent { message: Some(message) }
}

/// What a merge made, from its message.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_merged(message: &v1::Merged) -> Result<MergeAnswer, WireError> {
    Ok(MergeAnswer {
        job: id("job", &message.job, JobId)?,
        member: id("member", &message.member, MemberId)?,
        head: id("head", &message.head, VersionId)?,
        branch: id("branch", &message.branch, VersionId)?,
        result: Ok(from_record(message.record.as_ref().ok_or(WireError::Missing("record"))?)?),
    })
}

/// What could not be merged, from its message.
///
/// # Errors
/// [`WireError`] for lengths that cannot be.
pub fn from_unmergeable(message: &v1::Unmergeable) -> Result<MergeAnswer, WireError> {
    Ok(MergeAnswer {
        job: id("job", &message.job, JobId)?,
        member: id("member", &message.member, MemberId)?,
        head: id("head", &message.head, VersionId)?,
        branch: id("branch", &message.branch, VersionId)?,
        result: Err(text("cause", &message.cause)?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use plan::{Fingerprint, GroupId, Shape};
    use v1::from_agent::Message;

    use super::*;

    fn read(message: v1::FromAgent) -> Result<MergeAnswer, WireError> {
        match message.message.unwrap() {
            Message::Merged(merged) => from_merged(&merged),
            Message::Unmergeable(cannot) => from_unmergeable(&cannot),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_come_back_as_they_were() {
        let made = Record {
            version: VersionId([9; 16]),
            group: GroupId([1; 16]),
            member: MemberId([2; 16]),
            generation: 7,
            shape: Shape { format: "json".to_owned(), mapping: "except /a".to_owned() },
            text: Fingerprint([3; 32]),
            value: Fingerprint([4; 32]),
            size: 5,
            copy: vec![6; 40],
            mac: [8; 32],
        };
        for result in [Ok(made), Err("`/a`: changed on both sides".to_owned())] {
            let answer = MergeAnswer {
                job: JobId([5; 16]),
                member: MemberId([2; 16]),
                head: VersionId([6; 16]),
                branch: VersionId([7; 16]),
                result,
            };
            assert_eq!(read(merge_answer(&answer)), Ok(answer.clone()));
            let break_them: [fn(&mut v1::Unmergeable); 5] = [
                |m| m.job.clear(),
                |m| m.member.truncate(3),
                |m| m.head.push(0),
                |m| m.branch.clear(),
                |m| m.cause = "x".repeat(1 << 20),
            ];
            for change in break_them {
                let mut message = v1::Unmergeable {
                    job: vec![5; 16],
                    member: vec![2; 16],
                    head: vec![6; 16],
                    branch: vec![7; 16],
                    cause: "both".to_owned(),
                };
                assert!(from_unmergeable(&message).is_ok());
                change(&mut message);
                assert!(from_unmergeable(&message).is_err(), "{message:?}");
                let v1::Unmergeable { job, member, head, branch, .. } = message;
                assert!(from_merged(&v1::Merged { job, member, head, branch, record: None }).is_err());
            }
        }
    }
}
