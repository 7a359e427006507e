//! Traces: which are sampled, how they go from service to service, and who records them.
//!
//! Every service carries traces on and gives each request, call and attempt an id, with or without a tracing backend
//! ([`propagation`](super::propagation), [`Txn::span`](crate::txn::Txn::span)). With the feature `otel` and an exporter
//! (`telemetry.traces.exporter`, `OTEL_TRACES_EXPORTER`, or just `OTEL_EXPORTER_OTLP_ENDPOINT`) it records them as well.
//!
//! | span | kind | begins and ends | attributes |
//! | --- | --- | --- | --- |
//! | `GET /users/{id}` | server | with the request; with the end of its answer's body | `http.request.method`, `http.route`, `url.path`, `url.scheme`, `http.response.status_code`, `server.address`, `server.port`, `client.address`, `network.*`, `user_agent.original`, `code.function.name` (the `#[handler]`), `error.type` from 500 on, `msa.gtxid`, `msa.ltxid`, `msa.branch` |
//! | `GET user-service` | client | with a logical call; with the end of its body | `http.request.method`, `server.address` (the service), `http.response.status_code`, `error.type` from 400 on or the error's kind, `msa.gtxid`, `msa.ltxid`, `msa.branch`, `msa.attempts` |
//! | `GET` | client | with an attempt; with the response's head | `http.request.method`, `server.address`, `server.port`, `url.full` without its query, `http.request.resend_count`, `http.response.status_code`, `error.type`, `msa.attempt` |
//!
//! A request's duration in the metrics, its line in the log and its page in the journal end with the answer's head: they tell how long the
//! service took to answer. Its span tells how long the answer took to be sent, streams and slow readers included; a body that fails makes it
//! an error (`error.type` is `body`), and one that nobody reads to its end does not. What a streaming body does (calls, decisions) stands
//! below the request's span, and so does what new tasks do that [`spawn`](crate::txn::spawn), [`spawn_blocking`](crate::txn::spawn_blocking)
//! and [`JoinSet`](crate::txn::JoinSet) start, though they may outlive it.
//!
//! What the policies decide (a retry and its reason, a refusal, a breaker that opens, a fallback, a fault on purpose) is an event of the call's span, or of
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
//! [`telemetry`](crate::telemetry) has a table of all of them.

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
