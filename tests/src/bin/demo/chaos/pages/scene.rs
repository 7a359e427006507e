//! What is edited, and what it must show.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use msa_tests::{Cluster, Error, http, until};

use super::super::plan::{self, INSTANCES};
use super::counts::Counts;

/// The function's key in the configuration: module and name.
pub(super) const FUNCTION: &str = "order_orchestrator::offers::find";

/// How long a service may take to read its configuration again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was read is handed on at once to who lives by it, each a task of its own, and they have no way to say that they have it.
const SETTLE: Duration = Duration::from_millis(100);

/// A part of the play.
#[derive(Debug)]
pub(super) struct Scene {
    /// How it is called in the table.
    pub(super) title: &'static str,
    /// What is done at its beginning.
    pub(super) deed: &'static str,
    /// What order-orchestrator's `msa.toml` says of the function.
    edits: &'static [&'static str],
    /// Whether product-service takes longer than an attempt may.
    slow: bool,
    /// Who must have acted, and who must not.
    acts: &'static [Who],
    rests: &'static [Who],
}

/// One of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Cached,
    Bulkhead,
    RateLimit,
    Timeout,
    Retry,
    Hedge,
    Breaker,
    Fallback,
}

use Who::{Breaker, Bulkhead, Cached, Fallback, Hedge, RateLimit, Retry, Timeout};

const NOT_CACHED: &str = "cached.enabled = false";
const ANY_RATE: &str = "rate_limit.enabled = false";
const NO_BREAKER: &str = "breaker.enabled = false";
const NO_RETRY: &str = "retry.max_retries = 0";

pub(super) const SCENES: [Scene; 6] = [
    Scene {
        title: "as the attributes say",
        deed: "LOOK     visitors look at pages of the shop",
        edits: &[],
        slow: false,
        acts: &[Cached],
        rests: &[RateLimit],
    },
    Scene {
        title: "EDIT cached.enabled = false: each page is a call, and the rate has a limit",
        deed: "EDIT     order-orchestrator's msa.toml: cached.enabled = false",
        edits: &[NOT_CACHED],
        slow: false,
        acts: &[RateLimit, Fallback],
        rests: &[Cached],
    },
    Scene {
        title: "SLOW product-service; EDIT rate limit and breaker off",
        deed: "SLOW     product-service takes 300 ms; EDIT rate_limit.enabled = false, breaker.enabled = false",
        edits: &[NOT_CACHED, ANY_RATE, NO_BREAKER],
        slow: true,
        acts: &[Bulkhead, Timeout, Retry, Hedge, Fallback],
        rests: &[Cached, RateLimit, Breaker],
    },
    Scene {
        title: "EDIT retry.max_retries = 0",
        deed: "EDIT     retry.max_retries = 0",
        edits: &[NOT_CACHED, ANY_RATE, NO_BREAKER, NO_RETRY],
        slow: true,
        acts: &[Bulkhead, Timeout, Fallback],
        rests: &[Cached, RateLimit, Breaker, Retry],
    },
    Scene {
        title: "EDIT breaker back on: it opens, and nobody waits",
        deed: "EDIT     the line breaker.enabled = false is taken out",
        edits: &[NOT_CACHED, ANY_RATE, NO_RETRY],
        slow: true,
        acts: &[Breaker, Fallback],
        rests: &[Cached, RateLimit, Retry],
    },
    Scene {
        title: "MEND product-service; all edits taken back",
        deed: "MEND     product-service is as before; all edits are taken out",
        edits: &[],
        slow: false,
        acts: &[Cached],
        rests: &[],
    },
];

impl Scene {
    /// Edits the configurations, and waits until they are taken.
    pub(super) fn set(&self, cluster: &mut Cluster) -> Result<(), Error> {
        let slow = if self.slow {
            "[server.fault]\npaths = [\"/products/{sku}\"]\ndelay = \"300ms\"\ndelay_percentage = \"100%\"\n"
        } else {
            ""
        };
        let instances = INSTANCES
            .iter()
            .find(|(name, _)| *name == "product-service");
        for instance in 0..instances.map_or(0, |(_, count)| *count) {
            configure(cluster, "product-service", instance, slow)?;
        }
        let edits = match self.edits {
            [] => String::new(),
            edits => format!("[policies.\"{FUNCTION}\"]\n{}\n", edits.join("\n")),
        };
        configure(cluster, "order-orchestrator", 0, &edits)?;
        sleep(SETTLE);
        Ok(())
    }

    /// Who should have acted, and has not.
    pub(super) fn missing(&self, counts: &Counts) -> Vec<&'static str> {
        let idle = |who: &&Who| who.count(counts) == 0;
        let idle = self.acts.iter().filter(idle);
        idle.map(|who| who.missed()).collect()
    }

    /// All that is not as it should be.
    pub(super) fn wrong(&self, counts: &Counts) -> Vec<&'static str> {
        let mut wrong = self.missing(counts);
        let busy = self.rests.iter().filter(|who| who.count(counts) > 0);
        wrong.extend(busy.map(|who| who.acted()));
        if counts.failed > 0 {
            wrong.push("pages failed");
        }
        wrong
    }
}

impl Who {
    fn count(self, counts: &Counts) -> u64 {
        match self {
            Cached => counts.kept,
            Bulkhead => counts.no_place,
            RateLimit => counts.over_rate,
            Timeout => counts.late,
            Retry => counts.retried,
            Hedge => counts.hedged,
            Breaker => counts.broken,
            Fallback => counts.stale,
        }
    }

    fn missed(self) -> &'static str {
        match self {
            Cached => "no answer was kept",
            Bulkhead => "the bulkhead was never full",
            RateLimit => "the rate had no limit",
            Timeout => "nothing was late",
            Retry => "nothing was tried again",
            Hedge => "nothing was hedged",
            Breaker => "the breaker refused nothing",
            Fallback => "nothing stood in",
        }
    }

    fn acted(self) -> &'static str {
        match self {
            Cached => "an answer was kept",
            Bulkhead => "the bulkhead was full",
            RateLimit => "the rate limit refused",
            Timeout => "something was late",
            Retry => "something was tried again",
            Hedge => "something was hedged",
            Breaker => "the breaker refused",
            Fallback => "something stood in",
        }
    }
}

/// Writes an instance's `msa.toml`, and waits until it was read.
fn configure(
    cluster: &mut Cluster,
    service: &'static str,
    instance: usize,
    text: &str,
) -> Result<(), Error> {
    let admin = cluster.instance(service, instance)?.wait_admin()?;
    let before = reloads(admin)?;
    plan::configure(cluster, service, instance, text)?;
    let taken = until(PATIENCE, || match reloads(admin) {
        Ok(count) => (count > before).then_some(()),
        Err(_) => None, // asked again
    });
    taken.ok_or_else(|| Error::Io {
        what: format!("{service} did not read its configuration again"),
        source: std::io::ErrorKind::TimedOut.into(),
    })
}

/// How often it took a new configuration.
fn reloads(admin: SocketAddr) -> Result<u64, Error> {
    let metrics = http::get(admin, "/metrics").send()?.text();
    let line = (metrics.lines())
        .find_map(|line| line.strip_prefix("msa_config_reloads_total{accepted=\"true\"} "));
    Ok(line.and_then(|count| count.parse().ok()).unwrap_or(0))
}
