//! Whoever waits for the members asks first that their files be looked at.

use std::collections::HashMap;

use plan::MemberId;
use wire::v1::{self, from_agent};

use super::{Engine, Happened};
use crate::step::Event;

/// A question that is answered once files were looked at.
pub(super) struct Asked {
    id: Vec<u8>,
    /// Members whose files are still to be looked at, and whether a look has begun since; `None` until it is known which they are.
    members: Option<HashMap<MemberId, bool>>,
}

impl Engine {
    /// Looks at every file that is not surely as it was seen.
    pub(super) fn ask_to_look(&mut self, id: Vec<u8>) {
        self.asked.push(Asked { id: id.clone(), members: None });
        let members = self.comparable(self.locals.keys().copied().collect());
        let tools = self.tools.clone();
        self.start(async move {
            Happened::Compared(id, tools.blocking(move |tools| tools.changed(members)).await.unwrap_or_default())
        });
    }

    /// It is known which files are to be looked at.
    pub(super) async fn compared(&mut self, id: &[u8], members: Vec<MemberId>) {
        for asked in self.asked.iter_mut().filter(|asked| asked.id == id) {
            asked.members = Some(members.iter().map(|member| (*member, false)).collect());
        }
        for member in members {
            self.handle(Event::Touched(member)).await;
        }
    }

    /// A look begins.
    pub(super) fn look_begins(&mut self, member: MemberId) {
        let members = self.asked.iter_mut().filter_map(|asked| asked.members.as_mut()?.get_mut(&member));
        members.for_each(|begun| *begun = true);
    }

    /// A look has ended: those who asked since it began wait for the next one.
    pub(super) fn look_ends(&mut self, member: MemberId) {
        for members in self.asked.iter_mut().filter_map(|asked| asked.members.as_mut()) {
            members.retain(|other, begun| *other != member || !*begun);
        }
    }

    /// Answers what is known by now; what the looks came to was reported before.
    pub(super) async fn answer_asked(&mut self) {
        for members in self.asked.iter_mut().filter_map(|asked| asked.members.as_mut()) {
            members.retain(|member, _| self.locals.contains_key(member));
        }
        let is_over = |asked: &mut Asked| asked.members.as_ref().is_some_and(HashMap::is_empty);
        let over: Vec<Asked> = self.asked.extract_if(.., is_over).collect();
        for Asked { id, .. } in over {
            self.questions = self.questions.saturating_sub(1);
            let reply = v1::InspectReply { id, ..v1::InspectReply::default() };
            self.say(from_agent::Message::Inspected(reply), 0).await;
        }
    }
}
