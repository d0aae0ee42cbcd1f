//! Receiving a file: its SHA-256 is taken as it comes, and it is named only if that is its name.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use repo::{Id, Incoming, Kind, Storage, StorageError};
use sha2::{Digest, Sha256};

use crate::error::Refusal;
use crate::host::Served;

/// A body of at most this length (bytes), told beforehand, is received in memory and written at once.
const SMALL: u64 = 1 << 20;
/// Pieces are gathered to this size (bytes) before they are written.
const PIECE: usize = 256 << 10;

/// What is to be received.
pub(crate) struct Upload {
    pub(crate) kind: Kind,
    /// `None` for `config`, whose name says nothing.
    pub(crate) id: Option<Id>,
    /// What the `Content-Length` header says.
    pub(crate) length: Option<u64>,
    pub(crate) max_body: u64,
    pub(crate) patience: Duration,
}

impl Upload {
    /// Receives the body into the repository; durable when this returns.
    pub(crate) async fn receive(self, served: &Arc<Served>, body: Body) -> Result<(), Refusal> {
        if self.length.is_some_and(|length| length > self.max_body) {
            return Err(Refusal::TooLong);
        }
        match self.length {
            Some(length) if length <= SMALL => self.receive_small(served, body, length).await,
            _ => self.receive_long(served, body).await,
        }
    }

    async fn receive_small(self, served: &Arc<Served>, body: Body, length: u64) -> Result<(), Refusal> {
        let room = served.room(length).await?;
        let mut contents = BytesMut::with_capacity(length as usize);
        let mut body = body;
        while let Some(piece) = self.next(&mut body).await? {
            if (contents.len() + piece.len()) as u64 > length {
                return Err(Refusal::TooLong);
            }
            contents.extend_from_slice(&piece);
        }
        let contents = contents.freeze();
        let actual = Id::of(&contents);
        let name = self.id.unwrap_or(actual);
        if name != actual {
            return Err(Refusal::WrongName);
        }
        served.storage.put(self.kind, name, contents).await?;
        room.keep();
        Ok(())
    }

    async fn receive_long(self, served: &Arc<Served>, mut body: Body) -> Result<(), Refusal> {
        let mut room = served.room(self.length.unwrap_or(0)).await?;
        let storage = served.storage.clone();
        let mut file = blocking(move || storage.incoming()).await?;
        let (mut hash, mut held, mut size) = (Sha256::new(), BytesMut::new(), 0_u64);
        while let Some(piece) = self.next(&mut body).await? {
            size += piece.len() as u64;
            if size > self.length.unwrap_or(self.max_body) {
                return Err(Refusal::TooLong);
            }
            if self.length.is_none() {
                room.grow(piece.len() as u64)?;
            }
            hash.update(&piece);
            held.extend_from_slice(&piece);
            if held.len() >= PIECE {
                file = write(file, held.split().freeze()).await?;
            }
        }
        let actual = Id::new(hash.finalize().into());
        let name = self.id.unwrap_or(actual);
        if name != actual {
            return Err(Refusal::WrongName);
        }
        file = write(file, held.freeze()).await?;
        let kind = self.kind;
        blocking(move || file.commit(kind, name)).await?;
        room.keep();
        Ok(())
    }

    /// The next piece of the body, in time.
    async fn next(&self, body: &mut Body) -> Result<Option<Bytes>, Refusal> {
        loop {
            match tokio::time::timeout(self.patience, body.frame()).await {
                Err(_) => return Err(Refusal::Slow),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Refusal::Malformed("the body was cut off")),
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

async fn write(mut file: Incoming, piece: Bytes) -> Result<Incoming, Refusal> {
    blocking(move || file.write(&piece).map(|()| file)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Refusal::Malformed("interrupted")),
    }
}
