//! The paths of restic's REST protocol (restic `doc/REST_backend.rst`).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};
use repo::{Id, Kind, Storage};

use crate::access::{Access, Caller, Verb};
use crate::error::Refusal;
use crate::files;
use crate::host::{Host, MediaError, MediaOptions, Served};
use crate::upload::Upload;

const NO_ID: Id = Id::new([0; 32]);

type Shared = State<Arc<Host>>;
type Who = Option<Extension<Caller>>;
type Answer = Result<Response, Refusal>;

/// The server's paths, `/{repository}/…`, to be nested wherever the caller likes. Each request must carry a [`Caller`] in its
/// extensions.
///
/// # Errors
/// A repository's name cannot stand in a path, or the state folder cannot be made.
pub fn router(options: MediaOptions) -> Result<Router, MediaError> {
    let host = Arc::new(Host::new(options)?);
    let router = Router::new()
        .route("/{repository}/", post(create).delete(delete_repository))
        .route("/{repository}/config", get(read_config).post(write_config).delete(delete_config))
        .route("/{repository}/{kind}/", get(list))
        .route("/{repository}/{kind}/{name}", get(read).post(write).delete(delete))
        // Lengths are checked against our own limit, as the bytes come.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(host.clone(), take_turns))
        .with_state(host);
    Ok(router)
}

/// A bounded number of requests at once; the others wait.
async fn take_turns(State(host): Shared, request: Request, next: middleware::Next) -> Response {
    let _turn = host.at_once.acquire().await;
    next.run(request).await
}

/// The repository, if the caller may do that with it. One that it has no access to looks like one that does not exist.
fn enter(host: &Host, who: Who, repository: &str, verb: Verb) -> Result<(Arc<Served>, Caller, Access), Refusal> {
    let Some(Extension(caller)) = who else { return Err(Refusal::Unknown) };
    let access = caller.access(repository).ok_or(Refusal::Missing)?;
    let served = host.repository(repository)?;
    if !access.allows(verb) {
        tracing::warn!(caller = caller.name, repository, ?verb, "refused");
        return Err(Refusal::Forbidden);
    }
    Ok((served, caller, access))
}

fn kind(name: &str) -> Result<Kind, Refusal> {
    Kind::folder(name).ok_or(Refusal::Missing)
}

fn id(name: &str) -> Result<Id, Refusal> {
    name.parse().map_err(|_| Refusal::Malformed("not a file's name"))
}

fn done() -> Response {
    Response::new(Body::empty())
}

async fn create(State(host): Shared, who: Who, Path(repository): Path<String>, uri: http::Uri) -> Answer {
    let (served, ..) = enter(&host, who, &repository, Verb::Create)?;
    if !uri.query().unwrap_or_default().split('&').any(|pair| pair == "create=true") {
        return Err(Refusal::Malformed("expected ?create=true"));
    }
    served.storage.create().await?;
    Ok(done())
}

async fn delete_repository(State(host): Shared, who: Who, Path(repository): Path<String>) -> Answer {
    enter(&host, who, &repository, Verb::Delete(Kind::Config))?;
    Err(Refusal::NotOffered)
}

async fn read_config(
    State(host): Shared,
    who: Who,
    Path(repository): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let (served, ..) = enter(&host, who, &repository, Verb::Read)?;
    files::send(&served, Kind::Config, NO_ID, &method, &headers).await
}

async fn write_config(
    State(host): Shared,
    who: Who,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (served, ..) = enter(&host, who, &repository, Verb::Write(Kind::Config))?;
    receive(&host, &served, Kind::Config, None, &headers, body).await
}

async fn delete_config(State(host): Shared, who: Who, Path(repository): Path<String>) -> Answer {
    enter(&host, who, &repository, Verb::Delete(Kind::Config))?;
    Err(Refusal::NotOffered)
}

async fn list(
    State(host): Shared,
    who: Who,
    Path((repository, folder)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (served, ..) = enter(&host, who, &repository, Verb::Read)?;
    files::list(&served, kind(&folder)?, &headers).await
}

async fn read(
    State(host): Shared,
    who: Who,
    Path((repository, folder, name)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let (served, ..) = enter(&host, who, &repository, Verb::Read)?;
    files::send(&served, kind(&folder)?, id(&name)?, &method, &headers).await
}

async fn write(
    State(host): Shared,
    who: Who,
    Path((repository, folder, name)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (kind, id) = (kind(&folder)?, id(&name)?);
    let (served, caller, _) = enter(&host, who, &repository, Verb::Write(kind))?;
    // Known before a long body is read; decided when it is named.
    if served.storage.size(kind, id).await.is_ok() {
        return Err(Refusal::Exists);
    }
    if kind != Kind::Locks {
        return receive(&host, &served, kind, Some(id), &headers, body).await;
    }
    served.note_owner(id, &caller.name).await?;
    let answer = receive(&host, &served, kind, Some(id), &headers, body).await;
    if answer.is_err() && served.storage.size(kind, id).await.is_err() {
        served.forget_owner(id).await;
    }
    answer
}

async fn receive(
    host: &Host,
    served: &Arc<Served>,
    kind: Kind,
    id: Option<Id>,
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let upload = Upload { kind, id, length, max_body: host.max_body, patience: host.patience };
    upload.receive(served, body).await?;
    Ok(done())
}

async fn delete(
    State(host): Shared,
    who: Who,
    Path((repository, folder, name)): Path<(String, String, String)>,
) -> Answer {
    let (kind, id) = (kind(&folder)?, id(&name)?);
    let (served, caller, access) = enter(&host, who, &repository, Verb::Delete(kind))?;
    let size = served.storage.size(kind, id).await?;
    let is_operator = access == Access::Operate;
    if kind == Kind::Locks && !is_operator && !served.is_owner(id, &caller.name).await {
        tracing::warn!(caller = caller.name, repository, %id, "refused to delete another's lock");
        return Err(Refusal::NotOwner);
    }
    served.storage.delete(kind, id).await?;
    served.freed(size);
    if kind == Kind::Locks {
        served.forget_owner(id).await;
    } else {
        tracing::info!(caller = caller.name, repository, %kind, %id, "deleted");
    }
    let mut response = done();
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}
