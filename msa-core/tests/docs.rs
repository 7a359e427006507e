//! The manual's table of keys is the schema's, and what it says of deploying holds.
//!
//! `MSA_UPDATE_DOCS=1 cargo test -p msa-core --test docs` writes it anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::fmt::Write as _;
use std::path::Path;

use msa_core::config::Loader;
use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");

#[test]
fn the_manual_lists_every_key_with_its_default() {
    let schema = Loader::new("svc").schema();
    let table = sections(&schema);
    if std::env::var_os("MSA_UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, &table).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == table,
        "docs/configuration.md is not what the settings say: run this test with MSA_UPDATE_DOCS=1"
    );
}

const DEPLOYMENT: &str = include_str!("../docs/deployment.md");

#[test]
fn the_grace_period_of_the_manifest_is_longer_than_the_default_drain() {
    let after = DEPLOYMENT
        .split_once("terminationGracePeriodSeconds: ")
        .unwrap()
        .1;
    let grace: u64 = after.lines().next().unwrap().parse().unwrap();
    let drain = msa_core::config::ServerSettings::default().drain;
    let needed = drain.lag.get() + drain.deadline.get() + drain.flush.get();
    assert!(
        grace > needed.as_secs(),
        "{grace} s, and {needed:?} are needed"
    );
}

#[test]
fn the_configurations_of_the_manifest_and_of_the_edge_can_be_loaded() {
    let manifest = DEPLOYMENT.split_once("  msa.toml: |\n").unwrap().1;
    let manifest = manifest.split_once("---").unwrap().0;
    let edge = DEPLOYMENT.split_once("```toml\n").unwrap().1;
    let edge = edge.split_once("```").unwrap().0;
    let none: [(&str, &str); 0] = [];
    for toml in [manifest, edge] {
        let loader = Loader::new("greeter").toml_str("msa.toml", toml).env(none);
        loader.load().unwrap();
    }
}

fn sections(schema: &Value) -> String {
    let mut text = String::new();
    for (name, section) in schema["properties"].as_object().unwrap() {
        let says = sentence(section);
        let comment = "<!-- Written by tests/docs.rs from the settings. -->\n\n";
        let comment = if text.is_empty() { comment } else { "\n" };
        if let Some(each) = section.get("additionalProperties") {
            let keys = resolve(schema, each)["properties"].as_object().unwrap();
            let keys: Vec<_> = keys.keys().map(|key| format!("`{key}`")).collect();
            let keys = keys.join(", ");
            write!(
                text,
                "{comment}## `[{name}.<name>]`\n\n{says}\n\nKeys: {keys}.\n"
            )
            .unwrap();
            continue;
        }
        write!(
            text,
            "{comment}## `[{name}]`\n\n{says}\n\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        rows(schema, section, name, section.get("default"), &mut text);
    }
    text
}

/// `defaults` are those of the table where it stands: the same type may stand elsewhere with others.
fn rows(schema: &Value, table: &Value, at: &str, defaults: Option<&Value>, text: &mut String) {
    for (name, here) in resolve(schema, table)["properties"].as_object().unwrap() {
        let key = format!("{at}.{name}");
        let value = defaults.and_then(|defaults| defaults.get(name));
        let value = value.or_else(|| here.get("default"));
        // The schema tells no secret, and ours have no default.
        let secret = here.get("writeOnly") == Some(&Value::Bool(true));
        let value = if secret { Some(&Value::Null) } else { value };
        if resolve(schema, here).get("properties").is_some() {
            rows(schema, here, &key, value, text);
            continue;
        }
        // The schema tells no secret, and ours have no default.
        let secret = here.get("writeOnly") == Some(&Value::Bool(true));
        let value = if secret { &Value::Null } else { value.unwrap() };
        let (takes, default, says) = (takes(here), default(value), sentence(here));
        writeln!(text, "| `{key}` | {takes} | {default} | {says} |").unwrap();
    }
}

fn resolve<'s>(schema: &'s Value, here: &'s Value) -> &'s Value {
    match here.get("$ref").and_then(Value::as_str) {
        Some(reference) => schema
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap(),
        None => here,
    }
}

/// The doc comment on one line, its links as plain code.
fn sentence(here: &Value) -> String {
    let says = here["description"].as_str().unwrap();
    let says = says
        .replace("[`", "`")
        .replace("`]", "`")
        .replace('|', "\\|");
    says.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Object(fields) if fields.is_empty() => "none".to_owned(),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| format!("`{}`", shown(item)))
                .collect();
            items.join(", ")
        }
        value => format!("`{}`", shown(value)),
    }
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn takes(here: &Value) -> String {
    // What need not be set: one of its two forms is null.
    if let Some(forms) = here.get("anyOf").and_then(Value::as_array) {
        let mut forms = forms.iter();
        return takes(forms.find(|form| form["type"] != "null").unwrap());
    }
    if let Some(forms) = here.get("oneOf").and_then(Value::as_array) {
        let choices: Vec<_> = forms
            .iter()
            .map(|form| format!("`{}`", shown(&form["const"])))
            .collect();
        return choices.join(", ");
    }
    if let Some(items) = here.get("items") {
        return match items.get("oneOf") {
            Some(_) => format!("list of {}", takes(items)),
            None => format!("list of {}", form(items)),
        };
    }
    let is_percent = here.get("format").is_some_and(|format| format == "percent");
    let bound = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| here.get(*name))?;
        let said = match found.as_f64().filter(|_| is_percent) {
            Some(fraction) => format!("{}%", fraction * 100.0),
            None => shown(found),
        };
        (found != &Value::from(0)).then_some(said)
    };
    let (min, max) = (
        bound(["x-msa-min", "minimum"]),
        bound(["x-msa-max", "maximum"]),
    );
    let range = match (min, max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    };
    form(here) + &range
}

fn form(here: &Value) -> String {
    let format = here
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let kind = match here.get("type").unwrap() {
        Value::Array(kinds) => kinds[0].as_str().unwrap(),
        kind => kind.as_str().unwrap(),
    };
    match (format, kind) {
        ("span", _) => "time",
        ("size", _) => "size",
        ("rate", _) => "rate",
        ("percent", _) => "percentage",
        ("socket-addr", _) => "address:port",
        ("http-url", _) => "URLs",
        ("ip-net", _) => "networks",
        ("url-path", _) => "path of a URL",
        ("header-name", "string") if here.get("default").is_none() => "header names",
        ("header-name", _) => "header name",
        ("origin", _) => "origins",
        ("password", _) => "secret",
        ("host", _) => "host names",
        ("route", _) => "routes",
        ("header-match", _) => "header",
        ("name", "string") if here.get("default").is_none() => "names",
        ("name", _) => "name",
        ("url", _) => "URL",
        ("pairs", _) => "pairs",
        (_, "string") if here.get("writeOnly").is_some() => "secret",
        ("log-filter", _) => "log directives",
        ("retry-condition", _) => "statuses and names",
        (_, "boolean") => "`true`, `false`",
        (_, "integer") => "whole number",
        (_, "number") => "number",
        (_, "object") => "table of lists",
        (_, "string") if here.get("default") == Some(&Value::Null) => "path",
        (_, other) => {
            panic!("say in this test what `{other}` ({format:?}) is called in the manual")
        }
    }
    .to_owned()
}

const OBSERVABILITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/observability.md");

#[test]
fn the_manual_lists_every_metric() {
    const MARKS: [&str; 2] = [
        "<!-- Written by tests/docs.rs from the catalog. -->\n",
        "<!-- The end of the table. -->",
    ];
    let mut table = "\n| Prometheus | OpenTelemetry | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for metric in msa_core::telemetry::metrics::CATALOG {
        let (name, labels) = (metric.prometheus_name(), metric.labels.join("`, `"));
        let labels = if labels.is_empty() {
            labels
        } else {
            format!("`{labels}`")
        };
        let (otel, kind) = (metric.name, metric.kind.as_str());
        let (unit, help) = (metric.unit, metric.help);
        writeln!(
            table,
            "| `{name}` | `{otel}` | {kind} | {unit} | {labels} | {help} |"
        )
        .unwrap();
    }
    table.push('\n');
    let page = std::fs::read_to_string(OBSERVABILITY).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (written, after) = rest.split_once(MARKS[1]).unwrap();
    if std::env::var_os("MSA_UPDATE_DOCS").is_some() {
        let page = format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]);
        std::fs::write(OBSERVABILITY, page).unwrap();
        return;
    }
    assert!(
        written == table,
        "docs/observability.md is not what the catalog says: run this test with MSA_UPDATE_DOCS=1"
    );
}

/// Names as they stand in a query or in a rule.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let ours = ["msa_", "http_", "process_", "tokio_", "target_"];
    words.filter(move |word| ours.iter().any(|prefix| word.starts_with(prefix)))
}

#[test]
fn dashboard_and_rules_name_only_metrics_and_labels_that_there_are() {
    let mut known: Vec<String> = Vec::new();
    for metric in msa_core::telemetry::metrics::CATALOG {
        let name = metric.prometheus_name();
        known.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
        known.push(name);
        known.extend(metric.labels.iter().map(|label| label.replace('.', "_")));
    }
    let dashboard: Value =
        serde_json::from_str(include_str!("../docs/observability/grafana-dashboard.json")).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(target["expr"].as_str().unwrap());
        }
    }
    assert!(queries.len() > 15);
    let rules = include_str!("../docs/observability/prometheus-rules.yaml");
    queries.extend(
        rules
            .lines()
            .filter(|line| !line.contains("record:") && !line.trim_start().starts_with('#')),
    );
    for query in queries {
        for name in names_in(query) {
            assert!(known.iter().any(|known| known == name), "{name}: {query}");
        }
    }
}
