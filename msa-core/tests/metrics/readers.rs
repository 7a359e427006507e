//! Prometheus' own tools read what we write. Where one is missing, its test says so and passes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Http, Scraped, caller, leaf, scrape};

const RULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/docs/observability/prometheus-rules.yaml"
);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

/// Runs it with this input; `None` when there is no such program.
fn run(program: &str, args: &[&str], input: &str) -> Option<(bool, String)> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

fn promtool(args: &[&str], input: &str) -> Option<(bool, String)> {
    let ran = run("promtool", args, input);
    if ran.is_none() {
        eprintln!("skipped: there is no promtool; Debian has it in the package prometheus");
    }
    ran
}

/// A service to which something of everything happened.
async fn used() -> (msa_core::service::Running, msa_core::service::Running) {
    let stock = leaf();
    let greeter = caller(&stock, "clients.stock.retry.backoff.base = '1ms'");
    for path in ["/greet/1", "/fail", "/none"] {
        let url = format!("http://{}{path}", greeter.addr());
        Http::new().get(url).await;
    }
    (stock, greeter)
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_with_the_metrics() {
    let (_stock, greeter) = used().await;
    let text = scrape(&greeter).await.text;
    if let Some((fine, said)) = promtool(&["check", "metrics"], &text) {
        assert!(fine, "{said}\n{text}");
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_the_rules() {
    assert!(Path::new(RULES).exists());
    if let Some((fine, said)) = promtool(&["check", "rules", RULES], "") {
        assert!(fine, "{said}");
    }
}

#[test]
fn the_rules_fire_when_they_should_and_else_not() {
    let tests = RULES.replace(".yaml", ".test.yaml");
    if let Some((fine, said)) = promtool(&["test", "rules", &tests], "") {
        assert!(fine, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_parser_of_openmetrics_accepts_it() {
    const READ: &str = "import sys\n\
        try: from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        except ImportError: sys.exit(77)\n\
        families = list(parse(sys.stdin.read()))\n\
        examples = [s for f in families for s in f.samples if s.exemplar]\n\
        print(len(families), len(examples))\n\
        assert len(families) > 30 and examples";
    let (_stock, greeter) = used().await;
    let text = Scraped::new(&greeter, OPENMETRICS).await.text;
    match run("python3", &["-c", READ], &text) {
        None => eprintln!("skipped: there is no python3"),
        Some((false, said)) if said.is_empty() => {
            eprintln!("skipped: Python has no prometheus_client");
        }
        Some((fine, said)) => assert!(fine, "{said}\n{text}"),
    }
}
