//! Whatever a client asks the media agent that may only append: nothing that is there is changed or deleted, and nothing elsewhere is read.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use axum::body::Body;
use libfuzzer_sys::fuzz_target;
use media::{Access, Caller, Grants, Hosted, MediaOptions};
use repo::{Id, Kind};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const OUTSIDE: &[u8] = b"what stands outside of every repository";
const INSIDE: &[u8] = b"what stands in a repository";
const METHODS: &[&str] = &["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"];

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    let Some((choice, [path, header, body])) = fuzz::input::parts(data) else { return };
    world.runtime.block_on(world.check(choice, path, header, body));
});

struct World {
    runtime: Runtime,
    router: axum::Router,
    folder: tempfile::TempDir,
    kept: Vec<PathBuf>,
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = fuzz::folder();
        fs::write(folder.path().join("secret"), OUTSIDE).expect("it is written");
        let repository = folder.path().join("zone");
        let storage = repo::LocalStorage::new(&repository);
        let kept = runtime.block_on(async {
            use repo::Storage;
            storage.create().await.expect("it is made");
            let mut kept = Vec::new();
            for kind in Kind::FOLDERS {
                let id = Id::of(INSIDE);
                storage.put(kind, id, INSIDE.into()).await.expect("it is put");
                let name = id.to_string();
                let folder = repository.join(kind.name());
                kept.push(if kind == Kind::Data { folder.join(&name[..2]).join(name) } else { folder.join(name) });
            }
            kept
        });
        let hosted = Hosted { folder: repository, quota: Some(8 << 20) };
        let options = MediaOptions::new(BTreeMap::from([("zone".to_owned(), hosted)]), folder.path().join("state"));
        let router = media::router(options).expect("the name is one");
        World { runtime, router, folder, kept }
    }

    async fn check(&self, choice: u8, path: &[u8], header: &[u8], body: &[u8]) {
        let method = fuzz::input::one_of(METHODS, choice);
        let path = String::from_utf8_lossy(path)
            .replace('@', &Id::of(INSIDE).to_string())
            .replace('^', &Id::of(body).to_string());
        let mut request = http::Request::builder().method(method).uri(format!("/{path}"));
        for line in header.split(|byte| *byte == b'\n') {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                request = request.header(name, value);
            }
        }
        let Ok(mut request) = request.body(Body::from(body.to_vec())) else { return };
        let caller = Caller { name: "evil".to_owned(), grants: Grants::All(Access::Append) };
        request.extensions_mut().insert(caller);
        let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status();
        assert!(status.as_u16() != 500, "{status}");
        let answer = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap_or_default();
        assert!(!answer.windows(OUTSIDE.len()).any(|bytes| bytes == OUTSIDE), "what stands outside is read");
        for kept in &self.kept {
            assert_eq!(
                fs::read(kept).ok().as_deref(),
                Some(INSIDE),
                "{} was changed by {method} {path}",
                kept.display()
            );
        }
        assert!(self.folder.path().join("secret").exists());
        if status.is_success() && method == "POST" && !path.contains("create=true") {
            assert!(
                path.contains(&Id::of(body).to_string()),
                "a body is stored under another name than its own: {path}"
            );
        }
    }
}
