//! A loopback proxy for the restic program: plain HTTP with a one-time password here, TLS with this machine's certificate there.

use std::sync::Arc;

use base64::Engine;
use http::header::AUTHORIZATION;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::CommandError;
use crate::home::Home;
use crate::{invitation, zone};

/// No head of a request is longer, in bytes.
const MAX_HEAD: usize = 64 << 10;
const USER: &str = "inlay";

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    url: String,
    task: AbortHandle,
}

/// Where requests go.
struct Upstream {
    address: String,
    tls: TlsConnector,
    /// What a request must say.
    expected: String,
}

impl Proxy {
    /// Starts it on a free port of the loopback.
    pub(crate) async fn start(home: &Home) -> Result<Proxy, CommandError> {
        let (addresses, credentials) = zone::peer(home)?;
        let config = Arc::new(agent::tls_config(&credentials, b"http/1.1")?);
        let tls = TlsConnector::from(config);
        let mut good = None;
        for address in &addresses {
            if connect(address, &tls).await.is_ok() {
                good = Some(address.clone());
                break;
            }
        }
        let address = good.ok_or_else(|| {
            CommandError::failed(format!("cannot reach the manager at {}", addresses.join(", "))).hint("is it running?")
        })?;
        let mut secret = [0; 16];
        invitation::random(&mut secret)?;
        let password = hex::encode(secret);
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{password}"));
        let failed = |e| CommandError::failed("no port of the loopback can be listened on").because(e);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let upstream = Arc::new(Upstream { address, tls, expected: format!("Basic {basic}") });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    if let Err(error) = pass(stream, &upstream).await {
                        tracing::debug!(%error, "a connection of restic ended");
                    }
                });
            }
        });
        Ok(Proxy { url: format!("http://{USER}:{password}@127.0.0.1:{port}/"), task: task.abort_handle() })
    }

    /// Where restic finds it, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(address: &str, tls: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = rustls_pki_types::ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    tls.connect(name, TcpStream::connect(address).await?).await
}

/// One connection: the head of its first request must name the password; then bytes pass both ways. Who knows the password on one
/// request of a connection may make the others on it, too.
async fn pass(mut from: TcpStream, upstream: &Upstream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let end = loop {
        if let Some(at) = head.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if head.len() > MAX_HEAD || from.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    };
    if !is_allowed(&head[..end], &upstream.expected) {
        return from.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    }
    let mut to = connect(&upstream.address, &upstream.tls).await?;
    to.write_all(&head).await?;
    tokio::io::copy_bidirectional(&mut from, &mut to).await?;
    Ok(())
}

/// Whether a request's head names the password.
fn is_allowed(head: &[u8], expected: &str) -> bool {
    let Ok(head) = std::str::from_utf8(head) else { return false };
    head.lines().skip(1).filter_map(|line| line.split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case(AUTHORIZATION.as_str())
            && blake3::hash(value.trim().as_bytes()) == blake3::hash(expected.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_passes() {
        let check = |head: &str, expected| assert_eq!(is_allowed(head.as_bytes(), "Basic abc"), expected, "{head}");
        check("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic abc", true);
        check("GET / HTTP/1.1\r\nauthorization:Basic abc", true);
        check("GET / HTTP/1.1\r\nAuthorization: Basic abd", false);
        check("GET /?Authorization: Basic abc HTTP/1.1\r\nHost: x", false);
        check("Authorization: Basic abc", false);
        check("", false);
    }
}
