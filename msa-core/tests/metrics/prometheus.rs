//! A real Prometheus scrapes a service, and answers every query of the dashboard. Where there is none, the test says so and passes.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Http, caller, leaf};

const DASHBOARD: &str = include_str!("../../docs/observability/grafana-dashboard.json");

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
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

fn start(dir: &std::path::Path, port: u16, target: &str) -> Option<Server> {
    let rules = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/observability/prometheus-rules.yaml"
    );
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{rules}']\n\
         scrape_configs: [{{job_name: greeter, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    let file = dir.join("prometheus.yml");
    std::fs::write(&file, config).unwrap();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            dir.join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--enable-feature=exemplar-storage")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.ok().map(Server)
}

struct Api {
    http: Http,
    port: u16,
}

impl Api {
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let query = serde_urlencoded::to_string(query).unwrap();
        let url = format!("http://127.0.0.1:{}/api/v1/{path}?{query}", self.port);
        serde_json::from_str(&self.http.try_get(&url).await?.text).ok()
    }

    /// The value of the first series that the query gives.
    async fn first(&self, query: &str) -> Option<f64> {
        let answer = self.get("query", &[("query", query)]).await?;
        let value = &answer["data"]["result"][0]["value"][1];
        value.as_str()?.parse().ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_scrapes_it_and_answers_every_query_of_the_dashboard() {
    let stock = leaf();
    let greeter = caller(&stock, "");
    let dir = tempfile::tempdir().unwrap();
    let (http, port) = (Http::new(), free_port());
    for id in 0..5 {
        let url = format!("http://{}/greet/{id}", greeter.addr());
        assert_eq!(http.get(url).await.status, 200);
    }
    let admin = greeter.admin_addr().unwrap().to_string();
    let Some(_server) = start(dir.path(), port, &admin) else {
        eprintln!("skipped: there is no prometheus; Debian has it in the package of that name");
        return;
    };
    let api = Api { http, port };
    let scraped = async {
        let count = "sum(http_server_request_duration_seconds_count{http_route='/greet/{id}'})";
        while api.first(count).await != Some(5.0) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The last line of a scrape: all of it was taken.
        while api.first("process_uptime_seconds").await.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), scraped)
        .await
        .unwrap();
    assert_eq!(api.first("up").await, Some(1.0));
    let type_of = api
        .get("metadata", &[("metric", "msa_picks_total")])
        .await
        .unwrap();
    assert_eq!(type_of["status"], "success");
    let examples = [
        ("query", "http_server_request_duration_seconds_bucket"),
        ("start", "0"),
        ("end", "9999999999"),
    ];
    let examples = api.get("query_exemplars", &examples).await.unwrap();
    let trace = &examples["data"][0]["exemplars"][0]["labels"]["trace_id"];
    assert_eq!(trace.as_str().unwrap().len(), 32, "{examples}");

    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut seen = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let query = query.replace("$__rate_interval", "1m");
            let query = ["$job", "$instance", "$service"]
                .iter()
                .fold(query, |query, variable| query.replace(variable, ".*"));
            let answer = api.get("query", &[("query", &query)]).await.unwrap();
            assert_eq!(answer["status"], "success", "{query}: {answer}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    let always = "sum(msa_endpoints{state='eligible'})";
    assert_eq!(api.first(always).await, Some(1.0));
    assert_eq!(api.first("count(ALERTS) or vector(0)").await, Some(0.0));
}
