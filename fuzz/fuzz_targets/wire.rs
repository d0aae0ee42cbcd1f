//! Every message that crosses the wire: decoded, converted, and back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::v1::{self, from_agent, to_agent};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    fuzz::memory::bounded(data.len(), || check(*choice, bytes));
});

const KINDS: &[fn(&[u8])] = &[
    from_agents,
    to_agents,
    members,
    again::<v1::LinkRequest>,
    again::<v1::ResolveRequest>,
    again::<v1::InviteRequest>,
    again::<v1::AcceptRequest>,
    again::<v1::UnlinkRequest>,
    again::<v1::StatusReply>,
    again::<v1::LogReply>,
    again::<v1::ListJobsReply>,
    again::<v1::ListAgentsReply>,
    json::<wire::EnrolRequest>,
    json::<wire::EnrolReply>,
    json::<wire::Refusal>,
];

fn check(choice: u8, bytes: &[u8]) {
    fuzz::input::one_of(KINDS, choice)(bytes);
}

/// What was decoded is encoded, and decoded again the same.
fn decoded<T: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    let message = T::decode(bytes).ok()?;
    let again = T::decode(&message.encode_to_vec()[..]);
    assert_eq!(again.as_ref(), Ok(&message));
    Some(message)
}

fn again<T: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let _ = decoded::<T>(bytes);
}

fn json<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<T>(bytes) else { return };
    let text = serde_json::to_string(&message).expect("what was read is written");
    let read: T = serde_json::from_str(&text).expect("what was written is read");
    assert_eq!(serde_json::to_string(&read).ok(), Some(text));
}

fn from_agents(bytes: &[u8]) {
    let Some(message) = decoded::<v1::FromAgent>(bytes).and_then(|message| message.message) else { return };
    match message {
        from_agent::Message::Report(message) => {
            let Ok((report, job)) = wire::from_report(&message) else { return };
            let back = wire::report(&report, job, &message.refused);
            assert_eq!(wire::from_report(&back), Ok((report, job)));
            assert_eq!(back.generation, message.generation);
            assert_eq!(back.member, message.member);
        }
        from_agent::Message::BackedUp(message) => {
            let Ok((done, job)) = wire::from_backed_up(&message) else { return };
            assert_eq!(wire::backed_up(&done, job), message, "a record travels as it is");
        }
        from_agent::Message::Merged(message) => {
            let Ok(answer) = wire::from_merged(&message) else { return };
            assert_eq!(wire::merge_answer(&answer).message, Some(from_agent::Message::Merged(message)));
        }
        from_agent::Message::Unmergeable(message) => {
            let Ok(answer) = wire::from_unmergeable(&message) else { return };
            assert_eq!(wire::merge_answer(&answer).message, Some(from_agent::Message::Unmergeable(message)));
        }
        from_agent::Message::Inspected(reply) => {
            let Ok(condition) = wire::from_condition(reply.condition.as_ref()) else { return };
            let back = wire::condition(&condition);
            assert_eq!(wire::from_condition(Some(&back)), Ok(condition));
        }
        from_agent::Message::Hello(_) | from_agent::Message::Sealed(_) => {}
    }
}

fn to_agents(bytes: &[u8]) {
    let Some(message) = decoded::<v1::ToAgent>(bytes).and_then(|message| message.message) else { return };
    let record = |message: &Option<v1::Record>| {
        let Some(message) = message else { return };
        if let Ok(record) = wire::from_record(message) {
            assert_eq!(&wire::record(&record), message, "a record travels as it is");
            assert!(record.signed_bytes().len() > record.copy.len());
        }
    };
    match message {
        to_agent::Message::Restore(restore) => {
            record(&restore.record);
            record(&restore.text_base);
        }
        to_agent::Message::Merge(merge) => [&merge.base, &merge.head, &merge.branch].into_iter().for_each(record),
        to_agent::Message::Members(message) => {
            for assigned in &message.assigned {
                let known = wire::from_assignment(assigned);
                assert_eq!(known.is_ok(), agent::fuzzing::assignment(assigned).is_ok());
            }
        }
        _ => {}
    }
}

fn members(bytes: &[u8]) {
    let Some(members) = wire::members_from_bytes(bytes) else { return };
    assert_eq!(wire::members_from_bytes(&wire::members_to_bytes(&members)), Some(members));
}
