//! One port: TLS, then HTTP/1 for enrolment and whatever is nested, and HTTP/2 for gRPC, too.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use wire::v1::agents_server::AgentsServer;
use wire::v1::operator_server::OperatorServer;

use crate::agents::AgentsService;
use crate::http;
use crate::manager::{Manager, names};
use crate::operator::OperatorService;
use crate::peer::{Identity, Peer};
use crate::tls::{self, TlsError};

/// How long a connection may take until it speaks TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a request may take until its head is there.
const HEAD: Duration = Duration::from_secs(10);
/// How many requests of one connection go on at once.
const REQUESTS: u32 = 64;
/// How long connections may take to end when the manager stops.
const GRACE: Duration = Duration::from_secs(5);
/// How often the server's certificate is made anew, and what is over is forgotten.
const DAILY: Duration = Duration::from_secs(86_400);

/// Why a manager cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// The listener has no address.
    #[error("the listener has no address")]
    Listener(#[from] std::io::Error),
}

/// Serves the manager on `listener` until `shutdown` resolves; then ends every stream, waits a few seconds for what goes on,
/// and closes the database.
///
/// `extra` is merged into the HTTP routes (it must have no fallback); its handlers find a [`Peer`] among the extensions of
/// each request.
///
/// # Errors
/// [`ServeError`] before the first connection; none later.
pub async fn serve(
    manager: Manager,
    listener: TcpListener,
    extra: Router,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    let _ = manager.inner.listening.set(address);
    let config = tls::config(&manager.inner.ca, manager.inner.certificate.clone())?;
    let server = Arc::new(Server {
        acceptor: TlsAcceptor::from(config),
        router: router(&manager, extra),
        stop: manager.inner.stop.clone(),
        ping: manager.inner.options.ping,
    });
    let connections = Arc::new(Semaphore::new(manager.inner.options.connections));
    let tracker = TaskTracker::new();
    tracing::info!(%address, "the manager is ready");
    // What was noticed while nothing was planned is planned now.
    sweep(&manager).await;
    let mut shutdown = pin!(shutdown);
    let mut daily = tokio::time::interval_at(tokio::time::Instant::now() + DAILY, DAILY);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = manager.inner.stop.cancelled() => break,
            _ = daily.tick() => housekeeping(&manager).await,
            accepted = accept(&listener, &connections) => {
                let (stream, peer, permit) = accepted;
                tracker.spawn(connection(server.clone(), stream, peer, permit));
            }
        }
    }
    drop(listener);
    manager.inner.stop.cancel();
    tracker.close();
    if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
        tracing::warn!("connections did not end in time");
    }
    manager.close().await;
    Ok(())
}

struct Server {
    acceptor: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
    ping: Duration,
}

pub(crate) fn router(manager: &Manager, extra: Router) -> Router {
    let agents = AgentsServer::new(AgentsService::new(manager.clone())).max_decoding_message_size(wire::MAX_MESSAGE);
    let operator =
        OperatorServer::new(OperatorService::new(manager.clone())).max_decoding_message_size(wire::MAX_MESSAGE);
    http::routes(manager.clone())
        .route_service("/inlay.v1.Agents/{*method}", agents)
        .route_service("/inlay.v1.Operator/{*method}", operator)
        .merge(extra)
        .fallback(http::unknown)
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let permit = connections.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                // Out of descriptors, most likely: others have to end first.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    server: Arc<Server>,
    stream: TcpStream,
    address: SocketAddr,
    _permit: Option<OwnedSemaphorePermit>,
) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, server.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%address, %error, "no TLS"),
        Err(_) => return tracing::debug!(%address, "no TLS in time"),
    };
    let certificates = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let identity = certificates.and_then(|c| Identity::from_certificate(c));
    let peer = Peer { identity, address };
    let router = server.router.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(server.ping)
        .keep_alive_timeout(server.ping)
        .max_concurrent_streams(REQUESTS)
        .max_header_list_size(16 << 10);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = &mut connection => result,
        () = server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, error, "a connection ended");
    }
}

async fn housekeeping(manager: &Manager) {
    if let Err(error) = manager.inner.certificate.renew(&manager.inner.ca, &names(&manager.inner.settings)) {
        tracing::error!(%error, "the server's certificate is not renewed");
    }
    sweep(manager).await;
}

/// Queues it; nobody waits for it.
async fn sweep(manager: &Manager) {
    if let Err(error) = manager.inner.store.sweep().await {
        tracing::warn!(%error, "the groups are not planned again");
    }
}
