//! What is shown of a configuration: the print, the schema, and never a secret.

use std::collections::BTreeMap;

use msa_core::config::{Loader, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Banner, loader, refused};

#[test]
fn the_print_names_every_value_and_its_source() {
    let toml =
        "[server]\nidle_timeout = '80s'\n[clients.user-service]\nendpoints = ['http://a:1']\n";
    let env = [
        ("MSA_BANNER__DATABASE_URL", "0123456"),
        ("PORT", "9000"),
        ("MSA_BANNER__LABELS", "{\"a b\" = \"x\\\"y\"}"),
    ];
    let print = loader(toml, &env).load().unwrap().print();
    for line in [
        "# The effective configuration of banner-service: each value, and where it comes from.",
        "[server]",
        "addr = \"0.0.0.0:9000\"                        # PORT",
        "idle_timeout = \"80s\"                      # msa.toml:2:1",
        "body_limit = \"2MiB\"                          # default",
        "[clients.user_service]",
        "endpoints = [\"http://a:1\"]  # msa.toml:4:1",
        "# ca_file is not set                         # default",
    ] {
        assert!(
            print
                .lines()
                .any(|printed| printed.split_whitespace().eq(line.split_whitespace())),
            "{line}\n{print}"
        );
    }
    assert!(
        print
            .lines()
            .any(|line| line.starts_with("# database_url = \"***\"")
                && line.ends_with("# MSA_BANNER__DATABASE_URL")),
        "{print}"
    );
    assert!(print.contains("\"a b\" = \"x\\\"y\""), "{print}");
}

#[test]
fn the_print_can_be_used_as_msa_toml() {
    let toml = "\
[clients.user-service]
endpoints = ['http://a:1']
[banner]
ratio = 2.0
ttl = '5s'
labels = { 'a b' = '1', c = \"\\u0007\" }
ports = { 80 = 'web' }
storage = { kind = 'disk', path = 'p', sync = false }
";
    let first = loader(toml, &[]).load().unwrap();
    let second = loader(&first.print(), &[]).load().unwrap();
    assert_eq!(first.settings(), second.settings());
    assert_eq!(
        first.section::<Banner>("banner").unwrap(),
        second.section::<Banner>("banner").unwrap()
    );
}

/// Every text that the configuration can write about itself.
fn outputs(loader: Loader) -> String {
    let schema = loader.schema().to_string();
    let debug = format!("{loader:?}");
    let rest = match loader.load() {
        Ok(config) => {
            let banner = config.section::<Banner>("banner").unwrap();
            format!(
                "{config:?} {} {} {:?} {:?} {:?}",
                config.print(),
                config.schema(),
                config.warnings(),
                banner.database_url,
                banner.token
            )
        }
        Err(error) => format!("{error} {error:?} {:?}", error.problems()),
    };
    format!("{schema}{debug}{rest}")
}

#[test]
fn a_value_in_place_of_a_list_or_table_of_secrets_is_taken_for_a_secret() {
    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Keys {
        tokens: Vec<Secret>,
        stores: BTreeMap<String, Store>,
    }
    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Store {
        url: Secret,
        region: String,
    }
    let refused = |text: &str, variables: &[(&str, &str)]| {
        let loader = Loader::new("test").section::<Keys>("keys");
        let loader = loader.toml_str("msa.toml", text);
        let error = loader.env(variables.iter().copied()).load().unwrap_err();
        format!("{error} {error:?}")
    };
    for said in [
        refused("keys.tokens = 'canary'", &[]),
        refused("keys.stores = { url = 'canary' }", &[]),
        refused("keys = 'canary'", &[]),
        refused("", &[("MSA_KEYS__STORES__EU", "canary")]),
    ] {
        assert!(
            said.contains("not shown") && !said.contains("canary"),
            "{said}"
        );
    }
    // What cannot hold one still shows what it got.
    let said = refused("keys.stores.eu.region = 5", &[]);
    assert!(said.contains("needs text; got 5"), "{said}");
}

#[test]
fn a_secret_never_shows_whichever_way_it_comes_and_whatever_is_wrong() {
    let canary = "canary-5f1c";
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let tries = [
        loader(
            &format!("[banner]\ntoken = '{canary}'\npin = '{canary}'"),
            &[],
        ),
        loader(
            "",
            &[("DATABASE_URL", canary), ("MSA_BANNER__TOKEN", canary)],
        ),
        // Wrong type, unknown key below a secret, syntax error, contradiction.
        loader(
            &format!("[banner]\ntoken = ['{canary}']\npin = {{ a = '{canary}' }}"),
            &[],
        ),
        loader(&format!("[banner]\ntoken = {canary}"), &[]),
        loader(&format!("[banner]\ntoken = '{canary}"), &[]),
        loader(&format!("[banner]\ntokn = '{canary}'"), &[]),
        loader(
            "",
            &[
                ("MSA_BANNER__TOKEN", canary),
                ("MSA_BANNER__TOKEN__X", canary),
            ],
        ),
        loader(
            "",
            &[("MSA_BANNER_TOKEN", canary), ("MSA_BANNER__TOKENS", canary)],
        ),
        loader(
            "",
            &[
                ("MSA_BANNER__STORAGE", "{ kind = 5 }"),
                ("MSA_BANNER__TOKEN", canary),
            ],
        ),
        loader(
            "",
            &[
                ("MSA_BANNER__PORTS", "{ x = \"y\" }"),
                ("MSA_BANNER__TOKEN", "x"),
            ],
        ),
        // A URL with a password in a field that nobody marked.
        loader(
            &format!("[banner]\nplatforms = ['postgres://user:{canary}@host/db']"),
            &[],
        ),
        loader(
            &format!("client.endpoints = ['http://user:{canary}@host']"),
            &[],
        ),
    ];
    for (index, one) in tries.into_iter().enumerate() {
        let text = outputs(one);
        assert!(!text.contains(canary), "try {index}: {text}");
        assert!(
            !text.contains("default-canary") && !text.contains("pin-canary"),
            "try {index}: {text}"
        );
    }
    secret("banner__token", canary);
    secret("banner__labels__plain", canary);
    assert!(!outputs(loader("", &[]).secrets_dir(folder.path())).contains(canary));
    secret("banner__slots", canary);
    let text = outputs(loader("", &[]).secrets_dir(folder.path()));
    assert!(
        text.contains(
            "`banner.slots` needs a whole number from 1 to 50; got a value that is not shown"
        ),
        "{text}"
    );
    assert!(!text.contains(canary), "{text}");
}

#[test]
fn a_password_that_looks_like_a_number_is_neither_one_nor_shown() {
    let text = refused(
        "",
        &[
            ("MSA_BANNER__DATABASE_URL", "0123456"),
            ("MSA_BANNER__SLOTS", "0"),
        ],
    );
    assert_eq!(
        text,
        "the configuration of `banner-service` has 1 problem:\n  \
         MSA_BANNER__SLOTS: `banner.slots` needs a whole number from 1 to 50; got 0"
    );
    assert!(!outputs(loader("", &[("MSA_BANNER__DATABASE_URL", "0123456")])).contains("0123456"));
}

#[test]
fn the_schema_describes_every_key_with_default_unit_and_mark() {
    let schema = loader("", &[]).schema();
    let of = |name: &str, key: &str| {
        schema
            .pointer(&format!("/$defs/{name}/properties/{key}"))
            .unwrap()
            .clone()
    };
    let idle = of("ServerSettings", "idle_timeout");
    assert_eq!(idle["default"], json!("1m 15s"));
    assert_eq!(idle["format"], json!("span"));
    assert_eq!(idle["x-msa-restart"], json!(true));
    assert!(
        idle["description"]
            .as_str()
            .unwrap()
            .starts_with("A connection between two requests")
    );
    assert_eq!(of("TxnSettings", "max_hops")["maximum"], json!(255));
    let url = of("Banner", "database_url");
    assert_eq!(
        (&url["writeOnly"], url.get("default")),
        (&json!(true), None)
    );
    assert_eq!(of("Banner", "pin").get("default"), None);
    assert_eq!(of("Banner", "slots")["default"], json!(6));
    assert!(schema.pointer("/properties/banner/default/slots").is_some());
    assert!(schema.pointer("/properties/banner/default/pin").is_none());
    assert_eq!(schema["title"], json!("Configuration of banner-service"));
    for (name, kind) in schema["$defs"].as_object().unwrap() {
        for (key, value) in kind["properties"].as_object().into_iter().flatten() {
            let ours = name.ends_with("Settings") || name == "TxnHeaderNames";
            assert!(
                !ours || value["description"].is_string(),
                "{name}.{key} has no description"
            );
        }
    }
}
