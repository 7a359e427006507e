//! TLS on the management listener: real handshakes, with certificates made here.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use msa_core::Service;
use msa_core::config::Loader;
use msa_core::resilience::breaker::Breaker;
use msa_core::resilience::policy::Policy;
use msa_core::service::Running;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// An authority, and what it has signed: files in a folder.
struct Authority {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        write(&dir.path().join("ca.pem"), &own.pem());
        Self {
            dir,
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        write(&self.file(&format!("{name}.pem")), &signed.pem());
        write(&self.file(&format!("{name}.key")), &key.serialize_pem());
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A service whose management listener has a certificate of this authority, and which other machines can reach.
    fn service(&self, toml: &str) -> Service {
        self.sign("server");
        let toml = format!(
            "server.addr = '127.0.0.1:0'\nadmin.addr = '0.0.0.0:0'\n\
             server.drain = {{ lag = '0s', deadline = '100ms', flush = '1s' }}\n\
             admin.tls.certificate = '{}'\nadmin.tls.key = '{}'\n{toml}",
            self.file("server.pem").display(),
            self.file("server.key").display(),
        );
        service(&toml).unwrap()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn service(toml: &str) -> Result<Service, String> {
    let loader = Loader::new("svc").env([("", ""); 0]);
    let config = loader.toml_str("msa.toml", toml).load();
    let config = config.map_err(|error| error.to_string())?;
    let built = Service::builder("svc").with_config(config);
    built.map_err(|error| {
        assert_eq!(error.exit_code(), 78, "{error}");
        error.to_string()
    })
}

/// Somebody who trusts an authority, and may have a certificate.
fn client(trusts: &Authority, own: Option<(&Authority, &str)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(trusts.file("ca.pem")).unwrap();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some((authority, name)) => {
            let file = |end: &str| authority.file(&format!("{name}.{end}"));
            let certificate = CertificateDer::from_pem_file(file("pem")).unwrap();
            let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
            config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
        None => config.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// The status and the rest; nothing where there is no connection.
async fn ask(
    running: &Running,
    client: &TlsConnector,
    request: &str,
    headers: &[&str],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let port = running.admin_addr().unwrap().port();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let name = ServerName::from(addr.ip());
    let mut stream = client
        .connect(name, TcpStream::connect(addr).await?)
        .await?;
    let mut text = format!("{request} HTTP/1.0\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str(&format!("\r\n{body}"));
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, answer))
}

async fn status(running: &Running, client: &TlsConnector, headers: &[&str]) -> u16 {
    let answered = ask(running, client, "GET /info", headers, "").await;
    answered.unwrap().0
}

/// Everything that is logged by this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_certificate_of_the_authority_is_as_good_as_the_token_and_no_other_is() {
    let (own, other) = (Authority::new(), Authority::new());
    own.sign("ops");
    other.sign("stranger");
    let lines = Lines::default();
    let _logging = lines.begin();
    let toml = format!(
        "admin.token = 's3cret'\nadmin.tls.client_ca = '{}'\n",
        own.file("ca.pem").display()
    );
    let service = own.service(&toml);
    let policy = Policy::builder("stock").breaker(Breaker::default());
    policy.register(service.policies()).unwrap();
    let running = service.start().unwrap();
    let nobody = client(&own, None);
    assert_eq!(status(&running, &nobody, &[]).await, 401);
    let token = ["authorization: Bearer s3cret"];
    assert_eq!(status(&running, &nobody, &token).await, 200);
    let ops = client(&own, Some((&own, "ops")));
    assert_eq!(status(&running, &ops, &[]).await, 200);
    let stranger = client(&own, Some((&other, "stranger")));
    let refused = ask(&running, &stranger, "GET /info", &token, "").await;
    refused.unwrap_err(); // not even with the token: the handshake fails
    let distrusting = client(&other, None);
    let refused = ask(&running, &distrusting, "GET /info", &token, "").await;
    refused.unwrap_err(); // by the client

    // What it does is written down under its name.
    let json = ["content-type: application/json"];
    let open = r#"{"action":"open"}"#;
    let changed = ask(&running, &ops, "POST /circuits/stock", &json, open).await;
    assert_eq!(changed.unwrap().0, 200);
    let text = lines.text();
    let audited: Vec<_> = (text.lines())
        .filter(|line| line.contains("msa::audit"))
        .collect();
    assert!(
        audited.iter().any(|line| line.contains("(CN=ops")),
        "{audited:?}"
    );
    assert!(
        audited
            .iter()
            .any(|line| line.contains("no TLS connection")),
        "{audited:?}"
    );
    assert!(!text.contains("s3cret") && !text.contains("PRIVATE KEY"));
    running.stop();
    running.finished().await.unwrap();
}

#[tokio::test]
async fn a_certificate_alone_suffices_and_of_the_authority_only_the_clients_that_are_named() {
    let own = Authority::new();
    own.sign("ops");
    own.sign("billing");
    let toml = format!(
        "admin.tls.client_ca = '{}'\nadmin.tls.clients = ['ops', 'spiffe://shop/ops']\n",
        own.file("ca.pem").display()
    );
    let running = own.service(&toml).start().unwrap();
    assert_eq!(
        status(&running, &client(&own, Some((&own, "ops"))), &[]).await,
        200
    );
    let billing = client(&own, Some((&own, "billing")));
    assert_eq!(status(&running, &billing, &[]).await, 401);
    let nobody = client(&own, None);
    assert_eq!(status(&running, &nobody, &[]).await, 401);
    let probe = ask(&running, &nobody, "GET /livez", &[], "").await;
    assert_eq!(probe.unwrap().0, 200, "probes ask for no certificate");

    let port = running.admin_addr().unwrap().port();
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    plain
        .write_all(b"GET /livez HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP"), "plain text is not spoken");
    running.stop();
    running.finished().await.unwrap();
}

#[tokio::test]
async fn without_authorities_for_clients_tls_guards_nothing_and_the_token_is_needed() {
    let own = Authority::new();
    own.sign("ops");
    let running = own.service("admin.token = 's3cret'\n").start().unwrap();
    let ops = client(&own, Some((&own, "ops")));
    assert_eq!(status(&running, &ops, &[]).await, 401);
    running.stop();
    running.finished().await.unwrap();
}

#[tokio::test]
async fn what_is_half_or_no_certificate_is_told_at_the_start() {
    let own = Authority::new();
    own.sign("server");
    let (certificate, key) = (own.file("server.pem"), own.file("server.key"));
    let (certificate, key) = (certificate.display(), key.display());
    for (toml, told) in [
        (
            format!("admin.tls.certificate = '{certificate}'"),
            "admin.tls.key",
        ),
        (
            format!("admin.tls.client_ca = '{certificate}'"),
            "admin.tls.certificate",
        ),
        (
            format!("admin.tls.certificate = '{key}'\nadmin.tls.key = '{key}'"),
            "holds no certificate",
        ),
        (
            format!("admin.tls.certificate = '{certificate}'\nadmin.tls.key = '{certificate}'"),
            "private key",
        ),
        (
            format!("admin.tls.certificate = '{certificate}'\nadmin.tls.key = '/nowhere'"),
            "/nowhere",
        ),
        (
            format!(
                "admin.addr = '0.0.0.0:0'\nadmin.tls.certificate = '{certificate}'\nadmin.tls.key = '{key}'"
            ),
            "client_ca",
        ),
    ] {
        let error = service(&toml).map(drop).unwrap_err();
        assert!(error.contains(told), "{toml}: {error}");
        assert!(!error.contains("PRIVATE KEY"), "{error}");
    }
}
