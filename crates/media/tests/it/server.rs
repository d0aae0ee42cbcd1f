//! A media agent in this process, over plain HTTP on loopback or over TLS with client certificates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use base64::Engine;
use hyper_util::rt::{TokioExecutor, TokioIo};
use media::{Access, Caller, Grants, Hosted, MediaOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What users may do: `reader`, `operator`, and everybody else, who appends.
pub(crate) fn caller(name: &str) -> Caller {
    let access = match name {
        "reader" => Access::Read,
        "operator" => Access::Operate,
        _ => Access::Append,
    };
    Caller { name: name.to_owned(), grants: Grants::Only(BTreeMap::from([("zone".to_owned(), access)])) }
}

pub(crate) fn options(folder: &Path, quota: Option<u64>) -> MediaOptions {
    let hosted = Hosted { folder: folder.join("zone"), quota };
    let other = Hosted { folder: folder.join("other"), quota: None };
    let repositories = BTreeMap::from([("zone".to_owned(), hosted), ("other".to_owned(), other)]);
    MediaOptions::new(repositories, folder.join("state"))
}

/// The paths, with the user of basic authentication as the caller.
pub(crate) fn router(options: MediaOptions) -> Router {
    async fn identify(mut request: Request, next: Next) -> Response {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(encoded) = header.as_deref().and_then(|text| text.strip_prefix("Basic ")) {
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
            let text = String::from_utf8(decoded).unwrap();
            request.extensions_mut().insert(caller(text.split(':').next().unwrap()));
        }
        next.run(request).await
    }
    Router::new().nest("/media", media::router(options).unwrap()).layer(middleware::from_fn(identify))
}

/// Serves on loopback for as long as the runtime lives; the port.
pub(crate) async fn serve(router: Router) -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

/// The address of the repository for a user.
pub(crate) fn address(user: &str, port: u16) -> String {
    format!("rest:http://{user}:x@127.0.0.1:{port}/media/zone/")
}

/// Serves over TLS, to those with a certificate of our CA, as that certificate's name; the port, and the client `name`'s TLS.
pub(crate) async fn serve_tls(options: MediaOptions, name: &str) -> (u16, Arc<rustls::ClientConfig>) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (vec![cert.der().clone()], key)
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let roots = Arc::new(roots);
    let (server_cert, server_key) = issue("localhost");
    let (client_cert, client_key) = issue(name);
    let verifier = rustls::server::WebPkiClientVerifier::builder(roots.clone()).build().unwrap();
    let server = rustls::ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(server_cert, server_key)
        .unwrap();
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(client_cert, client_key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let layered = media::router(options).unwrap().layer(axum::Extension(caller(name)));
    let router = Router::new().nest("/media", layered);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = hyper_util::service::TowerToHyperService::new(router);
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(tls), service).await;
            });
        }
    });
    (port, Arc::new(client))
}
