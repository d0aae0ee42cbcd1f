//! `kill -9` at every point between two durable steps, at random, and with the power cut; `cargo xtask crash` does it for longer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use testkit::crash::{At, Crashes, Orders, POINTS, Plan, program};
use testkit::{Cluster, Image, Options, Process, Random};

/// Sixty deaths of one manager and two agents: each point once, and some at random.
#[test]
fn sixty_deaths_lose_nothing() {
    let seed = Random::from_environment().next_number();
    let totals = Crashes::run(&Plan { seed, rounds: 60, check_every: 60, power: Image::possible() });
    println!("{totals:?}");
    let listed: BTreeSet<String> =
        POINTS.iter().filter(|point| point.at != At::Join).map(|point| point.name.to_owned()).collect();
    let (missing, unlisted): (Vec<_>, Vec<_>) =
        (listed.difference(&totals.reached).collect(), totals.reached.difference(&listed).collect());
    assert!(missing.is_empty(), "points that no process reached: {missing:?}");
    assert!(unlisted.is_empty(), "points that are not in the list: {unlisted:?}");
    assert!(totals.at.len() >= 40, "deaths at {} points only; missed: {:?}", totals.at.len(), totals.missed);
}

/// `inlay join` dies between any two files that it writes: it can be done again, or was done.
#[test]
fn a_machine_whose_enrolment_dies_can_be_enrolled_again() {
    let mut cluster = Cluster::prepare(&Options { agents: 10, namespaces: false });
    cluster.start_manager();
    let named = POINTS.iter().filter(|point| point.at == At::Join).map(|point| (point.name, 1));
    let keys = (1..=4).map(|number| ("own file: synced", number));
    let mut done = 0;
    for (number, (point, count)) in named.chain(keys).enumerate() {
        let orders = Orders::new(cluster.root().join("points").join(number.to_string()));
        let machine = &cluster.agents[number];
        let code = machine.home.join("code");
        let write_code = || std::fs::write(&code, cluster.ok(&cluster.manager, &["invite", "-q"])).unwrap();
        let (code, files) = (code.display().to_string(), machine.files.display().to_string());
        let join =
            |name: &'static str| ["join", "--name", name, "--code-file", &code, "--allow", &files].map(str::to_owned);
        write_code();
        orders.kill_at(point, count);
        let arguments = join(["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"][number]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = cluster.command_of(&program(), machine, &arguments);
        orders.give(&mut command);
        assert!(!command.output().unwrap().status.success(), "{point}");
        assert_eq!(orders.told().1, [point], "it died there, and nowhere else");
        // Its name stays taken, and its invite used: nobody can know that it will not come again.
        let arguments = join(["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"][number]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        write_code();
        let again = cluster.run(machine, &arguments);
        let said = String::from_utf8_lossy(&again.stderr);
        match again.status.success() {
            true => {}
            false => {
                assert!(said.contains("the home of an agent already"), "{point}: {said}");
                done += 1;
            }
        }
        let command = cluster.command(machine, &["agent", "run"]);
        Process::start(command, "ready, connected", &cluster.root().join(format!("n{number}.log"))).stop();
    }
    assert_eq!(done, 1, "only the last point is behind the end of it");
}
