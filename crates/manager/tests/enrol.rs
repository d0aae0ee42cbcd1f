//! Who gets in, and what they may do there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use manager::{InitOptions, Manager, ManagerOptions, Peer};
use tonic::Code;
use wire::v1;
use wire::v1::operator_client::OperatorClient;
use world::agent::Agent;
use world::{World, home};

#[tokio::test(flavor = "multi_thread")]
async fn health_and_the_ca_need_no_certificate() {
    let world = World::new(ManagerOptions::default()).await;
    let (status, body) = world.http("GET", "/v1/health", vec![]).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert_eq!(world.http("GET", "/v1/ca", vec![]).await, (200, world.ca.clone().into_bytes()));
    assert_eq!(world.http("GET", "/elsewhere", vec![]).await.0, 404);
    assert_eq!(world.http("POST", "/v1/enrol", b"{".to_vec()).await.0, 400);
    assert_eq!(world.http("POST", "/v1/enrol", vec![b' '; 70_000]).await.0, 413);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_what_is_wrong() {
    let world = World::new(ManagerOptions::default()).await;
    let reply = world.invite(b"twice", 2, 60, false).await;
    assert_eq!(reply.ca, world.manager.ca_fingerprint());
    assert_eq!(reply.addresses, [world.address.to_string(), format!("a-host:{}", world.address.port())]);
    world.invite(b"short", 1, 1, false).await;
    let (enrolled, _) = world.try_enrol(b"twice", "box", wire::PROTOCOL).await.unwrap();
    assert_eq!((enrolled.identity.name.as_str(), enrolled.identity.operate), ("box", false));
    assert_eq!(enrolled.repositories[0].wrapped, "d3JhcHBlZA==");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let cases: [(&[u8], &str, u32, u16, &str); 6] = [
        (b"nobody's", "new", 1, 403, "invite-unknown"),
        (b"short", "new", 1, 410, "invite-expired"),
        (b"twice", "box", 1, 409, "name-taken"),
        (b"twice", "Box", 1, 400, "name-invalid"),
        (b"twice", "", 1, 400, "name-invalid"),
        (b"twice", "new", 0, 426, "protocol-too-old"),
    ];
    for (secret, name, protocol, status, error) in cases {
        let (code, refusal) = world.try_enrol(secret, name, protocol).await.unwrap_err();
        assert_eq!((code, refusal.error.as_str()), (status, error));
        assert!(!refusal.message.is_empty());
    }
    // Refusals used nothing up; now it is used up.
    world.try_enrol(b"twice", "new", wire::PROTOCOL).await.unwrap();
    let (code, refusal) = world.try_enrol(b"twice", "third", wire::PROTOCOL).await.unwrap_err();
    assert_eq!((code, refusal.error.as_str()), (410, "invite-used"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_with_one_invite_make_one_agent() {
    let world = World::new(ManagerOptions::default()).await;
    world.invite(b"once", 1, 60, false).await;
    let (a, b) = tokio::join!(world.try_enrol(b"once", "a", 1), world.try_enrol(b"once", "b", 1));
    assert!(a.is_ok() != b.is_ok(), "exactly one");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_may_do_what_its_certificate_says() {
    let world = World::new(ManagerOptions::default()).await;
    let plain = world.enrol("plain", false).await;
    let operating = world.enrol("operating", true).await;
    let status = async |credentials: Option<&world::Credentials>| {
        let channel = world.channel(credentials).await.unwrap();
        let request = v1::StatusRequest::default();
        OperatorClient::new(channel).status(request).await.map(|_| ()).map_err(|s| s.code())
    };
    assert_eq!(status(None).await, Err(Code::Unauthenticated));
    assert_eq!(status(Some(&plain)).await, Err(Code::PermissionDenied));
    assert_eq!(status(Some(&operating)).await, Ok(()));
    assert_eq!(status(Some(&world.operator_credentials())).await, Ok(()));
    // The operator's certificate is no agent's.
    let error = Agent::connect(&world, &world.operator_credentials()).await.err().unwrap();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(Agent::connect(&world, &plain).await.is_ok());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ca_is_not_believed_by_either_end() {
    let world = World::new(ManagerOptions::default()).await;
    let other = World::new(ManagerOptions::default()).await;
    let stranger = other.enrol("stranger", true).await;
    assert!(
        world.channel(Some(&stranger)).await.is_err() || {
            let channel = world.channel(Some(&stranger)).await.unwrap();
            OperatorClient::new(channel).status(v1::StatusRequest::default()).await.is_err()
        }
    );
    let config = world::client(&other.ca, None, b"h2");
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    assert!(connector.connect("localhost".try_into().unwrap(), stream).await.is_err());
    world.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn further_routes_know_the_peer() {
    let who = |peer: axum::Extension<Peer>| async move { format!("{:?}", peer.identity) };
    let extra = axum::Router::new().route("/repo/who", axum::routing::get(who));
    let world = World::with(ManagerOptions::default(), extra).await;
    let (status, body) = world.http("GET", "/repo/who", vec![]).await;
    assert_eq!((status, body.as_slice()), (200, b"None".as_slice()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_made_once_and_its_keys_are_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let options =
        InitOptions { listen: "127.0.0.1:0".parse().unwrap(), names: vec!["bad name\n".into()], repositories: vec![] };
    assert!(Manager::open(&home(&dir), ManagerOptions::default()).unwrap_err().to_string().contains("directory"));
    let made = manager::init(&home(&dir), &options).unwrap();
    assert!(manager::init(&home(&dir), &options).is_err());
    for key in ["ca.key", "operator.key"] {
        let mode = std::fs::metadata(home(&dir).join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    assert_eq!(std::fs::metadata(home(&dir)).unwrap().permissions().mode() & 0o777, 0o700);
    // A lost operator certificate is made again.
    std::fs::remove_file(&made.operator.certificate).unwrap();
    let opened = Manager::open(&home(&dir), ManagerOptions::default()).unwrap();
    assert_eq!(opened.ca_fingerprint(), made.ca_fingerprint);
    assert!(made.operator.certificate.exists());
    opened.close().await;
}
