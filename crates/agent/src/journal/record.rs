//! One record of the journal, in bytes: its length (four bytes, little-endian), a checksum (CRC-32 of the length and the rest, four
//! bytes), then a byte that tells which, and its fields.

use std::ffi::OsString;
use std::path::PathBuf;

use blake3::Hash;
use plan::{Fingerprint, GroupId, MemberId, VersionId};

use super::{Deletion, MemberIntent};
use crate::folder::{FileId, Temporary};
use crate::os;
use crate::splice::Intent;
use crate::step::{BrakeEntry, Entry, Portion};

/// The longest record, in bytes.
const MAX: usize = 4 << 20;

/// Something to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A member's state.
    Entry(MemberId, Entry),
    /// A member has left a version.
    Left(MemberId, VersionId),
    /// A member is one no longer.
    Forget(MemberId),
    /// A file is about to be exchanged.
    Intent(MemberId, Box<MemberIntent>),
    /// That was done or given up; with it, the member's new state and what is to be deleted.
    Finished(MemberId, Option<Entry>, Option<Deletion>),
    /// A temporary path is free.
    Deleted(PathBuf),
    /// A copy is durable, but in no snapshot yet.
    Unsealed(VersionId, Vec<u8>),
    /// These are.
    Sealed(Vec<VersionId>),
    /// What the brake has counted.
    Brake(BrakeEntry),
}

impl Record {
    /// Appends the record.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; 8]);
        self.write_fields(&mut Out(out));
        let length = (out.len() - start - 8) as u32;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&length.to_le_bytes());
        hasher.update(&out[start + 8..]);
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        out[start + 4..start + 8].copy_from_slice(&hasher.finalize().to_le_bytes());
    }

    /// Reads one record and tells its length. `None` if none stands there whole.
    pub(super) fn read(bytes: &[u8]) -> Option<(Record, usize)> {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let (check, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*head) as usize;
        if length == 0 || length > MAX || !matches!(rest.first(), Some(1..=9)) {
            return None;
        }
        let fields = rest.get(..length)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(head);
        hasher.update(fields);
        if hasher.finalize() != u32::from_le_bytes(*check) {
            return None;
        }
        let mut from = In(fields);
        let record = Record::read_fields(&mut from)?;
        from.0.is_empty().then_some((record, length + 8))
    }

    fn write_fields(&self, out: &mut Out<'_>) {
        match self {
            Record::Entry(member, entry) => {
                out.byte(1);
                out.raw(&member.0);
                out.entry(entry);
            }
            Record::Left(member, version) => {
                out.byte(2);
                out.raw(&member.0);
                out.raw(&version.0);
            }
            Record::Forget(member) => {
                out.byte(3);
                out.raw(&member.0);
            }
            Record::Intent(member, intent) => {
                out.byte(4);
                out.raw(&member.0);
                out.intent(intent);
            }
            Record::Finished(member, entry, deletion) => {
                out.byte(5);
                out.raw(&member.0);
                out.optional(entry.as_ref(), Out::entry);
                out.optional(deletion.as_ref(), |out, deletion| {
                    out.bytes(os::path_bytes(deletion.folder.as_os_str()));
                    out.bytes(os::path_bytes(&deletion.name));
                    out.bytes(os::path_bytes(&deletion.temporary));
                    out.number(deletion.delete_if.len() as u64);
                    deletion.delete_if.iter().for_each(|hash| out.raw(hash.as_bytes()));
                });
            }
            Record::Deleted(path) => {
                out.byte(6);
                out.bytes(os::path_bytes(path.as_os_str()));
            }
            Record::Unsealed(version, copy) => {
                out.byte(7);
                out.raw(&version.0);
                out.bytes(copy);
            }
            Record::Sealed(versions) => {
                out.byte(8);
                out.number(versions.len() as u64);
                versions.iter().for_each(|version| out.raw(&version.0));
            }
            Record::Brake(brake) => {
                out.byte(9);
                out.optional(brake.on, Out::number);
                out.number(brake.changed.len() as u64);
                brake.changed.iter().for_each(|group| out.raw(&group.0));
            }
        }
    }

    fn read_fields(from: &mut In<'_>) -> Option<Record> {
        let member = |from: &mut In<'_>| from.raw().map(MemberId);
        Some(match from.byte()? {
            1 => Record::Entry(member(from)?, from.entry()?),
            2 => Record::Left(member(from)?, VersionId(from.raw()?)),
            3 => Record::Forget(member(from)?),
            4 => Record::Intent(member(from)?, Box::new(from.intent()?)),
            5 => {
                let member = member(from)?;
                let entry = from.optional(In::entry)?;
                let deletion = from.optional(|from| {
                    Some(Deletion {
                        folder: from.path()?.into(),
                        name: from.path()?,
                        temporary: from.path()?,
                        delete_if: from.many(|from| from.raw().map(Hash::from_bytes))?,
                    })
                })?;
                Record::Finished(member, entry, deletion)
            }
            6 => Record::Deleted(from.path()?.into()),
            7 => Record::Unsealed(VersionId(from.raw()?), from.bytes()?.to_vec()),
            8 => Record::Sealed(from.many(|from| from.raw().map(VersionId))?),
            9 => Record::Brake(BrakeEntry {
                on: from.optional(In::number)?,
                changed: from.many(|from| from.raw().map(GroupId))?,
            }),
            _ => return None,
        })
    }
}

struct Out<'a>(&'a mut Vec<u8>);

impl Out<'_> {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }
    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }
    fn entry(&mut self, entry: &Entry) {
        self.number(entry.generation);
        self.number(entry.base_gen);
        self.byte(entry.empty.into());
        for fingerprint in [entry.fingerprint, entry.base_fp] {
            self.optional(fingerprint, |out, fingerprint| out.raw(&fingerprint.0));
        }
        for version in [entry.base, entry.held, entry.proposed] {
            self.optional(version, |out, version| out.raw(&version.0));
        }
    }
    fn intent(&mut self, member: &MemberIntent) {
        let MemberIntent { folder, intent, version, portion } = member;
        self.bytes(os::path_bytes(folder.as_os_str()));
        self.bytes(os::path_bytes(&intent.name));
        self.bytes(os::path_bytes(&intent.temporary.name));
        self.number(intent.temporary.id.device);
        self.number(intent.temporary.id.inode);
        self.optional(intent.old, |out, hash| out.raw(hash.as_bytes()));
        self.raw(intent.new.as_bytes());
        self.raw(&version.0);
        self.raw(&portion.fingerprint.0);
        self.bytes(portion.format.as_bytes());
        self.byte(portion.empty.into());
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }
    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
    fn number(&mut self) -> Option<u64> {
        self.raw().map(u64::from_le_bytes)
    }
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
    fn path(&mut self) -> Option<OsString> {
        self.bytes().map(os::path_from_bytes)
    }
    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| read(self)).collect()
    }
    #[allow(clippy::option_option, reason = "the outer one is the end of the record")]
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }
    fn entry(&mut self) -> Option<Entry> {
        Some(Entry {
            generation: self.number()?,
            base_gen: self.number()?,
            empty: self.flag()?,
            fingerprint: self.optional(|from| from.raw().map(Fingerprint))?,
            base_fp: self.optional(|from| from.raw().map(Fingerprint))?,
            base: self.optional(|from| from.raw().map(VersionId))?,
            held: self.optional(|from| from.raw().map(VersionId))?,
            proposed: self.optional(|from| from.raw().map(VersionId))?,
        })
    }
    fn intent(&mut self) -> Option<MemberIntent> {
        let folder = self.path()?.into();
        let name = self.path()?;
        let temporary = self.path()?;
        let id = FileId { device: self.number()?, inode: self.number()? };
        let old = self.optional(|from| from.raw().map(Hash::from_bytes))?;
        let new = Hash::from_bytes(self.raw()?);
        let intent = Intent { name, temporary: Temporary { name: temporary, id }, old, new };
        let version = VersionId(self.raw()?);
        let fingerprint = Fingerprint(self.raw()?);
        let format = String::from_utf8(self.bytes()?.to_vec()).ok()?;
        Some(MemberIntent { folder, intent, version, portion: Portion { fingerprint, format, empty: self.flag()? } })
    }
}
