//! A collector that speaks TLS alone, and takes only from those who show a certificate of its authority.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use crate::collector::Collector;
use crate::support::{ask, stop, two_services};

/// An authority's certificate, and one that it has signed, in files.
struct Certificates {
    dir: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        write("ca.pem", &authority.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(authority, key);
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
        let key = KeyPair::generate().unwrap();
        write("own.pem", &params.signed_by(&key, &issuer).unwrap().pem());
        write("own.key", &key.serialize_pem());
        Self { dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    fn acceptor(&self, protocol: &[u8]) -> TlsAcceptor {
        let provider = Arc::new(crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.file("ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let own = CertificateDer::from_pem_file(self.file("own.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.file("own.key")).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![own], key)
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn serve(routes: Router, acceptor: TlsAcceptor, is_grpc: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (acceptor, routes) = (acceptor.clone(), routes.clone());
            tokio::spawn(async move {
                // Who shows no certificate gets no further.
                let Ok(stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(routes));
                // A client that goes away is an error here, which concerns nobody.
                if is_grpc {
                    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    drop(http.serve_connection(io, service).await);
                } else {
                    let http = hyper::server::conn::http1::Builder::new();
                    drop(http.serve_connection(io, service).await);
                }
            });
        }
    });
    addr
}

async fn only_with_a_certificate(protocol: &str) {
    let certificates = Certificates::new();
    let collector = Collector::default();
    let is_grpc = protocol == "grpc";
    let (routes, alpn): (_, &[u8]) = match is_grpc {
        true => (collector.grpc(), b"h2"),
        false => (collector.http(), b"http/1.1"),
    };
    let addr = serve(routes, certificates.acceptor(alpn), is_grpc).await;
    let endpoint = format!("https://{addr}");
    let ca = certificates.text("ca.pem");
    let (own, key) = (certificates.text("own.pem"), certificates.text("own.key"));
    let known = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca),
    ];
    let (front, users) = two_services(&known);
    ask(&front).await;
    stop(front).await;
    stop(users).await;
    assert!(collector.spans().is_empty(), "without one nothing is taken");
    assert!(collector.metrics("front").is_empty());

    let shown = [
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", own.as_str()),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &key),
    ];
    let variables: Vec<_> = known.into_iter().chain(shown).collect();
    let (front, users) = two_services(&variables);
    ask(&front).await;
    stop(front).await;
    stop(users).await;
    assert_eq!(collector.spans().len(), 4);
    assert!(!collector.metrics("front").is_empty());
    assert!(!collector.metrics("user-service").is_empty());
}

#[tokio::test]
async fn over_http_a_collector_is_shown_the_certificate_that_it_asks_for() {
    only_with_a_certificate("http/protobuf").await;
}

#[tokio::test]
async fn over_grpc_a_collector_is_shown_the_certificate_that_it_asks_for() {
    only_with_a_certificate("grpc").await;
}
