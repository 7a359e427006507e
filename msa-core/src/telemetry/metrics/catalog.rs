//! Every metric: its name by OpenTelemetry's rules, its kind, unit, labels and meaning.
//!
//! The manual's table is made of this list, and so is each `# HELP` line.

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// As OpenTelemetry writes it, such as `http.server.request.duration`.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// By UCUM, as OpenTelemetry writes it: `s`, `By`, `1`, `{request}`.
    pub unit: &'static str,
    /// As OpenTelemetry writes them; Prometheus has `_` for `.`. A label that has no value is left out.
    pub labels: &'static [&'static str],
    /// What it counts, in one sentence.
    pub help: &'static str,
}

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Is what it is now.
    Gauge,
    /// Goes up and down, and may be added up over instances; Prometheus calls it a gauge.
    UpDownCounter,
    /// How many values fell between which bounds.
    Histogram,
    /// The sum of values and their number.
    Summary,
    /// Always 1; its labels tell.
    Info,
}

impl Kind {
    /// As Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::UpDownCounter => "updowncounter",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
        }
    }
}

impl Description {
    /// The unit as it stands in Prometheus' names; empty when it does not.
    #[must_use]
    pub fn unit_name(&self) -> &'static str {
        match (self.unit, self.kind) {
            ("s", _) => "seconds",
            ("By", _) => "bytes",
            ("1", Kind::Gauge) => "ratio",
            _ => "", // `{request}` and the like are remarks
        }
    }

    /// The family's name by OpenTelemetry's rules for Prometheus: `.` becomes `_`, the unit is added. Without the `_total` of a counter
    /// and the `_info` of an information.
    #[must_use]
    pub fn family(&self) -> String {
        let known = PROMETHEUS_NAMES.iter().find(|(name, _)| *name == self.name);
        let mut name = match known {
            Some((_, name)) => (*name).to_owned(),
            None => self.name.replace('.', "_"),
        };
        let unit = self.unit_name();
        if !unit.is_empty() && self.kind != Kind::Info && !name.ends_with(unit) {
            name.push('_');
            name.push_str(unit);
        }
        name
    }

    /// The name that queries use; a histogram's series have `_bucket`, `_sum` and `_count` added.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        self.family()
            + match self.kind {
                Kind::Counter => "_total",
                Kind::Info => "_info",
                _ => "",
            }
    }
}

/// What every Prometheus client calls the process's own numbers, which OpenTelemetry calls otherwise.
const PROMETHEUS_NAMES: [(&str, &str); 5] = [
    ("process.cpu.time", "process_cpu"),
    ("process.memory.usage", "process_resident_memory"),
    ("process.memory.virtual", "process_virtual_memory"),
    ("process.unix.file_descriptor.count", "process_open_fds"),
    ("process.thread.count", "process_threads"),
];

macro_rules! catalog {
    ($($id:ident = $kind:ident $name:literal $unit:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) static $id: Description = Description {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// Every metric of msa, in the order in which they are shown.
        pub static CATALOG: &[&Description] = &[$(&$id),*];
    };
}

catalog! {
    // HTTP, by OpenTelemetry's semantic conventions.
    SERVER_DURATION = Histogram "http.server.request.duration" "s"
        ["http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type"]
        "Requests answered: the time from the request's head to the answer's.";
    SERVER_ACTIVE = UpDownCounter "http.server.active_requests" "{request}" ["http.request.method", "url.scheme"]
        "Requests whose answer's head is not there yet.";
    SERVER_REQUEST_SIZE = Histogram "http.server.request.body.size" "By"
        ["http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type"]
        "Bodies of requests whose length was told beforehand.";
    SERVER_RESPONSE_SIZE = Histogram "http.server.response.body.size" "By"
        ["http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type"]
        "Bodies of answers whose length was known beforehand, before compression.";
    CLIENT_ACTIVE = UpDownCounter "http.client.active_requests" "{request}" ["server.address"]
        "Attempts in flight, to the end of the answer's body. server.address is the logical service.";
    CLIENT_DURATION = Histogram "http.client.request.duration" "s"
        ["http.request.method", "server.address", "http.response.status_code", "error.type"]
        "Attempts, each by itself: the time to the answer's head or the failure. server.address is the logical service.";

    // Calls: what a caller sees.
    CALL_DURATION = Histogram "msa.call.duration" "s" ["service", "outcome"]
        "Logical calls with all their attempts: the time to the end of the body. outcome is a status or an error's kind.";
    CALL_ATTEMPTS = Counter "msa.call.attempts" "{attempt}" ["service"]
        "Attempts that ended calls took: divided by the calls, how much retries and hedges multiply them.";
    PICKS = Counter "msa.picks" "{pick}" ["service", "endpoint"]
        "Attempts that the balancer sent to the endpoint.";
    ATTEMPTS = Counter "msa.attempts" "{attempt}" ["service", "endpoint", "outcome"]
        "Attempts that ended, by endpoint: a status, an error's kind, or cancelled.";
    ATTEMPT_DURATION = Summary "msa.attempt.duration" "s" ["service", "endpoint"]
        "The time that attempts took, by endpoint, cancelled ones left out.";

    // Policies.
    RETRIES = Counter "msa.retries" "{retry}" ["service", "reason", "dark"]
        "Further attempts, by what was wrong with the one before.";
    RETRY_REFUSALS = Counter "msa.retry.refusals" "{refusal}" ["service", "reason"]
        "Failed attempts that were not tried again, by what stood against it: exhausted, budget, not_idempotent and so on.";
    RETRY_BUDGET = Gauge "msa.retry.budget" "{retry}" ["service"]
        "Retries that the destination's budget has left.";
    HEDGES = Counter "msa.hedges" "{hedge}" ["service", "dark"]
        "Attempts started beside one that was still running.";
    BREAKER_TRANSITIONS = Counter "msa.breaker.transitions" "{transition}" ["service", "from", "to", "reason", "dark"]
        "Changes of circuit breakers' states.";
    BREAKER_STATE = Gauge "msa.breaker.state" "" ["service", "endpoint", "state"]
        "1 for the state that the endpoint's circuit breaker is in, 0 for the others; a policy's own breaker has no endpoint.";
    REFUSALS = Counter "msa.refusals" "{call}" ["service", "policy", "dark"]
        "Calls refused before they were made, by policy: circuit_breaker, bulkhead, rate_limit, throttle, limit.";
    TIMEOUTS = Counter "msa.timeouts" "{timeout}" ["service", "limit"]
        "Time limits that passed: attempt, total, deadline.";
    FALLBACKS = Counter "msa.fallbacks" "{call}" ["service", "how", "reason"]
        "Calls whose caller got a substitute.";
    COALESCED = Counter "msa.coalesced" "{call}" ["service"]
        "Calls that shared the answer of an identical one in flight.";
    CACHE_HITS = Counter "msa.cache.hits" "{call}" ["service"]
        "Calls that found an answer kept and were not made.";
    FAULTS = Counter "msa.faults" "{fault}" ["service", "fault"]
        "Faults injected on purpose.";
    BULKHEAD_RUNNING = UpDownCounter "msa.bulkhead.running" "{call}" ["service"]
        "Calls that hold a place.";
    BULKHEAD_WAITING = UpDownCounter "msa.bulkhead.waiting" "{call}" ["service"]
        "Calls that wait for a place.";
    BULKHEAD_AVAILABLE = UpDownCounter "msa.bulkhead.available" "{call}" ["service"]
        "Places that are free.";
    THROTTLE_REJECTION = Gauge "msa.throttle.rejection" "1" ["service"]
        "The share of calls that the adaptive throttle turns away now.";

    // Endpoints.
    EJECTIONS = Counter "msa.ejections" "{ejection}" ["service", "reason", "dark"]
        "Endpoints set aside as outliers, by rule.";
    RETURNS = Counter "msa.returns" "{endpoint}" ["service"]
        "Ejected endpoints that take traffic again.";
    DRAINS = Counter "msa.drains" "{endpoint}" ["service"]
        "Endpoints that said that they are draining.";
    PANICS = Counter "msa.panics" "{panic}" ["service"]
        "Times that so few endpoints were healthy that all were used.";
    PANIC = Gauge "msa.panic" "" ["service"]
        "1 while all endpoints are used since too few are healthy.";
    ENDPOINTS = Gauge "msa.endpoints" "{endpoint}" ["service", "state"]
        "Endpoints of a called service, each in one state: eligible, draining, unhealthy, ejected or broken.";
    ENDPOINT_ELIGIBLE = Gauge "msa.endpoint.eligible" "" ["service", "endpoint"]
        "1 while calls go to the endpoint.";
    ENDPOINT_IN_FLIGHT = UpDownCounter "msa.endpoint.in_flight" "{request}" ["service", "endpoint"]
        "Requests in flight from here to the endpoint.";
    ENDPOINT_LATENCY = Gauge "msa.endpoint.latency" "s" ["service", "endpoint"]
        "The balancer's estimate of the endpoint's latency.";
    ENDPOINT_FAILURE = Gauge "msa.endpoint.failure" "1" ["service", "endpoint"]
        "The share of failures lately.";

    // Discovery.
    DISCOVERY_ENDPOINTS = Gauge "msa.discovery.endpoints" "{endpoint}" ["service"]
        "Endpoints in the last snapshot.";
    DISCOVERY_CHANGES = Counter "msa.discovery.changes" "{change}" ["service"]
        "Snapshots that differed from the one before.";
    DISCOVERY_AGE = Gauge "msa.discovery.age" "s" ["service"]
        "The time since the snapshot last changed.";
    DISCOVERY_READ_AGE = Gauge "msa.discovery.read_age" "s" []
        "The time since the list of endpoints was last read and found good, changed or not.";
    DISCOVERY_FAILURES = Counter "msa.discovery.failures" "{failure}" ["service"]
        "Failures of a source, by the service asked for; * is all of them.";
    DISCOVERY_FAILING = Gauge "msa.discovery.failing" "" []
        "1 while a source fails and its last good snapshot is used.";

    // The server.
    SHEDS = Counter "msa.sheds" "{request}" ["criticality", "reason", "dark"]
        "Requests turned away to protect the server: limit, queue_full, queue_time, rate_limit.";
    SERVER_IN_FLIGHT = UpDownCounter "msa.server.in_flight" "{request}" []
        "Requests in flight, to the end of the answer's body.";
    LIMIT = Gauge "msa.limit" "{request}" ["service", "mode"]
        "The adaptive concurrency limit, of a called service or of the server itself.";
    LIMIT_IN_FLIGHT = UpDownCounter "msa.limit.in_flight" "{request}" ["service"]
        "What runs within the limit.";
    LIMIT_WAITING = UpDownCounter "msa.limit.waiting" "{request}" ["service"]
        "What waits in the limit's queue.";
    LOOPS = Counter "msa.loops" "{request}" []
        "Requests answered 508, since their LTXID was above the maximum.";
    HEADER_REJECTIONS = Counter "msa.header.rejections" "{header}" ["header"]
        "Transaction headers that were not well formed.";

    // The process.
    PHASE = Gauge "msa.phase" "" ["phase"]
        "1 for the phase of life that the service is in, 0 for the others.";
    HEALTH = Gauge "msa.health.passing" "" ["kind", "check"]
        "1 while the health check passes.";
    CONFIG_RELOADS = Counter "msa.config.reloads" "{reload}" ["accepted"]
        "Times that the configuration was read again.";
    CONFIG_REFUSED = Gauge "msa.config.refused" "" []
        "1 while the newest configuration is refused and an older one is used.";
    BUILD = Info "msa.build" "" ["service.name", "service.version", "msa.version"]
        "What is running.";
    TARGET = Info "target" "" ["service.name", "service.version"]
        "The resource, as OpenTelemetry's exporters tell it.";
    LOG_LOST = Counter "msa.log.lost" "{line}" []
        "Lines of the log that were lost, since nobody read standard output.";
    SPANS = Counter "msa.traces.spans" "{span}" ["outcome"]
        "Ended spans of sampled traces: exported, failed, or dropped since the queue was full.";
    PUSHES = Counter "msa.metrics.pushes" "{push}" ["outcome"]
        "Times that these numbers were pushed: exported or failed.";
    TOKIO_WORKERS = UpDownCounter "tokio.workers" "{thread}" []
        "Threads that run tasks.";
    TOKIO_TASKS = UpDownCounter "tokio.alive_tasks" "{task}" []
        "Tasks that have not ended.";
    TOKIO_QUEUE = UpDownCounter "tokio.global_queue_depth" "{task}" []
        "Tasks that wait in the queue that all workers share.";
    TOKIO_BUSY = Counter "tokio.worker.busy" "s" []
        "The time that all workers together were busy.";
    PROCESS_CPU = Counter "process.cpu.time" "s" []
        "Processor time, user and system.";
    PROCESS_RSS = UpDownCounter "process.memory.usage" "By" []
        "Memory that is resident.";
    PROCESS_VIRTUAL = UpDownCounter "process.memory.virtual" "By" []
        "Memory that is mapped.";
    PROCESS_FDS = UpDownCounter "process.unix.file_descriptor.count" "{file_descriptor}" []
        "Open file descriptors.";
    PROCESS_MAX_FDS = Gauge "process.max_fds" "{file_descriptor}" []
        "File descriptors that may be open.";
    PROCESS_THREADS = UpDownCounter "process.thread.count" "{thread}" []
        "Threads of the process.";
    PROCESS_START = Gauge "process.start_time" "s" []
        "When the service started, in seconds since 1970.";
    PROCESS_UPTIME = Gauge "process.uptime" "s" []
        "The time since the service started.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rules_of_both_worlds() {
        for (metric, name) in [
            (&SERVER_DURATION, "http_server_request_duration_seconds"),
            (
                &SERVER_RESPONSE_SIZE,
                "http_server_response_body_size_bytes",
            ),
            (&SERVER_ACTIVE, "http_server_active_requests"),
            (&PROCESS_CPU, "process_cpu_seconds_total"),
            (&PROCESS_RSS, "process_resident_memory_bytes"),
            (&PROCESS_FDS, "process_open_fds"),
            (&PROCESS_START, "process_start_time_seconds"),
            (&THROTTLE_REJECTION, "msa_throttle_rejection_ratio"),
            (&TARGET, "target_info"),
            (&RETRIES, "msa_retries_total"),
        ] {
            assert_eq!(metric.prometheus_name(), name);
        }
    }

    #[test]
    fn no_two_metrics_share_a_name_and_no_label_is_an_id() {
        let names: BTreeSet<_> = CATALOG.iter().map(|m| m.prometheus_name()).collect();
        assert_eq!(names.len(), CATALOG.len());
        for metric in CATALOG {
            for label in metric.labels {
                let id = [
                    "gtxid", "ltxid", "trace", "span", "branch", "path", "url.full",
                ];
                assert!(!id.iter().any(|id| label.contains(id)), "{label}");
            }
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
