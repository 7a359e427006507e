//! Requests with secrets in them, and everything that the service shows meanwhile.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use reqwest::{Client, Method, RequestBuilder, Response};

use super::outputs::{Running, command};
use super::plant::{Canaries, NAMES};
use super::{configuration, upstream};

type Shared = Arc<Mutex<Canaries>>;

/// The service's own settings.
const SETTINGS: &str = "\
server.addr = '127.0.0.1:0'
server.drain = { lag = '0s', deadline = '1s', flush = '5s' }
server.sensitive_headers = ['x-shop-key']
admin.addr = '127.0.0.1:0'
log.level = 'trace'
telemetry.traces.exporter = 'console'
telemetry.baggage.services = ['back']
clients.nobody.endpoints = ['http://127.0.0.1:1']
";

/// Runs the service with its log in this format, and looks at all that it writes and shows. How many canaries were planted.
pub(crate) fn outputs_show_no_secret(format: &str) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(look(format))
}

async fn look(format: &str) -> usize {
    let canaries = Shared::default();
    let back = upstream::listen(canaries.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    let endpoints = dir.path().join("endpoints.toml");
    std::fs::write(&endpoints, "services = {}").unwrap();
    let mut settings = SETTINGS.to_owned();
    writeln!(settings, "log.format = '{format}'").unwrap();
    writeln!(settings, "clients.back.endpoints = ['http://{back}']").unwrap();
    writeln!(settings, "discovery.file = '{}'", endpoints.display()).unwrap();
    writeln!(settings, "discovery.file_interval = '20ms'").unwrap();
    let variables = configuration::plant(dir.path(), &mut canaries.lock().unwrap(), &settings);
    let mut running = Running::start(command(dir.path(), &variables));

    // reqwest is built here without a provider of its own, as msa wants it; by the second round there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let browser = || Client::builder().no_proxy();
    let one = browser().build().unwrap();
    let two = browser().http2_prior_knowledge().build().unwrap();
    let asker = Asker {
        canaries: canaries.clone(),
        addr: running.addr,
    };
    for client in [&one, &two] {
        asker.headers(client).await;
        asker.bodies_and_queries(client).await;
        asker.failures(client).await;
    }

    // A changed configuration and a changed list of endpoints that are both wrong.
    let planted = canaries.lock().unwrap().plant("a refused reload");
    let mut toml = std::fs::read_to_string(dir.path().join("msa.toml")).unwrap();
    toml = toml.replace(
        "\n[vault]\n",
        &format!("\nserver.body_limit = 'password={planted}'\n[vault]\n"),
    );
    std::fs::write(dir.path().join("msa.toml"), toml).unwrap();
    let planted = canaries
        .lock()
        .unwrap()
        .plant("a refused list of endpoints");
    let list =
        format!("services.x.endpoints = ['http://u:{planted}@h', 'http://h/?token={planted}']");
    std::fs::write(&endpoints, list).unwrap();
    running.wait_for("the endpoints file cannot be used");
    running.wait_for("new configuration refused");

    let token = std::fs::read_to_string(dir.path().join("secrets/admin__token")).unwrap();
    shown(&one, &running, &token, &canaries).await;
    let (stdout, stderr) = running.stop();
    let canaries = canaries.lock().unwrap();
    canaries.none_in("standard output", &stdout);
    canaries.none_in("standard error", &stderr);
    // It was looked at the right texts.
    for text in [
        "asked",
        "Sensitive",
        "answered with a problem",
        "a handler panicked",
        "as configured",
        "url.path",
        "h2::",
    ] {
        assert!(stdout.contains(text), "{text}");
    }
    assert!(stderr.contains("panicked at"), "{stderr}");
    canaries.len()
}

/// The pages of the management listener.
async fn shown(client: &Client, running: &Running, token: &str, canaries: &Shared) {
    let get = async |path: &str| {
        let request = client.get(format!("http://{}{path}", running.admin));
        let planted = canaries
            .lock()
            .unwrap()
            .plant("a token for the management listener");
        let wrong = request.try_clone().unwrap();
        let wrong = wrong.header(AUTHORIZATION, format!("Bearer {planted}"));
        let refusal = wrong.send().await.unwrap().text().await.unwrap();
        canaries.lock().unwrap().none_in(path, &refusal);
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let mut answer = request.send().await.unwrap();
        let mut text = format!("{:?}\n", answer.status());
        match path {
            // It has no end.
            "/hystrix.stream" => {
                let first = answer.chunk().await.unwrap().unwrap();
                text.push_str(std::str::from_utf8(&first).unwrap());
            }
            _ => text.push_str(&answer.text().await.unwrap()),
        }
        canaries.lock().unwrap().none_in(path, &text);
        text
    };
    for (path, expected) in [
        ("/", "/config"),
        ("/info", "front"),
        ("/config", "plain.values"),
        ("/config?format=json", "refused_reload"),
        ("/endpoints", "back"),
        ("/circuits", "back"),
        ("/limits", "back"),
        ("/metrics", "http_server_request_duration"),
        ("/loggers", "trace"),
        ("/txn", "gtxid"),
        ("/readyz?verbose", ""),
        ("/livez?verbose", ""),
        ("/hystrix.stream", "data"),
        ("/config?format=x&token=y", ""),
        ("/nothing/here", ""),
    ] {
        let text = get(path).await;
        assert!(text.contains(expected), "{path}: {text}");
    }
    let latest = get("/txn").await;
    let ids: std::collections::BTreeSet<&str> = (latest.split('"'))
        .filter(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    assert!(ids.len() > 20, "{latest}");
    for id in ids {
        get(&format!("/txn/{id}?scope=all")).await;
        get(&format!("/txn/{id}?format=text")).await;
    }
}

/// Sends requests.
struct Asker {
    canaries: Shared,
    addr: SocketAddr,
}

impl Asker {
    fn plant(&self, place: &str) -> String {
        self.canaries.lock().unwrap().plant(place)
    }

    fn request(&self, client: &Client, method: Method, path: &str) -> RequestBuilder {
        client.request(method, format!("http://{}{path}", self.addr))
    }

    /// A query with a secret of every name.
    fn query(&self) -> String {
        // No query is shown at all, whatever its names are.
        let mut query = format!("q={}", self.plant("a query without a secret's name"));
        for name in NAMES {
            let planted = self.plant(&format!("the query's {name}"));
            write!(query, "&{name}={planted}").unwrap();
        }
        query
    }

    async fn headers(&self, client: &Client) {
        for _ in 0..5 {
            let plant = |place: &str| self.plant(place);
            let request = self
                .request(client, Method::GET, &format!("/headers?{}", self.query()))
                .header(AUTHORIZATION, format!("Bearer {}", plant("Authorization")))
                .header(
                    AUTHORIZATION,
                    format!("Basic {}", plant("a second Authorization")),
                )
                .header(
                    PROXY_AUTHORIZATION,
                    format!("Basic {}", plant("Proxy-Authorization")),
                )
                .header(
                    COOKIE,
                    format!("sid={}; t={}", plant("a cookie"), plant("a cookie")),
                )
                .header("x-api-key", plant("x-api-key"))
                .header("api-key", plant("api-key"))
                .header("x-auth-token", plant("x-auth-token"))
                .header("x-amz-security-token", plant("x-amz-security-token"))
                .header("x-csrf-token", plant("x-csrf-token"))
                .header("x-shop-key", plant("the header that a setting names"));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            // Its caller is to have them.
            assert!(
                answer.headers()["set-cookie"]
                    .to_str()
                    .unwrap()
                    .contains("cnry")
            );
        }
        // Baggage is not in the list of what is logged by the handler, which is the program's own doing.
        let baggage = format!(
            "user={},session={};p={}",
            self.plant("baggage"),
            self.plant("baggage"),
            self.plant("baggage")
        );
        let request = self.request(client, Method::GET, "/typed/refused");
        self.refused(request.header("baggage", baggage)).await;
        let broken = format!("00-{}-zz-01", self.plant("a broken traceparent"));
        let request = self.request(client, Method::GET, "/typed/refused");
        let request = request.header("traceparent", broken);
        let request = request.header("x-gtxid", format!("a b {}", self.plant("a broken GTXID")));
        self.refused(request.header("x-txn-timeout-ms", self.plant("a broken timeout")))
            .await;
    }

    /// What is sent wrongly is told so, and not repeated.
    async fn bodies_and_queries(&self, client: &Client) {
        for form in [
            r#"{"id":"{}","kind":"small","when":"::1"}"#,
            r#"{"id":1,"kind":"{}","when":"::1"}"#,
            r#"{"id":1,"kind":"small","when":"{}"}"#,
            r#"["{}"]"#,
            r#""{}""#,
            r#"{"id":1,"kind":{"small":"{}"}}"#,
            r#"{"id":1,"note":"{}"#,
        ] {
            let body = form.replace("{}", &self.plant(form));
            let request = self
                .request(client, Method::POST, "/order")
                .body(body.clone());
            self.refused(request.header("content-type", "application/json"))
                .await;
            let request = self.request(client, Method::POST, "/order").body(body);
            self.refused(request.header("content-type", "text/plain"))
                .await;
        }
        for form in [
            "id={}",
            "id=1&kind={}",
            "id=1&kind=small&when={}",
            "id=1&id={}",
            "kind=%ff{}",
        ] {
            let query = form.replace("{}", &self.plant(form));
            self.refused(self.request(client, Method::GET, &format!("/query?{query}")))
                .await;
        }
        for name in NAMES {
            let query = format!("id=1&{name}={}", self.plant(name));
            self.refused(self.request(client, Method::GET, &format!("/query?{query}")))
                .await;
            self.refused(self.request(client, Method::GET, &format!("/nothing?{query}")))
                .await;
        }
    }

    /// Calls that fail, with secrets in their URLs and answers.
    async fn failures(&self, client: &Client) {
        for path in [
            "/typed/order",
            "/typed/kind",
            "/typed/refused",
            "/typed/none",
            "/raw/order",
            "/raw/kind",
            "/raw/refused",
            "/raw/none",
            "/unread",
            "/panic/order",
            "/panic/kind",
            "/panic/refused",
            "/gone/nobody",
            "/gone/unknown",
            "/gone/hostless",
            "/gone/unparsed",
        ] {
            let query = match path {
                path if path.starts_with("/raw") || path.starts_with("/gone") => {
                    // It is the password of a URL, too.
                    format!("token={}&q={}", self.plant(path), self.plant(path))
                }
                _ => self.query(),
            };
            self.refused(self.request(client, Method::GET, &format!("{path}?{query}")))
                .await;
        }
    }

    /// Sends it, and looks at the document that is answered.
    async fn refused(&self, request: RequestBuilder) -> Response {
        let answer = request.send().await.unwrap();
        let (status, url) = (answer.status(), answer.url().path().to_owned());
        assert!(
            status.is_client_error() || status.is_server_error(),
            "{url}: {status}"
        );
        let (parts, body) = http::Response::from(answer).into_parts();
        let body = Response::from(http::Response::from_parts(parts.clone(), body));
        let text = body.text().await.unwrap();
        let canaries = self.canaries.lock().unwrap();
        canaries.none_in(&format!("the answer to {url}"), &text);
        assert!(text.contains("\"status\""), "{url}: {text}");
        http::Response::from_parts(parts, reqwest::Body::from(text)).into()
    }
}
