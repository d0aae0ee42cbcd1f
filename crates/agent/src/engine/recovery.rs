//! The engine's beginning and end: what a crash interrupted is finished, and what is under way is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plan::{MemberId, VersionId};

use super::Engine;
use crate::detect::Target;
use crate::displaced::KEEP;
use crate::jobs::RestoreDone;
use crate::journal;
use crate::point::point;
use crate::record;
use crate::roster;
use crate::step::{Event, Restored};

impl Engine {
    /// Finishes what a crash interrupted, and takes up the members that were there before.
    pub(super) async fn begin(&mut self) {
        let (intents, deletions, unsealed) = self.tools.journal.read(|contents| {
            (
                contents.intents.clone(),
                contents.deletions.clone(),
                contents.unsealed.values().cloned().collect::<Vec<_>>(),
            )
        });
        let assigned = roster::load(&self.roster);
        let mut folders: HashSet<PathBuf> = intents.values().map(|intent| intent.folder.clone()).collect();
        folders.extend(deletions.values().map(|deletion| deletion.folder.clone()));
        folders.extend(
            assigned
                .iter()
                .filter_map(|member| crate::place::resolve(Path::new(&member.path)).ok()?.parent().map(Path::to_owned)),
        );
        point("recovery: begun");
        for (member, intent) in intents {
            if member != MemberId([0; 16]) {
                let target = assigned.iter().find_map(|message| meant(message, member));
                self.recover(member, target, intent).await;
            }
        }
        point("recovery: writes journaled");
        self.tools.blocking(move |tools| folders.iter().for_each(|folder| tools.sweep(folder))).await;
        point("recovery: swept");
        match self.tools.copies.recover(unsealed).await {
            Ok(seals) => {
                let sealed: HashSet<VersionId> = seals.iter().flat_map(|seal| seal.versions.iter().copied()).collect();
                let lost: Vec<VersionId> = self.tools.journal.read(|contents| {
                    contents.unsealed.keys().filter(|version| !sealed.contains(version)).copied().collect()
                });
                self.append([journal::Record::Sealed(lost)]);
                point("recovery: seals journaled");
                self.unsaid.extend(seals);
            }
            Err(error) => tracing::warn!(error = error.why, "what an earlier process left unsealed stays so"),
        }
        for member in assigned {
            self.assign(member).await;
        }
    }

    async fn recover(&mut self, member: MemberId, target: Option<Target>, intent: journal::MemberIntent) {
        let version = intent.version;
        let is_transaction = record::is_transaction(&intent.intent);
        let recovered = self
            .tools
            .blocking(move |tools| {
                tools.recover(member, target.as_ref(), &intent).inspect_err(|error| {
                    tracing::error!(%error, "a write that was interrupted is neither done nor undone");
                })
            })
            .await
            .and_then(Result::ok);
        point(if is_transaction { "recovery: transaction settled" } else { "recovery: write settled" });
        self.recovered(member, version, recovered).await;
    }

    pub(super) async fn recovered(&mut self, member: MemberId, version: VersionId, done: Option<RestoreDone>) {
        let Some(done) = done else {
            self.unfinished.insert(member, false);
            return;
        };
        self.unfinished.remove(&member);
        if let (Restored::Done(portion), Some(deletion)) = (done.restored, done.written) {
            self.written.insert(member, deletion);
            self.handle(Event::Recovered { member, version, portion }).await;
            self.settle_written(member);
        }
        if self.locals.contains_key(&member) {
            self.handle(Event::Touched(member)).await;
        }
    }

    pub(super) async fn end(mut self) {
        self.running.close();
        // Jobs end by themselves: they wait for disks and for the repository, which has deadlines of its own.
        while let Some(happened) = tokio::select! {
            biased;
            happened = self.happened.recv() => happened,
            () = self.running.wait() => None,
        } {
            self.took_place(happened).await;
        }
        while let Ok(happened) = self.happened.try_recv() {
            self.took_place(happened).await;
        }
        self.hooks.end().await;
        match self.tools.copies.shut_down().await {
            Ok(seals) => seals.into_iter().for_each(|seal| self.seals.add(seal)),
            Err(error) => tracing::warn!(error = error.why, "not everything is sealed: the next start does it"),
        }
        self.say_seals().await;
        self.delete_displaced().await;
    }

    /// Nothing is left beside the files of an agent that ends in peace. What cannot be deleted the next start deletes.
    async fn delete_displaced(&mut self) {
        let begun = self.now();
        while self.now() - begun <= KEEP + 500 && self.tools.journal.read(|contents| !contents.deletions.is_empty()) {
            let due = self.due_now();
            self.tools.blocking(move |tools| tools.delete(&due)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What the assignment means, if it is this member's.
fn meant(message: &wire::v1::Assignment, member: MemberId) -> Option<Target> {
    let (named, assignment) = super::members::assignment(message).ok()?;
    if named == member { super::target(&assignment).ok() } else { None }
}
