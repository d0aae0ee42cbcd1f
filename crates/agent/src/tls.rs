//! TLS 1.3 towards the manager: only its own CA is trusted, and the agent shows its own certificate.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::identity::Credentials;

/// Why a connection to the manager cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An address is none.
    #[error("`{0}` is no HOST:PORT")]
    Address(String),
    /// There is no address to try.
    #[error("no address of the manager is known")]
    NoAddress,
    /// Nobody answers there.
    #[error("cannot reach {address}")]
    Unreachable {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Who answers is not the manager that this machine was enrolled with.
    #[error("who answers at {address} is not this manager: its certificate is of another authority")]
    OtherAuthority {
        /// The address.
        address: String,
    },
    /// The manager's certificate is for other names.
    #[error(
        "the manager's certificate is not for {address}: it has to be told that name (`inlay manager init --name`)"
    )]
    OtherName {
        /// The address.
        address: String,
    },
    /// The manager's certificate has expired, or one of the clocks is wrong.
    #[error(
        "the manager's certificate at {address} {why}: set the clock that is wrong; the certificate is made anew when the manager starts"
    )]
    Expired {
        /// The address.
        address: String,
        /// The certificate's time, and what this machine takes for now.
        why: String,
    },
    /// By the manager's clock this machine's certificate has expired, or is not valid yet.
    #[error(
        "the manager at {address} says that this machine's certificate is not valid today: its clock or this machine's is wrong; set it. \
         If both are right the certificate has expired, and `inlay join` enrols this machine anew"
    )]
    ExpiredThere {
        /// The address.
        address: String,
    },
    /// The manager refuses this machine's certificate.
    #[error(
        "the manager at {address} refuses this machine's certificate: it may have been removed; `inlay join` enrols it anew"
    )]
    Refused {
        /// The address.
        address: String,
    },
    /// TLS failed otherwise.
    #[error("no secure connection to {address}")]
    Tls {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The own certificate, key or CA cannot be used.
    #[error("this machine's certificates cannot be used: {0}")]
    Credentials(String),
    /// The connection stood, and then HTTP failed.
    #[error("the manager at {address} does not answer as one")]
    Http {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A TLS configuration for an enrolled machine or an operator; `alpn` is the protocol that is spoken inside.
///
/// # Errors
/// [`ConnectError::Credentials`].
pub fn config(credentials: &Credentials, alpn: &[u8]) -> Result<ClientConfig, ConnectError> {
    let wrong = |what: &str, e: &dyn std::fmt::Display| ConnectError::Credentials(format!("{what}: {e}"));
    let ca = CertificateDer::from_pem_slice(credentials.ca.as_bytes()).map_err(|e| wrong("the CA", &e))?;
    let chain = CertificateDer::pem_slice_iter(credentials.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| wrong("the certificate", &e))?;
    let key = PrivateKeyDer::from_pem_slice(credentials.key.as_bytes()).map_err(|e| wrong("the private key", &e))?;
    let mut roots = RootCertStore::empty();
    roots.add(ca).map_err(|e| wrong("the CA", &e))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| wrong("TLS 1.3", &e))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|e| wrong("the certificate", &e))?;
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}

/// A configuration for a machine that is to be enrolled: it trusts the authority whose certificate has this SHA-256.
pub(crate) fn config_for_fingerprint(ca: [u8; 32]) -> Result<ClientConfig, ConnectError> {
    let provider = provider();
    let verifier = Arc::new(ByFingerprint { ca, provider: provider.clone() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| ConnectError::Credentials(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Opens a connection and does the handshake. `address` is `HOST:PORT`.
pub(crate) async fn open(address: &str, config: &Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, ConnectError> {
    let host = host_of(address)?;
    let name = ServerName::try_from(host).map_err(|_| ConnectError::Address(address.to_owned()))?;
    let stream = TcpStream::connect(address)
        .await
        .map_err(|source| ConnectError::Unreachable { address: address.to_owned(), source })?;
    stream.set_nodelay(true).map_err(|source| ConnectError::Unreachable { address: address.to_owned(), source })?;
    TlsConnector::from(config.clone()).connect(name, stream).await.map_err(|error| refusal(address, error))
}

/// The host of `HOST:PORT`, without the brackets of an IPv6 address.
fn host_of(address: &str) -> Result<String, ConnectError> {
    let wrong = || ConnectError::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    port.parse::<u16>().map_err(|_| wrong())?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { Err(wrong()) } else { Ok(host.to_owned()) }
}

/// What a TLS error means here.
fn refusal(address: &str, error: io::Error) -> ConnectError {
    let address = address.to_owned();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ConnectError::OtherName { address }
            }
            CertificateError::ExpiredContext { time, not_after } => {
                let why = format!("was valid until {}, and the clock here says {}", date(*not_after), date(*time));
                ConnectError::Expired { address, why }
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                let why = format!("is valid from {} on, and the clock here says {}", date(*not_before), date(*time));
                ConnectError::Expired { address, why }
            }
            CertificateError::Expired | CertificateError::NotValidYet => {
                ConnectError::Expired { address, why: "is not valid by the clock here".to_owned() }
            }
            _ => ConnectError::OtherAuthority { address },
        },
        Some(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired)) => {
            ConnectError::ExpiredThere { address }
        }
        _ if is_refusal(&error) => ConnectError::Refused { address },
        _ => ConnectError::Tls { address, source: error },
    }
}

/// A day, for people.
fn date(time: UnixTime) -> String {
    let second = i64::try_from(time.as_secs()).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    second.map_or_else(|| "no day".to_owned(), |second| second.strftime("%Y-%m-%d").to_string())
}

/// Whether the other end refuses this machine's certificate.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let refusals = [
        Alert::BadCertificate,
        Alert::UnknownCA,
        Alert::AccessDenied,
        Alert::CertificateExpired,
        Alert::CertificateRevoked,
        Alert::CertificateUnknown,
        Alert::CertificateRequired,
        Alert::UnsupportedCertificate,
        Alert::DecryptError,
    ];
    let Some(inner) = error.get_ref() else { return false };
    match inner.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::AlertReceived(alert)) => refusals.contains(alert),
        Some(_) => false,
        // h2 keeps only the text of an error.
        None => {
            let text = inner.to_string();
            refusals.iter().any(|alert| text == rustls::Error::AlertReceived(*alert).to_string())
        }
    }
}

/// Trusts the authority whose certificate the server sends along, if it has the fingerprint of the invite; everything else is
/// verified as usual: signature, name, time.
#[derive(Debug)]
struct ByFingerprint {
    ca: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ByFingerprint {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_it = |der: &&CertificateDer<'_>| <[u8; 32]>::from(Sha256::digest(der.as_ref())) == self.ca;
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let ca = intermediates.iter().find(is_it).ok_or(unknown.clone())?;
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|_| unknown)?;
        verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
