//! A real collector takes what services export. Where there is none, the test says so and passes.

use std::collections::HashMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{ask, stop, two_services};

/// Ends with the test.
struct Rotel(Child);

impl Drop for Rotel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn start(log: &Path, grpc: u16, http: u16) -> Option<Rotel> {
    let program = std::env::var_os("MSA_ROTEL").unwrap_or_else(|| "rotel-agent".into());
    let child = Command::new(program)
        .args(["start", "--exporter", "blackhole", "--disable-batching"])
        .args(["--debug-log", "traces", "--debug-log", "metrics"])
        .args(["--debug-log-verbosity", "detailed"])
        .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
        .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(File::create(log).unwrap())
        .stderr(Stdio::null())
        .spawn();
    child.ok().map(Rotel)
}

/// Waits until something is so; gives up when that takes far longer than it can.
async fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let mut seen = String::new();
    for _ in 0..3_000 {
        match look() {
            Ok(found) => return found,
            Err(instead) => seen = instead,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: {seen}")
}

async fn traces_and_metrics_over(protocol: &str) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("rotel.log");
    let (grpc, http) = (free_port(), free_port());
    let Some(mut rotel) = start(&log, grpc, http) else {
        eprintln!(
            "skipped: there is no rotel-agent; PyPI has it in the package rotel, and MSA_ROTEL may say where it is"
        );
        return;
    };
    let port = if protocol == "grpc" { grpc } else { http };
    until("rotel does not listen", || {
        if let Some(ended) = rotel.0.try_wait().unwrap() {
            panic!("rotel ended: {ended}");
        }
        std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
    })
    .await;

    let endpoint = format!("http://127.0.0.1:{port}");
    let (front, users) = two_services(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=shop"),
    ]);
    let gtxid = ask(&front).await;
    stop(front).await;
    stop(users).await;
    let text = until("not all is told", || {
        let text = std::fs::read_to_string(&log).unwrap();
        // The numbers of the service that ends last, and its spans.
        let all = text.matches("process.uptime").count() == 2 && text.contains("GET /users/{id}");
        if all { Ok(text) } else { Err(text) }
    })
    .await;
    let told = Told::read(&text);
    let server = told.span("front", "GET /greet");
    let (call, attempt) = (
        told.span("front", "GET user-service"),
        told.span("front", "GET"),
    );
    let user = told.span("user-service", "GET /users/{id}");
    for (child, parent) in [(call, server), (attempt, call), (user, attempt)] {
        assert_eq!(child["Parent ID"], parent["ID"], "{text}");
        assert_eq!(child["Trace ID"], gtxid);
    }
    assert_eq!(server["Kind"], "SPAN_KIND_SERVER");
    assert_eq!(server["msa.gtxid"], format!("Str({gtxid})"));
    assert_eq!(server["http.response.status_code"], "Int(200)");

    let took = told.metric("front", "http.server.request.duration");
    assert_eq!((&*took["Unit"], &*took["DataType"]), ("s", "Histogram"));
    assert_eq!(
        (&*took["Count"], &*took["http.route"]),
        ("1", "Str(/greet)")
    );
    assert_eq!(took["Trace ID"], gtxid, "an example names the trace");
    let picks = told.metric("front", "msa.picks");
    assert_eq!((&*picks["Value"], &*picks["IsMonotonic"]), ("1", "true"));
    assert_eq!(picks["service"], "Str(user-service)");
    let memory = told.metric("user-service", "process.memory.usage");
    assert_eq!((&*memory["Unit"], &*memory["IsMonotonic"]), ("By", "false"));
    for of in [&told.spans, &told.metrics] {
        assert!(
            of.iter()
                .all(|(resource, _)| resource["team"] == "Str(shop)")
        );
    }
}

type Fields = HashMap<String, String>;

/// What rotel shows, each with its resource. Of what has several data points the last is kept.
#[derive(Default)]
struct Told {
    spans: Vec<(Fields, Fields)>,
    metrics: Vec<(Fields, Fields)>,
}

impl Told {
    fn read(text: &str) -> Self {
        let mut told = Self::default();
        let (mut resource, mut inside) = (Fields::new(), "");
        for line in text.lines() {
            let line = line.trim().trim_start_matches("-> ");
            let start = line.split(" #").next().unwrap();
            match start {
                "ResourceSpans" | "ResourceMetrics" => {
                    (resource, inside) = (Fields::new(), "resource");
                }
                "ScopeSpans" | "ScopeMetrics" => inside = "scope",
                "Span" | "Metric" => {
                    inside = if start == "Span" { "span" } else { "metric" };
                    let list = told.list(inside).unwrap();
                    list.push((resource.clone(), Fields::new()));
                }
                _ => {
                    let Some((key, value)) = line.split_once(':') else {
                        continue;
                    };
                    let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                    match told.list(inside) {
                        Some(list) => list.last_mut().unwrap().1.insert(key, value),
                        None if inside == "resource" => resource.insert(key, value),
                        None => continue,
                    };
                }
            }
        }
        told
    }

    fn list(&mut self, of: &str) -> Option<&mut Vec<(Fields, Fields)>> {
        match of {
            "span" => Some(&mut self.spans),
            "metric" => Some(&mut self.metrics),
            _ => None,
        }
    }

    fn span(&self, service: &str, name: &str) -> &Fields {
        find(&self.spans, service, name)
    }

    fn metric(&self, service: &str, name: &str) -> &Fields {
        find(&self.metrics, service, name)
    }
}

fn find<'t>(list: &'t [(Fields, Fields)], service: &str, name: &str) -> &'t Fields {
    let of = format!("Str({service})");
    let found = list
        .iter()
        .find(|(resource, fields)| resource["service.name"] == of && fields["Name"] == name);
    &found.unwrap_or_else(|| panic!("{service} {name}")).1
}

#[tokio::test]
async fn rotel_takes_traces_and_metrics_over_grpc() {
    traces_and_metrics_over("grpc").await;
}

#[tokio::test]
async fn rotel_takes_traces_and_metrics_over_http() {
    traces_and_metrics_over("http/protobuf").await;
}
