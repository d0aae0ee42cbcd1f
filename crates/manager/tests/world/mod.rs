//! A manager on a port of this machine, and what talks to it: over real TLS, in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub(crate) mod agent;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use manager::{InitOptions, Manager, ManagerOptions, RepositoryInfo};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use wire::v1::agents_client::AgentsClient;
use wire::v1::operator_client::OperatorClient;
use wire::{EnrolReply, EnrolRequest, Refusal, v1};

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A manager that serves.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) manager: Manager,
    pub(crate) address: SocketAddr,
    pub(crate) ca: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    options: ManagerOptions,
}

impl World {
    pub(crate) async fn new(options: ManagerOptions) -> Self {
        World::with(options, axum::Router::new()).await
    }

    pub(crate) async fn with(options: ManagerOptions, extra: axum::Router) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let init = InitOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            names: vec!["a-host".to_owned()],
            repositories: vec![RepositoryInfo { id: "ab".repeat(32), url: "rest:/repo/main/".to_owned() }],
        };
        manager::init(&home(&dir), &init).unwrap();
        World::start(dir, options, extra, "127.0.0.1:0".parse().unwrap()).await
    }

    async fn start(dir: tempfile::TempDir, options: ManagerOptions, extra: axum::Router, listen: SocketAddr) -> Self {
        let manager = Manager::open(&home(&dir), options.clone()).unwrap();
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = manager::serve(manager.clone(), listener, extra, async {
            let _ = stopped.await;
        });
        let serving = tokio::spawn(async { served.await.unwrap() });
        let ca = std::fs::read_to_string(manager.operator_files().ca).unwrap();
        World { dir, manager, address, ca, stop: Some(stop), serving, options }
    }

    /// Stops it gracefully.
    pub(crate) async fn stop(mut self) -> tempfile::TempDir {
        let _ = self.stop.take().unwrap().send(());
        self.serving.await.unwrap();
        self.dir
    }

    /// Stops it and starts it again, on the same port.
    pub(crate) async fn restart(mut self) -> Self {
        let (options, address) = (self.options.clone(), self.address);
        let _ = self.stop.take().unwrap().send(());
        (&mut self.serving).await.unwrap();
        World::start(self.dir, options, axum::Router::new(), address).await
    }

    /// Starts another one over a copy of the database as it lies there now: what a kill would leave.
    pub(crate) async fn killed(&self, options: ManagerOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home(&dir)).unwrap();
        for entry in std::fs::read_dir(home(&self.dir)).unwrap() {
            let entry = entry.unwrap();
            // The index of the log is made again from the log.
            if !entry.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(entry.path(), home(&dir).join(entry.file_name())).unwrap();
            }
        }
        World::start(dir, options, axum::Router::new(), "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) fn operator_credentials(&self) -> Credentials {
        let files = self.manager.operator_files();
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        Credentials { certificate: read(files.certificate), key: read(files.key) }
    }

    pub(crate) async fn operator(&self) -> OperatorClient<Channel> {
        OperatorClient::new(self.channel(Some(&self.operator_credentials())).await.unwrap())
    }

    pub(crate) async fn agents(&self, credentials: &Credentials) -> AgentsClient<Channel> {
        AgentsClient::new(self.channel(Some(credentials)).await.unwrap())
    }

    pub(crate) async fn channel(&self, credentials: Option<&Credentials>) -> Result<Channel, tonic::transport::Error> {
        let config = Arc::new(client(&self.ca, credentials, b"h2"));
        let address = self.address;
        let connect = tower::service_fn(move |_: http::Uri| {
            let config = config.clone();
            async move { tls(address, config).await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://manager").connect_with_connector(connect).await
    }

    /// One HTTP request: status and body.
    pub(crate) async fn http(&self, method: &str, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let config = Arc::new(client(&self.ca, None, b"http/1.1"));
        let stream = tls(self.address, config).await.unwrap();
        let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .body(Full::new(bytes::Bytes::from(body)))
            .unwrap();
        let response = send.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    pub(crate) async fn invite(&self, secret: &[u8], uses: u32, ttl_seconds: u64, operate: bool) -> v1::InviteReply {
        let request = v1::InviteRequest {
            secret_hash: Sha256::digest(secret).to_vec(),
            wrapped: b"wrapped".to_vec(),
            ttl_seconds,
            uses,
            operate,
        };
        self.operator().await.invite(request).await.unwrap().into_inner()
    }

    /// Asks to be enrolled.
    pub(crate) async fn try_enrol(
        &self,
        secret: &[u8],
        name: &str,
        protocol: u32,
    ) -> Result<(EnrolReply, Credentials), (u16, Refusal)> {
        let key = rcgen::KeyPair::generate().unwrap();
        // What the request says of itself is not believed.
        let mut params = rcgen::CertificateParams::new(vec!["evil".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "operator");
        let request = params.serialize_request(&key).unwrap().pem().unwrap();
        let request = EnrolRequest {
            secret: hex::encode(secret),
            request,
            name: name.to_owned(),
            host: "host".to_owned(),
            protocol,
        };
        let (status, body) = self.http("POST", "/v1/enrol", serde_json::to_vec(&request).unwrap()).await;
        if status != 200 {
            return Err((status, serde_json::from_slice(&body).unwrap()));
        }
        let reply: EnrolReply = serde_json::from_slice(&body).unwrap();
        let credentials = Credentials { certificate: reply.certificate.clone(), key: key.serialize_pem() };
        Ok((reply, credentials))
    }

    pub(crate) async fn enrol(&self, name: &str, operate: bool) -> Credentials {
        self.invite(name.as_bytes(), 1, 60, operate).await;
        self.try_enrol(name.as_bytes(), name, wire::PROTOCOL).await.unwrap().1
    }

    pub(crate) async fn status(&self, group: &str) -> v1::GroupStatus {
        let request = v1::StatusRequest { name: group.to_owned(), ..Default::default() };
        self.operator().await.status(request).await.unwrap().into_inner().groups.remove(0)
    }

    pub(crate) async fn jobs(&self) -> Vec<v1::JobEntry> {
        let request = v1::ListJobsRequest { name: String::new(), limit: 0 };
        self.operator().await.list_jobs(request).await.unwrap().into_inner().jobs
    }

    /// Waits until the group's state is that one.
    pub(crate) async fn until(&self, group: &str, state: &str) -> v1::GroupStatus {
        let request = v1::StatusRequest { name: group.to_owned(), ..Default::default() };
        let mut watch = self.operator().await.watch(request).await.unwrap().into_inner();
        let mut last = None;
        let found = tokio::time::timeout(Duration::from_secs(20), async {
            while let Some(mut status) = watch.message().await.unwrap() {
                let status = status.groups.remove(0);
                if status.state == state {
                    return status;
                }
                last = Some(status);
            }
            panic!("the watch ended");
        });
        match found.await {
            Ok(status) => status,
            Err(_) => panic!("it is never {state}: {last:#?}"),
        }
    }
}

pub(crate) fn home(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("manager")
}

async fn tls(
    address: SocketAddr,
    config: Arc<rustls::ClientConfig>,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let connector = tokio_rustls::TlsConnector::from(config);
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

pub(crate) fn client(ca: &str, credentials: Option<&Credentials>, alpn: &[u8]) -> rustls::ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match credentials {
        Some(credentials) => {
            let certificate = CertificateDer::from_pem_slice(credentials.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(credentials.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}
