//! The management listener of whole services on real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::StatusCode;
use msa_core::Service;
use msa_core::client::ServiceClient;
use msa_core::config::Loader;
use msa_core::problem::Problem;
use msa_core::resilience::breaker::Breaker;
use msa_core::resilience::policy::Policy;
use msa_core::resilience::retry::Retry;
use msa_core::service::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LOOPBACK: &str = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\n\
                        server.drain = { lag = '0s', deadline = '100ms', flush = '1s' }\n";

fn service(name: &str, toml: &str) -> Service {
    let loader = Loader::new(name).env([("", ""); 0]);
    let loader = loader.toml_str("msa.toml", format!("{LOOPBACK}{toml}"));
    let builder = Service::builder(name)
        .version("1.2.3")
        .build_info("commit", "abc");
    builder.with_config(loader.load().unwrap()).unwrap()
}

/// A service that answers `/` with this status.
fn leaf(name: &str, status: StatusCode) -> Running {
    let routes = Router::new().route("/", get(async move || status));
    service(name, "").routes(routes).start().unwrap()
}

/// A service that calls each of these in turn, and fails with the first that fails.
fn caller(name: &str, callees: &[(&str, SocketAddr)], toml: &str) -> Running {
    let endpoints = callees
        .iter()
        .map(|(name, addr)| format!("clients.{name}.endpoints = ['http://{addr}']\n"));
    let toml = format!("{}{toml}", endpoints.collect::<String>());
    let names: Vec<String> = callees.iter().map(|(name, _)| (*name).to_owned()).collect();
    let service = service(name, &toml);
    let call = async move |State(client): State<ServiceClient>| {
        for name in &names {
            let response = client
                .get(format!("http://{name}/?secret=1"))
                .send()
                .await?;
            if response.status().is_server_error() {
                return Ok::<_, Problem>(StatusCode::BAD_GATEWAY.into_response());
            }
        }
        Ok("done".into_response())
    };
    let routes = Router::new()
        .route("/", get(call))
        .with_state(service.client());
    service.routes(routes).start().unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

async fn ask(addr: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut request = format!(
        "{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|header| header.starts_with("host:")) {
        request.push_str("host: localhost\r\n");
    }
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str(&format!("\r\n{body}"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

async fn page(running: &Running, path: &str) -> Answer {
    ask(running.admin_addr().unwrap(), "GET", path, &[], "").await
}

/// Sends a request, and returns its GTXID.
async fn transaction(running: &Running) -> (u16, String) {
    let answer = ask(running.addr(), "GET", "/", &[], "").await;
    let gtxid = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("x-gtxid: "));
    (answer.status, gtxid.unwrap().to_owned())
}

const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn every_page_answers_and_the_index_lists_it() {
    let running = leaf("svc", StatusCode::OK);
    let index = page(&running, "/").await;
    for path in [
        "/info",
        "/config",
        "/endpoints",
        "/circuits",
        "/limits",
        "/loggers",
        "/txn",
        "/livez",
    ] {
        assert_eq!(page(&running, path).await.status, 200, "{path}");
        assert!(index.body.contains(path), "{path}");
    }
    let info = page(&running, "/info").await.json();
    assert_eq!(
        (&info["name"], &info["version"]),
        (&json!("svc"), &json!("1.2.3"))
    );
    assert_eq!(info["build"]["commit"], "abc");
}

#[tokio::test]
async fn what_is_no_page_is_told_what_there_is() {
    let running = leaf("svc", StatusCode::OK);
    let missing = page(&running, "/metrix").await;
    assert_eq!(missing.status, 404);
    assert!(missing.head.contains("application/problem+json"));
    assert!(
        missing.json()["pages"]
            .as_array()
            .unwrap()
            .contains(&json!("/txn/{gtxid}"))
    );
    let admin = running.admin_addr().unwrap();
    let wrong = ask(admin, "POST", "/info", &[JSON], "").await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: get"), "{}", wrong.head);
    assert!(
        wrong.head.contains("application/problem+json"),
        "{}",
        wrong.head
    );
}

#[tokio::test]
async fn the_configuration_is_shown_with_sources_and_without_secrets() {
    let running = service("svc", "admin.token = 'hunter2'\n").start().unwrap();
    let admin = running.admin_addr().unwrap();
    let token = "authorization: Bearer hunter2";
    let text = ask(admin, "GET", "/config", &[token], "").await;
    assert!(
        text.body.contains("server.addr") || text.body.contains("[server]"),
        "{}",
        text.body
    );
    let json = ask(admin, "GET", "/config?format=json", &[token], "").await;
    assert!(!text.body.contains("hunter2") && !json.body.contains("hunter2"));
    let values = json.json()["values"].clone();
    let of = |key: &str| {
        let row = values
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["key"] == key);
        row.unwrap().clone()
    };
    assert_eq!(of("admin.token")["value"], "\"***\"");
    assert_eq!(of("log.level")["value"], "\"error\"");
    assert!(
        of("log.level")["source"]
            .as_str()
            .unwrap()
            .starts_with("msa.toml")
    );
}

#[tokio::test]
async fn names_of_strangers_and_requests_without_the_token_are_refused_but_for_the_probes() {
    let running = leaf("svc", StatusCode::OK);
    let admin = running.admin_addr().unwrap();
    let strange = ["host: evil.example"];
    assert_eq!(ask(admin, "GET", "/config", &strange, "").await.status, 403);
    assert_eq!(
        ask(admin, "GET", "/nothing", &strange, "").await.status,
        403
    );
    assert_eq!(ask(admin, "GET", "/livez", &strange, "").await.status, 200);
    let running = service("svc", "admin.token = 't'\n").start().unwrap();
    let admin = running.admin_addr().unwrap();
    assert_eq!(ask(admin, "GET", "/txn", &[], "").await.status, 401);
    assert_eq!(ask(admin, "GET", "/readyz", &[], "").await.status, 200);
    assert_eq!(
        ask(admin, "GET", "/txn", &["authorization: Bearer t"], "")
            .await
            .status,
        200
    );
}

#[test]
fn a_listener_for_everybody_needs_a_token_or_a_word() {
    let load = |toml: &str| {
        let loader = Loader::new("svc").env([("", ""); 0]);
        let toml = format!("admin.addr = '0.0.0.0:9090'\n{toml}");
        loader.toml_str("msa.toml", toml).load().map(drop)
    };
    let error = load("").unwrap_err().to_string();
    assert!(
        error.contains("admin.token") && error.contains("msa.toml"),
        "{error}"
    );
    load("admin.token = 't'").unwrap();
    load("admin.open = true").unwrap();
    assert!(load("admin.token = ''").is_err());
}

#[tokio::test]
async fn a_transaction_is_found_with_its_calls_and_nothing_of_their_queries() {
    let stock = leaf("stock", StatusCode::OK);
    let shop = caller("shop", &[("stock", stock.addr())], "");
    let (status, gtxid) = transaction(&shop).await;
    assert_eq!(status, 200);
    let found = page(&shop, &format!("/txn/{gtxid}")).await;
    assert!(!found.body.contains("secret"), "{}", found.body);
    let entry = &found.json()["entries"][0];
    assert_eq!(
        (&entry["status"], &entry["route"]),
        (&json!(200), &json!("/"))
    );
    let call = &entry["calls"][0];
    assert_eq!(
        (&call["service"], &call["branch"]),
        (&json!("stock"), &json!("1.1"))
    );
    assert_eq!(call["attempts"][0]["status"], 200);
    assert!(
        call["attempts"][0]["served"].is_null(),
        "only scope=all asks"
    );
    let listed = page(&shop, "/txn?limit=5").await.json();
    assert_eq!(listed["recent"][0]["gtxid"], gtxid);
}

#[tokio::test]
async fn an_unknown_transaction_is_404_that_says_why_it_may_be() {
    let running = leaf("svc", StatusCode::OK);
    let answer = page(&running, "/txn/0123").await;
    assert_eq!(answer.status, 404);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("never came here"), "{detail}");
    assert_eq!(page(&running, "/txn/%3Cscript%3E").await.status, 422);
    assert_eq!(page(&running, "/txn/0123?scope=every").await.status, 422);
}

#[tokio::test]
async fn a_transaction_is_put_together_across_services_each_attempt_with_its_own() {
    let stock = leaf("stock", StatusCode::SERVICE_UNAVAILABLE);
    let users = leaf("users", StatusCode::OK);
    let orders = caller("orders", &[("stock", stock.addr())], "");
    let callees = [("users", users.addr()), ("orders", orders.addr())];
    let shop = caller("shop", &callees, "");
    let (status, gtxid) = transaction(&shop).await;
    assert_eq!(status, 502);
    let found = page(&shop, &format!("/txn/{gtxid}?scope=all")).await.json();
    let calls = &found["entries"][0]["calls"];
    assert_eq!(calls[0]["attempts"][0]["served"]["service"], "users");
    let below = &calls[1]["attempts"][0]["served"];
    assert_eq!(
        (&below["service"], &below["ltxid"]),
        (&json!("orders"), &json!(2))
    );
    let tried = below["calls"][0]["attempts"].as_array().unwrap();
    assert!(tried.len() > 1, "503 is tried again: {below}");
    for (n, attempt) in tried.iter().enumerate() {
        let served = &attempt["served"];
        assert_eq!(
            (&served["service"], &served["branch"]),
            (&json!("stock"), &json!("1.2.1"))
        );
        assert_eq!(served["attempt"], n + 1);
    }
    assert_eq!(below["calls"][0]["decisions"][0]["what"], "retried");
    let text = page(&shop, &format!("/txn/{gtxid}?scope=all&format=text"))
        .await
        .body;
    assert!(text.contains("1.2.1 stock ["), "{text}");
    assert!(text.contains("* retried as attempt 2"), "{text}");
}

#[tokio::test]
async fn a_process_that_is_gone_is_shown_with_what_its_caller_knows() {
    let stock = leaf("stock", StatusCode::OK);
    let shop = caller("shop", &[("stock", stock.addr())], "");
    let (_, gtxid) = transaction(&shop).await;
    stock.stop();
    stock.finished().await.unwrap();
    let (status, later) = transaction(&shop).await;
    assert_eq!(status, 503);
    for (gtxid, outcome) in [
        (gtxid, json!({"status": 200})),
        (later, json!({"failed": "connect"})),
    ] {
        let found = page(&shop, &format!("/txn/{gtxid}?scope=all")).await.json();
        let attempt = &found["entries"][0]["calls"][0]["attempts"][0];
        for (key, value) in outcome.as_object().unwrap() {
            assert_eq!(attempt[key], *value, "{attempt}");
        }
        let unknown = attempt["unknown"].as_str().unwrap();
        assert!(unknown.contains("does not answer"), "{unknown}");
    }
}

#[tokio::test]
async fn services_that_call_each_other_in_a_circle_are_asked_to_an_end() {
    // Its own address is known only when it listens: the file of endpoints comes after.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("endpoints.toml");
    std::fs::write(&file, "services.me.endpoints = ['http://127.0.0.1:9']").unwrap();
    let toml = format!(
        "discovery.file = '{}'\ndiscovery.file_interval = '10ms'\ntxn.max_hops = 5\n",
        file.display()
    );
    let service = service("me", &toml);
    let call = async |State(client): State<ServiceClient>| {
        let response = client.get("http://me/").send().await?;
        Ok::<_, Problem>(response.status())
    };
    let routes = Router::new()
        .route("/", get(call))
        .with_state(service.client());
    let me = service.routes(routes).start().unwrap();
    std::fs::write(
        &file,
        format!("services.me.endpoints = ['http://{}']", me.addr()),
    )
    .unwrap();
    let (status, gtxid) = loop {
        let (status, gtxid) = transaction(&me).await;
        if status != 503 {
            break (status, gtxid);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(status, 508);
    let found = page(&me, &format!("/txn/{gtxid}?scope=all")).await.json();
    assert_eq!(
        found["entries"].as_array().unwrap().len(),
        1,
        "each is shown where it was called"
    );
    let mut entry = &found["entries"][0];
    let mut hops = 1;
    while let Some(served) = entry["calls"][0]["attempts"][0].get("served") {
        (entry, hops) = (served, hops + 1);
    }
    assert_eq!(hops, 6, "the sixth was refused");
    assert_eq!(entry["decisions"][0]["what"], "loop_refused");
    let few = page(&me, &format!("/txn/{gtxid}?scope=all&hops=1"))
        .await
        .json();
    let below = &few["entries"][0]["calls"][0]["attempts"][0]["served"];
    assert_eq!(
        below["calls"][0]["attempts"][0]["unknown"],
        "deeper processes are not asked"
    );
}

#[tokio::test]
async fn breakers_are_opened_and_reset_by_hand() {
    let stock = leaf("stock", StatusCode::OK);
    let shop = caller("shop", &[("stock", stock.addr())], "");
    assert_eq!(transaction(&shop).await.0, 200);
    let admin = shop.admin_addr().unwrap();
    let change = async |body: &str| ask(admin, "POST", "/circuits/stock", &[JSON], body).await;
    let opened = change("{\"action\": \"open\"}").await;
    assert_eq!(
        (opened.status, &opened.json()[0]["state"]),
        (200, &json!("forced_open"))
    );
    let (status, gtxid) = transaction(&shop).await;
    assert_eq!(status, 503);
    let found = page(&shop, &format!("/txn/{gtxid}")).await.json();
    assert_eq!(found["entries"][0]["calls"][0]["failed"], "circuit_open");
    let endpoints = page(&shop, "/endpoints").await.json();
    assert_eq!(endpoints[0]["endpoints"][0]["eligible"], false);
    let reset = change("{\"action\": \"reset\"}").await;
    assert_eq!(reset.json()[0]["state"], "closed");
    assert_eq!(transaction(&shop).await.0, 200);
    let elsewhere = change("{\"action\": \"open\", \"endpoint\": \"10.0.0.1:80\"}").await;
    assert_eq!(elsewhere.status, 404);
    let form = ask(admin, "POST", "/circuits/stock", &[], "action=open").await;
    assert_eq!(form.status, 415);
    assert_eq!(change("{\"action\": \"explode\"}").await.status, 422);
}

#[tokio::test]
async fn the_hystrix_stream_is_for_five_and_ends_with_its_reader() {
    let stock = leaf("stock", StatusCode::OK);
    let shop = caller("shop", &[("stock", stock.addr())], "");
    let admin = shop.admin_addr().unwrap();
    let mut watching = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(admin).await.unwrap();
        let request = b"GET /hystrix.stream?delay=100 HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut first = Vec::new();
        while !String::from_utf8_lossy(&first).contains("ping:") {
            assert!(stream.read_buf(&mut first).await.unwrap() > 0);
        }
        assert!(String::from_utf8_lossy(&first).contains("text/event-stream"));
        watching.push(stream);
    }
    assert_eq!(page(&shop, "/hystrix.stream").await.status, 503);
    transaction(&shop).await;
    let mut got = String::new();
    let command = loop {
        let mut piece = Vec::new();
        assert!(watching[0].read_buf(&mut piece).await.unwrap() > 0);
        got.push_str(&String::from_utf8_lossy(&piece));
        let lines = got.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut commands = events.filter(|event| event["type"] == "HystrixCommand");
        if let Some(command) = commands.find(|command| command["rollingCountSuccess"] == 1) {
            break command;
        }
    };
    assert_eq!(
        (&command["name"], &command["isCircuitBreakerOpen"]),
        (&json!("stock"), &json!(false))
    );
    drop(watching);
    while page_is_refused(admin).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether there is no place for one more; the connection is not read on.
async fn page_is_refused(admin: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    let request = b"GET /hystrix.stream HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut head = Vec::new();
    while head.len() < 12 {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0);
    }
    head.starts_with(b"HTTP/1.1 503")
}

#[tokio::test]
async fn the_management_port_is_told_to_callers_of_our_kind_only() {
    let running = leaf("svc", StatusCode::OK);
    let stranger = ask(running.addr(), "GET", "/", &[], "").await;
    assert!(!stranger.head.contains("x-msa-admin"), "{}", stranger.head);
    let ours = ["x-gtxid: a", "x-ltxid: 2", "x-txn-branch: 1.1"];
    let ours = ask(running.addr(), "GET", "/", &ours, "").await;
    let port = running.admin_addr().unwrap().port();
    assert!(
        ours.head.contains(&format!("x-msa-admin: {port}")),
        "{}",
        ours.head
    );
}

#[tokio::test]
async fn a_listener_that_does_not_answer_is_not_waited_for_longer_than_allowed() {
    // It answers calls, and names a port where somebody accepts and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let answer = async move || ([("x-msa-admin", port)], "ok");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stock = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(answer));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let toml = "telemetry.journal.ask_timeout = '50ms'\n";
    let shop = caller("shop", &[("stock", stock)], toml);
    let (status, gtxid) = transaction(&shop).await;
    assert_eq!(status, 200);
    let found = page(&shop, &format!("/txn/{gtxid}?scope=all")).await.json();
    let attempt = &found["entries"][0]["calls"][0]["attempts"][0];
    let unknown = attempt["unknown"].as_str().unwrap();
    assert!(unknown.contains("in time"), "{unknown}");
    serving.abort();
}

#[tokio::test]
async fn processes_with_one_token_tell_each_other_and_with_another_say_why_not() {
    for (token, told) in [("t", true), ("other", false)] {
        let routes = Router::new().route("/", get(async || "ok"));
        let stock = service("stock", &format!("admin.token = '{token}'\n"));
        let stock = stock.routes(routes).start().unwrap();
        let shop = caller("shop", &[("stock", stock.addr())], "admin.token = 't'\n");
        let (_, gtxid) = transaction(&shop).await;
        let admin = shop.admin_addr().unwrap();
        let path = format!("/txn/{gtxid}?scope=all");
        let found = ask(admin, "GET", &path, &["authorization: Bearer t"], "")
            .await
            .json();
        let attempt = &found["entries"][0]["calls"][0]["attempts"][0];
        assert_eq!(attempt["served"]["service"] == "stock", told, "{attempt}");
        let unknown = attempt["unknown"].as_str().unwrap_or_default();
        assert_eq!(unknown.contains("admin.token"), !told, "{unknown}");
    }
}

#[tokio::test]
async fn what_a_policy_around_a_function_decides_is_noted_in_its_request() {
    let service = service("svc", "");
    let policy = Policy::builder("svc::stock")
        .retry(Retry::default())
        .breaker(Breaker::default())
        .register(service.policies())
        .unwrap();
    let call = async move || {
        let failed = policy.call(async || Err::<(), _>(std::io::Error::other("no")));
        failed
            .await
            .map_or(StatusCode::BAD_GATEWAY, |()| StatusCode::OK)
    };
    let running = service
        .routes(Router::new().route("/", get(call)))
        .start()
        .unwrap();
    let (status, gtxid) = transaction(&running).await;
    assert_eq!(status, 502);
    let found = page(&running, &format!("/txn/{gtxid}")).await.json();
    let decisions = found["entries"][0]["decisions"].as_array().unwrap();
    let of = |what: &str| decisions.iter().filter(|one| one["what"] == what).count();
    assert_eq!((of("retried"), of("not_retried")), (2, 1), "{decisions:?}");
    assert_eq!(decisions[0]["service"], "svc::stock");
    let circuits = page(&running, "/circuits").await.json();
    assert_eq!(
        (&circuits[0]["service"], &circuits[0]["failed"]),
        (&json!("svc::stock"), &json!(3))
    );
}

const BROWSER: &str = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_gets_the_page_and_everybody_else_the_index() {
    let running = leaf("svc", StatusCode::OK);
    let admin = running.admin_addr().unwrap();
    let page_of = ask(admin, "GET", "/", &[BROWSER], "").await;
    assert!(
        page_of.body.starts_with("<!doctype html>"),
        "{}",
        page_of.body
    );
    for header in [
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "default-src 'none'; script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "vary: accept",
    ] {
        assert!(page_of.head.contains(header), "{header}: {}", page_of.head);
    }
    for accept in ["accept: */*", "accept: application/json", "x-none: 1"] {
        let index = ask(admin, "GET", "/", &[accept], "").await;
        assert!(
            index.body.contains("/circuits/{service}"),
            "{accept}: {}",
            index.body
        );
    }
    let script = page(&running, "/page/main.js").await;
    assert!(
        script.head.contains("content-type: text/javascript"),
        "{}",
        script.head
    );
    let tag = script
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "));
    let known = format!("if-none-match: {}", tag.unwrap());
    let again = ask(admin, "GET", "/page/main.js", &[&known], "").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(page(&running, "/page/../mod.rs").await.status, 404);
    assert_eq!(page(&running, "/page/other.js").await.status, 404);
}

#[tokio::test]
async fn the_page_itself_needs_no_token_and_what_it_shows_does() {
    let running = service("svc", "admin.token = 't'\n").start().unwrap();
    let admin = running.admin_addr().unwrap();
    assert_eq!(ask(admin, "GET", "/", &[BROWSER], "").await.status, 200);
    assert_eq!(page(&running, "/page/main.js").await.status, 200);
    for path in ["/", "/events", "/endpoints", "/txn"] {
        assert_eq!(page(&running, path).await.status, 401, "{path}");
    }
    let change = ask(admin, "POST", "/", &[BROWSER, JSON], "{}").await;
    assert_eq!(change.status, 401);
}

/// Begins to watch, and reads on until the text holds this.
async fn watch(running: &Running, until: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(running.admin_addr().unwrap())
        .await
        .unwrap();
    let request = b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    while !text.contains(until) {
        let mut piece = [0; 16 * 1024];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ended: {text}");
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    (stream, text)
}

/// The first snapshot.
async fn snapshot(running: &Running) -> Value {
    let (_, text) = watch(running, "}\n\n").await;
    let (_, event) = text.split_once("data: ").unwrap();
    serde_json::from_str(event.split("\n\n").next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_snapshot_tells_what_comes_in_whom_it_calls_and_how_their_circuits_are() {
    let stock = leaf("stock", StatusCode::SERVICE_UNAVAILABLE);
    let shop = caller(
        "shop",
        &[("stock", stock.addr())],
        "clients.stock.retry.max_retries = 1\n",
    );
    assert_eq!(transaction(&shop).await.0, 502);
    let admin = shop.admin_addr().unwrap();
    let open = r#"{"action": "open"}"#;
    assert_eq!(
        ask(admin, "POST", "/circuits/stock", &[JSON], open)
            .await
            .status,
        200
    );
    let seen = snapshot(&shop).await;
    assert_eq!(
        (&seen["name"], &seen["version"], &seen["phase"]),
        (&json!("shop"), &json!("1.2.3"), &json!("ready"))
    );
    let route = &seen["server"]["routes"][0];
    assert_eq!(
        (&route["route"], &route["failed"]),
        (&json!("/"), &json!(1))
    );
    let took: u64 = route["took"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(took, 1);
    assert_eq!(
        route["took"].as_array().unwrap().len(),
        seen["bounds"].as_array().unwrap().len() + 1
    );
    let stock_seen = &seen["services"][0];
    assert_eq!(
        (
            &stock_seen["calls"]["outcomes"],
            &stock_seen["calls"]["retries"]
        ),
        (&json!([["503", 1]]), &json!(1))
    );
    assert!(stock_seen["limits"]["retry_budget"].is_number());
    let endpoint = &stock_seen["endpoints"][0];
    assert_eq!(
        (&endpoint["e"], &endpoint["s"]),
        (&json!(stock.addr().to_string()), &json!("broken"))
    );
    assert_eq!((&endpoint["n"], &endpoint["x"]), (&json!(2), &json!(2)));
    let circuit = &endpoint["c"];
    assert_eq!(
        (&circuit["s"], &circuit["why"]),
        (&json!("forced_open"), &json!("manual"))
    );
    assert!(circuit["since"].is_number(), "{circuit}");
    // The same, for programs.
    let shown = page(&shop, "/circuits").await.json();
    assert_eq!(
        (&shown[0]["state"], &shown[0]["reason"]),
        (&json!("forced_open"), &json!("manual"))
    );
    assert!(
        shown[0]["unwell_for_ms"].is_number() && shown[0]["trial_in_ms"].is_null(),
        "{shown}"
    );
}

#[tokio::test]
async fn eight_may_watch_and_a_place_is_free_again_when_one_has_gone() {
    let running = leaf("svc", StatusCode::OK);
    let mut watching = Vec::new();
    for _ in 0..8 {
        watching.push(watch(&running, "data: ").await);
    }
    let more = page(&running, "/events").await;
    assert_eq!(more.status, 503);
    assert!(more.head.contains("retry-after: 5"), "{}", more.head);
    watching.pop();
    // That it has gone is seen when the next snapshot cannot be written.
    let again = tokio::time::timeout(Duration::from_secs(30), async {
        while page_head(&running, "/events").await != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    again.await.unwrap();
}

/// The status alone: the body may never end.
async fn page_head(running: &Running, path: &str) -> u16 {
    let mut stream = TcpStream::connect(running.admin_addr().unwrap())
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_watcher_hears_of_the_drain_and_does_not_hold_up_the_end() {
    let toml = LOOPBACK.replace("lag = '0s'", "lag = '300ms'");
    let loader = Loader::new("svc")
        .env([("", ""); 0])
        .toml_str("msa.toml", toml);
    let service = Service::builder("svc").with_config(loader.load().unwrap());
    let running = service.unwrap().start().unwrap();
    let (mut stream, _) = watch(&running, "\"phase\":\"ready\"").await;
    running.stop();
    let mut rest = String::new();
    // It may be cut in the middle of the last one.
    let _ = stream.read_to_string(&mut rest).await;
    assert!(rest.contains("\"phase\":\"draining\""), "{rest}");
    running.finished().await.unwrap();
}
