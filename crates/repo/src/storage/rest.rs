//! A repository behind restic's REST protocol (restic `doc/REST_backend.rst`, version 2).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use super::connect::Connector;
use super::{Entry, Kind, MAX_FILE, Storage, StorageError, without_password};
use crate::id::Id;

const VERSION_2: &str = "application/vnd.x.restic.rest.v2";
/// How long one request may take altogether, and more for long bodies: at least this many bytes a second are expected.
const DEADLINE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 256 << 10;
/// How often a request is tried when the connection breaks.
const TRIES: u32 = 3;

/// A server that speaks restic's REST protocol, such as our media agent. Connections are kept, so a put is one round trip.
pub struct RestStorage {
    base: String,
    server: String,
    authorization: Option<HeaderValue>,
    client: Client<Connector, Full<Bytes>>,
}

impl RestStorage {
    /// The repository at `address` (`https://[user:password@]host[:port]/path/`); `tls` carries trust and client certificate.
    ///
    /// # Errors
    /// The address cannot be read, has no TLS configuration, or is plain HTTP to another machine.
    pub fn new(address: &str, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Self, StorageError> {
        let wrong = |why: &str| StorageError::Address { address: without_password(address), why: why.into() };
        let (scheme, rest) = address.split_once("://").ok_or_else(|| wrong("no https://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, authority),
        };
        let base = format!("{scheme}://{server}/{}", path.trim_end_matches('/')).trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| wrong("not a URI"))?;
        let host = uri.host().ok_or_else(|| wrong("no host"))?;
        match scheme {
            "https" if tls.is_none() => return Err(wrong("TLS is not configured")),
            "http" if !is_loopback(host) => return Err(wrong("without TLS only loopback is allowed")),
            "https" | "http" => {}
            _ => return Err(wrong("neither https nor http")),
        }
        let authorization = user.map(|user| {
            let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(unescape(user))));
            if let Ok(value) = &mut value {
                value.set_sensitive(true);
            }
            value.map_err(|_| wrong("a user or password that HTTP cannot carry"))
        });
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .pool_max_idle_per_host(16)
            .build(Connector::new(tls));
        Ok(Self { base, server: server.to_owned(), authorization: authorization.transpose()?, client })
    }

    fn url(&self, kind: Kind, id: Id) -> String {
        match kind {
            Kind::Config => format!("{}/config", self.base),
            _ => format!("{}/{kind}/{id}", self.base),
        }
    }

    /// Sends a request, and again if the connection breaks. Bodies are ours and all requests idempotent, except that a put
    /// whose answer was lost finds its own file: `tried` tells.
    async fn send(&self, method: &Method, url: &str, read: Read, body: Bytes) -> Result<Answer, StorageError> {
        let (range, expected) = match read {
            Read::Little => (None, body.len() as u64),
            Read::Whole => (None, 64 << 20),
            Read::Range(offset, length) => (Some(format!("bytes={offset}-{}", offset + length - 1)), length),
        };
        let deadline = DEADLINE + Duration::from_secs(expected / SLOWEST);
        let mut tried = 0;
        loop {
            tried += 1;
            let answer =
                tokio::time::timeout(deadline, self.send_once(method, url, range.as_deref(), body.clone())).await;
            let error = match answer {
                Ok(Ok(mut answer)) => {
                    answer.tried = tried;
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => StorageError::Timeout { server: self.server.clone(), seconds: deadline.as_secs() },
            };
            if !matches!(error, StorageError::Network { .. }) || tried >= TRIES {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50) * tried).await;
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        url: &str,
        range: Option<&str>,
        body: Bytes,
    ) -> Result<Answer, StorageError> {
        let network = |source| StorageError::Network { server: self.server.clone(), source };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = url.parse().map_err(|e: http::uri::InvalidUri| network(e.into()))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(VERSION_2));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        }
        if let Some(range) = range {
            headers.insert(RANGE, HeaderValue::try_from(range).map_err(|e| network(e.into()))?);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let response = self.client.request(request).await.map_err(|e| network(e.into()))?;
        let (head, body) = response.into_parts();
        let body = if method == Method::HEAD { Bytes::new() } else { self.body(body).await? };
        Ok(Answer { status: head.status, headers: head.headers, body, tried: 1 })
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, StorageError> {
        match Limited::new(body, MAX_FILE as usize).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(source) if source.is::<http_body_util::LengthLimitError>() => {
                Err(StorageError::Answer { action: "a request", what: format!("more than {MAX_FILE} bytes") })
            }
            Err(source) => Err(StorageError::Network { server: self.server.clone(), source }),
        }
    }

    async fn read(&self, kind: Kind, id: Id, range: Option<(u64, u64)>) -> Result<Bytes, StorageError> {
        let read = range.map_or(Read::Whole, |(offset, length)| Read::Range(offset, length));
        let answer = self.send(&Method::GET, &self.url(kind, id), read, Bytes::new()).await?;
        match (range, answer.status) {
            (None, StatusCode::OK) => Ok(answer.body),
            (Some((offset, length)), StatusCode::RANGE_NOT_SATISFIABLE) => {
                Err(StorageError::Range { kind, id, offset, length })
            }
            (Some((offset, length)), StatusCode::PARTIAL_CONTENT) => {
                if answer.body.len() as u64 == length {
                    return Ok(answer.body);
                }
                Err(StorageError::Range { kind, id, offset, length })
            }
            // A server without ranges sends all of it.
            (Some((offset, length)), StatusCode::OK) => {
                let end = offset.checked_add(length).filter(|end| *end <= answer.body.len() as u64);
                match end {
                    Some(end) => Ok(answer.body.slice(offset as usize..end as usize)),
                    None => Err(StorageError::Range { kind, id, offset, length }),
                }
            }
            (_, status) => Err(refusal("read", kind, id, status)),
        }
    }
}

/// What a request will give back.
enum Read {
    /// Next to nothing.
    Little,
    /// A file or a listing.
    Whole,
    /// Offset and length, which is not 0.
    Range(u64, u64),
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    tried: u32,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    size: u64,
}

#[async_trait]
impl Storage for RestStorage {
    async fn create(&self) -> Result<(), StorageError> {
        let url = format!("{}/?create=true", self.base);
        let answer = self.send(&Method::POST, &url, Read::Little, Bytes::new()).await?;
        match answer.status {
            StatusCode::OK => Ok(()),
            status => Err(refusal("create", Kind::Config, Id::new([0; 32]), status)),
        }
    }

    async fn put(&self, kind: Kind, id: Id, bytes: Bytes) -> Result<(), StorageError> {
        let answer = self.send(&Method::POST, &self.url(kind, id), Read::Little, bytes).await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            // Refused: is that because it is there? Some servers say so, some only forbid it.
            status @ (StatusCode::FORBIDDEN | StatusCode::CONFLICT) => match self.size(kind, id).await {
                // There since our own first try.
                Ok(_) if answer.tried > 1 && kind != Kind::Config => Ok(()),
                Ok(_) => Err(StorageError::Exists { kind, id }),
                Err(_) => Err(refusal("write", kind, id, status)),
            },
            status => Err(refusal("write", kind, id, status)),
        }
    }

    async fn get(&self, kind: Kind, id: Id) -> Result<Bytes, StorageError> {
        self.read(kind, id, None).await
    }

    async fn get_range(&self, kind: Kind, id: Id, offset: u64, length: u64) -> Result<Bytes, StorageError> {
        if length > MAX_FILE || offset.checked_add(length).is_none() {
            return Err(StorageError::Range { kind, id, offset, length });
        }
        if length == 0 {
            // HTTP has no empty ranges.
            let size = self.size(kind, id).await?;
            return if offset <= size {
                Ok(Bytes::new())
            } else {
                Err(StorageError::Range { kind, id, offset, length })
            };
        }
        self.read(kind, id, Some((offset, length))).await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Entry>, StorageError> {
        if kind == Kind::Config {
            let id = Id::new([0; 32]);
            return match self.size(kind, id).await {
                Ok(size) => Ok(vec![Entry { id, size }]),
                Err(error) if error.is_missing() => Ok(Vec::new()),
                Err(error) => Err(error),
            };
        }
        let answer = self.send(&Method::GET, &format!("{}/{kind}/", self.base), Read::Whole, Bytes::new()).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Vec::new()),
            status => return Err(refusal("list", kind, Id::new([0; 32]), status)),
        }
        let wrong = |what: String| StorageError::Answer { action: "a listing", what };
        if answer.headers.get(CONTENT_TYPE).is_none_or(|value| value != VERSION_2) {
            return Err(wrong("version 1 of the protocol, which gives no sizes".into()));
        }
        let lines: Vec<Line> = serde_json::from_slice(&answer.body).map_err(|e| wrong(e.to_string()))?;
        let parse = |line: Line| line.name.parse().ok().map(|id| Entry { id, size: line.size });
        let mut entries: Vec<Entry> = lines.into_iter().filter_map(parse).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    async fn size(&self, kind: Kind, id: Id) -> Result<u64, StorageError> {
        let answer = self.send(&Method::HEAD, &self.url(kind, id), Read::Little, Bytes::new()).await?;
        if answer.status != StatusCode::OK {
            return Err(refusal("look at", kind, id, answer.status));
        }
        let length = answer.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        length.ok_or_else(|| StorageError::Answer { action: "a look at a file", what: "no length".into() })
    }

    async fn delete(&self, kind: Kind, id: Id) -> Result<(), StorageError> {
        let answer = self.send(&Method::DELETE, &self.url(kind, id), Read::Little, Bytes::new()).await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND if answer.tried > 1 => Ok(()),
            status => Err(refusal("delete", kind, id, status)),
        }
    }

    fn address(&self) -> String {
        format!("rest:{}/", self.base)
    }
}

impl fmt::Debug for RestStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestStorage").field("base", &self.base).finish_non_exhaustive()
    }
}

fn refusal(action: &'static str, kind: Kind, id: Id, status: StatusCode) -> StorageError {
    match status {
        StatusCode::NOT_FOUND => StorageError::Missing { kind, id },
        status => StorageError::Refused { action, kind, id, status: status.as_u16() },
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Percent-decodes the `user:password` of an address.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let mut decoded = [0];
        match bytes.get(at + 1..at + 3) {
            Some(digits) if *byte == b'%' && hex::decode_to_slice(digits, &mut decoded).is_ok() => {
                out.push(decoded[0]);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses() {
        let check = |address: &str, expected: Result<&str, &str>| match (RestStorage::new(address, None), expected) {
            (Ok(storage), Ok(base)) => assert_eq!(storage.address(), base),
            (Err(StorageError::Address { why, .. }), Err(part)) => assert!(why.contains(part), "{address}: {why}"),
            (other, _) => panic!("{address}: {other:?}"),
        };
        check("http://127.0.0.1:8000/a/", Ok("rest:http://127.0.0.1:8000/a/"));
        check("http://[::1]:8000", Ok("rest:http://[::1]:8000/"));
        check("http://me:secret@localhost/x/y", Ok("rest:http://localhost/x/y/"));
        check("http://example.org/", Err("loopback"));
        check("https://example.org/", Err("TLS"));
        check("ftp://localhost/", Err("neither"));
        check("http://", Err(""));
    }

    #[test]
    fn a_password_is_never_shown() {
        let storage = RestStorage::new("http://me:sec%40ret@localhost/x", None).unwrap();
        assert!(!format!("{storage:?}{}", storage.address()).contains("ret"));
        assert_eq!(
            storage.authorization.unwrap().to_str().unwrap(),
            format!("Basic {}", STANDARD.encode("me:sec@ret"))
        );
        let Err(error) = RestStorage::new("ftp://me:secret@host/x", None) else { panic!("taken") };
        assert!(!error.to_string().contains("secret"));
    }
}
