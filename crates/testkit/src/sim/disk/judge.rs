//! What an agent did to a file is judged: promises 1 and 5, at every write.

use super::{Disk, Inode, Swap};
use crate::sim::document::tokens;
use crate::sim::ledger::Author;

impl Disk {
    /// Judges what was put into files' places.
    pub(crate) fn judge(&mut self) {
        for (_, swap) in std::mem::take(&mut self.swaps) {
            self.judge_one(&swap);
        }
    }

    fn judge_one(&mut self, swap: &Swap) {
        let Some(layout) = self.layouts.iter().find(|layout| layout.name == swap.name).cloned() else { return };
        let new = &swap.new;
        for (slot, (member, style)) in layout.slots.iter().enumerate() {
            let (was, is) = (swap.old.authors.get(member).copied(), new.authors.get(member).copied());
            if was == is {
                continue;
            }
            // What the lost part of the database knew to follow is written over what it follows, if it was under way.
            let follows =
                matches!(is, Some(Author::Restored { version, .. }) if self.ledger.lock().lost.contains_key(&version));
            let lost = self.ledger.lock().is_lost(was);
            let now = self.now();
            let recent = self.ledger.lock().put_back_at.is_some_and(|at| at + 5_000 > now);
            if lost && !follows && !recent {
                self.ledger.breaks(2, format!("{was:?} of member {member} is in no version any more, nor in its file"));
            }
            // Another portion was written, and of this one its user had written back what was read.
            let is_back = swap.member.is_some_and(|written| written != *member)
                && was.zip(is).is_some_and(|(was, is)| {
                    let ledger = self.ledger.lock();
                    ledger.text_of(was) == ledger.text_of(is)
                });
            let safe = is_back || self.ledger.lock().is_safe(was) || self.ledger.lock().was_forgotten(*member, was);
            if !safe {
                self.ledger.breaks(5, format!("{was:?} of member {member} was overwritten before it was backed up"));
            }
            if let Some(Author::Restored { version, .. }) = is
                && self.ledger.lock().lies.contains(&(*member, version))
            {
                self.ledger.breaks(7, format!("a lie was restored into member {member}"));
            }
            // Another portion's user wrote back what had been read: that is still there, whoever wrote it, and nothing was put there.
            if swap.member.is_some_and(|written| written != *member) {
                continue;
            }
            let (old_text, new_text) = (String::from_utf8_lossy(&swap.old.bytes), String::from_utf8_lossy(&new.bytes));
            // A private key goes only with what it stands in.
            let has_keys = !style.has_own || style.said(&new_text, slot).is_some_and(|said| !said.is_empty());
            if tokens(&old_text) != tokens(&new_text) && has_keys {
                self.ledger.breaks(1, format!("in {} a restore changed {old_text:?} to {new_text:?}", swap.name));
            }
            match (style.kind.around(&old_text, slot), style.kind.around(&new_text, slot)) {
                (Some(old), Some(new)) if old != new => {
                    self.ledger.breaks(1, format!("in {} a restore changed {old:?} to {new:?}", swap.name));
                }
                (Some(_), None) if is_without(&old_text, &new_text) => {}
                (None, Some(_)) if old_text.trim() == "{}" => {}
                (None, _) | (_, None) if !is_within(&old_text, &new_text) => {
                    self.ledger.breaks(1, format!("in {} a restore changed {old_text:?} to {new_text:?}", swap.name));
                }
                _ => {}
            }
        }
    }

    /// A name goes, and with its last name a file.
    pub(super) fn unlinked(&mut self, inode: Inode) {
        if self.links(inode) > 0 {
            return;
        }
        self.removed.push(inode);
        let Some(file) = self.files.get(&inode) else { return };
        for (member, author) in file.now.authors.clone() {
            let elsewhere = |name: &&String| self.at(name).is_some_and(|c| c.authors.get(&member) == Some(&author));
            let safe =
                self.ledger.lock().is_safe(Some(author)) || self.ledger.lock().was_forgotten(member, Some(author));
            if !safe && !self.names.keys().any(|name| elsewhere(&name)) {
                self.ledger.breaks(5, format!("{author:?} of member {member} was deleted before it was backed up"));
            }
        }
    }
}

/// Whether `new` is `old` without one piece of it, but for white space and commas. A file of nothing but the piece stays a map.
fn is_without(old: &str, new: &str) -> bool {
    let told = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect::<Vec<char>>();
    let (old, new) = (told(old), told(new));
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    before + after >= new.len() || new == ['{', '}']
}

/// Whether every line of `old` is in `new`, in order; commas at the ends may come and go.
fn is_within(old: &str, new: &str) -> bool {
    let line = |line: &str| line.trim().trim_end_matches(',').to_owned();
    let mut lines = new.lines().map(line);
    old.lines().map(line).filter(|l| !l.is_empty()).all(|l| lines.any(|other| other == l))
}
