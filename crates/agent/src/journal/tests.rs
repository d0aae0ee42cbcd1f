#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Whatever a power failure leaves of the journal, it reads as some earlier state of it; any other damage is refused.

use std::fs;

use proptest::prelude::*;

use plan::Fingerprint;

use super::*;
use crate::folder::{FileId, Temporary};

const ANY: Fingerprint = Fingerprint([7; 32]);

fn id() -> impl Strategy<Value = [u8; 16]> {
    (0..3_u8).prop_map(|n| [n + 1; 16])
}

fn entry() -> impl Strategy<Value = Entry> {
    let fingerprint = || proptest::option::of(any::<[u8; 32]>().prop_map(Fingerprint));
    let version = || proptest::option::of(id().prop_map(VersionId));
    (any::<u64>(), any::<u64>(), any::<bool>(), fingerprint(), fingerprint(), version(), version(), version()).prop_map(
        |(generation, base_gen, empty, fingerprint, base_fp, base, held, proposed)| Entry {
            generation,
            fingerprint,
            empty,
            base,
            base_gen,
            base_fp,
            held,
            proposed,
        },
    )
}

fn name() -> impl Strategy<Value = OsString> {
    proptest::collection::vec(1..=255_u8, 1..9).prop_map(|bytes| crate::os::path_from_bytes(&bytes))
}

fn intent() -> impl Strategy<Value = MemberIntent> {
    let hash = || any::<[u8; 32]>().prop_map(Hash::from_bytes);
    (name(), name(), name(), any::<(u64, u64)>(), proptest::option::of(hash()), hash(), id(), any::<bool>()).prop_map(
        |(folder, name, temporary, (device, inode), old, new, version, empty)| MemberIntent {
            folder: folder.into(),
            intent: Intent { name, temporary: Temporary { name: temporary, id: FileId { device, inode } }, old, new },
            version: VersionId(version),
            portion: Portion { fingerprint: ANY, format: "json".to_owned(), empty },
        },
    )
}

fn any_deletion() -> impl Strategy<Value = Deletion> {
    let hashes = proptest::collection::vec(any::<[u8; 32]>().prop_map(Hash::from_bytes), 0..3);
    (name(), name(), name(), hashes)
        .prop_map(|(folder, name, temporary, delete_if)| deletion(Path::new(&folder), &name, &temporary, &delete_if))
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        4 => (id(), entry()).prop_map(|(member, entry)| Record::Entry(MemberId(member), entry)),
        4 => (id(), id()).prop_map(|(member, version)| Record::Left(MemberId(member), VersionId(version))),
        1 => id().prop_map(|member| Record::Forget(MemberId(member))),
        2 => (id(), intent()).prop_map(|(member, intent)| Record::Intent(MemberId(member), Box::new(intent))),
        2 => (id(), proptest::option::of(entry()), proptest::option::of(any_deletion()))
            .prop_map(|(member, entry, deletion)| Record::Finished(MemberId(member), entry, deletion)),
        1 => name().prop_map(|path| Record::Deleted(path.into())),
        2 => (id(), any::<Vec<u8>>()).prop_map(|(version, copy)| Record::Unsealed(VersionId(version), copy)),
        1 => proptest::collection::vec(id().prop_map(VersionId), 0..4).prop_map(Record::Sealed),
        1 => (proptest::option::of(any::<u64>()), proptest::collection::vec(id().prop_map(plan::GroupId), 0..4))
            .prop_map(|(on, changed)| Record::Brake(BrakeEntry { changed, on })),
    ]
}

fn state_after(records: &[Record]) -> Contents {
    let mut contents = Contents::default();
    records.iter().for_each(|record| contents.apply(record.clone()));
    contents
}

/// The end of each record in the bytes.
fn written(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = HEADER.to_vec();
    let mut ends = vec![bytes.len()];
    for record in records {
        record.write(&mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reads_what_was_written(records in proptest::collection::vec(record(), 0..30)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        for batch in records.chunks(3) {
            let position = journal.append(batch.to_vec()).unwrap();
            journal.sync(position).unwrap();
        }
        let expected = state_after(&records);
        prop_assert_eq!(&journal.read(Contents::clone), &expected);
        drop(journal);
        let again = Journal::open(&path).unwrap();
        prop_assert_eq!(&again.read(Contents::clone), &expected);
        // And what is written anew says the same.
        let anew: Vec<Record> = expected.records().collect();
        prop_assert_eq!(state_after(&anew), expected);
    }

    #[test]
    fn a_cut_off_end_is_dropped(records in proptest::collection::vec(record(), 1..8), cut: prop::sample::Index, zeros in 0..40_usize) {
        let (bytes, ends) = written(&records);
        let at = cut.index(bytes.len() + 1);
        let mut left = bytes[..at].to_vec();
        left.resize(at + zeros * usize::from(at >= HEADER.len()), 0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        fs::write(&path, &left).unwrap();
        let journal = Journal::open(&path).unwrap();
        let whole = ends.iter().filter(|end| **end <= at).count().saturating_sub(1);
        // Zeros may by chance complete a record whose own end is zeros; nothing else is made up.
        let mut possible = vec![state_after(&records[..whole])];
        if zeros > 0 && whole < records.len() {
            possible.push(state_after(&records[..=whole]));
        }
        prop_assert!(possible.contains(&journal.read(Contents::clone)));
        // It goes on from there.
        journal.append([Record::Left(MemberId([9; 16]), VersionId([9; 16]))]).unwrap();
        let expected = journal.read(Contents::clone);
        drop(journal);
        prop_assert_eq!(Journal::open(&path).unwrap().read(Contents::clone), expected);
    }

    #[test]
    fn damage_before_the_end_is_refused(records in proptest::collection::vec(record(), 2..8), place: prop::sample::Index, flip in 1..=255_u8) {
        let (mut bytes, ends) = written(&records);
        let last = ends[ends.len() - 2];
        let at = HEADER.len() + place.index(last - HEADER.len());
        bytes[at] ^= flip;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        fs::write(&path, &bytes).unwrap();
        match Journal::open(&path) {
            Err(JournalError::Damaged { offset, .. }) => {
                let start = ends.iter().rposition(|end| *end <= at).unwrap();
                prop_assert_eq!(offset as usize, ends[start]);
            }
            other => prop_assert!(false, "{other:?}"),
        }
        prop_assert_eq!(fs::read(&path).unwrap(), bytes, "it is left as it was found");
    }

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        for prefix in [&b""[..], HEADER] {
            fs::write(&path, [prefix, &bytes].concat()).unwrap();
            let _ = Journal::open(&path);
        }
    }
}

#[test]
fn a_long_journal_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = Journal::open(&path).unwrap();
    let mut entry = Entry::default();
    for generation in 0..30_000 {
        entry.generation = generation;
        entry.fingerprint = Some(ANY);
        journal.append([Record::Entry(MemberId([1; 16]), entry.clone())]).unwrap();
    }
    let position = journal.append([Record::Left(MemberId([1; 16]), VersionId([2; 16]))]).unwrap();
    journal.sync(position).unwrap();
    assert!(fs::metadata(&path).unwrap().len() <= COMPACT_ABOVE + 200);
    let expected = journal.read(Contents::clone);
    assert_eq!(expected.members[&MemberId([1; 16])].entry.generation, 29_999);
    drop(journal);
    assert_eq!(Journal::open(&path).unwrap().read(Contents::clone), expected);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    fs::write(&path, "inlay journal 9\n...").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Foreign(_))));
    assert_eq!(fs::read(&path).unwrap(), b"inlay journal 9\n...");
}

#[test]
fn many_threads_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..20_u8 {
                    let position = journal.append([Record::Left(MemberId([thread; 16]), VersionId([n; 16]))]).unwrap();
                    journal.sync(position).unwrap();
                    assert!(journal.syncing.lock().unwrap().done >= position);
                }
            });
        }
    });
    assert!(journal.read(|contents| contents.members.values().all(|kept| kept.left.len() == 20)));
}
