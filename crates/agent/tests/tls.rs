#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Enrolment and connections over real TLS: who is trusted, what is said to whom, and what an error says.

use std::sync::{Arc, Mutex};

use agent::{ConnectError, Credentials, EnrolError, Enrolment, Identity, enrol, is_refusal, operator};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

struct Ca {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Ca {
    fn new() -> Ca {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let certificate = params.self_signed(&key).unwrap();
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Ca { issuer: Issuer::new(params, key), der, pem }
    }

    fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    fn client(&self) -> Credentials {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Credentials { ca: self.pem.clone(), certificate: certificate.pem(), key: key.serialize_pem().into() }
    }
}

/// From a request to an answer.
type Answer = Box<dyn Fn(&str) -> String + Send>;

/// How a server is.
struct Server<'a> {
    ca: &'a Ca,
    name: &'a str,
    /// Until when its certificate is valid, or from when, in place of today.
    until: Option<i32>,
    from: Option<i32>,
    /// Whose clients it accepts.
    clients: Option<&'a Ca>,
    /// What it answers to everything.
    answer: Option<Answer>,
}

impl Server<'_> {
    /// Serves; gives its address and what it is told.
    async fn start(self) -> (String, Arc<Mutex<Vec<u8>>>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![match self.name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(self.name.to_owned().try_into().unwrap()),
        }];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if let Some(year) = self.until {
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        }
        if let Some(year) = self.from {
            params.not_before = rcgen::date_time_ymd(year, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.ca.issuer).unwrap();
        let chain = vec![certificate.der().clone(), self.ca.der.clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap();
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.der.clone()).unwrap();
                let verifier =
                    rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::<Mutex<Vec<u8>>>::default();
        let heard = told.clone();
        let answer = self.answer;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut buffer = vec![0; 65536];
                while let Ok(got @ 1..) = stream.read(&mut buffer).await {
                    heard.lock().unwrap().extend_from_slice(&buffer[..got]);
                    let request = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
                    if let (Some(answer), true) = (&answer, request.ends_with('}')) {
                        stream.write_all(answer(&request).as_bytes()).await.unwrap();
                        stream.shutdown().await.unwrap();
                    }
                }
            }
        });
        (format!("127.0.0.1:{port}"), told)
    }
}

fn server(ca: &Ca) -> Server<'_> {
    Server { ca, name: "127.0.0.1", until: None, from: None, clients: None, answer: None }
}

#[tokio::test]
async fn who_is_not_the_manager_is_told_apart() {
    let (ours, other) = (Ca::new(), Ca::new());
    let credentials = ours.client();
    let check = async |server: Server<'_>| {
        let (address, told) = server.start().await;
        let error = operator(&[address], &credentials).await.unwrap_err();
        assert!(told.lock().unwrap().is_empty());
        error
    };
    let error = check(server(&other)).await;
    assert!(matches!(error, ConnectError::OtherAuthority { .. }), "{error:?}");
    let error = check(Server { name: "elsewhere.example", ..server(&ours) }).await;
    assert!(matches!(error, ConnectError::OtherName { .. }), "{error:?}");
    // A clock is years wrong, on either side: both days are named, so that a person sees which.
    for (server, says) in [
        (Server { until: Some(2020), ..server(&ours) }, "was valid until 2020-01-01, and the clock here says 20"),
        (Server { from: Some(3020), ..server(&ours) }, "is valid from 3020-01-01 on, and the clock here says 20"),
    ] {
        let error = check(server).await;
        assert!(matches!(error, ConnectError::Expired { .. }) && error.to_string().contains(says), "{error}");
    }

    for (address, is) in [
        ("127.0.0.1", "no HOST:PORT"),
        ("127.0.0.1:x", "no HOST:PORT"),
        (":7000", "no HOST:PORT"),
        ("127.0.0.1:1", "cannot reach"),
    ] {
        let error = operator(&[address.to_owned()], &credentials).await.unwrap_err();
        assert!(error.to_string().contains(is), "{address}: {error}");
    }
    assert!(matches!(operator(&[], &credentials).await, Err(ConnectError::NoAddress)));
    let broken = Credentials { key: "no key".to_owned().into(), ..credentials.clone() };
    let error = operator(&["127.0.0.1:1".to_owned()], &broken).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Credentials(why) if !why.contains("no key")), "{error:?}");
}

#[tokio::test]
async fn the_first_address_that_answers_is_taken() {
    let ours = Ca::new();
    let (address, _) = server(&ours).start().await;
    operator(&["127.0.0.1:1".to_owned(), address], &ours.client()).await.unwrap();
}

#[tokio::test]
async fn a_refused_certificate_is_told_apart() {
    let (ours, other) = (Ca::new(), Ca::new());
    let (address, _) = Server { clients: Some(&other), ..server(&ours) }.start().await;
    // In TLS 1.3 the client may learn of it with the handshake or with what it asks first.
    let refused = match operator(&[address], &ours.client()).await {
        Err(error) => matches!(error, ConnectError::Refused { .. }),
        Ok(mut client) => is_refusal(&client.status(wire::v1::StatusRequest::default()).await.unwrap_err()),
    };
    assert!(refused);
}

fn enrolment(addresses: &[&str], ca: &Ca) -> Enrolment {
    Enrolment {
        addresses: addresses.iter().map(|&a| a.to_owned()).collect(),
        ca: ca.fingerprint(),
        secret: "5ec2e7".to_owned().into(),
        name: "box".to_owned(),
        host: "box.example".to_owned(),
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn answer(status: &str, body: &str) -> Option<Answer> {
    let answer = http(status, body);
    Some(Box::new(move |_| answer.clone()))
}

fn reply(ca: &Ca, protocol: u32) -> String {
    reply_with(ca, protocol, &ca.client().certificate)
}

fn reply_with(ca: &Ca, protocol: u32, certificate: &str) -> String {
    serde_json::json!({
        "identity": {"agent": "07".repeat(16), "name": "box", "operate": true},
        "certificate": certificate,
        "ca": ca.pem,
        "protocol": protocol,
        "repositories": [{"id": "ab", "url": "rest:/repo/x/", "wrapped": "AAAA"}],
    })
    .to_string()
}

#[tokio::test]
async fn the_secret_goes_to_the_invites_authority_alone() {
    let (ours, other) = (Ca::new(), Ca::new());
    let (address, told) = Server { answer: answer("200 OK", &reply(&other, 1)), ..server(&other) }.start().await;
    let error = enrol(&enrolment(&[&address], &ours)).await.unwrap_err();
    assert!(matches!(error, EnrolError::Connect(ConnectError::OtherAuthority { .. })), "{error:?}");
    assert!(told.lock().unwrap().is_empty());
    // Nor does somebody get it who sends the right CA along, without being of it.
    let pretender = Ca { issuer: other.issuer, der: ours.der.clone(), pem: other.pem };
    let (address, told) = server(&pretender).start().await;
    assert!(enrol(&enrolment(&[&address], &ours)).await.is_err());
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_machine_is_enrolled() {
    let ours = Arc::new(Ca::new());
    let signing = ours.clone();
    let sign: Answer = Box::new(move |request| {
        let body: wire::EnrolRequest = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        let request = rcgen::CertificateSigningRequestParams::from_pem(&body.request).unwrap();
        let params = CertificateParams::new(Vec::new()).unwrap();
        let certificate = params.signed_by(&request.public_key, &signing.issuer).unwrap();
        http("200 OK", &reply_with(&signing, 1, &certificate.pem()))
    });
    let (address, told) = Server { answer: Some(sign), ..server(&ours) }.start().await;
    let enrolled = enrol(&enrolment(&["127.0.0.1:1", &address], &ours)).await.unwrap();
    let request = String::from_utf8(told.lock().unwrap().clone()).unwrap();
    assert!(
        request.starts_with("POST /v1/enrol HTTP/1.1\r\n") && request.contains("\"secret\":\"5ec2e7\""),
        "{request}"
    );
    assert!(request.contains("BEGIN CERTIFICATE REQUEST") && !request.contains("PRIVATE KEY"), "{request}");
    let identity = enrolled.identity;
    assert_eq!((identity.agent, identity.operate), (plan::AgentId([7; 16]), true));
    assert_eq!(identity.addresses, [address.as_str(), "127.0.0.1:1"], "what answered comes first");
    assert_eq!(enrolled.repositories[0].url, "rest:/repo/x/");
    // What it got is good for a connection.
    let (address, _) = Server { clients: Some(&ours), ..server(&ours) }.start().await;
    operator(&[address], &identity.credentials).await.unwrap();
}

/// A certificate for another key is noticed before anything is kept.
#[tokio::test]
async fn a_certificate_for_another_key_is_refused() {
    let ours = Ca::new();
    let (address, _) = Server { answer: answer("200 OK", &reply(&ours, 1)), ..server(&ours) }.start().await;
    let error = enrol(&enrolment(&[&address], &ours)).await.unwrap_err();
    assert!(matches!(error, EnrolError::Connect(ConnectError::Credentials(_))), "{error:?}");
}

#[tokio::test]
async fn refusals_are_passed_on() {
    let ours = Ca::new();
    let cases = [
        (answer("403 Forbidden", "the invite has expired"), "the invite has expired"),
        (answer("200 OK", "{}"), "cannot be used"),
        (answer("200 OK", &reply(&ours, 99)), "install a newer one"),
        (answer("200 OK", &reply(&Ca::new(), 1)), "not the invite's"),
    ];
    for (answer, says) in cases {
        let (address, _) = Server { answer, ..server(&ours) }.start().await;
        let error = enrol(&enrolment(&[&address], &ours)).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("5ec2e7"));
    }
}

#[test]
fn an_identity_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home/agent");
    assert!(Identity::load(&home).unwrap_err().to_string().contains("inlay join"));
    let identity = Identity {
        agent: plan::AgentId([7; 16]),
        name: "box".to_owned(),
        operate: true,
        protocol: 1,
        addresses: vec!["a:1".to_owned(), "b:2".to_owned()],
        credentials: Ca::new().client(),
    };
    identity.save(&home).unwrap();
    let again = Identity::load(&home).unwrap();
    assert_eq!(format!("{again:?}"), format!("{identity:?}"));
    assert_eq!(again.credentials.key, identity.credentials.key);
    assert!(!format!("{again:?}").contains("PRIVATE"));
    for file in ["key.pem", "agent.toml"] {
        let mode = std::fs::metadata(home.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(std::fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
}

/// By the manager's clock this machine's certificate is of another time.
#[tokio::test]
async fn a_certificate_that_is_not_valid_by_the_managers_clock() {
    let ours = Ca::new();
    for (from, until) in [(3020, 3021), (2019, 2020)] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        let certificate = params.signed_by(&key, &ours.issuer).unwrap();
        let key = key.serialize_pem().into();
        let credentials = Credentials { ca: ours.pem.clone(), certificate: certificate.pem(), key };
        let (address, told) = Server { clients: Some(&ours), ..server(&ours) }.start().await;
        // In TLS 1.3 the client may learn of it with the handshake or with what it asks first.
        match operator(&[address], &credentials).await {
            Err(error) => assert!(error.to_string().contains("its clock or this machine's is wrong"), "{error}"),
            Ok(mut client) => {
                assert!(is_refusal(&client.status(wire::v1::StatusRequest::default()).await.unwrap_err()));
            }
        }
        assert!(told.lock().unwrap().is_empty());
    }
}
