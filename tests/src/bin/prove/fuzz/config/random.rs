//! Texts and variables by chance.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::fuzz::one;

/// Lines of `[keys]`, with a right value; `@` stands for a secret, and the whole value for one in any TOML shape.
const SECRET_LINES: [(&str, &str); 11] = [
    ("database_url", "'postgres://u:@/db/x'"),
    ("database-url", "'@'"),
    ("password", "'@'"),
    ("spare", "\"@\""),
    ("tokens", "['@', '@']"),
    ("pin", "#"),
    ("stores", "{ eu = { url = '@', region = 'eu' } }"),
    ("stores.us", "{ url = '@' }"),
    ("stores.asia.url", "'''@'''"),
    ("pasword", "'@'"),
    ("password.x", "'@'"),
];

/// The last of [`SECRET_LINES`], which are never right.
const NEVER_RIGHT: usize = 2;

/// Lines of msa's own sections, with a right value.
const LINES: [(&str, &str); 24] = [
    ("server.addr", "'127.0.0.1:0'"),
    ("server.idle_timeout", "'80s'"),
    ("server.body-limit", "'64KiB'"),
    ("server.max_headers", "50"),
    ("server.drain", "{ lag = '1s' }"),
    ("server.http2.enabled", "false"),
    ("server.cors.origins", "['*']"),
    ("txn.max_hops", "255"),
    ("txn.trust", "['10.0.0.0/8']"),
    ("txn.headers.gtxid", "'x-id'"),
    ("log.level", "'info,sqlx=warn'"),
    ("log.format", "'json'"),
    ("health.interval", "'1s'"),
    ("discovery.file", "'endpoints.toml'"),
    ("client.timeout", "'250ms'"),
    ("client.http2", "true"),
    ("clients.user-service.endpoints", "['http://a:1']"),
    ("clients.user_service.timeout", "'1s'"),
    ("clients.b", "{ pool_idle_timeout = '1s' }"),
    ("admin.addr", "'[::1]:0'"),
    ("keys.port", "80"),
    ("keys.name", "\"\\u0000\\n\""),
    ("server.max_heders", "1"),
    ("clients", "1"),
];

const VALUES: [&str; 28] = [
    "1",
    "0",
    "-1",
    "255",
    "65536",
    "9223372036854775807",
    "1.5",
    "nan",
    "true",
    "[]",
    "{}",
    "[[]]",
    "{ a = 1 }",
    "'1s'",
    "'250ms'",
    "'-1s'",
    "'64KiB'",
    "'100/s'",
    "''",
    "'info'",
    "'json'",
    "'x-id'",
    "'127.0.0.1:0'",
    "'10.0.0.0/8'",
    "'http://a:1'",
    "'*'",
    "1979-05-27",
    "\"\\u0000\\n\"",
];

/// Variables that hold secrets, some by mistake.
const SECRET_VARIABLES: [&str; 11] = [
    "DATABASE_URL",
    "MSA_KEYS__DATABASE_URL",
    "MSA_KEYS__PASSWORD",
    "MSA_KEYS__PASWORD",
    "MSA_KEYS__PASSWORD__X",
    "MSA_KEYS__SPARE",
    "MSA_KEYS__TOKENS",
    "MSA_KEYS__PIN",
    "MSA_KEYS__STORES__EU__URL",
    "MSA_KEYS__STORES__EU",
    "MSA_PASSWORD",
];

const VARIABLES: [&str; 12] = [
    "PORT",
    "RUST_LOG",
    "MSA_SERVER__ADDR",
    "MSA_SERVER__IDLE_TIMEOUT",
    "MSA_SERVER__DRAIN",
    "MSA_TXN__TRUST",
    "MSA_CLIENTS__USER_SERVICE__TIMEOUT",
    "MSA_CLIENTS__USER-SERVICE__ENDPOINTS",
    "MSA_KEYS__PORT",
    "MSA_GATEWAY_SERVICE_HOST",
    "MSA___",
    "MSA_SERVER",
];

/// A text whose lines are all right, or each right or wrong.
pub(super) fn text(rng: &mut SmallRng, secrets: &[String], right: bool) -> String {
    let never_right = if right { NEVER_RIGHT } else { 0 };
    let mut lines = BTreeMap::new();
    for _ in 0..rng.random_range(0..6) {
        let (key, value) = *one(rng, LINES.split_at(LINES.len() - never_right).0);
        let value = if right || rng.random() {
            value
        } else {
            *one(rng, &VALUES)
        };
        lines.insert(key.to_owned(), value.to_owned());
    }
    for _ in 0..rng.random_range(0..4) {
        let (key, value) = *one(
            rng,
            SECRET_LINES.split_at(SECRET_LINES.len() - never_right).0,
        );
        let [letters, digits] = secrets else { continue };
        let value = if right || rng.random() {
            value
                .replace('#', digits)
                .replacen('@', letters, 1)
                .replace('@', digits)
        } else {
            shaped(rng, secrets)
        };
        lines.insert(format!("keys.{key}"), value);
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    lines.join("\n")
}

/// A secret in a shape that TOML knows, right or wrong for its key.
fn shaped(rng: &mut SmallRng, secrets: &[String]) -> String {
    let secret = one(rng, secrets);
    match rng.random_range(0..9) {
        0..3 => format!("'{secret}'"),
        3 => format!("\"postgres://u:{secret}@db/x\""),
        4 => format!("['{secret}', 1]"),
        5 => format!("{{ url = '{secret}', region = 1 }}"),
        6 => secret.clone(), // bare: a number, or not TOML
        7 => format!("-{secret}"),
        _ => format!("'''\n{secret}\n'''"),
    }
}

pub(super) fn right_variables(secrets: &[String]) -> Vec<(String, String)> {
    let [letters, digits] = secrets else {
        return Vec::new();
    };
    [
        ("DATABASE_URL", format!("postgres://u:{letters}@db/x")),
        ("MSA_KEYS__PASSWORD", digits.clone()),
        ("MSA_KEYS__TOKENS", format!("{digits},{letters}")),
        ("MSA_KEYS__STORES__EU__URL", letters.clone()),
        ("MSA_PASSWORD", letters.clone()),
        ("PORT", "8081".to_owned()),
        ("MSA_SERVER__IDLE_TIMEOUT", "75s".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

pub(super) fn variables(rng: &mut SmallRng, secrets: &[String]) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for _ in 0..rng.random_range(0..3) {
        let value = one(rng, &VALUES).trim_matches('\'').to_owned();
        variables.push(((*one(rng, &VARIABLES)).to_owned(), value));
    }
    for _ in 0..rng.random_range(0..3) {
        let shaped = shaped(rng, secrets);
        variables.push(((*one(rng, &SECRET_VARIABLES)).to_owned(), shaped));
    }
    variables
}

/// Changes a few characters, or repeats, drops or moves a piece.
pub(super) fn mutate(rng: &mut SmallRng, text: &mut String) {
    const LETTERS: [char; 20] = [
        '=', '.', '[', ']', '{', '}', '"', '\'', '\n', ' ', ',', '#', '-', '_', '0', 'x', '\\',
        '\u{7}', '\u{e9}', '\u{feff}',
    ];
    for _ in 0..rng.random_range(1..4) {
        let mut letters: Vec<char> = text.chars().collect();
        let a = rng.random_range(0..=letters.len());
        let b = rng.random_range(a..=letters.len().min(a + 30));
        match rng.random_range(0..4) {
            0 => letters.insert(a, *one(rng, &LETTERS)),
            1 => drop(letters.drain(a..b)),
            2 => {
                let piece: Vec<char> = letters.drain(a..b).collect();
                let to = rng.random_range(0..=letters.len());
                drop(letters.splice(to..to, piece));
            }
            _ => letters.extend_from_within(a..b),
        }
        *text = letters.into_iter().collect();
    }
}
