//! Sending files and listings.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::header::{ACCEPT, ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE};
use http::{Method, StatusCode};
use repo::{Id, Kind, LocalStorage, Storage};
use serde::Serialize;

use crate::error::Refusal;
use crate::host::Served;
use crate::ranges;

const VERSION_1: &str = "application/vnd.x.restic.rest.v1";
const VERSION_2: &str = "application/vnd.x.restic.rest.v2";
/// Files are read and sent in pieces of this size (bytes).
const PIECE: u64 = 1 << 20;

#[derive(Serialize)]
struct Line {
    name: String,
    size: u64,
}

/// A listing, in the version that the client asks for.
pub(crate) async fn list(served: &Served, kind: Kind, headers: &HeaderMap) -> Result<Response, Refusal> {
    let entries = served.storage.list(kind).await?;
    let wants_sizes = headers.get(ACCEPT).is_some_and(|accept| accept == VERSION_2);
    let (json, version) = if wants_sizes {
        let lines: Vec<Line> = entries.iter().map(|e| Line { name: e.id.to_string(), size: e.size }).collect();
        (serde_json::to_vec(&lines), VERSION_2)
    } else {
        (serde_json::to_vec(&entries.iter().map(|e| e.id).collect::<Vec<Id>>()), VERSION_1)
    };
    let json = json.map_err(|_| Refusal::Malformed("a listing that is no JSON"))?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(version));
    Ok(response)
}

/// A file, or the part that the `Range` header names; for `HEAD` only what the headers say.
pub(crate) async fn send(
    served: &Arc<Served>,
    kind: Kind,
    id: Id,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let size = served.storage.size(kind, id).await?;
    let asked = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let range = asked.map_or(Ok(None), |header| ranges::parse(header, size)).map_err(|()| Refusal::Range { size })?;
    let (start, end) = range.as_ref().map_or((0, size), |range| (range.start, range.end));
    let body = match end - start {
        _ if *method == Method::HEAD => Body::empty(),
        0 => Body::empty(),
        length @ ..=PIECE => Body::from(served.storage.get_range(kind, id, start, length).await?),
        _ => pieces(served.storage.clone(), kind, id, start, end),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(end - start));
    if range.is_some() {
        let value = format!("bytes {start}-{}/{size}", end - 1);
        headers.insert(CONTENT_RANGE, HeaderValue::try_from(value).map_err(|_| Refusal::Range { size })?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// A long file, piece by piece: files never change, so they can be opened anew for each.
fn pieces(storage: LocalStorage, kind: Kind, id: Id, start: u64, end: u64) -> Body {
    let pieces = stream::try_unfold((storage, start), move |(storage, at)| async move {
        if at >= end {
            return Ok::<_, repo::StorageError>(None);
        }
        let length = PIECE.min(end - at);
        let piece: Bytes = storage.get_range(kind, id, at, length).await?;
        Ok(Some((piece, (storage, at + length))))
    });
    Body::from_stream(pieces)
}
