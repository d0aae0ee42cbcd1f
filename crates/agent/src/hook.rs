//! What this machine runs after a restore was written into one of its files: a program without a shell, named by the machine's own
//! policy ([`crate::Allow`]) and by nobody else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::task::TaskTracker;

/// So long may a program take; then it is ended.
const MOST: Duration = Duration::from_secs(60);
/// So long an agent that ends waits for it.
const AT_THE_END: Duration = Duration::from_secs(5);
/// So much of what it said is logged if it fails, in bytes.
const SAID: usize = 2_000;

/// A program and the file whose restores it follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hook {
    /// The file, whole and without links.
    pub file: PathBuf,
    /// The program and its arguments.
    pub run: Vec<String>,
}

/// The programs that run now, each at most once at a time. Restores meanwhile make it run once more: the last run always sees the
/// last restore.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hooks {
    tasks: TaskTracker,
    again: Arc<Mutex<HashMap<Hook, bool>>>,
}

impl Hooks {
    /// A restore for the group of that name was written into the file that these follow. Returns at once.
    pub(crate) fn restored(&self, hooks: Vec<Hook>, group: &str) {
        for hook in hooks {
            let mut running = self.again.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(again) = running.get_mut(&hook) {
                *again = true;
                continue;
            }
            running.insert(hook.clone(), false);
            drop(running);
            let (hooks, group) = (self.clone(), group.to_owned());
            self.tasks.spawn(async move {
                loop {
                    run(&hook, &group).await;
                    if !hooks.goes_on(&hook) {
                        return;
                    }
                }
            });
        }
    }

    /// Waits for what runs, for a while; what takes longer ends with the agent.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        let _ = tokio::time::timeout(AT_THE_END, self.tasks.wait()).await;
    }

    /// Whether there was another restore since it was started; if not, it runs no more.
    fn goes_on(&self, hook: &Hook) -> bool {
        let mut running = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get_mut(hook) {
            Some(again) if *again => {
                *again = false;
                true
            }
            _ => {
                running.remove(hook);
                false
            }
        }
    }
}

async fn run(hook: &Hook, group: &str) {
    let Some((program, arguments)) = hook.run.split_first() else { return };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command.env("INLAY_FILE", &hook.file).env("INLAY_GROUP", group);
    command.current_dir(hook.file.parent().unwrap_or(Path::new("/")));
    let output = tokio::time::timeout(MOST, command.output()).await;
    let file = hook.file.display();
    match output {
        Ok(Ok(output)) if output.status.success() => tracing::info!(%file, program, "ran after a restore"),
        Ok(Ok(output)) => {
            let from = output.stderr.len().saturating_sub(SAID);
            let said = String::from_utf8_lossy(&output.stderr[from..]);
            tracing::warn!(%file, program, status = %output.status, said = said.trim(), "what runs after a restore has failed");
        }
        Ok(Err(error)) => tracing::warn!(%file, program, %error, "what runs after a restore cannot be started"),
        Err(_) => tracing::warn!(%file, program, "what runs after a restore took over a minute, and was ended"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_last_run_sees_the_last_restore() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let script = "n=$(cat a); sleep 0.05; echo $INLAY_GROUP $n >> ran";
        let hook = Hook { file: file.clone(), run: ["sh", "-c", script].map(str::to_owned).to_vec() };
        let hooks = Hooks::default();
        for n in 1..=20 {
            std::fs::write(&file, n.to_string()).unwrap();
            hooks.restored(vec![hook.clone()], "g");
            tokio::task::yield_now().await;
        }
        hooks.end().await;
        let ran = std::fs::read_to_string(folder.path().join("ran")).unwrap();
        assert!(ran.ends_with("g 20\n") && ran.lines().count() < 20, "{ran}");
        assert!(hooks.again.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_run_harms_nothing() {
        let hooks = Hooks::default();
        for run in [vec![], vec!["/nowhere/program".to_owned()], vec!["false".to_owned()]] {
            hooks.restored(vec![Hook { file: "/tmp/a".into(), run }], "g");
        }
        hooks.end().await;
        assert!(hooks.again.lock().unwrap().is_empty());
    }
}
