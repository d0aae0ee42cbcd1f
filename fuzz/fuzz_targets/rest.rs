//! Whatever a REST server answers: listings, bodies, ranges, lengths.
#![no_main]

use std::sync::{Arc, Mutex, OnceLock};

use libfuzzer_sys::fuzz_target;
use repo::{Id, Kind, RestStorage, Storage, StorageError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const STATUSES: &[u16] = &[200, 206, 404, 416, 500, 403, 204, 507];

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    world.runtime.block_on(world.check(choice.wrapping_sub(b'a'), body));
});

struct World {
    runtime: Runtime,
    storage: RestStorage,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl World {
    /// One client and one connection for all inputs: ports are few.
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer: Arc<Mutex<Vec<u8>>> = Arc::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let answers = answer.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone()));
            }
        });
        let storage = RestStorage::new(&format!("http://{address}/x/"), None).expect("an address of this machine");
        World { runtime, storage, answer }
    }

    async fn check(&self, choice: u8, body: &[u8]) {
        let status = STATUSES[usize::from(choice) % STATUSES.len()];
        let kind = if choice & 64 == 0 { "application/vnd.x.restic.rest.v2" } else { "text/html" };
        let body = if status == 204 { &[] } else { body };
        let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n").into_bytes();
        if status != 204 {
            answer.extend(format!("content-length: {}\r\n", body.len()).bytes());
        }
        answer.extend(b"\r\n");
        answer.extend(body);
        if let Ok(mut slot) = self.answer.lock() {
            *slot = answer;
        }
        let id = Id::new([1; 32]);
        match self.storage.list(Kind::Data).await {
            Ok(entries) => {
                assert!(status == 404 || (status == 200 && choice & 64 == 0));
                assert!(entries.is_sorted());
                assert!(entries.len() * 64 <= body.len(), "each has a name of its own length");
            }
            Err(error) => {
                assert!(!matches!(error, StorageError::Network { .. } | StorageError::Timeout { .. }), "{error}")
            }
        }
        match self.storage.get(Kind::Data, id).await {
            Ok(read) => assert!(status == 200 && read == body),
            Err(error) => assert!(error.is_missing() == (status == 404), "{error}"),
        }
        let (offset, length) =
            (u64::from(body.first().copied().unwrap_or(0)), u64::from(body.last().copied().unwrap_or(0)));
        if let Ok(read) = self.storage.get_range(Kind::Data, id, offset, length).await
            && length > 0
        {
            assert_eq!(read.len() as u64, length, "a range has the length that was asked for");
        }
    }
}

/// Answers every request of a connection alike.
async fn serve(mut stream: tokio::net::TcpStream, answer: Arc<Mutex<Vec<u8>>>) {
    let mut read = Vec::new();
    loop {
        while let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let is_head = read.starts_with(b"HEAD");
            read.drain(..end + 4);
            let mut bytes = answer.lock().map(|answer| answer.clone()).unwrap_or_default();
            if is_head && let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                bytes.truncate(end + 4);
            }
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
