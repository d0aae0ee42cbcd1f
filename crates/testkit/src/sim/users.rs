//! Users: they write their files at any moment, in the ways that programs have.

use super::disk::{Contents, Disk, Inode, Layout};
use super::document::{Content, Style};
use super::ledger::{Author, EditId, GONE, MemberNo};

use crate::Random;

/// What a user changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// One key's token.
    Token,
    /// One key more.
    Add,
    /// One key less.
    Drop,
    /// Only a comment.
    Comment,
    /// A content that others may write, too.
    Common,
    /// What the portion said some edits ago.
    Older,
    /// What stands around the portion.
    Around,
    /// The portion holds nothing any more.
    Empty,
    /// The file cannot be parsed any more.
    Break,
    /// The portion is removed.
    Remove,
    /// The file is removed.
    Delete,
    /// The file gets a second name, or loses it.
    Link,
    /// The file is written anew.
    Repair,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the file itself.
    InPlace,
    /// Another file takes its place.
    Rename,
    /// Half of it, and the rest after this time in milliseconds.
    Half(u64),
    /// Through a handle that is opened now, after this time in milliseconds.
    Held(u64),
}

/// One edit of a user.
#[derive(Debug, Clone)]
pub(crate) struct UserEdit {
    pub(crate) member: MemberNo,
    pub(crate) change: Change,
    pub(crate) way: Way,
    pub(crate) synced: bool,
    pub(crate) seed: u64,
}

/// What a user has still to write.
#[derive(Debug, Clone)]
pub(crate) struct Later {
    pub(crate) at: u64,
    pub(crate) inode: Inode,
    edit: UserEdit,
    /// The whole, where half of it was written.
    rest: Option<Vec<u8>>,
}

impl Disk {
    fn layout_of(&self, member: MemberNo) -> Option<(Layout, usize, Style)> {
        self.layouts.iter().find_map(|layout| {
            let slot = layout.slots.iter().position(|(m, _)| *m == member)?;
            Some((layout.clone(), slot, layout.slots[slot].1))
        })
    }

    /// A user does something. What is still to be written goes to [`Disk::later`].
    pub(crate) fn user(&mut self, edit: &UserEdit) {
        let Some((layout, slot, _)) = self.layout_of(edit.member) else { return };
        let name = layout.name.clone();
        let other = format!("{name}.link");
        let told = |disk: &Disk| {
            let (change, way) = (edit.change, edit.way);
            disk.ledger.tell(format_args!("user of member {}: {change:?} {way:?} in {name}", edit.member));
        };
        match (edit.change, self.inode(&name), self.inode(&other)) {
            (Change::Link, Some(inode), None) => {
                told(self);
                self.rename(vec![(other, Some(inode))]);
            }
            (Change::Link, _, Some(_)) => {
                told(self);
                self.rename(vec![(other, None)]);
            }
            (Change::Delete, Some(inode), _) => {
                told(self);
                self.rename(vec![(name.clone(), None)]);
                self.forget(inode);
            }
            (Change::Repair, Some(inode), _) => {
                self.forget(inode);
                self.make(edit, &layout);
            }
            (_, Some(inode), _) => match edit.way {
                Way::Held(after) => {
                    told(self);
                    let at = self.now() + after;
                    self.later.push(Later { at, inode, edit: edit.clone(), rest: None });
                    return;
                }
                _ => self.rewrite(edit, inode, &layout, slot),
            },
            (_, None, _) => self.make(edit, &layout),
        }
        self.touched.extend(layout.slots.iter().map(|(member, _)| *member));
    }

    /// What a user had still to write.
    pub(crate) fn user_goes_on(&mut self, later: Later) {
        let Later { inode, edit, rest, .. } = later;
        let Some((layout, slot, _)) = self.layout_of(edit.member) else { return };
        if self.contents(inode).is_none() {
            return;
        }
        if self.links(inode) == 0 {
            // Where the file system cannot exchange, that is the limit that is documented.
            if self.was_removed(inode) && self.can_exchange {
                let what = "a file was deleted while its user still had it open, and wrote to it soon after";
                self.ledger.breaks(2, what);
            }
            return;
        }
        match rest {
            None => self.rewrite(&UserEdit { way: Way::InPlace, ..edit }, inode, &layout, slot),
            Some(bytes) => {
                let half = self
                    .contents(inode)
                    .and_then(|c| c.authors.get(&edit.member))
                    .or(self.gone.get(&edit.member))
                    .copied();
                let said = self.said(&Contents { bytes: bytes.clone(), ..Contents::default() }, &layout, slot);
                let removed = said.is_none() && edit.change == Change::Remove;
                let there = said.is_some() || removed;
                let said = said.unwrap_or_else(|| if removed { GONE.to_owned() } else { String::new() });
                let number = match removed {
                    true => self.removes(half),
                    false => self.ledger.lock().edit(half, said),
                };
                self.ledger.tell(format_args!(
                    "user of member {} writes the rest of {}: edit {number}",
                    edit.member, layout.name
                ));
                if !there {
                    self.gone.insert(edit.member, Author::Edit(number));
                }
                let authors = there.then_some((edit.member, Author::Edit(number))).into_iter().collect();
                self.write(inode, Contents { bytes, agents: false, authors }, edit.synced);
            }
        }
        self.touched.extend(layout.slots.iter().map(|(member, _)| *member));
    }

    /// A user removed a file: what stood in it is not missed.
    fn forget(&mut self, inode: Inode) {
        let Some(authors) = self.contents(inode).map(|c| c.authors.clone()) else { return };
        for (member, author) in authors {
            self.gone.insert(member, author);
            if let Author::Edit(edit) = author {
                self.ledger.lock().edits[edit].superseded = true;
            }
        }
    }

    /// A user makes the file anew.
    fn make(&mut self, edit: &UserEdit, layout: &Layout) {
        let mut random = Random::new(edit.seed);
        let mut contents = Contents::default();
        let mut bodies = Vec::new();
        for (member, style) in &layout.slots {
            let number = self.ledger.lock().edits.len();
            let mut content = Content { pairs: vec![("k1".into(), format!("e{number}"))], ..Content::default() };
            content.own = style.has_own.then(|| format!("o{}", random.below(900)));
            let body = style.body(&content);
            let stood =
                self.at(&layout.name).and_then(|old| old.authors.get(member)).or(self.gone.get(member)).copied();
            let edit = self.ledger.lock().edit(stood, content.said());
            contents.authors.insert(*member, Author::Edit(edit));
            bodies.push(Some(body));
        }
        let around: Vec<String> = (0..=bodies.len()).map(|_| format!("o{}", random.below(900))).collect();
        let Some((_, style)) = layout.slots.first() else { return };
        contents.bytes = ended(style.kind.file(&bodies, &around), *style);
        self.ledger.tell(format_args!("user makes {}: {:?}", layout.name, String::from_utf8_lossy(&contents.bytes)));
        let inode = self.create(contents, edit.synced);
        self.rename(vec![(layout.name.clone(), Some(inode))]);
    }

    fn rewrite(&mut self, edit: &UserEdit, inode: Inode, layout: &Layout, slot: usize) {
        let Some(old) = self.contents(inode).cloned() else { return };
        let Some((member, style)) = layout.slots.get(slot).copied() else { return };
        let text = String::from_utf8_lossy(&old.bytes).replace("\r\n", "\n");
        let previous = old.authors.get(&member).copied();
        let Some(new) = self.changed(edit, &text, style, slot, previous) else { return self.make(edit, layout) };
        let mut authors = old.authors.clone();
        let (before, after) = (style.said(&text, slot), style.said(&new, slot));
        let bytes = ended(new.clone(), style);
        let half = match edit.way {
            Way::Half(after) if layout.slots.len() == 1 => Some((after, bytes[..bytes.len() / 2].to_vec())),
            _ => None,
        };
        let other = matches!(edit.change, Change::Around | Change::Break | Change::Remove);
        if new == text || before == after && !other {
            return;
        }
        let stands = match &half {
            Some((_, half)) => style.said(&String::from_utf8_lossy(half).replace("\r\n", "\n"), slot),
            None => after.clone(),
        };
        let gone = stands.is_none() && edit.change != Change::Break;
        if gone && previous.is_some() && (edit.change == Change::Remove || half.is_none()) {
            let number = self.removes(previous);
            authors.insert(member, Author::Edit(number));
        } else if gone {
            if let Some(previous) = authors.remove(&member) {
                self.gone.insert(member, previous);
                if let Author::Edit(old) = previous {
                    self.ledger.lock().edits[old].superseded = true;
                }
            }
        } else if before != stands || half.is_some() || edit.change == Change::Break || previous.is_none() {
            let number = self.ledger.lock().edit(previous, stands.unwrap_or_default());
            authors.insert(member, Author::Edit(number));
        }
        let what = (edit.change, edit.way, authors.get(&member));
        self.ledger.tell(format_args!("user of member {member} {what:?} in {} (file {inode}): {new:?}", layout.name));
        match (edit.way, half) {
            (Way::Rename, _) => {
                let inode = self.create(Contents { bytes, agents: false, authors }, edit.synced);
                self.rename(vec![(layout.name.clone(), Some(inode))]);
            }
            (_, Some((after, half))) => {
                self.write(inode, Contents { bytes: half, agents: false, authors }, false);
                let at = self.now() + after;
                self.later.push(Later { at, inode, edit: edit.clone(), rest: Some(bytes) });
            }
            _ => self.write(inode, Contents { bytes, agents: false, authors }, edit.synced),
        }
    }

    /// A user removes a portion. No bytes are lost if nobody notices.
    fn removes(&self, previous: Option<Author>) -> EditId {
        let mut ledger = self.ledger.lock();
        let number = ledger.edit(previous, GONE.to_owned());
        ledger.edits[number].superseded = true;
        number
    }

    /// The file's text after a change; `None` if it is such that its user writes it anew.
    fn changed(
        &self,
        edit: &UserEdit,
        text: &str,
        style: Style,
        slot: usize,
        previous: Option<Author>,
    ) -> Option<String> {
        let mut random = Random::new(edit.seed);
        let range = style.kind.locate(text, slot)?;
        let mut content = style.read(&text[range.clone()]);
        let number = self.ledger.lock().edits.len();
        let token = format!("e{number}");
        let at = |random: &mut Random, content: &Content| random.below(content.pairs.len().max(1));
        match edit.change {
            Change::Token | Change::Delete | Change::Link | Change::Repair => {
                let at = at(&mut random, &content);
                match content.pairs.get_mut(at) {
                    Some(pair) => pair.1 = token,
                    None => content.pairs.push(("k1".into(), token)),
                }
            }
            Change::Add => {
                let key = format!("k{}", 1 + random.below(6));
                content.pairs.retain(|(k, _)| *k != key);
                let at = random.below(content.pairs.len() + 1);
                content.pairs.insert(at, (key, token));
            }
            Change::Drop => {
                let at = at(&mut random, &content);
                if content.pairs.len() > 1 {
                    content.pairs.remove(at);
                }
            }
            Change::Comment => content.comment = Some(format!("c{number}")),
            Change::Common => {
                content.pairs = vec![("k1".into(), format!("x{}", random.below(2))), ("k2".into(), "x7".into())];
                content.comment = None;
            }
            Change::Older => {
                let ledger = self.ledger.lock();
                let mut older = previous;
                for _ in 0..=random.below(3) {
                    older = match older {
                        Some(Author::Edit(edit)) => ledger.edits[edit].previous.or(older),
                        other => other,
                    };
                }
                let body =
                    older.map(|author| ledger.text_of(author)).filter(|body| !body.is_empty() && body != GONE)?;
                content = Content { own: content.own, ..style.read(&body) };
            }
            Change::Empty => content = Content { own: content.own, ..Content::default() },
            Change::Around => {
                let old = super::document::tokens(&text[..range.start]).first().map(|t| (*t).to_owned())?;
                let new = format!("o{}", 1000 + number * 10 + random.below(10));
                return Some(text.replacen(&old, &new, 1));
            }
            Change::Break if style.kind.is_structured() => {
                return Some(format!("{}{{[ = broken{}", &text[..range.start], &text[range.start..]));
            }
            Change::Break => content.pairs.push(("k5".into(), token)),
            Change::Remove => {
                let key = style.kind.whole(text, slot)?;
                return Some(format!("{}{}", &text[..key.start], &text[key.end..]));
            }
        }
        Some(format!("{}{}{}", &text[..range.start], fitted(style, &content), &text[range.end..]))
    }
}

/// A portion's body, as it stands between what is around it.
fn fitted(style: Style, content: &Content) -> String {
    style.body(content)
}

fn ended(text: String, style: Style) -> Vec<u8> {
    if style.crlf { text.replace('\n', "\r\n").into_bytes() } else { text.into_bytes() }
}
