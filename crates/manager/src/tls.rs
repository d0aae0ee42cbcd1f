//! TLS 1.3 with our own CA. A client certificate is optional here: a machine that enrols has none yet. One that is presented
//! must be of our CA.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use crate::ca::{CaError, CertificateAuthority};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The server's certificate cannot be made.
    #[error("the server's certificate cannot be made")]
    Certificate(#[from] CaError),
    /// TLS refuses it.
    #[error("the certificates cannot be used for TLS")]
    Tls(#[from] rustls::Error),
    /// The verifier of client certificates refuses the CA.
    #[error("the CA cannot be used to verify agents")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The server's certificate, which is renewed while connections go on.
#[derive(Debug)]
pub(crate) struct ServerCertificate {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ServerCertificate {
    /// Makes one.
    pub(crate) fn new(ca: &CertificateAuthority, names: &[String]) -> Result<Self, TlsError> {
        Ok(ServerCertificate { current: RwLock::new(make(ca, names)?) })
    }

    /// Makes the next one.
    pub(crate) fn renew(&self, ca: &CertificateAuthority, names: &[String]) -> Result<(), TlsError> {
        let next = make(ca, names)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn make(ca: &CertificateAuthority, names: &[String]) -> Result<Arc<CertifiedKey>, TlsError> {
    let (certificate, key) = ca.server(names)?;
    // The CA goes along, so that a machine that joins can compare its fingerprint with the invite's.
    let chain = vec![certificate, ca.der().clone()];
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider())?))
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// The acceptor's configuration.
pub(crate) fn config(
    ca: &CertificateAuthority,
    certificate: Arc<ServerCertificate>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session saves little here, and every ticket is memory for an idle agent.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
