//! Which layer wins, and how a text becomes a value.

use std::fs;

use msa_core::config::{LogFormat, Settings, Size, Source, Span};

use super::{Banner, Mode, Storage, loader};

#[test]
fn nothing_set_is_the_documented_defaults() {
    let config = loader("", &[]).load().unwrap();
    assert_eq!(*config.settings(), Settings::default());
    assert_eq!(
        *config.section::<Banner>("banner").unwrap(),
        Banner::default()
    );
    assert!(!config.is_set("admin.addr"));
    assert_eq!(config.source_of("admin.addr"), Some(Source::Default));
    assert_eq!(config.source_of("admin.adr"), None);
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn each_layer_wins_over_those_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = dir.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "msa.toml",
        "[client]\ntimeout = '1s'\nattempt_timeout = '1s'\nconnect_timeout = '11ms'\npool_max_idle = 1\n",
    );
    write(
        "msa.prod.toml",
        "[client]\nattempt_timeout = '2s'\nconnect_timeout = '2s'\npool_max_idle = 2\n",
    );
    fs::write(secrets.join("client__connect_timeout"), "3s\n").unwrap();
    fs::write(secrets.join("client.pool_max_idle"), "3").unwrap();
    let config = msa_core::config::Loader::new("s")
        .env([
            ("MSA_CONFIG_DIR", dir.path().to_str().unwrap()),
            ("MSA_PROFILE", "prod"),
            ("MSA_SECRETS_DIR", secrets.to_str().unwrap()),
            ("MSA_CLIENT__POOL_MAX_IDLE", "4"),
        ])
        .load()
        .unwrap();
    let client = &config.settings().client;
    assert_eq!(client.timeout, Span::secs(1), "the file");
    assert_eq!(client.attempt_timeout, Span::secs(2), "the profile");
    assert_eq!(client.connect_timeout, Span::secs(3), "the secrets folder");
    assert_eq!(client.pool_max_idle, 4, "the environment");
    let source = |key: &str| config.source_of(key).unwrap().to_string();
    let file = |name: &str| dir.path().join(name).display().to_string();
    assert_eq!(
        source("client.timeout"),
        format!("{}:2:1", file("msa.toml"))
    );
    assert_eq!(
        source("client.attempt_timeout"),
        format!("{}:2:1", file("msa.prod.toml"))
    );
    assert_eq!(
        source("client.connect_timeout"),
        file("secrets/client__connect_timeout")
    );
    assert_eq!(source("client.pool_max_idle"), "MSA_CLIENT__POOL_MAX_IDLE");
    assert_eq!(
        config.warnings(),
        [""; 0],
        "the special variables are no stray ones"
    );
}

#[test]
fn what_the_builder_says_wins_over_the_special_variables() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(here.path().join("msa.toml"), "txn.max_hops = 3").unwrap();
    fs::write(there.path().join("msa.toml"), "txn.max_hops = 4").unwrap();
    let config = msa_core::config::Loader::new("s")
        .dir(here.path())
        .env([("MSA_CONFIG_DIR", there.path())])
        .load()
        .unwrap();
    assert_eq!(config.settings().txn.max_hops, 3);
}

#[test]
fn port_sets_the_port_and_leaves_the_address() {
    let addr = |toml, env: &[_]| {
        let config = loader(toml, env).load().unwrap();
        let addr = config.settings().server.addr.to_string();
        (
            addr,
            config.source_of("server.addr").unwrap().to_string(),
            config.warnings(),
        )
    };
    let (port, source, warnings) = addr("", &[("PORT", "9000")]);
    assert_eq!((port.as_str(), source.as_str()), ("0.0.0.0:9000", "PORT"));
    assert_eq!(warnings, [""; 0]);
    let (port, ..) = addr("server.addr = '[::1]:1'", &[("PORT", "9000")]);
    assert_eq!(port, "[::1]:9000");
    let (port, source, _) = addr("server.addr = '[::1]:1'", &[("PORT", "")]);
    assert_eq!(
        (port.as_str(), source.as_str()),
        ("[::1]:1", "msa.toml:1:8"),
        "an empty PORT is none"
    );
    let (port, _, warnings) = addr(
        "",
        &[("PORT", "9000"), ("MSA_SERVER__ADDR", "127.0.0.1:8000")],
    );
    assert_eq!(port, "127.0.0.1:9000");
    assert_eq!(
        warnings,
        [
            "PORT and MSA_SERVER__ADDR set different ports of `server.addr`; PORT is used, on the address of MSA_SERVER__ADDR"
        ]
    );
}

#[test]
fn the_variables_that_everyone_expects_have_the_last_word() {
    let env = [
        ("RUST_LOG", "debug,sqlx=warn"),
        ("MSA_LOG__LEVEL", "error"),
        ("DATABASE_URL", "postgres://right"),
        ("MSA_BANNER__DATABASE_URL", "postgres://wrong"),
    ];
    let config = loader("log.level = 'trace'", &env).load().unwrap();
    assert_eq!(config.settings().log.level, "debug,sqlx=warn");
    let banner = config.section::<Banner>("banner").unwrap();
    assert_eq!(banner.database_url.expose(), "postgres://right");
    assert_eq!(
        config.warnings(),
        [
            "RUST_LOG and MSA_LOG__LEVEL both set `log.level`; RUST_LOG is used",
            "DATABASE_URL and MSA_BANNER__DATABASE_URL both set `banner.database_url`; DATABASE_URL is used",
        ]
    );
}

#[test]
fn the_variables_of_opentelemetry_set_telemetry_in_their_own_units() {
    let env = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,zone=b"),
        ("OTEL_PROPAGATORS", "tracecontext,b3multi"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1500"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "99"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "6"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "70"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/own.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/own.key"),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "3000"),
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "4000"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "LowMemory",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "http://numbers:4318/v1/metrics",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=canary"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "900"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all:4318/x"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "https://own:4318/v1/traces",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=canary"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "700"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        (
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
            "http://zipkin:9411/api/v2/spans",
        ),
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ("OTEL_LOG_LEVEL", "debug"),
        ("MSA_TELEMETRY__TRACES__DELAY", "9s"),
    ];
    let config = loader("", &env).load().unwrap();
    let telemetry = config.settings().telemetry.clone();
    let mut shown = serde_json::to_value(&telemetry).unwrap();
    shown.as_object_mut().unwrap().remove("journal"); // OpenTelemetry has no variables for it
    let expected = serde_json::json!({
        "service_name": "shop",
        "resource_attributes": "team=a,zone=b",
        "propagation": ["tracecontext", "b3multi"],
        "baggage": {"services": [], "keys": {}},
        "disabled": true,
        "traces": {
            "exporter": "otlp", "sampler": "parentbased_traceidratio", "sampler_arg": "25%", "delay": "1s 500ms",
            "export_timeout": "2s", "max_queue": 99, "max_batch": 9, "max_attributes": 2, "max_events": 3, "max_links": 4,
            "max_event_attributes": 5, "max_link_attributes": 6, "max_value_length": 7,
            "zipkin_endpoint": "http://zipkin:9411/api/v2/spans", "zipkin_timeout": "3s",
            "otlp": {
                "endpoint": "https://own:4318/v1/traces", "protocol": "grpc", "headers": null, "timeout": null,
                "compression": null, "ca_file": null, "client_certificate": null, "client_key": null, "insecure": null,
            },
        },
        "otlp": {
            "endpoint": "https://all:4318/x", "protocol": "http/protobuf", "headers": "***", "timeout": "700ms",
            "compression": "gzip", "ca_file": "/ca.pem", "client_certificate": "/own.pem", "client_key": "/own.key",
            "insecure": true,
        },
        "metrics": {
            "enabled": true, "max_endpoints": 1000, "exporters": ["otlp", "prometheus"], "interval": "10s",
            "export_timeout": "4s", "temporality": "lowmemory", "exemplars": "trace_based",
            "otlp": {
                "endpoint": "http://numbers:4318/v1/metrics", "protocol": null, "headers": "***", "timeout": "900ms",
                "compression": "none", "ca_file": null, "client_certificate": null, "client_key": null, "insecure": null,
            },
        },
    });
    assert_eq!(shown, expected);
    assert_eq!(telemetry.otlp.headers.expose(), "authorization=canary");
    assert_eq!(
        config.warnings(),
        [
            "OTEL_LOG_LEVEL is set and does nothing: RUST_LOG sets the level",
            "OTEL_BSP_SCHEDULE_DELAY and MSA_TELEMETRY__TRACES__DELAY both set `telemetry.traces.delay`; OTEL_BSP_SCHEDULE_DELAY is used",
        ]
    );
    assert!(!config.print().contains("canary"));
    let wrong = loader("", &[("OTEL_PROPAGATORS", "jaeger")]).load();
    let text = wrong.unwrap_err().to_string();
    assert!(
        text.contains("OTEL_PROPAGATORS") && text.contains("b3multi"),
        "{text}"
    );
}

/// By <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.
#[test]
fn every_variable_of_the_specification_sets_something_or_is_told() {
    const PLAIN: [(&str, &str); 41] = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_ENTITIES", "service{service.name=a}"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b"),
        ("OTEL_SERVICE_NAME", "a"),
        ("OTEL_LOG_LEVEL", "info"),
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "1"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "1"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://a"),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "1"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "a"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "1"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "1"),
        ("OTEL_CONFIG_FILE", "a"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
    ];
    const OF_EXPORTERS: [(&str, &str); 9] = [
        ("ENDPOINT", "http://a"),
        ("INSECURE", "true"),
        ("CERTIFICATE", "/a"),
        ("CLIENT_KEY", "/a"),
        ("CLIENT_CERTIFICATE", "/a"),
        ("HEADERS", "a=b"),
        ("COMPRESSION", "gzip"),
        ("TIMEOUT", "1"),
        ("PROTOCOL", "grpc"),
    ];
    let of_signal = |signal: &str| {
        OF_EXPORTERS.map(|(name, value)| (format!("OTEL_EXPORTER_OTLP_{signal}{name}"), value))
    };
    let plain = PLAIN.map(|(name, value)| (name.to_owned(), value));
    let of_signals = ["", "TRACES_", "METRICS_", "LOGS_"].map(of_signal);
    for (name, value) in plain.into_iter().chain(of_signals.concat()) {
        let config = loader("", &[(&name, value)]).load();
        let config = config.unwrap_or_else(|error| panic!("{name}: {error}"));
        let sets = config.print().contains(&name);
        let warnings = config.warnings();
        let told = warnings.iter().any(|told| told.starts_with(&name));
        assert!(sets != told, "{name}: {sets} {warnings:?}");
        let manual = include_str!("../../docs/opentelemetry.md");
        assert!(
            manual.contains(&format!("`{name}`")),
            "{name} is not in the manual"
        );
    }
    for so_anyway in [
        ("OTEL_LOGS_EXPORTER", "none"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "explicit_bucket_histogram",
        ),
    ] {
        let config = loader("", &[so_anyway]).load().unwrap();
        assert!(config.warnings().is_empty(), "{so_anyway:?}");
    }
}

#[test]
fn the_schema_says_what_a_text_from_the_environment_is() {
    let env = [
        ("MSA_BANNER__DATABASE_URL", "0123456"),
        ("MSA_BANNER__SLOTS", "7"),
        ("MSA_BANNER__RATIO", "1"),
        ("MSA_BANNER__ENABLED", "off"),
        ("MSA_BANNER__PLATFORMS", "a, b"),
        ("MSA_BANNER__CACHE", "4096"),
        ("MSA_BANNER__TTL", "90s"),
        ("MSA_BANNER__MODE", "VERY_SAFE"),
        ("MSA_BANNER__STORAGE__KIND", "disk"),
        ("MSA_BANNER__STORAGE__PATH", "007"),
        ("MSA_BANNER__STORAGE__SYNC", "true"),
        ("MSA_BANNER__LABELS", r#"{"team-a": "1", b = 2}"#),
        ("MSA_BANNER__PORTS__8080", "web"),
        ("MSA_LOG__FORMAT", "Json"),
        ("MSA_TXN__TRUST", "[\"10.0.0.0/8\"]"),
        ("MSA_CLIENT__CA_FILE", ""),
    ];
    let env = env.map(|(name, value)| match name {
        "MSA_BANNER__LABELS" => (name, r#"{"team-a": "1", "b": "2"}"#),
        _ => (name, value),
    });
    let config = loader("", &env).load().unwrap();
    let banner = config.section::<Banner>("banner").unwrap();
    assert_eq!(banner.database_url.expose(), "0123456");
    assert_eq!(
        (banner.slots, banner.ratio, banner.enabled),
        (7, 1.0, false)
    );
    assert_eq!(banner.platforms, ["a", "b"]);
    assert_eq!(
        (banner.cache, banner.ttl),
        (Size::kib(4), Some(Span::secs(90)))
    );
    assert_eq!(banner.mode, Mode::VerySafe);
    assert_eq!(
        banner.storage,
        Storage::Disk {
            path: "007".into(),
            sync: true
        }
    );
    assert_eq!(banner.labels.get("team_a").map(String::as_str), Some("1"));
    assert_eq!(banner.ports.get(&8080).map(String::as_str), Some("web"));
    assert_eq!(config.settings().log.format, LogFormat::Json);
    assert_eq!(config.settings().txn.trust, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(config.settings().client.ca_file, None);
}

#[test]
fn a_list_from_the_environment_replaces_one_from_a_file() {
    let toml = "clients.user-service.endpoints = ['http://a:1', 'http://b:1', 'http://c:1']";
    let env = [(
        "MSA_CLIENTS__USER_SERVICE__ENDPOINTS",
        "http://d:1,http://e:1",
    )];
    let config = loader(toml, &env).load().unwrap();
    assert_eq!(
        config.settings().client("user-service").endpoints,
        ["http://d:1", "http://e:1"]
    );
    let source = config
        .source_of("clients.user-service.endpoints[0]")
        .unwrap();
    assert_eq!(source.to_string(), "MSA_CLIENTS__USER_SERVICE__ENDPOINTS");
}

#[test]
fn a_service_has_one_key_however_its_dashes_are_written() {
    let toml =
        "[client]\ntimeout = '7s'\n[clients.user-service]\nattempt_timeout = '1s'\nhttp2 = true\n";
    let env = [
        ("MSA_CLIENTS__USER_SERVICE__ATTEMPT_TIMEOUT", "2s"),
        ("MSA_CLIENTS__user-service__CONNECT_TIMEOUT", "5ms"),
    ];
    let settings = loader(toml, &env).load().unwrap().settings();
    assert_eq!(
        settings.clients.keys().collect::<Vec<_>>(),
        ["user_service"]
    );
    for name in ["user-service", "user_service"] {
        let client = settings.client(name);
        assert_eq!(client.attempt_timeout, Span::secs(2));
        assert_eq!(client.connect_timeout, Span::millis(5));
        assert_eq!(client.timeout, Span::secs(7), "inherited from [client]");
        assert!(client.http2);
    }
    assert_eq!(settings.client("other").timeout, Span::secs(7));
}

#[test]
fn a_whole_table_may_stand_in_one_variable() {
    let env = [
        ("MSA_CLIENTS", "{ user-service = { timeout = \"4s\" } }"),
        ("MSA_CLIENTS__ORDERS__TIMEOUT", "5s"),
    ];
    let config = loader("clients.user_service.http2 = true", &env)
        .load()
        .unwrap();
    let client = config.settings().client("user-service");
    assert_eq!((client.timeout, client.http2), (Span::secs(4), true));
    assert_eq!(config.settings().client("orders").timeout, Span::secs(5));
}

#[cfg(unix)]
#[test]
fn a_kubernetes_secret_mount_is_read_through_its_links() {
    let dir = tempfile::tempdir().unwrap();
    let generation = dir.path().join("..2026_11_21");
    fs::create_dir(&generation).unwrap();
    fs::write(generation.join("banner__database_url"), "one\n\n").unwrap();
    fs::write(generation.join("BANNER.TOKEN"), "two\r\n").unwrap();
    std::os::unix::fs::symlink(&generation, dir.path().join("..data")).unwrap();
    for name in ["banner__database_url", "BANNER.TOKEN"] {
        let target = std::path::Path::new("..data").join(name);
        std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join(".hidden"), "x").unwrap();
    let config = loader("", &[]).secrets_dir(dir.path()).load().unwrap();
    let banner = config.section::<Banner>("banner").unwrap();
    assert_eq!(
        banner.database_url.expose(),
        "one\n",
        "one newline is trimmed, not two"
    );
    assert_eq!(banner.token.as_ref().unwrap().expose(), "two");
}

#[test]
fn stray_variables_only_warn_and_name_what_was_probably_meant() {
    let env = [
        ("MSA_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("MSA_GATEWAY_PORT", "tcp://10.0.0.1:80"),
        ("MSA_SERVER_ADDR", "127.0.0.1:1"),
        ("MSA_CLIENTS_USER_SERVICE_TIMEOUT", "1s"),
        ("MSA_SERVER_ADRR", "127.0.0.1:1"),
    ];
    let config = loader("", &env).load().unwrap();
    assert_eq!(*config.settings(), Settings::default());
    assert_eq!(
        config.warnings(),
        [
            "MSA_CLIENTS_USER_SERVICE_TIMEOUT is not a key and is ignored; did you mean \
             MSA_CLIENTS__USER_SERVICE__TIMEOUT? Levels are separated by `__`",
            "MSA_GATEWAY_PORT is not a key and is ignored",
            "MSA_GATEWAY_SERVICE_HOST is not a key and is ignored",
            "MSA_SERVER_ADDR is not a key and is ignored; did you mean MSA_SERVER__ADDR? Levels are separated by `__`",
            "MSA_SERVER_ADRR is not a key and is ignored; did you mean MSA_SERVER__ADDR? Levels are separated by `__`",
        ]
    );
}

/// A section whose default has a form with fields.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Cache {
    storage: Storage,
    size: u32,
    secret: msa_core::config::Secret,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            storage: Storage::Disk {
                path: "/tmp".into(),
                sync: false,
            },
            size: 1,
            secret: "of-the-default".into(),
        }
    }
}

#[test]
fn a_section_needs_no_serde_defaults_and_another_form_replaces_the_default_one() {
    let load = |toml: &str| loader(toml, &[]).section::<Cache>("cache").load();
    let cache = load("cache.size = 2")
        .unwrap()
        .section::<Cache>("cache")
        .unwrap();
    assert_eq!(
        *cache,
        Cache {
            size: 2,
            ..Cache::default()
        }
    );
    let config = load("cache.storage.kind = 'memory'").unwrap();
    assert_eq!(
        config.section::<Cache>("cache").unwrap().storage,
        Storage::Memory
    );
    assert_eq!(config.source_of("cache.storage.path"), None);
    let cache = load("cache.storage.path = '/var'")
        .unwrap()
        .section::<Cache>("cache")
        .unwrap();
    let expected = Storage::Disk {
        path: "/var".into(),
        sync: false,
    };
    assert_eq!(cache.storage, expected);
    let schema = loader("", &[]).section::<Cache>("cache").schema();
    assert_eq!(schema.pointer("/$defs/Cache/required"), None);
}

/// A section whose keys are not in snake case.
#[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase")]
struct Camel {
    max_slots: u32,
    inner: Kebab,
    more: Vec<Kebab>,
}

#[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
struct Kebab {
    idle_time: Option<Span>,
}

#[test]
fn keys_are_found_however_the_section_spells_them() {
    let env = [
        ("MSA_CAMEL__MAXSLOTS", "3"),
        ("MSA_CAMEL__INNER__IDLE_TIME", "1s"),
    ];
    let toml = "[camel]\nmaxSlots = 2\ninner.idle_time = '5s'\n[[camel.more]]\nidle-time = '7s'";
    let config = loader(toml, &env).section::<Camel>("camel").load().unwrap();
    let idle = |secs| Kebab {
        idle_time: Some(Span::secs(secs)),
    };
    let expected = Camel {
        max_slots: 3,
        inner: idle(1),
        more: vec![idle(7)],
    };
    assert_eq!(*config.section::<Camel>("camel").unwrap(), expected);
    assert!(config.is_set("camel.inner.idle-time"));
    assert!(config.source_of("camel.inner.idle-time").is_some());
    let again = loader(&config.print(), &[])
        .section::<Camel>("camel")
        .load()
        .unwrap();
    assert_eq!(*again.section::<Camel>("camel").unwrap(), expected);
}
