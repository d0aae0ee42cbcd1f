//! Whatever an agent sends, and however little it reads: the manager answers, or ends that stream, and goes on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::Duration;

use manager::ManagerOptions;
use plan::Backoff;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;
use wire::v1::{self, from_agent, to_agent::Message};
use world::World;
use world::agent::{Agent, link, new_member};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 16),
        prop::collection::vec(any::<u8>(), 32),
        // The test puts its own member's id, group's id or job's id here.
        (0_u8..3).prop_map(|which| vec![which]),
    ]
}

fn record() -> impl Strategy<Value = v1::Record> {
    let ids = (bytes(), bytes(), bytes());
    let prints = (bytes(), bytes(), bytes());
    (ids, any::<u64>(), "\\PC{0,20}", prints, any::<u64>(), bytes()).prop_map(
        |(ids, generation, format, prints, size, copy)| v1::Record {
            version: ids.0,
            group: ids.1,
            member: ids.2,
            generation,
            mapping: format.clone(),
            format,
            text: prints.0,
            value: prints.1,
            mac: prints.2,
            size,
            copy,
        },
    )
}

fn message() -> impl Strategy<Value = from_agent::Message> {
    let report = (bytes(), any::<u64>(), bytes(), any::<u64>(), bytes(), any::<i32>(), "\\PC{0,30}", bytes()).prop_map(
        |(member, generation, base, base_gen, fingerprint, kind, text, job)| {
            from_agent::Message::Report(v1::Report {
                member,
                generation,
                base,
                base_gen,
                fingerprint,
                format: text.clone(),
                condition: Some(v1::Condition { kind, cause: text.clone() }),
                job,
                refused: text,
            })
        },
    );
    let backed_up = (bytes(), any::<u64>(), bytes(), prop::option::of(record()), bytes()).prop_map(
        |(base, base_gen, base_fp, record, job)| {
            from_agent::Message::BackedUp(v1::BackedUp { base, base_gen, base_fp, record, job })
        },
    );
    let sealed = (prop::collection::vec(bytes(), 0..5), "\\PC{0,300}")
        .prop_map(|(versions, snapshot)| from_agent::Message::Sealed(v1::Sealed { versions, snapshot }));
    let inspected =
        bytes().prop_map(|id| from_agent::Message::Inspected(v1::InspectReply { id, ..Default::default() }));
    let hello = Just(from_agent::Message::Hello(v1::Hello::default()));
    prop_oneof![8 => report, 8 => backed_up, 2 => sealed, 1 => inspected, 1 => hello]
}

/// Puts real ids where the strategy left a mark.
fn aim(message: &mut from_agent::Message, ids: &[Vec<u8>; 3]) {
    let put = |field: &mut Vec<u8>| {
        if let [which] = field[..]
            && let Some(id) = ids.get(usize::from(which))
        {
            field.clone_from(id);
        }
    };
    match message {
        from_agent::Message::Report(report) => [&mut report.member, &mut report.job].into_iter().for_each(put),
        from_agent::Message::BackedUp(done) => {
            put(&mut done.job);
            if let Some(record) = &mut done.record {
                [&mut record.member, &mut record.group, &mut record.version].into_iter().for_each(put);
            }
        }
        _ => {}
    }
}

#[test]
fn any_message_is_answered_or_ends_its_own_stream_only() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (world, evil, good) = runtime.block_on(async {
        let world = World::new(ManagerOptions::default()).await;
        let (evil, good) = (world.enrol("evil", false).await, world.enrol("good", false).await);
        let members = vec![new_member("evil", "/a", v1::Join::Offer), new_member("good", "/b", v1::Join::Adopt)];
        link(&world, "g", members).await.unwrap();
        (world, evil, good)
    });
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&prop::collection::vec(message(), 1..30), |messages| {
            runtime.block_on(async {
                let mut agent = Agent::connect(&world, &evil).await.unwrap();
                let Message::Members(members) = agent.next().await.unwrap() else { panic!("members come") };
                let own = &members.assigned[0];
                let ids = [own.member.clone(), own.group.clone(), vec![5; 16]];
                for mut message in messages {
                    aim(&mut message, &ids);
                    let message = v1::FromAgent { message: Some(message) };
                    if agent.out.send(message).await.is_err() {
                        break;
                    }
                }
                drop(agent.out);
                while agent.incoming.message().await.is_ok_and(|m| m.is_some()) {}
                // The others go on.
                let mut other = Agent::connect(&world, &good).await.unwrap();
                other.until(|m| matches!(m, Message::Members(m) if m.whole)).await;
                other.until(|m| matches!(m, Message::Acknowledged(a) if a.refused.is_empty())).await;
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(world.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_protocol_end_their_connection() {
    let world = World::new(ManagerOptions::default()).await;
    for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0xff, 0xff], &[0; 4_096], b""] {
        let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        stream.write_all(junk).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ =
            tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("it is closed");
    }
    assert_eq!(world.http("GET", "/v1/health", vec![]).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_a_hello_of_this_protocol() {
    let world = World::new(ManagerOptions::default()).await;
    let credentials = world.enrol("one", false).await;
    let hello = |protocol| from_agent::Message::Hello(v1::Hello { protocol, ..Default::default() });
    let cases = [
        (hello(0), Code::FailedPrecondition),
        (from_agent::Message::Sealed(v1::Sealed::default()), Code::InvalidArgument),
    ];
    for (first, code) in cases {
        let (out, stream) = tokio::sync::mpsc::channel(4);
        out.send(v1::FromAgent { message: Some(first) }).await.unwrap();
        let mut client = world.agents(&credentials).await;
        let connected = client.connect(tokio_stream::wrappers::ReceiverStream::new(stream)).await;
        let error = match connected {
            Ok(response) => response.into_inner().message().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.code(), code, "{error}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_read_is_disconnected_and_the_others_go_on() {
    let options = ManagerOptions { backoff: Backoff { base: 60_000, most: 60_000 }, ..ManagerOptions::default() };
    let world = World::new(options).await;
    let (deaf, fine) = (world.enrol("deaf", false).await, world.enrol("fine", false).await);
    let stuck = Agent::connect(&world, &deaf).await.unwrap();
    let mut other = Agent::connect(&world, &fine).await.unwrap();
    // It reads nothing, and its members change again and again: what is sent to it fills the window, then the queue.
    link(&world, "g", vec![new_member("deaf", "/a", v1::Join::Offer)]).await.unwrap();
    let big = v1::NewMember { mapping: "m".repeat(60_000), ..new_member("deaf", "/b", v1::Join::Wait) };
    link(&world, "h", vec![big]).await.unwrap();
    let mut operator = world.operator().await;
    let online = async |operator: &mut wire::v1::operator_client::OperatorClient<_>| {
        let agents = operator.list_agents(v1::ListAgentsRequest {}).await.unwrap().into_inner().agents;
        agents.iter().filter(|a| a.online).map(|a| a.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(online(&mut operator).await, ["deaf", "fine"]);
    let mut changes = 0;
    while online(&mut operator).await.len() == 2 {
        for paused in [true, false].repeat(50) {
            let pause = v1::PauseRequest { name: "h".into(), member: None, paused };
            operator.pause(pause).await.unwrap();
        }
        changes += 100;
        assert!(changes < 5_000, "the queue has no end");
    }
    assert_eq!(online(&mut operator).await, ["fine"]);
    link(&world, "i", vec![new_member("fine", "/c", v1::Join::Offer)]).await.unwrap();
    other.until(|m| matches!(m, Message::Acknowledged(a) if a.committed)).await;
    drop(stuck);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_reports_too_fast_is_slowed_down() {
    let world = World::new(ManagerOptions { member_rate: 20, dispatch: false, ..ManagerOptions::default() }).await;
    let credentials = world.enrol("one", false).await;
    link(&world, "g", vec![new_member("one", "/a", v1::Join::Offer)]).await.unwrap();
    let mut one = Agent::connect(&world, &credentials).await.unwrap();
    one.until(|m| matches!(m, Message::Acknowledged(_))).await;
    for edit in 0..300 {
        one.edit("/a", &format!("{edit}")).await;
    }
    drop(one.out);
    let mut acknowledged = 0;
    while let Ok(Some(message)) = one.incoming.message().await {
        acknowledged += usize::from(matches!(message.message, Some(Message::Acknowledged(_))));
    }
    assert!((30..200).contains(&acknowledged), "{acknowledged} of 300 were taken");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_link_ends() {
    let world = World::new(ManagerOptions { ping: Duration::from_millis(200), ..ManagerOptions::default() }).await;
    let credentials = world.enrol("one", false).await;
    let config = std::sync::Arc::new(world::client(&world.ca, Some(&credentials), b"h2"));
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let mut stream =
        tokio_rustls::TlsConnector::from(config).connect("localhost".try_into().unwrap(), stream).await.unwrap();
    // HTTP/2's preface and empty settings; then nothing: pings are not answered.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it stands for ever");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_members_than_the_window_are_all_served() {
    let world = World::new(ManagerOptions::default()).await;
    let credentials = world.enrol("one", false).await;
    let members = (0..600).map(|n| new_member("one", &format!("/{n}"), v1::Join::Adopt));
    let members = members.chain([new_member("one", "/first", v1::Join::Offer)]).collect();
    let mut one = Agent::connect(&world, &credentials).await.unwrap();
    one.files.insert("/first".into(), "the first".into());
    link(&world, "g", members).await.unwrap();
    let one = one.alone();
    world.until("g", "in-sync").await;
    world.stop().await;
    let one = one.await.unwrap();
    assert_eq!(one.members.values().filter(|m| m.text == "the first").count(), 601);
}
