//! A service of another SDK between two of ours. Where Python has no OpenTelemetry, the test says so and passes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use axum::routing::get;
use axum::{Json, Router};
use msa_core::txn;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::collector::Collector;
use crate::support::{hex, service, stop};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/hop.py");

/// Ends with the test.
struct Hop {
    child: Child,
    port: u16,
}

impl Drop for Hop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(propagators: &str, next: &str) -> Option<Hop> {
    let python = std::env::var_os("MSA_PYTHON").unwrap_or_else(|| "python3".into());
    let needed = "import opentelemetry.sdk.trace, opentelemetry.propagators.b3";
    let has_it = Command::new(&python)
        .args(["-c", needed])
        .stderr(Stdio::null())
        .status();
    if !has_it.is_ok_and(|status| status.success()) {
        eprintln!(
            "skipped: Python has no opentelemetry-sdk and opentelemetry-propagator-b3; MSA_PYTHON may say which Python has"
        );
        return None;
    }
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .env("OTEL_PROPAGATORS", propagators)
        .env("NEXT", next)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    let port = line.trim().parse().unwrap();
    Some(Hop { child, port })
}

/// What the last service saw.
async fn seen() -> Json<Value> {
    let seen = txn::with_current(|txn| {
        let tenant = txn.baggage().and_then(|baggage| baggage.get("tenant"));
        json!({
            "trace": format!("{:032x}", txn.span().trace_id()),
            "parent": txn.parent_span().map(|parent| format!("{parent:016x}")),
            "gtxid": txn.gtxid().as_str(),
            "tenant": tenant,
        })
    });
    Json(seen.unwrap())
}

/// Ours, theirs, ours: `front` -> `hop` -> `leaf`.
async fn one_trace_through_all(propagators: &str) {
    let collector = Collector::default();
    let endpoint = format!("http://{}", collector.over_http().await);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_PROPAGATORS", propagators),
        ("MSA_TELEMETRY__BAGGAGE__KEYS__TENANT", "hop"),
    ];
    let leaf = service("leaf", &variables).routes(Router::new().route("/seen", get(seen)));
    let leaf = leaf.start().unwrap();
    let Some(hop) = start(propagators, &format!("http://{}/seen", leaf.addr())) else {
        return stop(leaf).await;
    };
    let endpoints = format!("http://127.0.0.1:{}", hop.port);
    let endpoints = [("MSA_CLIENTS__HOP__ENDPOINTS", endpoints.as_str())];
    let variables: Vec<_> = variables.into_iter().chain(endpoints).collect();
    let front = service("front", &variables);
    let client = front.client();
    let greet = move || async move {
        let answer = client.get("http://hop/").send().await.unwrap();
        Json(answer.json::<Value>().await.unwrap())
    };
    let front = front.routes(Router::new().route("/", get(greet)));
    let front = front.start().unwrap();

    // A caller with baggage, and no trace. Its value has to be encoded on the way; not with a blank, which the SDK writes as a plus,
    // and a plus in W3C's Baggage is a plus.
    let mut stream = TcpStream::connect(front.addr()).await.unwrap();
    let request = "GET / HTTP/1.0\r\nhost: front\r\nbaggage: tenant=shop%2Ca,secret=canary\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let told = head.lines().find_map(|line| line.strip_prefix("x-gtxid: "));
    let gtxid = told.unwrap();
    let hop: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    stop(front).await;
    stop(leaf).await;

    let spans = collector.spans();
    let span = |service: &str, name: &str| {
        let mut found = spans.iter().filter(|(own, _)| own == service);
        let found = found.find(|(_, span)| span.name == name);
        found.unwrap_or_else(|| panic!("{spans:#?}")).1.clone()
    };
    let (attempt, leaf) = (span("front", "GET"), span("leaf", "GET /seen"));
    let below = &hop["below"];
    for trace in [
        &hop["trace"],
        &below["trace"],
        &below["gtxid"],
        &json!(hex(&attempt.trace_id)),
        &json!(hex(&leaf.trace_id)),
    ] {
        assert_eq!(trace, gtxid, "{hop:#}");
    }
    assert_eq!(hop["parent"], hex(&attempt.span_id), "{hop:#}");
    assert_eq!(hop["sampled"], true);
    assert_eq!(hop["asked"], hex(&leaf.parent_span_id), "{hop:#}");
    assert_eq!(below["parent"], hop["asked"]);
    let with_baggage = propagators.contains("baggage");
    let expected = match with_baggage {
        true => json!({"tenant": "shop,a"}),
        false => json!({}),
    };
    assert_eq!(hop["baggage"], expected, "what is allowed, and no more");
    assert_eq!(below["tenant"], expected["tenant"], "{hop:#}");
    assert!(!hop.to_string().contains("canary"));
}

#[tokio::test]
async fn one_trace_by_w3c_goes_through_a_python_service_with_the_baggage_that_is_allowed() {
    one_trace_through_all("tracecontext,baggage").await;
}

#[tokio::test]
async fn one_trace_by_b3_in_one_header_goes_through_a_python_service() {
    one_trace_through_all("b3").await;
}

#[tokio::test]
async fn one_trace_by_b3_in_several_headers_goes_through_a_python_service() {
    one_trace_through_all("b3multi,baggage").await;
}
