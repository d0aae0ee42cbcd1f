//! What the power takes with it.

use std::collections::BTreeMap;

use super::{Contents, Disk, FLUSHED, Inode};
use crate::sim::ledger::Author;

impl Disk {
    /// The power goes: what was not synced is kept or lost.
    pub(crate) fn power_cut(&mut self) {
        let now = self.now();
        // What a write that was under way displaced stays beside the file, whatever it is.
        self.swaps.clear();
        let before: BTreeMap<String, (Inode, Contents)> = self
            .names
            .iter()
            .filter_map(|(name, inode)| Some((name.clone(), (*inode, self.contents(*inode)?.clone()))))
            .collect();
        let certain = self.waiting.iter().take_while(|(at, _)| at + FLUSHED <= now).count();
        let kept = certain + self.random.below(self.waiting.len() - certain + 1);
        let lost = self.waiting.len() - kept;
        for (_, changes) in self.waiting.drain(..).take(kept) {
            for (name, inode) in changes {
                match inode {
                    Some(inode) => self.kept_names.insert(name, inode),
                    None => self.kept_names.remove(&name),
                };
            }
        }
        self.names.clone_from(&self.kept_names);
        self.tell(format_args!("power: {lost} changes of names are lost"));
        let inodes: Vec<Inode> = self.files.keys().copied().collect();
        for inode in inodes {
            let old = self.random.chance(50);
            let Some(file) = self.files.get_mut(&inode) else { continue };
            let Some(since) = file.unsynced.take() else { continue };
            if old && since + FLUSHED > now {
                let lost = std::mem::replace(&mut file.now, Contents { agents: false, ..file.kept.clone() });
                self.ledger.tell(format_args!("  power: file {inode} is as it was before its last writes"));
                self.taken_back(inode, &lost);
            } else {
                file.kept = file.now.clone();
            }
        }
        for layout in self.layouts.clone() {
            match (self.inode(&layout.name), before.get(&layout.name)) {
                (Some(inode), Some((old, lost))) if *old != inode => self.taken_back(inode, lost),
                (Some(inode), None) => self.taken_back(inode, &Contents::default()),
                (None, Some((_, lost))) => {
                    lost.authors.values().for_each(|author| self.ledger.lock().take(*author));
                    self.gone.extend(lost.authors.clone());
                }
                _ => {}
            }
        }
        self.later.clear();
    }

    /// The power took a user's write back: what stands there now is as good as an edit. What an agent wrote was
    /// synced: that it is taken back is nobody's edit.
    fn taken_back(&mut self, inode: Inode, lost: &Contents) {
        let Some(file) = self.files.get_mut(&inode) else { return };
        let mut ledger = self.ledger.lock();
        for (member, author) in &lost.authors {
            if file.now.authors.get(member) != Some(author) {
                ledger.take(*author);
            }
            if !file.now.authors.contains_key(member) {
                self.gone.insert(*member, *author);
            }
            if let Author::Edit(edit) = author
                && ledger.edits[*edit].version.is_none()
                && !file.now.authors.values().any(|stands| stands == author)
            {
                ledger.edits[*edit].superseded = true;
            }
        }
        let by_agent = lost.agents;
        for (member, stands) in file.now.authors.clone() {
            let lost = lost.authors.get(&member).copied();
            if lost == Some(stands) || by_agent && matches!(lost, Some(Author::Restored { .. })) {
                continue;
            }
            let text = ledger.text_of(stands);
            let previous = lost.or(self.gone.get(&member).copied()).or(Some(stands));
            let number = ledger.edit(previous, text);
            // Its user had replaced it: nobody misses it.
            ledger.edits[number].superseded = true;
            let again = Author::Edit(number);
            ledger.tell(format_args!("  power: member {member} has {stands:?} again, as {again:?}"));
            file.now.authors.insert(member, again);
            file.kept.authors.insert(member, again);
        }
    }
}
