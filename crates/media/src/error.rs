//! Refusals, as HTTP.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use repo::StorageError;

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// No layer said who calls.
    #[error("who are you?")]
    Unknown,
    #[error("not allowed")]
    Forbidden,
    #[error("not found")]
    Missing,
    #[error("files are never overwritten")]
    Exists,
    #[error("only its owner may delete a lock")]
    NotOwner,
    #[error("{0}")]
    Malformed(&'static str),
    #[error("the body's SHA-256 is not its name")]
    WrongName,
    #[error("the body is longer than allowed")]
    TooLong,
    #[error("the repository's quota is used up")]
    Full,
    #[error("no such range in the file")]
    Range { size: u64 },
    #[error("the body did not come in time")]
    Slow,
    #[error("not offered")]
    NotOffered,
    #[error("the storage failed")]
    Storage(#[source] StorageError),
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Missing { .. } => Self::Missing,
            StorageError::Exists { .. } => Self::Exists,
            StorageError::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => Self::Full,
            StorageError::File { source, .. } if source.kind() == std::io::ErrorKind::QuotaExceeded => Self::Full,
            error => Self::Storage(error),
        }
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::UNAUTHORIZED,
            // restic's own server answers 403 to an overwrite, which restic takes for final.
            Self::Forbidden | Self::Exists | Self::NotOwner => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Malformed(_) | Self::WrongName => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::NotOffered => StatusCode::NOT_IMPLEMENTED,
            Self::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            // The reason names folders of this machine: it is for the log alone.
            tracing::error!(%error, "a repository's storage failed");
        }
        let mut response = Response::new(Body::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        if let Self::Range { size } = self
            && let Ok(value) = http::HeaderValue::try_from(format!("bytes */{size}"))
        {
            response.headers_mut().insert(http::header::CONTENT_RANGE, value);
        }
        response
    }
}
