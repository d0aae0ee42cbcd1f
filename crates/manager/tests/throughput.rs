//! How many edits a second go through one manager, and how long one takes: notice, backup, commit, restore, all over TLS on
//! loopback. It prints figures; what fails is only a manager that loses an edit. Run it with `--release --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::{Duration, Instant};

use manager::ManagerOptions;
use tokio::sync::mpsc;
use wire::v1::{self, to_agent::Message};
use world::World;
use world::agent::{Agent, link, new_member};

struct Figures {
    seconds: f64,
    times: Vec<Duration>,
}

/// `edits` edits of agent one, `at_once` groups at a time; each ends when agent two has restored it.
async fn run(groups: usize, edits: usize) -> Figures {
    let options = ManagerOptions { member_rate: 1_000_000, ..ManagerOptions::default() };
    let world = World::new(options).await;
    let credentials = [world.enrol("one", false).await, world.enrol("two", false).await];
    let mut one = Agent::connect(&world, &credentials[0]).await.unwrap();
    let mut two = Agent::connect(&world, &credentials[1]).await.unwrap();
    for group in 0..groups {
        let path = format!("/{group}");
        let members = vec![new_member("one", &path, v1::Join::Offer), new_member("two", &path, v1::Join::Adopt)];
        link(&world, &format!("g{group}"), members).await.unwrap();
    }
    let committed = |m: &Message| matches!(m, Message::Acknowledged(a) if a.committed);
    for _ in 0..groups {
        one.until(committed).await;
    }
    for _ in 0..groups {
        two.until(committed).await;
    }
    let (done, mut restored) = mpsc::channel::<(String, String)>(10_000);
    let (command, mut commands) = mpsc::channel::<(String, String)>(10_000);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some((path, text)) = commands.recv() => one.edit(&path, &text).await,
                message = one.incoming.message() => match message {
                    Ok(Some(message)) => one.follow(message.message.unwrap()).await,
                    _ => return,
                },
            }
            one.seen.clear();
        }
    });
    tokio::spawn(async move {
        while let Ok(Some(message)) = two.incoming.message().await {
            let message = message.message.unwrap();
            let id = match &message {
                Message::Restore(restore) => Some(wire::id("member", &restore.member, plan::MemberId).unwrap()),
                _ => None,
            };
            two.follow(message).await;
            two.seen.clear();
            if let Some(member) = id.and_then(|id| two.members.get(&id)) {
                let _ = done.send((member.path.clone(), member.text.clone())).await;
            }
        }
    });
    let begin = Instant::now();
    let mut started = vec![begin; groups];
    let mut times = Vec::with_capacity(edits);
    let mut sent = 0;
    for (group, started) in started.iter_mut().enumerate().take(edits) {
        *started = Instant::now();
        command.send((format!("/{group}"), format!("edit {sent}"))).await.unwrap();
        sent += 1;
    }
    while times.len() < edits {
        let next = tokio::time::timeout(Duration::from_secs(30), restored.recv()).await.expect("an edit was lost");
        let (path, _) = next.unwrap();
        let group: usize = path[1..].parse().unwrap();
        times.push(started[group].elapsed());
        if sent < edits {
            started[group] = Instant::now();
            command.send((path, format!("edit {sent}"))).await.unwrap();
            sent += 1;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    world.stop().await;
    times.sort();
    Figures { seconds, times }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_through_one_manager() {
    let factor = if cfg!(debug_assertions) { 1 } else { 10 };
    for (groups, edits) in [(1, 50 * factor), (16, 100 * factor), (128, 300 * factor), (512, 600 * factor)] {
        let Figures { seconds, times } = run(groups, edits).await;
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
        println!(
            "{groups:>4} at once: {:>6.0} edits/s, p50 {:.2} ms, p99 {:.2} ms",
            edits as f64 / seconds,
            at(0.5),
            at(0.99)
        );
        assert_eq!(times.len(), edits);
    }
}
