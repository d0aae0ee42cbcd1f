//! The agent's journal and its list of members: any bytes, and any records whose checksum is right.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use agent::simulated::{Contents, JournalRecord};
use libfuzzer_sys::fuzz_target;
use plan::{MemberId, VersionId};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    match choice {
        b'r' => roster(bytes),
        b'f' => check(&framed(bytes)),
        // Most of what is read is a journal at all.
        b'h' => check(&[&Contents::begin()[..], bytes].concat()),
        _ => check(bytes),
    }
});

/// A file in memory, for this process.
fn file(name: &str) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(fuzz::folder).path().join(name)
}

/// Each record is a byte with its length, and its fields: with a length and a checksum before it, as the journal wants them.
fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Contents::begin();
    while let Some((length, rest)) = bytes.split_first() {
        let (fields, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        let head = (fields.len() as u32).to_le_bytes();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head);
        hasher.update(fields);
        out.extend(head);
        out.extend(hasher.finalize().to_le_bytes());
        out.extend(fields);
        bytes = rest;
    }
    out
}

fn check(bytes: &[u8]) {
    let size = bytes.len();
    let read = fuzz::memory::bounded(size, || Contents::read(bytes));
    let path = file("journal");
    fs::write(&path, bytes).expect("the file is written");
    let more = vec![
        JournalRecord::Left(MemberId([77; 16]), VersionId([78; 16])),
        JournalRecord::Unsealed(VersionId([79; 16]), vec![1, 2, 3]),
    ];
    let opened = agent::fuzzing::journal(&path, more.clone());
    match read {
        Ok((contents, whole)) => {
            let (before, after) = opened.expect("what is read is opened");
            assert_eq!(before, contents);
            let mut expected = contents.clone();
            more.iter().for_each(|record| expected.apply(record.clone()));
            assert_eq!(after, expected, "what is appended is read behind what was whole");
            assert_eq!(Contents::read(&bytes[..whole]), Ok((contents.clone(), whole)), "the rest was cut off");
            // Opened again after the file is cut anywhere, it says something earlier or nothing, and goes on.
            let cut = whole.saturating_sub(usize::from(bytes.last().copied().unwrap_or_default()) % 64);
            let shorter = fuzz::memory::bounded(size, || Contents::read(&bytes[..cut]));
            assert!(shorter.is_ok() || cut < Contents::begin().len(), "a cut end is no damage");
        }
        Err(_) => match opened {
            // Too short for its first line: it is begun anew.
            Ok((before, _)) => assert!(before == Contents::default() && Contents::begin().starts_with(bytes)),
            Err(_) => assert_eq!(fs::read(&path).ok().as_deref(), Some(bytes), "it is left as it was found"),
        },
    }
}

fn roster(bytes: &[u8]) {
    let path = file("members");
    let mut kept = crc32fast::hash(bytes).to_le_bytes().to_vec();
    kept.extend(bytes);
    fs::write(&path, &kept).expect("the file is written");
    for assigned in agent::fuzzing::roster(&path) {
        let _ = agent::fuzzing::assignment(&assigned);
    }
}
