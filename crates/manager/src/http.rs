//! The routes for machines that have no certificate yet: health, the CA, enrolment.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use plan::AgentId;
use sha2::{Digest, Sha256};
use wire::{AgentIdentity, EnrolReply, EnrolRequest, Refusal, RepositoryAccess};

use crate::ca;
use crate::manager::Manager;
use crate::store::{Enrol, EnrolRefused, StoreError};

/// The largest body, in bytes.
const BODY: usize = 64 << 10;
/// The longest name of an agent.
const NAME: usize = 63;

pub(crate) fn routes(manager: Manager) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/ca", get(authority))
        .route("/v1/enrol", post(enrol))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(manager)
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "ok", "protocol": wire::PROTOCOL, "version": env!("CARGO_PKG_VERSION") }))
}

async fn authority(State(manager): State<Manager>) -> Response {
    ([("content-type", "application/x-pem-file")], manager.inner.ca.pem().to_owned()).into_response()
}

pub(crate) async fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "not-found", "there is nothing at that path".to_owned())
}

async fn enrol(State(manager): State<Manager>, body: axum::body::Bytes) -> Response {
    let request: EnrolRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return refusal(StatusCode::BAD_REQUEST, "request-invalid", format!("the request cannot be read: {error}"));
        }
    };
    match enrolled(&manager, request).await {
        Ok(reply) => (StatusCode::OK, Json(reply)).into_response(),
        Err(response) => *response,
    }
}

async fn enrolled(manager: &Manager, request: EnrolRequest) -> Result<EnrolReply, Box<Response>> {
    let secret = check(&request)?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| internal(&error))?;
    let id = AgentId(id);
    let enrol = Enrol {
        secret_hash: Sha256::digest(&secret).into(),
        agent: id,
        name: request.name.clone(),
        host: request.host.chars().take(255).collect(),
        protocol: request.protocol,
    };
    let stored = async { manager.inner.store.enrol(enrol).await?.await };
    let done =
        stored.await.map_err(|error| unavailable(&error))?.map_err(|refused| enrol_refused(refused, &request))?;
    let certificate = manager.inner.ca.agent(&request.request, id, &request.name, done.operate);
    let certificate = certificate.map_err(|error| internal(&error))?;
    tracing::info!(agent = %id, name = request.name, operate = done.operate, "an agent is enrolled");
    let wrapped = base64::engine::general_purpose::STANDARD.encode(&done.wrapped);
    let repositories = manager.inner.settings.repositories.iter();
    Ok(EnrolReply {
        identity: AgentIdentity { agent: id.to_string(), name: request.name, operate: done.operate },
        certificate,
        ca: manager.inner.ca.pem().to_owned(),
        protocol: wire::PROTOCOL,
        repositories: repositories
            .map(|r| RepositoryAccess { id: r.id.clone(), url: r.url.clone(), wrapped: wrapped.clone() })
            .collect(),
    })
}

/// Whatever can be refused before the invite is looked at. Gives the secret.
fn check(request: &EnrolRequest) -> Result<Vec<u8>, Box<Response>> {
    if request.protocol < wire::PROTOCOL {
        let message = format!(
            "this machine's inlay speaks protocol {}, the manager needs {}: install a newer inlay here",
            request.protocol,
            wire::PROTOCOL
        );
        return Err(Box::new(refusal(StatusCode::UPGRADE_REQUIRED, "protocol-too-old", message)));
    }
    if !is_name(&request.name) {
        let message = format!(
            "`{}` cannot be an agent's name: 1 to {NAME} characters, a to z, 0 to 9 and -; choose one with `--name`",
            request.name.chars().take(100).collect::<String>()
        );
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, "name-invalid", message)));
    }
    if let Err(error) = ca::check_request(&request.request) {
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, "request-invalid", error.to_string())));
    }
    hex::decode(&request.secret).map_err(|_| Box::new(enrol_refusal(EnrolRefused::Unknown, request)))
}

/// Whether this can be an agent's name: the parser of addresses knows no others.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=NAME).contains(&name.len()) && name.bytes().all(plain)
}

fn enrol_refused(refused: EnrolRefused, request: &EnrolRequest) -> Box<Response> {
    Box::new(enrol_refusal(refused, request))
}

fn enrol_refusal(refused: EnrolRefused, request: &EnrolRequest) -> Response {
    const AGAIN: &str = "`inlay invite` on the manager's machine makes a new one";
    let (status, error, message) = match refused {
        EnrolRefused::Unknown => (
            StatusCode::FORBIDDEN,
            "invite-unknown",
            format!("the manager knows no such invite: check that the whole code was copied; {AGAIN}"),
        ),
        EnrolRefused::Used => {
            (StatusCode::GONE, "invite-used", format!("the invite was used already, as often as it may be: {AGAIN}"))
        }
        EnrolRefused::Expired => (StatusCode::GONE, "invite-expired", format!("the invite has expired: {AGAIN}")),
        EnrolRefused::NameTaken => (
            StatusCode::CONFLICT,
            "name-taken",
            format!(
                "another agent is called `{}`: choose another name with `--name`; the invite is still good",
                request.name
            ),
        ),
    };
    refusal(status, error, message)
}

fn unavailable(error: &StoreError) -> Box<Response> {
    tracing::error!(%error, "an agent is not enrolled");
    let message = "the manager cannot store that now: try again, and look into its log".to_owned();
    Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, "busy", message))
}

fn internal(error: &dyn std::error::Error) -> Box<Response> {
    tracing::error!(%error, "an agent is not enrolled");
    let message = "the manager failed: look into its log".to_owned();
    Box::new(refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal", message))
}

fn refusal(status: StatusCode, error: &str, message: String) -> Response {
    (status, Json(Refusal { error: error.to_owned(), message })).into_response()
}
