//! Recording: spans as OpenTelemetry has them, and where they go.

mod console;
mod cut;
mod events;
mod exporter;
mod ids;
#[cfg(feature = "otlp")]
mod otlp;
mod pipeline;
mod sample;
mod spans;
#[cfg(test)]
mod tests;
#[cfg(feature = "zipkin")]
mod zipkin;

use std::borrow::Cow;

use opentelemetry::trace::{
    SpanContext as OtelSpan, SpanKind, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, SpanId, TraceId, Value};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

pub(crate) use events::SpanEvents;
use exporter::Exporter;
use pipeline::Pipeline;
pub(crate) use spans::{AttemptSpan, CallSpan, ServerSpan};

use super::{Sampler, SpanCounts};
use crate::clock::{self, Instant};
use crate::config::{TelemetrySettings, TraceExporter};
use crate::telemetry::export::{self, ExportError, Resource};
use crate::txn::{SpanContext, Txn};

/// Makes spans, and sends them off. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    tracer: SdkTracer,
    pipeline: Pipeline,
    // The tracer's own way to it is the SDK's alone.
    _provider: SdkTracerProvider,
}

impl Recorder {
    /// `None` when the settings name no exporter.
    pub(super) fn start(
        resource: &Resource,
        settings: &TelemetrySettings,
    ) -> Result<Option<Self>, ExportError> {
        if exporter::chosen(settings) == TraceExporter::None {
            return Ok(None);
        }
        let service = resource.service_name().to_owned();
        Self::with(settings, told(resource), |resource| {
            Exporter::of(settings, &service, resource)
        })
    }

    /// Whether what the settings name can be made, which is then thrown away.
    pub(super) fn check(settings: &TelemetrySettings) -> Result<(), ExportError> {
        let resource = told(&Resource::of("", None, settings));
        let runtime = export::runtime()?;
        let made = {
            let _inside = runtime.enter();
            Exporter::of(settings, "", &resource).map(drop)
        };
        runtime.shutdown_background();
        made
    }

    fn with(
        settings: &TelemetrySettings,
        resource: opentelemetry_sdk::Resource,
        exporter: impl FnOnce(&opentelemetry_sdk::Resource) -> Result<Option<Exporter>, ExportError>,
    ) -> Result<Option<Self>, ExportError> {
        let runtime = export::runtime()?;
        let made = {
            let _inside = runtime.enter();
            exporter(&resource)
        };
        let exporter = match made {
            Ok(Some(exporter)) => exporter,
            other => {
                // Dropped as it is, a runtime would wait, which is not allowed in another one.
                runtime.shutdown_background();
                return other.map(|_| None);
            }
        };
        let traces = &settings.traces;
        let pipeline = Pipeline::start(exporter, runtime, traces).map_err(ExportError::Thread)?;
        let sampler = Sampler::new(traces);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(pipeline.clone())
            .with_sampler(sample::Follow(sampler))
            .with_id_generator(ids::Ids)
            .with_max_attributes_per_span(traces.max_attributes)
            .with_max_events_per_span(traces.max_events)
            .with_max_links_per_span(traces.max_links)
            .with_max_attributes_per_event(traces.max_event_attributes)
            .with_max_attributes_per_link(traces.max_link_attributes)
            .with_resource(resource)
            .build();
        let scope = InstrumentationScope::builder("msa")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Ok(Some(Self {
            tracer: provider.tracer_with_scope(scope),
            pipeline,
            _provider: provider,
        }))
    }

    /// For the program's own spans.
    pub(super) fn tracer(&self) -> &SdkTracer {
        &self.tracer
    }

    pub(super) fn counts(&self) -> SpanCounts {
        self.pipeline.counts()
    }

    pub(super) async fn flush(&self) {
        self.pipeline.flush().await;
    }

    /// A span that has begun, in a context of its own.
    fn begin(
        &self,
        span: SpanContext,
        parent: &Context,
        name: Cow<'static, str>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        now: Instant,
    ) -> Context {
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(kind)
            .with_start_time(clock::system_at(now))
            .with_attributes(attributes);
        let begun = ids::named(span, || self.tracer.build_with_context(builder, parent));
        parent.with_span(begun)
    }
}

/// As the SDK has it.
fn told(resource: &Resource) -> opentelemetry_sdk::Resource {
    let attributes = resource.attributes().map(|(key, value)| {
        let value = match value.parse::<i64>() {
            Ok(pid) if key == export::PID => Value::from(pid),
            _ => Value::from(value.to_owned()),
        };
        KeyValue::new(key.to_owned(), value)
    });
    opentelemetry_sdk::Resource::builder_empty()
        .with_attributes(attributes)
        .build()
}

/// The caller's span, as a parent.
fn remote(txn: &Txn, parent: u64) -> Context {
    let span = txn.span();
    // What the stock list does not read is passed on all the same, only not exported.
    let state = txn
        .trace_state()
        .and_then(|state| state.as_str().parse::<TraceState>().ok())
        .unwrap_or_default();
    Context::new().with_remote_span_context(OtelSpan::new(
        TraceId::from(span.trace_id()),
        SpanId::from(parent),
        TraceFlags::new(span.flags()),
        true,
        state,
    ))
}
