//! Channels to the manager: gRPC over TLS 1.3.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;
use wire::v1::operator_client::OperatorClient;

use crate::identity::Credentials;
use crate::tls::{self, ConnectError};

/// One address has to answer, handshake included, in this time.
const DEADLINE: Duration = Duration::from_secs(10);
/// A link on which nothing was heard for so long is asked whether it still stands …
const KEEPALIVE: Duration = Duration::from_secs(10);
/// … and has this time to say so.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(5);

/// Opens channels to a manager. Tests put another one in its place.
pub trait Connect: Send + Sync {
    /// Opens one; it stands when this returns.
    fn connect(&self) -> BoxFuture<'_, Result<Channel, ConnectError>>;
}

/// Opens channels over TLS, with a certificate of this machine, to the first address that answers.
#[derive(Debug)]
pub struct TlsConnect {
    addresses: Vec<String>,
    config: Arc<ClientConfig>,
    /// The place of the address that answered last.
    good: Mutex<usize>,
}

impl TlsConnect {
    /// `addresses` are `HOST:PORT`, most likely first.
    ///
    /// # Errors
    /// [`ConnectError::Credentials`], [`ConnectError::NoAddress`].
    pub fn new(addresses: &[String], credentials: &Credentials) -> Result<Self, ConnectError> {
        if addresses.is_empty() {
            return Err(ConnectError::NoAddress);
        }
        let config = Arc::new(tls::config(credentials, b"h2")?);
        Ok(TlsConnect { addresses: addresses.to_vec(), config, good: Mutex::new(0) })
    }

    async fn try_all(&self) -> Result<Channel, ConnectError> {
        let first = *self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = ConnectError::NoAddress;
        for turn in 0..self.addresses.len() {
            let at = (first + turn) % self.addresses.len();
            match self.open(&self.addresses[at]).await {
                Ok(channel) => {
                    *self.good.lock().unwrap_or_else(PoisonError::into_inner) = at;
                    return Ok(channel);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn open(&self, address: &str) -> Result<Channel, ConnectError> {
        let late =
            || ConnectError::Unreachable { address: address.to_owned(), source: std::io::ErrorKind::TimedOut.into() };
        let stream = tokio::time::timeout(DEADLINE, tls::open(address, &self.config)).await.map_err(|_| late())??;
        // The channel is made of this one connection. When it ends the channel ends, and whoever has it asks for another.
        let once = Arc::new(Mutex::new(Some(stream)));
        let connector = service_fn(move |_: Uri| {
            let stream = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                stream.map(TokioIo::new).ok_or_else(|| std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
            }
        });
        // TLS is done already: tonic needs not know of it.
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|_| ConnectError::Address(address.to_owned()))?
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_ANSWER)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(2 << 20);
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(|source| ConnectError::Http { address: address.to_owned(), source: source.into() })
    }
}

impl Connect for TlsConnect {
    fn connect(&self) -> BoxFuture<'_, Result<Channel, ConnectError>> {
        Box::pin(self.try_all())
    }
}

/// A client for people's commands. Connects now: an error says what is wrong with the connection.
///
/// # Errors
/// [`ConnectError`].
pub async fn operator(
    addresses: &[String],
    credentials: &Credentials,
) -> Result<OperatorClient<Channel>, ConnectError> {
    let channel = TlsConnect::new(addresses, credentials)?.connect().await?;
    Ok(OperatorClient::new(channel)
        .max_decoding_message_size(wire::MAX_MESSAGE)
        .max_encoding_message_size(wire::MAX_MESSAGE))
}

/// Whether a status means that the manager refuses this machine's certificate: it says so, or the TLS connection ended with that alert
/// (in TLS 1.3 the client learns of it only after the handshake).
pub fn is_refusal(status: &tonic::Status) -> bool {
    if matches!(status.code(), tonic::Code::Unauthenticated | tonic::Code::PermissionDenied) {
        return true;
    }
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(tls::is_refusal) {
            return true;
        }
        next = error.source();
    }
    false
}
