//! What agents may and may not do.

use axum::body::Body;
use axum::extract::Request;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use repo::Id;
use tower::ServiceExt;

use crate::server;

struct Media {
    router: axum::Router,
    folder: tempfile::TempDir,
}

impl Media {
    async fn new(quota: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let router = server::router(server::options(folder.path(), quota));
        let media = Self { router, folder };
        assert_eq!(media.call("operator", Method::POST, "zone/?create=true", b"").await, StatusCode::OK);
        media
    }

    async fn answer(
        &self,
        user: &str,
        request: http::request::Builder,
        path: &str,
        body: Body,
    ) -> http::Response<Body> {
        let mut request = request.uri(format!("/media/{path}"));
        if !user.is_empty() {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:x"));
            request = request.header("authorization", format!("Basic {encoded}"));
        }
        let request: Request = request.body(body).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn call(&self, user: &str, method: Method, path: &str, body: &'static [u8]) -> StatusCode {
        let request = http::Request::builder().method(method).header("content-length", body.len());
        self.answer(user, request, path, Body::from(body)).await.status()
    }
}

fn path(kind: &str, body: &[u8]) -> String {
    format!("zone/{kind}/{}", Id::of(body))
}

#[tokio::test]
async fn each_user_and_verb() {
    let media = Media::new(None).await;
    for kind in ["data", "index", "snapshots", "locks", "keys"] {
        let path = path(kind, b"before");
        assert_eq!(media.call("operator", Method::POST, &path, b"before").await, StatusCode::OK, "{kind}");
    }
    assert_eq!(media.call("operator", Method::POST, "zone/config", b"config").await, StatusCode::OK);
    const OK: u16 = 200;
    const NO: u16 = 403;
    // Kind; reader writes, deletes; agent writes, deletes; operator writes, deletes.
    for (kind, expected) in [
        ("data", [NO, NO, OK, NO, OK, OK]),
        ("index", [NO, NO, OK, NO, OK, OK]),
        ("snapshots", [NO, NO, OK, NO, OK, OK]),
        ("locks", [OK, OK, OK, OK, OK, OK]),
        ("keys", [NO, NO, NO, NO, OK, OK]),
    ] {
        let mut actual = Vec::new();
        for user in ["reader", "agent", "operator"] {
            let name = path(kind, b"new");
            actual.push(media.call(user, Method::POST, &name, b"new").await.as_u16());
            // Readable by all; and there to be deleted in any case.
            media.call("operator", Method::POST, &name, b"new").await;
            assert_eq!(media.call(user, Method::GET, &name, b"").await, StatusCode::OK, "{kind} {user}");
            assert_eq!(media.call(user, Method::POST, &name, b"new").await, StatusCode::FORBIDDEN, "{kind} {user}");
            actual.push(media.call(user, Method::DELETE, &name, b"").await.as_u16());
            media.call("operator", Method::DELETE, &name, b"").await;
        }
        assert_eq!(actual, expected, "{kind}");
        // Another's lock, and what was there before, stays.
        let before = path(kind, b"before");
        for user in ["reader", "agent"] {
            assert_eq!(media.call(user, Method::DELETE, &before, b"").await, StatusCode::FORBIDDEN, "{kind} {user}");
        }
    }
    for user in ["reader", "agent"] {
        assert_eq!(media.call(user, Method::GET, "zone/config", b"").await, StatusCode::OK);
        assert_eq!(media.call(user, Method::HEAD, "zone/config", b"").await, StatusCode::OK);
        assert_eq!(media.call(user, Method::POST, "zone/config", b"x").await, StatusCode::FORBIDDEN);
        assert_eq!(media.call(user, Method::DELETE, "zone/config", b"").await, StatusCode::FORBIDDEN);
        assert_eq!(media.call(user, Method::DELETE, "zone/", b"").await, StatusCode::FORBIDDEN);
        assert_eq!(media.call(user, Method::POST, "zone/?create=true", b"").await, StatusCode::FORBIDDEN);
    }
    assert_eq!(media.call("operator", Method::POST, "zone/config", b"x").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_lock_is_its_owners_also_after_a_restart() {
    let media = Media::new(None).await;
    let lock = path("locks", b"lock");
    assert_eq!(media.call("agent", Method::POST, &lock, b"lock").await, StatusCode::OK);
    // Trying to write it does not make it another's.
    assert_eq!(media.call("thief", Method::POST, &lock, b"lock").await, StatusCode::FORBIDDEN);
    assert_eq!(media.call("thief", Method::DELETE, &lock, b"").await, StatusCode::FORBIDDEN);
    let restarted = Media { router: server::router(server::options(media.folder.path(), None)), ..media };
    assert_eq!(restarted.call("thief", Method::DELETE, &lock, b"").await, StatusCode::FORBIDDEN);
    assert_eq!(restarted.call("agent", Method::DELETE, &lock, b"").await, StatusCode::OK);
    assert_eq!(std::fs::read_dir(restarted.folder.path().join("state/locks/zone")).unwrap().count(), 0);
}

#[tokio::test]
async fn strangers_see_nothing() {
    let media = Media::new(None).await;
    assert_eq!(media.call("", Method::GET, "zone/data/", b"").await, StatusCode::UNAUTHORIZED);
    // A repository without a grant looks like one that does not exist.
    assert_eq!(media.call("agent", Method::GET, "other/data/", b"").await, StatusCode::NOT_FOUND);
    assert_eq!(media.call("agent", Method::GET, "none/data/", b"").await, StatusCode::NOT_FOUND);
    for path in ["zone/tmp/", "zone/../other/config", "zone/data/..%2f..%2fother%2fconfig", "zone/data/%2e%2e"] {
        let status = media.call("agent", Method::GET, path, b"").await;
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_its_name() {
    let media = Media::new(None).await;
    let long = vec![7_u8; 3 << 20];
    let wrong = path("data", b"something else");
    assert_eq!(media.call("agent", Method::POST, &wrong, b"this").await, StatusCode::BAD_REQUEST);
    // Long, with its length and without.
    for length in [Some(long.len()), None] {
        let mut request = http::Request::builder().method(Method::POST);
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let answer = media.answer("agent", request, &wrong, Body::from(long.clone())).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    let request = http::Request::builder().method(Method::POST);
    let answer = media.answer("agent", request, &path("data", &long), Body::from(long.clone())).await;
    assert_eq!(answer.status(), StatusCode::OK);
    // Longer than it said, and longer than allowed.
    let request = http::Request::builder().method(Method::POST).header("content-length", 3);
    let answer = media.answer("agent", request, &wrong, Body::from("four")).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let request = http::Request::builder().method(Method::POST).header("content-length", 1_u64 << 40);
    let answer = media.answer("agent", request, &wrong, Body::from("four")).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(media.call("agent", Method::GET, &wrong, b"").await, StatusCode::NOT_FOUND);
    assert_eq!(std::fs::read_dir(media.folder.path().join("zone/tmp")).unwrap().count(), 0, "a part was left");
}

#[tokio::test]
async fn a_quota_is_kept() {
    let media = Media::new(Some(1000)).await;
    let (half, other) = (&[1_u8; 600], &[2_u8; 600]);
    assert_eq!(media.call("agent", Method::POST, &path("data", half), half).await, StatusCode::OK);
    assert_eq!(media.call("agent", Method::POST, &path("data", other), other).await, StatusCode::INSUFFICIENT_STORAGE);
    // What is refused takes nothing.
    let wrong = path("data", b"x");
    assert_eq!(media.call("agent", Method::POST, &wrong, &[3; 400]).await, StatusCode::BAD_REQUEST);
    assert_eq!(media.call("agent", Method::POST, &path("index", &[4; 400]), &[4; 400]).await, StatusCode::OK);
    assert_eq!(media.call("agent", Method::POST, &path("index", b"1"), b"1").await, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(media.call("operator", Method::DELETE, &path("data", half), b"").await, StatusCode::OK);
    assert_eq!(media.call("agent", Method::POST, &path("data", other), other).await, StatusCode::OK);
    // Counted anew by the next process.
    let restarted = Media { router: server::router(server::options(media.folder.path(), Some(1000))), ..media };
    assert_eq!(
        restarted.call("agent", Method::POST, &path("index", b"1"), b"1").await,
        StatusCode::INSUFFICIENT_STORAGE
    );
}

#[tokio::test]
async fn listings_and_ranges_as_restic_wants_them() {
    let media = Media::new(None).await;
    assert_eq!(media.call("agent", Method::POST, &path("data", b"0123456789"), b"0123456789").await, StatusCode::OK);
    let id = Id::of(b"0123456789");
    for (accept, version, body) in [
        (
            "application/vnd.x.restic.rest.v2",
            "application/vnd.x.restic.rest.v2",
            format!("[{{\"name\":\"{id}\",\"size\":10}}]"),
        ),
        ("application/vnd.x.restic.rest.v1", "application/vnd.x.restic.rest.v1", format!("[\"{id}\"]")),
    ] {
        let request = http::Request::builder().header("accept", accept);
        let answer = media.answer("agent", request, "zone/data/", Body::empty()).await;
        assert_eq!(answer.headers()["content-type"], version);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
    }
    for (range, status, content, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=8-", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=10-", 416, Some("bytes */10"), "no such range in the file\n"),
        ("", 200, None, "0123456789"),
    ] {
        let request = http::Request::builder().header("range", range);
        let answer = media.answer("agent", request, &path("data", b"0123456789"), Body::empty()).await;
        assert_eq!(answer.status(), status, "{range}");
        assert_eq!(answer.headers().get("content-range").map(|v| v.to_str().unwrap()), content);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
    }
    let request = http::Request::builder().method(Method::HEAD);
    let answer = media.answer("agent", request, &path("data", b"0123456789"), Body::empty()).await;
    assert_eq!(answer.headers()["content-length"], "10");
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
}
