//! What the schema cannot say: rules between several settings.

use std::collections::BTreeMap;

use super::Settings;

/// A problem, and the keys it is between: it is told of the first that somebody set.
pub(super) type Conflict = (Vec<String>, String);

/// What is wrong between several settings.
pub(super) fn problems(settings: &Settings) -> Vec<Conflict> {
    let mut found = Vec::new();
    let mut refuse = |keys: &[&str], message: String| {
        found.push((keys.iter().map(|key| (*key).to_owned()).collect(), message));
    };
    let server = &settings.server;
    if server.probe_connections >= server.max_connections {
        refuse(
            &["server.probe_connections", "server.max_connections"],
            format!(
                "`server.probe_connections` needs to be less than `server.max_connections` ({}); got {}",
                server.max_connections, server.probe_connections
            ),
        );
    }
    let admin = &settings.admin;
    if admin.enabled && admin.addr == server.addr && admin.addr.port() != 0 {
        refuse(
            &["admin.addr", "server.addr"],
            format!(
                "`admin.addr` and `server.addr` are both {}; they are two listeners",
                admin.addr
            ),
        );
    }
    let guarded = (admin.token.as_ref()).is_some_and(|token| !token.is_empty())
        || admin.tls.takes_certificates();
    if admin.enabled && !guarded && !admin.open && !admin.addr.ip().to_canonical().is_loopback() {
        refuse(
            &["admin.addr", "admin.token", "admin.open"],
            format!(
                "`admin.addr` is {}, which other machines can reach: set `admin.token`, or `admin.tls` with a `client_ca`, or \
                 `admin.open = true` where something else guards it",
                admin.addr
            ),
        );
    }
    let health = &settings.health;
    let freshest = health.interval.get().saturating_add(health.timeout.get());
    if health.max_age.get() < freshest {
        refuse(
            &["health.max_age", "health.interval", "health.timeout"],
            format!(
                "`health.max_age` needs to be at least `health.interval` and `health.timeout` together, or every \
                 result is too old; got {}",
                health.max_age
            ),
        );
    }
    let headers = &settings.txn.headers;
    let names = [
        ("gtxid", &headers.gtxid),
        ("ltxid", &headers.ltxid),
        ("branch", &headers.branch),
        ("attempt", &headers.attempt),
        ("timeout", &headers.timeout),
        ("retries", &headers.retries),
        ("criticality", &headers.criticality),
    ];
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, name) in names {
        if let Some(other) = seen.insert(name, key) {
            refuse(
                &[
                    &format!("txn.headers.{key}"),
                    &format!("txn.headers.{other}"),
                ],
                format!(
                    "`txn.headers.{key}` and `txn.headers.{other}` have the same name {name:?}"
                ),
            );
        }
    }
    for (key, name) in names {
        if RESERVED.contains(&name.as_str()) {
            refuse(
                &[&format!("txn.headers.{key}")],
                format!(
                    "`txn.headers.{key}` needs a name of its own: {name:?} means something else"
                ),
            );
        }
    }
    let origins = &server.cors.origins;
    if origins.len() > 1 && origins.iter().any(|origin| origin == "*") {
        refuse(
            &["server.cors.origins"],
            "`server.cors.origins` has `*`, which is any origin, beside others; leave one or the other".to_owned(),
        );
    }
    let mut needs = |on: bool, key: &str, feature: &str| {
        if on {
            refuse(
                &[key],
                format!(
                    "`{key}` needs the feature `{feature}`, without which this program was built; add it to msa-core in \
                     Cargo.toml"
                ),
            );
        }
    };
    needs(
        server.compression && !cfg!(feature = "compression"),
        "server.compression",
        "compression",
    );
    needs(
        !origins.is_empty() && !cfg!(feature = "cors"),
        "server.cors.origins",
        "cors",
    );
    found
}

/// Names that a transaction header may not take: HTTP's framing, credentials, and what is read for its own meaning.
const RESERVED: [&str; 20] = [
    "accept",
    "authorization",
    "baggage",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "grpc-timeout",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
