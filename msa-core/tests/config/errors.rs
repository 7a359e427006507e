//! What is said of a configuration that cannot be used.

use msa_core::config::{ConfigError, Loader};

use super::{Banner, loader, refused};

/// The one problem of a text, after its place.
#[track_caller]
fn says(toml: &str, message: &str) {
    let text = refused(toml, &[]);
    let expected =
        format!("the configuration of `banner-service` has 1 problem:\n  msa.toml:{message}");
    assert_eq!(text, expected);
}

#[test]
fn all_problems_are_told_at_once_each_with_its_place() {
    let toml = "\
[server]
adr = '127.0.0.1:1'
idle_timeout = 500

[clients.user-service]
timeuot = '1s'
endpoints = ['http://a:1', 'ftp://b', 7]

[txn]
max_hops = 300

[srever]
x = 1
";
    let env = [
        ("MSA_CLIENT__TIMEOUT", "soon"),
        ("MSA_SERVER__DRAIN_LAG", "1s"),
        ("PORT", "http"),
    ];
    assert_eq!(
        refused(toml, &env),
        "the configuration of `banner-service` has 9 problems:
  msa.toml:2:1: unknown key `server.adr`; did you mean `server.addr`?
  msa.toml:3:1: `server.idle_timeout` needs a time with its unit, such as 250ms, 10s or 1m 30s, at least 1ms; got 500
  msa.toml:6:1: unknown key `clients.user_service.timeuot`; did you mean `clients.user_service.timeout`?
  msa.toml:7:28: `clients.user_service.endpoints[1]` needs a URL such as http://10.0.0.1:8081, without path; got \"ftp://b\"
  msa.toml:7:39: `clients.user_service.endpoints[2]` needs a URL such as http://10.0.0.1:8081, without path; got 7
  msa.toml:10:1: `txn.max_hops` needs a whole number from 1 to 255; got 300
  msa.toml:12:2: unknown key `srever`; did you mean `server`?
  MSA_CLIENT__TIMEOUT: `client.timeout` needs a time with its unit, such as 250ms, 10s or 1m 30s, at least 1ms; got \"soon\"
  MSA_SERVER__DRAIN_LAG: unknown key `server.drain_lag`; did you mean `MSA_SERVER__DRAIN__LAG`?
  PORT: `server.addr` needs a port from 0 to 65535, got \"http\""
            .replace("9 problems", "10 problems")
    );
    assert_eq!(ConfigError::EXIT_CODE, 78);
}

#[test]
fn every_kind_of_value_says_what_it_needs() {
    says(
        "server.addr = 'here'",
        "1:8: `server.addr` needs an address and a port, such as 127.0.0.1:8080 or [::1]:8080; got \"here\"",
    );
    says(
        "server.body_limit = 'big'",
        "1:8: `server.body_limit` needs a size such as 64KiB, 2MiB or 10MB; got \"big\"",
    );
    says(
        "server.max_header_bytes = '1KiB'",
        "1:8: `server.max_header_bytes` needs a size such as 64KiB, 2MiB or 10MB, at least 8KiB; got \"1KiB\"",
    );
    says(
        "server.max_header_bytes = 1024",
        "1:8: `server.max_header_bytes` needs a size such as 64KiB, 2MiB or 10MB, at least 8KiB; got 1024",
    );
    says(
        "server.body_limit = -1",
        "1:8: `server.body_limit` needs a size such as 64KiB, 2MiB or 10MB; got -1",
    );
    says(
        "client.timeout = '0s'",
        "1:8: `client.timeout` needs a time with its unit, such as 250ms, 10s or 1m 30s, at least 1ms; got \"0s\"",
    );
    says(
        "server.max_connections = 0",
        "1:8: `server.max_connections` needs a whole number of 1 or more; got 0",
    );
    says(
        "server.compression = 'yes'",
        "1:8: `server.compression` needs true or false; got \"yes\"",
    );
    says(
        "server.sensitive_headers = 'x'",
        "1:8: `server.sensitive_headers` needs a list; got \"x\"",
    );
    says(
        "server.sensitive_headers = ['X Y']",
        "1:29: `server.sensitive_headers[0]` needs a header's name, in lower case; got \"X Y\"",
    );
    says(
        "server.drain = '5s'",
        "1:8: `server.drain` needs a table; got \"5s\"",
    );
    says(
        "txn.trust = ['10.0.0.0/64']",
        "1:14: `txn.trust[0]` needs a network such as 10.0.0.0/8 or fd00::/8; got \"10.0.0.0/64\"",
    );
    // Taken for a target, a misspelt level would silence everything.
    says(
        "log.level = 'inof'",
        "1:5: `log.level` needs a log level or directives, such as info,sqlx=warn; got \"inof\"",
    );
    says(
        "log.level = 'info,=='",
        "1:5: `log.level` needs a log level or directives, such as info,sqlx=warn; got \"info,==\"",
    );
    says(
        "log.level = 'addrఘ[server]'",
        "1:5: `log.level` needs a log level or directives, such as info,sqlx=warn; got \"addrఘ[server]\"",
    );
    says(
        "log.format = 'jsno'",
        "1:5: `log.format` needs one of `auto`, `json`, `pretty` (perhaps `json`); got \"jsno\"",
    );
    says(
        "log.format = 5",
        "1:5: `log.format` needs one of `auto`, `json`, `pretty`; got 5",
    );
    says(
        "client.balancer = 'p2c'",
        "1:8: `client.balancer` needs one of `p2c-ewma`, `least-request`, `round-robin`, `weighted`, `random`, `ring-hash`, `maglev`, `prequal`; got \"p2c\"",
    );
    says(
        "banner.slots = 51",
        "1:8: `banner.slots` needs a whole number from 1 to 50; got 51",
    );
    says(
        "banner.slots = 1.5",
        "1:8: `banner.slots` needs a whole number from 1 to 50; got 1.5",
    );
    says(
        "banner.slots = 99999999999999999999999",
        "1:8: `banner.slots` needs a whole number from 1 to 50; got 99999999999999999999999",
    );
    says(
        "banner.ratio = nan",
        "1:8: `banner.ratio` needs a number; got NaN"
            .replace("NaN", "nan")
            .as_str(),
    );
    says(
        "banner.storage = { kind = 'disk', path = 5, sync = true }",
        "1:35: `banner.storage.path` needs text; got 5",
    );
    says(
        "banner.storage = { kind = 'tape' }",
        "1:8: `banner.storage` needs its `kind` to be one of `memory`, `disk`; got a table",
    );
    says(
        "banner.storage = { kind = 'disk', path = 'p' }",
        "1:8: `banner.storage.sync` is missing",
    );
    says(
        "banner.ports = { web = 'x' }",
        "1:8: `banner.ports`: invalid value: expected key to be a number in quotes",
    );
}

#[test]
fn rules_between_settings_are_told_with_the_place_of_the_one_that_was_set() {
    says(
        "server.max_connections = 16",
        "1:8: `server.probe_connections` needs to be less than `server.max_connections` (16); got 16",
    );
    says(
        "server.addr = '127.0.0.1:9090'",
        "1:8: `admin.addr` and `server.addr` are both 127.0.0.1:9090; they are two listeners",
    );
    says(
        "health.interval = '1h'",
        "1:8: `health.max_age` needs to be at least `health.interval` and `health.timeout` together, or every result is \
         too old; got 30s",
    );
    says(
        "txn.headers.ltxid = 'x-gtxid'",
        "1:13: `txn.headers.ltxid` and `txn.headers.gtxid` have the same name \"x-gtxid\"",
    );
}

#[test]
fn a_transaction_header_may_not_take_a_name_that_means_something_else() {
    for name in ["host", "content-length", "traceparent"] {
        says(
            &format!("txn.headers.gtxid = '{name}'"),
            &format!(
                "1:13: `txn.headers.gtxid` needs a name of its own: \"{name}\" means something else"
            ),
        );
    }
}

#[test]
fn what_discovery_would_not_take_as_an_endpoint_is_refused_at_once() {
    for url in [
        "http://10.0.0.1:8081",
        "https://users/",
        "HTTP://users:80",
        "http://[::1]:81",
        "http://users:0",
        "http://010.0.0.1",
        "http://10.1:80",
        "http:users",
        "http:///users",
        "http:\\\\users",
        "http://us\ters",
        " http://users",
        "http://users?",
        "http://users/#",
        "http://@users",
        "http://me@users",
        "http://users/v1",
    ] {
        let loader = Loader::new("svc").env([("", ""); 0]);
        let text = format!("[clients.users]\nendpoints = [{url:?}]");
        let loaded = loader.toml_str("msa.toml", text).load();
        let endpoint = url.parse::<msa_core::discovery::Endpoint>();
        assert_eq!(loaded.is_ok(), endpoint.is_ok(), "{url:?}: {endpoint:?}");
    }
}

#[test]
fn a_path_of_a_url_begins_with_its_slash() {
    for path in ["readyz", "", "/ready z", "http://users/readyz"] {
        let text = refused(&format!("client.active_health.path = '{path}'"), &[]);
        assert!(text.contains("needs a path such as /readyz"), "{text}");
    }
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for origin in [
        "shop.example",
        "https://shop.example/",
        "https://Shop.example",
        "https://shop.example:443",
        "ftp://shop.example",
        "null",
    ] {
        let text = refused(&format!("server.cors.origins = ['{origin}']"), &[]);
        assert!(
            text.contains("needs an origin such as https://shop.example"),
            "{text}"
        );
    }
    let text = refused("server.cors.origins = ['*', 'https://shop.example']", &[]);
    assert!(text.contains("leave one or the other"), "{text}");
}

#[cfg(not(feature = "cors"))]
#[test]
fn a_setting_without_its_feature_is_an_error_and_not_silently_nothing() {
    let text = refused("server.cors.origins = ['*']", &[]);
    assert!(text.contains("needs the feature `cors`"), "{text}");
}

#[test]
fn an_unknown_key_names_the_nearest_or_all_that_are_there() {
    says(
        "colour = 80",
        "1:1: unknown key `colour`; there are `admin`, `banner`, `client`, `clients`, `discovery`, `health`, `log`, `policies`, `runtime`, `server`, `telemetry`, `txn`",
    );
    says(
        "max_hops = 80",
        "1:1: unknown key `max_hops`; did you mean `txn.max_hops`?",
    );
    says(
        "admin.vhost = true",
        "1:7: unknown key `admin.vhost`; `admin` has `addr`, `enabled`, `hosts`, `open`, `tls`, `token`",
    );
    says(
        "server.max_hops = 2",
        "1:8: unknown key `server.max_hops`; did you mean `txn.max_hops`?",
    );
}

#[test]
fn a_syntax_error_has_its_place_and_does_not_quote_the_line() {
    let text = refused("[banner]\ndatabase_url = hunter2\n", &[]);
    assert!(text.contains("\n  msa.toml:2:16: not TOML: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let text = refused(
        "[banner]\npin = \"hunter2\nx = 'hunter2\n",
        &[("MSA_CLIENT__TIMEOUT", "soon")],
    );
    assert!(
        text.contains("\n  msa.toml:2:") && text.contains("\n  msa.toml:3:"),
        "{text}"
    );
    assert!(
        text.contains("\n  MSA_CLIENT__TIMEOUT: "),
        "the other layers are checked too: {text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn two_spellings_of_one_key_are_one_too_many() {
    says(
        "[clients.a-b]\ntimeout = '1s'\n[clients.a_b]\ntimeout = '2s'\n",
        "3:10: `clients.a_b` is already set at msa.toml:1:10; `-` and `_` are the same in a key",
    );
    let settings = loader(
        "[clients.a-b]\ntimeout = '1s'\n[clients.a_b]\nhttp2 = true\n",
        &[],
    )
    .load()
    .unwrap()
    .settings();
    assert!(settings.client("a-b").http2);
}

#[test]
fn two_variables_that_contradict_are_told() {
    let env = [
        ("MSA_LOG", "{ level = \"info\" }"),
        ("MSA_LOG__LEVEL", "warn"),
    ];
    assert_eq!(
        refused("", &env),
        "the configuration of `banner-service` has 1 problem:\n  \
         MSA_LOG__LEVEL: `log.level` contradicts MSA_LOG; set one of the two"
    );
    let env = [
        ("MSA_LOG__LEVEL__X", "warn"),
        ("MSA_LOG__LEVEL", "warn"),
        ("MSA___X", "1"),
    ];
    assert_eq!(
        refused("", &env),
        "the configuration of `banner-service` has 2 problems:\n  \
         MSA_LOG__LEVEL__X: `log.level.x` contradicts MSA_LOG__LEVEL; set one of the two\n  \
         MSA___X: `.x` has a level without a name"
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let none: [(&str, &str); 0] = [];
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let text = Loader::new("s")
        .env([("MSA_CONFIG_DIR", &gone)])
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("\n  MSA_CONFIG_DIR: ") && text.contains("is no folder"),
        "{text}"
    );
    let text = Loader::new("s")
        .env([("MSA_SECRETS_DIR", &gone)])
        .load()
        .unwrap_err()
        .to_string();
    assert!(text.contains("the secrets folder cannot be read"), "{text}");
    let text = Loader::new("s")
        .env([("MSA_PROFILE", "../x")])
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("\n  MSA_PROFILE: a profile's name is made of letters"),
        "{text}"
    );
    std::fs::write(dir.path().join("msa.toml"), [0xff, 0xfe]).unwrap();
    let text = Loader::new("s")
        .dir(dir.path())
        .env(none)
        .load()
        .unwrap_err()
        .to_string();
    assert!(text.contains("msa.toml: it is no UTF-8 text"), "{text}");
    std::fs::remove_file(dir.path().join("msa.toml")).unwrap();
    std::fs::create_dir(dir.path().join("msa.toml")).unwrap();
    let text = Loader::new("s")
        .dir(dir.path())
        .env(none)
        .load()
        .unwrap_err()
        .to_string();
    assert!(text.contains("msa.toml: it is no file"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_told_without_its_value() {
    use std::os::unix::ffi::OsStringExt;
    let value = std::ffi::OsString::from_vec(vec![b'h', 0xff]);
    let text = Loader::new("s")
        .toml_str("t", "")
        .env([("MSA_LOG__LEVEL", value)])
        .load()
        .unwrap_err();
    assert_eq!(
        text.to_string(),
        "the configuration of `s` has 1 problem:\n  MSA_LOG__LEVEL: its value is no UTF-8 text"
    );
}

#[test]
fn a_section_must_be_registered_once_under_a_name_of_its_own() {
    let config = loader("", &[]).load().unwrap();
    let text = config.section::<Banner>("baner").unwrap_err().to_string();
    assert!(
        text.contains("section `baner` is not registered; add `.section::<"),
        "{text}"
    );
    let text = config.section::<String>("banner").unwrap_err().to_string();
    assert!(
        text.contains("registered with another type than alloc::string::String"),
        "{text}"
    );
    let text = loader("", &[])
        .section::<Banner>("server")
        .section::<Banner>("banner")
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("section `server` is msa's own")
            && text.contains("section `banner` is registered twice"),
        "{text}"
    );
}

#[test]
fn what_was_asked_for_and_is_not_there_is_told_with_who_asked() {
    let dir = tempfile::tempdir().unwrap();
    let none: [(&str, &str); 0] = [];
    let at = |loader: Loader| loader.env(none).load().unwrap_err().to_string();
    let file = dir.path().join("msa.prd.toml");
    let text = at(Loader::new("s").dir(dir.path()).profile("prd"));
    let expected = format!(
        "\n  --profile: there is no file {} for this profile",
        file.display()
    );
    assert!(text.ends_with(&expected), "{text}");
    let text = Loader::new("s")
        .dir(dir.path())
        .env([("MSA_PROFILE", "prd")])
        .load()
        .unwrap_err()
        .to_string();
    assert!(text.contains("\n  MSA_PROFILE: there is no file"), "{text}");
    let text = at(Loader::new("s").profile("a b"));
    assert!(text.contains("\n  --profile: a profile's name"), "{text}");
    let text = at(Loader::new("s").dir(dir.path().join("gone")));
    assert!(text.contains("\n  --config-dir: "), "{text}");
    std::fs::write(file, "").unwrap();
    Loader::new("s")
        .dir(dir.path())
        .profile("prd")
        .env(none)
        .load()
        .unwrap();
}

#[test]
fn a_file_of_authorities_must_hold_some() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let toml = format!("[clients.a]\nca_file = {:?}\n", file.display().to_string());
    let text = refused(&toml, &[]);
    assert!(
        text.contains("msa.toml:2:1: `clients.a.ca_file` names") && text.contains("cannot be read"),
        "{text}"
    );
    std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let text = refused(&toml, &[]);
    assert!(text.contains("which holds no PEM block"), "{text}");
    std::fs::write(&file, "# ours\n-----BEGIN CERTIFICATE-----\n").unwrap();
    loader(&toml, &[]).load().unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("gone", dir.path().join("banner__pin")).unwrap();
    let text = loader("", &[]).secrets_dir(dir.path()).load();
    let text = text.unwrap_err().to_string();
    assert!(
        text.contains("banner__pin: it is a link to gone, which is not there"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/gone/x", folder.path().join("msa.toml")).unwrap();
    let none: [(&str, &str); 0] = [];
    let text = Loader::new("s").dir(folder.path()).env(none).load();
    assert!(text.unwrap_err().to_string().contains("a link to /gone/x"));
}

#[test]
fn a_port_is_looked_for_where_everybody_looks_for_it() {
    for toml in ["port = 80", "server.port = 80"] {
        let text = refused(toml, &[]);
        assert!(
            text.contains("`server.addr` has both") && text.contains("PORT sets"),
            "{text}"
        );
    }
}

/// What a section says of its own secret.
mod own_words {
    use msa_core::config::{Loader, Secret};
    use schemars::JsonSchema;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize};

    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Store {
        #[serde(deserialize_with = "usable")]
        url: Secret,
    }

    fn usable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let url = Secret::deserialize(deserializer)?;
        match url.get().split_once("://") {
            Some(("postgres", rest)) if rest.contains('@') => Ok(url),
            Some(("postgres", rest)) => Err(D::Error::custom(format!("no user in {rest}"))),
            Some(("redis", rest)) => Err(D::Error::custom(format!("{} is no port", rest.len()))),
            Some((_, rest)) if rest.starts_with("part") => {
                Err(D::Error::custom("bad host Hush-Host"))
            }
            Some(_) => Err(D::Error::custom("must begin with postgres://")),
            None => Ok(url),
        }
    }

    fn refused(url: &str) -> String {
        let loader = Loader::new("s").section::<Store>("store");
        let loader = loader.env([("MSA_STORE__URL", url)]);
        loader.load().unwrap_err().to_string()
    }

    #[test]
    fn it_is_told_unless_it_tells_a_part_of_the_secret() {
        let text = refused("mysql://root:hush@db/x");
        assert!(
            text.contains("`store.url`: must begin with postgres:// (the value is"),
            "{text}"
        );
        for url in ["postgres://hushhush", "x://part@hush-host:1"] {
            let text = refused(url);
            assert!(
                text.contains("`store.url` has a value that is refused"),
                "{text}"
            );
            assert!(!text.to_lowercase().contains("hush"), "{text}");
        }
    }
}
