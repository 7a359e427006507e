//! Traces: which are sampled, how they go from service to service, and who records them.
//!
//! Every service carries traces on and gives each request, call and attempt an id, with or without a tracing backend
//! ([`propagation`](super::propagation), [`Txn::span`](crate::txn::Txn::span)). With the feature `otel` and an exporter
//! (`telemetry.traces.exporter`, `OTEL_TRACES_EXPORTER`, or just `OTEL_EXPORTER_OTLP_ENDPOINT`) it records them as well.
//!
//! | span | kind | begins and ends | attributes |
//! | --- | --- | --- | --- |
//! | `GET /users/{id}` | server | with the request; with its answer's head | `http.request.method`, `http.route`, `url.path`, `url.scheme`, `http.response.status_code`, `server.address`, `server.port`, `client.address`, `network.*`, `user_agent.original`, `error.type` from 500 on, `msa.gtxid`, `msa.ltxid`, `msa.branch` |
//! | `GET user-service` | client | with a logical call; with the end of its body | `http.request.method`, `server.address` (the service), `http.response.status_code`, `error.type` from 400 on or the error's kind, `msa.gtxid`, `msa.ltxid`, `msa.branch`, `msa.attempts` |
//! | `GET` | client | with an attempt; with the response's head | `http.request.method`, `server.address`, `server.port`, `url.full` without its query, `http.request.resend_count`, `http.response.status_code`, `error.type`, `msa.attempt` |
//!
//! What the policies decide (a retry and its reason, a refusal, a breaker that opens, a fallback) is an event of the call's span, or of
//! the request's.
//!
//! # The program's own spans
//!
//! `#[tracing::instrument]` and the spans of libraries, from level `info` on, stand below the request's span, and calls below them.
//! msa's own spans are none of `tracing`'s: they would add their fields to every log line, and cost where nothing is recorded.
//!
//! # What it costs
//!
//! Ids are derived and headers carried always. To record costs, besides: without the feature, nothing. With it and no exporter, one look at
//! an option for each span. With one, and a trace that is not sampled, one look at a flag more, and the program's own `tracing` spans are
//! made for the recorder to turn down. A recorded span costs about as much as three requests to a bare server, part of it in the
//! thread of its own that exports it; `docs/observability.md` has the table. What the collector does not take in
//! time is dropped and [counted](Traces::counts): the queue holds `telemetry.traces.max_queue` spans and no more. At the end of the service what waits
//! is exported within `server.drain.flush`.
//!
//! # The variables of OpenTelemetry
//!
//! | variable | sets |
//! | --- | --- |
//! | `OTEL_SDK_DISABLED` | `telemetry.disabled` |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | `telemetry.service_name`, `telemetry.resource_attributes` |
//! | `OTEL_PROPAGATORS` | `telemetry.propagation`: `tracecontext`, `baggage`, `b3`, `b3multi`, `none` |
//! | `OTEL_TRACES_EXPORTER` | `telemetry.traces.exporter`: `otlp`, `zipkin`, `console`, `none` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | `telemetry.traces.sampler`, `.sampler_arg`: all six of the specification |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BSP_EXPORT_TIMEOUT`, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` | `telemetry.traces.delay`, `.export_timeout`, `.max_queue`, `.max_batch` |
//! | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT` | `telemetry.traces.max_attributes`, `.max_events`, `.max_links` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` | `telemetry.otlp.endpoint`, `telemetry.traces.otlp_endpoint` |
//! | `OTEL_EXPORTER_OTLP_[TRACES_]PROTOCOL`, `…HEADERS`, `…TIMEOUT`, `…COMPRESSION`, `…CERTIFICATE` | `telemetry.otlp.protocol` (`http/protobuf`, `grpc`), `.headers`, `.timeout`, `.compression`, `.ca_file` |
//! | `OTEL_EXPORTER_ZIPKIN_ENDPOINT` | `telemetry.traces.zipkin_endpoint` |
//!
//! Not supported, and told at the start when set: `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`,
//! `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`, `OTEL_EXPORTER_OTLP_[TRACES_]CLIENT_KEY`,
//! `…CLIENT_CERTIFICATE`, `…INSECURE` (the scheme of the endpoint decides), `OTEL_EXPORTER_ZIPKIN_TIMEOUT`
//! (`OTEL_BSP_EXPORT_TIMEOUT` limits it), `OTEL_LOG_LEVEL` (`RUST_LOG`), `OTEL_CONFIG_FILE`; of the protocols `http/json`, of the
//! propagators `jaeger`, `xray` and `ottrace`, of the samplers `jaeger_remote` and `xray`, each of which is an error that says what is.

#[cfg(feature = "otel")]
mod otel;
mod sampler;
#[cfg(not(feature = "otel"))]
mod unrecorded;

use std::sync::Arc;

#[cfg(feature = "otel")]
use otel::SpanEvents;
#[cfg(feature = "otel")]
pub(crate) use otel::{AttemptSpan, CallSpan, ServerSpan};
pub use sampler::Sampler;
#[cfg(not(feature = "otel"))]
pub(crate) use unrecorded::{AttemptSpan, CallSpan, ServerSpan};

use super::export::{ExportError, Resource};
use super::propagation::Propagation;
use crate::config::TelemetrySettings;
use crate::event::Observers;

/// What a service does about traces, in its stacks for requests and for calls. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    propagation: Arc<Propagation>,
    sampler: Sampler,
    #[cfg(feature = "otel")]
    recorder: Option<otel::Recorder>,
}

/// What became of the spans that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanCounts {
    /// The exporter took them.
    pub exported: u64,
    /// The exporter, or who stands behind it, did not take them.
    pub failed: u64,
    /// The queue was full.
    pub dropped: u64,
}

impl Traces {
    /// Carries traces on as these settings say, and records none.
    #[must_use]
    pub fn new(settings: &TelemetrySettings) -> Self {
        Self {
            propagation: Arc::new(Propagation::new(settings)),
            sampler: Sampler::new(&settings.traces),
            #[cfg(feature = "otel")]
            recorder: None,
        }
    }

    /// The same, and records the traces of this service as `telemetry.traces` says: starts the thread that exports them.
    ///
    /// # Errors
    ///
    /// An exporter is named that was not compiled in, or cannot be made.
    pub fn start(service: &str, settings: &TelemetrySettings) -> Result<Self, ExportError> {
        Self::start_as(&Resource::of(service, None, settings), settings)
    }

    /// The same for a process that is known already.
    pub(crate) fn start_as(
        resource: &Resource,
        settings: &TelemetrySettings,
    ) -> Result<Self, ExportError> {
        #[cfg(feature = "otel")]
        return Ok(Self {
            recorder: otel::Recorder::start(resource, settings)?,
            ..Self::new(settings)
        });
        #[cfg(not(feature = "otel"))]
        {
            // What is recorded would carry it.
            let _ = resource;
            Self::check(settings)?;
            Ok(Self::new(settings))
        }
    }

    /// Whether [`start`](Self::start) could.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub fn check(settings: &TelemetrySettings) -> Result<(), ExportError> {
        #[cfg(feature = "otel")]
        return otel::Recorder::check(settings);
        #[cfg(not(feature = "otel"))]
        {
            use crate::config::TraceExporter::{Console, Otlp, Zipkin};
            match settings.traces.exporter {
                Otlp | Zipkin | Console if !settings.disabled => {
                    Err(ExportError::Feature { feature: "otel" })
                }
                _ => Ok(()),
            }
        }
    }

    /// The headers that are read and written.
    #[must_use]
    pub fn propagation(&self) -> &Propagation {
        &self.propagation
    }

    /// Who decides which traces are sampled.
    #[must_use]
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Whether spans of sampled traces are recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        #[cfg(feature = "otel")]
        return self.recorder.is_some();
        #[cfg(not(feature = "otel"))]
        false
    }

    /// What became of the spans that have ended; all zero when none are recorded.
    #[must_use]
    pub fn counts(&self) -> SpanCounts {
        #[cfg(feature = "otel")]
        if let Some(recorder) = &self.recorder {
            return recorder.counts();
        }
        SpanCounts::default()
    }

    /// Returns when every span that has ended is exported, or has failed to be. The work is another thread's, so this may be given up at
    /// any time.
    pub async fn flush(&self) {
        #[cfg(feature = "otel")]
        if let Some(recorder) = &self.recorder {
            recorder.flush().await;
        }
    }

    /// These observers, and who adds what the policies decide to the spans around.
    pub(crate) fn observed(&self, observers: Observers) -> Observers {
        #[cfg(feature = "otel")]
        if self.recorder.is_some() {
            return observers.with(Arc::new(SpanEvents));
        }
        observers
    }

    #[cfg(feature = "otel")]
    fn recorder(&self) -> Option<&otel::Recorder> {
        self.recorder.as_ref()
    }

    /// Who makes spans of the program's own.
    #[cfg(feature = "otel")]
    pub(super) fn tracer(&self) -> Option<&opentelemetry_sdk::trace::SdkTracer> {
        self.recorder.as_ref().map(otel::Recorder::tracer)
    }
}
