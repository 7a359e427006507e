//! TOML, variables and secret files through the loader.
//!
//! Secrets are marked: each case draws two of them, one of letters and one of digits, since a secret that looks like a number
//! is the one that slips through. Neither may show in anything that people are shown.

mod random;

use std::collections::BTreeMap;

use msa_core::config::{Config, Loader, Secret};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use toml::Value;

use super::{Fuzz, Mark, one};
use crate::Error;

/// Files are slow: one case in so many has a secrets folder.
const WITH_FOLDER: u32 = 32;

/// A service's own section.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Keys {
    database_url: Secret,
    password: Secret,
    spare: Option<Secret>,
    tokens: Vec<Secret>,
    stores: BTreeMap<String, Store>,
    #[schemars(extend("writeOnly" = true))]
    pin: u64,
    #[schemars(range(max = 60000))]
    port: u16,
    name: String,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Store {
    url: Secret,
    region: String,
}

pub(crate) struct Case {
    folder: TempDir,
}

impl Fuzz for Case {
    const WHAT: &'static str = "configurations";

    fn new() -> Result<Self, Error> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    fn case(&mut self, rng: &mut SmallRng) -> Result<Mark, String> {
        let secrets = [
            format!("CANARY{:012x}", rng.next_u64() >> 16),
            format!("77{:012}", rng.next_u64() % 1_000_000_000_000),
        ];
        let right = rng.random_range(0..3) > 0;
        let mut text = random::text(rng, &secrets, right);
        if rng.random_range(0..3) == 0 {
            random::mutate(rng, &mut text);
        }
        let variables = if right && rng.random() {
            random::right_variables(&secrets)
        } else if right {
            Vec::new()
        } else {
            random::variables(rng, &secrets)
        };
        let mut loader = Loader::new("prove")
            .section::<Keys>("keys")
            .env_alias("DATABASE_URL", "keys.database_url")
            .env(variables.iter().map(|(name, value)| (name, value)))
            .toml_str("msa.toml", text.as_str());
        if rng.random_range(0..WITH_FOLDER) == 0 {
            self.fill_folder(rng, &secrets)
                .map_err(|error| error.to_string())?;
            loader = loader.secrets_dir(self.folder.path());
        }
        let mut shown = vec![("the loader's Debug", format!("{loader:?}"))];
        let mark = match loader.load() {
            Ok(config) => {
                shown.extend(show(&config)?);
                Mark::Accepted
            }
            Err(error) => {
                shown.push(("the error", format!("{error}\n{error:?}")));
                if error.problems().is_empty() {
                    return Err("an error without a problem".to_owned());
                }
                Mark::Refused
            }
        };
        // A mutation may make a secret the value, or the name, of something that is none.
        if is_misplaced(&text, &secrets) {
            return Ok(mark);
        }
        for (place, text_shown) in shown {
            for secret in &secrets {
                if text_shown.contains(secret) {
                    return Err(format!(
                        "{place} shows a secret:\n{text_shown}\nfrom\n{text}\nand {variables:?}"
                    ));
                }
            }
        }
        Ok(mark)
    }
}

impl Case {
    fn fill_folder(&self, rng: &mut SmallRng, secrets: &[String]) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.folder.path())? {
            std::fs::remove_file(entry?.path())?;
        }
        for name in [
            "keys__password",
            "keys.pin",
            "keys__pasword",
            "server__idle_timeout",
            "keys",
        ] {
            if rng.random_range(0..3) == 0 {
                std::fs::write(self.folder.path().join(name), one(rng, secrets))?;
            }
        }
        Ok(())
    }
}

/// Everything that people are shown of a configuration.
fn show(config: &Config) -> Result<Vec<(&'static str, String)>, String> {
    let settings = config.settings();
    let keys = config
        .section::<Keys>("keys")
        .map_err(|error| error.to_string())?;
    let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
    let printed = config.print();
    toml::from_str::<toml::Table>(&printed)
        .map_err(|error| format!("--print-config is no TOML: {error}\n{printed}"))?;
    Ok(vec![
        ("--print-config", printed),
        ("a warning", config.warnings().join("\n")),
        ("the configuration's Debug", format!("{config:?}")),
        ("the settings' Debug", format!("{settings:?}")),
        ("the section's Debug", debug_of(&keys)),
        (
            "the settings as JSON",
            json(serde_json::to_string(&*settings))?,
        ),
        (
            "the section's secrets as JSON",
            json(serde_json::to_string(&(&keys.tokens, &keys.stores)))?,
        ),
        ("the schema", config.schema().to_string()),
    ])
}

/// `pin` is a plain number, whose Debug is its own.
fn debug_of(keys: &Keys) -> String {
    let Keys {
        database_url,
        password,
        spare,
        tokens,
        stores,
        ..
    } = keys;
    format!("{database_url:?} {password:?} {spare:?} {tokens:?} {stores:?}")
}

/// Whether a secret stands where none belongs: as a key, or as the value of something that is no secret.
fn is_misplaced(text: &str, secrets: &[String]) -> bool {
    let holds = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
    fn walk(value: &Value, path: &mut Vec<String>, holds: &dyn Fn(&str) -> bool) -> bool {
        match value {
            Value::Table(table) => table.iter().any(|(key, value)| {
                path.push(key.clone());
                let found = holds(key) || walk(value, path, holds);
                path.pop();
                found
            }),
            Value::Array(items) => items.iter().any(|item| walk(item, path, holds)),
            leaf => {
                let secret = path.first().is_some_and(|first| first == "keys")
                    && !path
                        .iter()
                        .any(|key| matches!(key.as_str(), "port" | "name" | "region"));
                !secret && holds(&format!("{leaf:?}"))
            }
        }
    }
    match text.parse::<toml::Table>() {
        Ok(table) => walk(&Value::Table(table), &mut Vec::new(), &holds),
        Err(_) => false,
    }
}
