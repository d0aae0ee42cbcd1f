//! Enrolment: a machine becomes an agent, with an invite's one-time secret. Its private key is made here and stays here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use wire::{EnrolReply, EnrolRequest, RepositoryAccess};
use zeroize::Zeroizing;

use crate::identity::{Credentials, Identity};
use crate::point::point;
use crate::tls::{self, ConnectError};

/// Everything about one address has to be done in this time.
const DEADLINE: Duration = Duration::from_secs(15);
/// The longest answer, in bytes.
const MAX_REPLY: usize = 1 << 20;

/// What an invite says, and what the machine calls itself.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Where the manager may be reached, `HOST:PORT`, tried in this order.
    pub addresses: Vec<String>,
    /// SHA-256 of the CA's certificate: nothing is sent to anybody else.
    pub ca: [u8; 32],
    /// The one-time secret, in hexadecimal.
    pub secret: Zeroizing<String>,
    /// The agent's name, `[a-z0-9-]+`.
    pub name: String,
    /// The machine's host name, for people.
    pub host: String,
}

/// What enrolment gives.
#[derive(Debug)]
pub struct Enrolled {
    /// Who the agent is. It is not saved yet.
    pub identity: Identity,
    /// The repositories that it may use; their passwords are still wrapped.
    pub repositories: Vec<RepositoryAccess>,
}

/// Why enrolment failed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The manager cannot be reached.
    #[error("cannot reach the manager")]
    Connect(#[from] ConnectError),
    /// It took too long.
    #[error("the manager at {0} does not answer in time")]
    Late(String),
    /// The manager refuses: the invite was used or has expired, the name is taken.
    #[error("the manager refuses: {0}")]
    Refused(String),
    /// The key pair or the request could not be made.
    #[error("cannot make a key pair")]
    Key(#[source] rcgen::Error),
    /// The answer is not one.
    #[error("the manager's answer cannot be used: {0}")]
    Reply(String),
}

/// Enrols this machine: makes a key pair, verifies the manager by the invite's fingerprint, sends the secret, and takes the
/// certificate.
///
/// # Errors
/// [`EnrolError`]; the one of the last address if none could be reached.
pub async fn enrol(enrolment: &Enrolment) -> Result<Enrolled, EnrolError> {
    let key = rcgen::KeyPair::generate().map_err(EnrolError::Key)?;
    let params = rcgen::CertificateParams::new(Vec::new()).map_err(EnrolError::Key)?;
    let request = params.serialize_request(&key).and_then(|request| request.pem()).map_err(EnrolError::Key)?;
    let body = EnrolRequest {
        secret: enrolment.secret.to_string(),
        request,
        name: enrolment.name.clone(),
        host: enrolment.host.clone(),
        protocol: wire::PROTOCOL,
    };
    let body = serde_json::to_vec(&body).map_err(|e| EnrolError::Reply(e.to_string()))?;
    let body = Bytes::from(body);
    let mut last = EnrolError::Connect(ConnectError::NoAddress);
    for address in &enrolment.addresses {
        match tokio::time::timeout(DEADLINE, ask(address, enrolment.ca, body.clone())).await {
            Ok(Ok(reply)) => return accept(enrolment, address, reply, &key),
            Ok(Err(error @ EnrolError::Connect(_))) => last = error,
            Ok(Err(error)) => return Err(error),
            Err(_) => last = EnrolError::Late(address.clone()),
        }
    }
    Err(last)
}

async fn ask(address: &str, ca: [u8; 32], body: Bytes) -> Result<EnrolReply, EnrolError> {
    let config = Arc::new(tls::config_for_fingerprint(ca)?);
    let stream = tls::open(address, &config).await?;
    let http = |source: hyper::Error| ConnectError::Http { address: address.to_owned(), source: source.into() };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let driver = tokio::spawn(connection);
    let request = http::Request::post("/v1/enrol")
        .header(http::header::HOST, address)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|e| EnrolError::Reply(e.to_string()))?;
    let answer = sender.send_request(request).await.map_err(http)?;
    let status = answer.status();
    let text = Limited::new(answer.into_body(), MAX_REPLY)
        .collect()
        .await
        .map_err(|source| ConnectError::Http { address: address.to_owned(), source })?
        .to_bytes();
    driver.abort();
    if !status.is_success() {
        let why: String = String::from_utf8_lossy(&text).chars().filter(|c| !c.is_control()).take(300).collect();
        return Err(EnrolError::Refused(if why.is_empty() { status.to_string() } else { why }));
    }
    serde_json::from_slice(&text).map_err(|e| EnrolError::Reply(e.to_string()))
}

fn accept(
    enrolment: &Enrolment,
    address: &str,
    reply: EnrolReply,
    key: &rcgen::KeyPair,
) -> Result<Enrolled, EnrolError> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    let ca = CertificateDer::from_pem_slice(reply.ca.as_bytes()).map_err(|e| EnrolError::Reply(e.to_string()))?;
    if <[u8; 32]>::from(Sha256::digest(&ca)) != enrolment.ca {
        return Err(EnrolError::Reply("its authority is not the invite's".to_owned()));
    }
    if reply.protocol > wire::PROTOCOL {
        return Err(EnrolError::Reply(format!(
            "it speaks protocol {} and later, this program {}; install a newer one",
            reply.protocol,
            wire::PROTOCOL
        )));
    }
    point("enrolment: answered");
    // The address that answered comes first from now on.
    let mut addresses = vec![address.to_owned()];
    addresses.extend(enrolment.addresses.iter().filter(|other| *other != address).cloned());
    let credentials =
        Credentials { ca: reply.ca, certificate: reply.certificate, key: Zeroizing::new(key.serialize_pem()) };
    tls::config(&credentials, b"h2")?;
    let identity = Identity {
        agent: reply.identity.agent.parse().map_err(|e: plan::IdError| EnrolError::Reply(e.to_string()))?,
        name: reply.identity.name,
        operate: reply.identity.operate,
        protocol: reply.protocol,
        addresses,
        credentials,
    };
    Ok(Enrolled { identity, repositories: reply.repositories })
}
