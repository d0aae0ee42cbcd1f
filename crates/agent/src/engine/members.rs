//! The members: what the manager assigned, where their files are, and which of these may have changed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use plan::{Condition, MemberId};
use wire::v1;

use super::{Engine, Happened, Local};
use crate::detect::{LARGE, Seen, Target};
use crate::journal;
use crate::record;
use crate::roster;
use crate::step::{Assignment, Event};
use crate::watch::{Touched, Watch};

impl Engine {
    pub(super) async fn members(&mut self, members: v1::Members) -> Result<(), wire::WireError> {
        let mut named = HashSet::new();
        for member in members.assigned {
            named.insert(wire::from_assignment(&member)?.0);
            self.assign(member).await;
        }
        let mut gone = Vec::new();
        for member in &members.removed {
            gone.push(wire::id("removed", member, MemberId)?);
        }
        if members.whole {
            gone.extend(self.assigned.keys().filter(|member| !named.contains(*member)));
        }
        for member in gone {
            self.assigned.remove(&member);
            self.handle(Event::Removed(member)).await;
        }
        if let Err(error) = roster::save(&self.roster, self.assigned.values()) {
            tracing::warn!(%error, "the members are not remembered: after a restart they are known when the manager is");
        }
        Ok(())
    }

    pub(super) async fn assign(&mut self, message: v1::Assignment) {
        let Ok((member, assignment)) = assignment(&message) else { return };
        let target = target(&assignment).map(Arc::new);
        let moved = match self.locals.get_mut(&member) {
            Some(local) => {
                let moved = self.assigned.get(&member).is_none_or(|old| old.path != message.path);
                (local.target, local.found) = (target, None);
                moved
            }
            None => {
                // A write that a crash interrupted may have been found done, and journaled, before its member was known.
                let named = self.tools.journal.written();
                let local =
                    Local { target, points: Vec::new(), seen: None, found: None, named, touched: Instant::now() };
                self.locals.insert(member, local);
                false
            }
        };
        if moved {
            self.unwatch_member(member);
            self.watch_member(member);
        }
        self.assigned.insert(member, message);
        self.handle(Event::Assigned(member, Box::new(assignment))).await;
    }

    pub(super) fn watch_member(&mut self, member: MemberId) {
        let Some(local) = self.locals.get_mut(&member) else { return };
        if let Ok(target) = &local.target {
            local.points = Watch::points(&target.path);
            if local.is_database() {
                local.points.extend(local.points.clone().iter().map(|point| record::log_of(point)));
            }
        }
        for point in local.points.clone() {
            self.watch.add(&point);
            self.by_point.entry(point).or_default().insert(member);
        }
    }

    pub(super) fn unwatch_member(&mut self, member: MemberId) {
        let Some(local) = self.locals.get_mut(&member) else { return };
        for point in std::mem::take(&mut local.points) {
            self.watch.remove(&point);
            if let Some(members) = self.by_point.get_mut(&point) {
                members.remove(&member);
                if members.is_empty() {
                    self.by_point.remove(&point);
                }
            }
        }
    }

    pub(super) fn forget(&mut self, member: MemberId) {
        self.unwatch_member(member);
        self.locals.remove(&member);
        self.append([journal::Record::Forget(member)]);
    }

    pub(super) fn target(&self, member: MemberId) -> Result<Arc<Target>, Condition> {
        if let Some(cause) = &self.broken {
            return Err(Condition::Suspended(cause.clone()));
        }
        if self.unfinished.contains_key(&member) {
            return Err(Condition::Suspended(
                "a write that was interrupted cannot be finished; see the agent's log".to_owned(),
            ));
        }
        match self.locals.get(&member) {
            Some(local) => local.target.clone(),
            None => Err(Condition::Suspended("it is no member here".to_owned())),
        }
    }

    /// Something was restored into a member's file.
    pub(super) fn run_hooks(&self, member: MemberId) {
        let Ok(target) = self.target(member) else { return };
        let (Ok(allow), Ok(file)) = (self.tools.allow.current(), crate::place::resolve(&target.path)) else { return };
        self.hooks.restored(allow.after_restore(&file), &target.group_name);
    }

    pub(super) async fn touched(&mut self, touched: Touched) {
        match touched {
            Touched::Everything => self.check(self.locals.keys().copied().collect()),
            Touched::File(path, at) => {
                let members: Vec<MemberId> = self.by_point.get(&path).into_iter().flatten().copied().collect();
                let mut large = Vec::new();
                for member in members {
                    let Some(local) = self.locals.get_mut(&member) else { continue };
                    local.touched = at.into_std();
                    // Whoever only reads a database closes its files as if they had been written.
                    let is_large = local.seen.is_some_and(|seen| seen.len() > LARGE);
                    if is_large || local.is_database() {
                        large.push(member);
                    } else {
                        self.handle(Event::Touched(member)).await;
                    }
                }
                if !large.is_empty() {
                    self.check(large);
                }
            }
        }
    }

    /// Compares files with what was seen of them, and looks at those that are not surely the same.
    pub(super) fn check(&mut self, members: Vec<MemberId>) {
        let members = self.comparable(members);
        if members.is_empty() {
            return;
        }
        let tools = self.tools.clone();
        self.start(async move {
            Happened::Changed(tools.blocking(move |tools| tools.changed(members)).await.unwrap_or_default())
        });
    }

    /// What there is to compare of members.
    pub(super) fn comparable(&self, members: Vec<MemberId>) -> Vec<(MemberId, Arc<Target>, Option<Seen>)> {
        let known = |member| {
            let local: &Local = self.locals.get(&member)?;
            Some((member, local.target.clone().ok()?, local.seen))
        };
        members.into_iter().filter_map(known).collect()
    }
}

/// A member, as the manager tells of it.
pub(crate) fn assignment(message: &v1::Assignment) -> Result<(MemberId, Assignment), wire::WireError> {
    let (member, group) = wire::from_assignment(message)?;
    let assignment = Assignment {
        group,
        group_name: message.group_name.clone(),
        path: message.path.clone(),
        selector: message.selector.clone(),
        mapping: message.mapping.clone(),
        direction: wire::from_direction(message.direction),
        create: message.create,
        delete: message.delete,
        paused: message.paused,
    };
    Ok((member, assignment))
}

/// What an assignment means.
pub(crate) fn target(assignment: &Assignment) -> Result<Target, Condition> {
    let wrong =
        |what: &str, why: &dyn std::fmt::Display| Condition::Suspended(format!("its {what} means nothing here: {why}"));
    let mapping: portion::Mapping = assignment.mapping.parse().map_err(|e| wrong("mapping", &e))?;
    Ok(Target {
        group: assignment.group,
        group_name: assignment.group_name.clone(),
        path: PathBuf::from(&assignment.path),
        selector: assignment.selector.parse().map_err(|e| wrong("selector", &e))?,
        mapping,
        mapping_text: assignment.mapping.clone(),
    })
}
