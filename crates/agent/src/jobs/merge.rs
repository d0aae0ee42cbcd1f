//! Merging a branch with the head: three copies are read, verified, put together, and what comes of it is backed up.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use plan::{Fingerprint, GroupId, MemberId, Record};
use portion::{ClashKind, Fragment, LensError, Mapping, Side};

use super::{Tools, random_version, repository, stage};
use crate::copies::NewCopy;
use crate::detect::{Target, found_shared, interrupted};
use crate::keys::Keys;
use crate::point::point;
use crate::restore::{format_named, verify_copy};
use crate::step::{Clash, Copied, MergeInstruction, Merged, Portion, Restored};

/// What the merge came to in memory.
pub(crate) type Made = Result<(Portion, Fingerprint, Bytes), Clash>;

impl Tools {
    /// Merges. The bytes are what the journal needs until the copy is sealed.
    pub(crate) async fn merge(
        self: Arc<Self>,
        member: MemberId,
        target: Arc<Target>,
        instruction: Box<MergeInstruction>,
    ) -> (Merged, Vec<u8>) {
        let started = Instant::now();
        let nothing = |merged| (merged, Vec::new());
        let MergeInstruction { base, head, branch, .. } = *instruction;
        let mut texts = Vec::with_capacity(3);
        for record in [base, branch, head] {
            match self.fetch(&record).await {
                Ok(text) => texts.push((record, text)),
                Err(Restored::Failed(condition)) => return nothing(Merged::Failed(condition)),
                // It will not go better later.
                Err(Restored::Refused(why)) => return nothing(Merged::Clash(unusable(&why))),
                Err(_) => return nothing(Merged::Failed(interrupted())),
            }
        }
        let group = target.group;
        let made = match self.blocking(move |tools| put_together(&tools.keys, group, &texts)).await {
            Some(Ok(made)) => made,
            Some(Err(clash)) => return nothing(Merged::Clash(clash)),
            None => return nothing(Merged::Failed(interrupted())),
        };
        stage("merge", member, started);
        point("merge: made");
        let (portion, value, content) = made;
        let Some(version) = random_version(&portion) else { return nothing(Merged::Failed(interrupted())) };
        let size = content.len() as u64;
        let copy = NewCopy {
            version,
            group: target.group_name.clone(),
            path: target.path.to_string_lossy().into_owned(),
            selector: target.selector.to_string(),
            content,
        };
        match self.copies.store(copy).await {
            Ok(stored) => {
                point("merge: copied");
                let copied = Copied { portion, value, size, copy: stored.location, version };
                (Merged::Done(Box::new(copied)), stored.unsealed)
            }
            Err(error) => nothing(Merged::Failed(repository(&error))),
        }
    }
}

/// Puts three texts together: base, ours, theirs.
pub(crate) fn put_together(keys: &Keys, group: GroupId, texts: &[(Record, Bytes)]) -> Made {
    let mut sides = Vec::with_capacity(3);
    for (record, text) in texts {
        verify_copy(group, keys, record, text).map_err(|why| unusable(&why))?;
        sides.push(side(record, text).map_err(|error| impossible(&error))?);
    }
    let [base, ours, theirs] = sides.as_slice() else { return Err(unusable("there is none")) };
    let [base, ours, theirs] = [base, ours, theirs].map(|(fragment, mapping)| Side { fragment, mapping });
    let fragment = match portion::merge(base, ours, theirs) {
        Ok(portion::Merged::Clean(fragment)) => fragment,
        Ok(portion::Merged::Conflict(clashes)) => return Err(clash(&clashes)),
        Err(error) => return Err(impossible(&error)),
    };
    let found = found_shared(ours.mapping, group, keys, &fragment);
    let (portion, value) = found.map_err(|error| impossible(&error))?;
    Ok((portion, value, Bytes::from(fragment.text)))
}

fn side(record: &Record, text: &Bytes) -> Result<(Fragment, Mapping), LensError> {
    let format = format_named(&record.shape.format)?;
    let mapping =
        record.shape.mapping.parse().map_err(|error| {
            LensError::Refused(format!("this program does not know the version's mapping: {error}"))
        })?;
    Ok((Fragment { format, text: text.to_vec() }, mapping))
}

/// What clashes, in words without contents: of keys and texts the manager must learn nothing.
fn clash(clashes: &[portion::Clash]) -> Clash {
    let Some(first) = clashes.first() else {
        return Clash { cause: "the two edits do not go together".to_owned() };
    };
    let what = match &first.kind {
        ClashKind::Edited => "the same thing was changed here and elsewhere",
        ClashKind::Added => "the same key was added here and elsewhere",
        ClashKind::Inserted => "something was put at the same place here and elsewhere",
        ClashKind::OursRemoved => "something was removed here and changed elsewhere",
        ClashKind::TheirsRemoved => "something was changed here and removed elsewhere",
        ClashKind::Renamed { .. } => "a key was renamed here and elsewhere",
        ClashKind::Moved => "items were moved here and elsewhere",
        ClashKind::Unwritable => "what comes of both edits cannot be written",
    };
    let place = match &first.lines {
        Some(lines) => format!(" (line {})", lines.ours.start),
        None => String::new(),
    };
    let more = match clashes.len() {
        1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    Clash { cause: format!("{what}{place}{more}") }
}

fn unusable(why: &str) -> Clash {
    Clash { cause: format!("a secondary copy that the merge needs cannot be used: {why}") }
}

/// Of an error, likewise.
fn impossible(error: &LensError) -> Clash {
    let cause = match error {
        LensError::Unparsable { .. } => "one of the versions does not parse",
        LensError::TooLarge(_) => "one of the versions is too large to be merged",
        LensError::CannotSay { .. } => "this file's format cannot say what was changed elsewhere",
        _ => "the two edits cannot be put together",
    };
    Clash { cause: cause.to_owned() }
}
