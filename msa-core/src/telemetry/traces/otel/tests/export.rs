//! What becomes of what was recorded.

use super::*;

#[tokio::test]
async fn long_texts_are_cut_before_they_are_exported() {
    let mut settings = TelemetrySettings::default();
    settings.traces.max_value_length = Some(3);
    let spans = Arc::<Mutex<Vec<SpanData>>>::default();
    let traces = recording(TestExporter::Keep(spans.clone()), &settings);
    let recorder = traces.recorder().unwrap();
    let told = vec![KeyValue::new("a", "12345"), KeyValue::new("b", 12345)];
    let context = recorder.begin(
        Txn::begin().span(),
        &Context::new(),
        "x".into(),
        SpanKind::Internal,
        told,
        clock::now(),
    );
    let event = vec![KeyValue::new("c", "12345")];
    context.span().add_event("e", event);
    context.span().end();
    traces.flush().await;
    let spans = spans.lock().unwrap();
    assert_eq!(attribute(&spans[0], "a").as_deref(), Some("123"));
    assert_eq!(attribute(&spans[0], "b").as_deref(), Some("12345"));
    let event = &spans[0].events[0].attributes[0];
    assert_eq!(event.value.to_string(), "123");
}

fn ended(traces: &Traces, count: u32) {
    let recorder = traces.recorder().unwrap();
    let span = Txn::begin().span();
    for number in 0..count {
        let at = clock::now();
        let span = span.below(number.into());
        let context = recorder.begin(
            span,
            &Context::new(),
            "x".into(),
            SpanKind::Internal,
            Vec::new(),
            at,
        );
        context.span().end();
    }
}

fn small() -> TelemetrySettings {
    let mut settings = TelemetrySettings::default();
    settings.traces.max_queue = 8;
    settings.traces.max_batch = 4;
    settings
}

#[tokio::test]
async fn a_collector_that_refuses_costs_a_counter() {
    let traces = recording(TestExporter::Fail, &small());
    ended(&traces, 3);
    traces.flush().await;
    let counts = traces.counts();
    assert_eq!((counts.exported, counts.failed, counts.dropped), (0, 3, 0));
}

#[tokio::test]
async fn behind_a_collector_that_hangs_the_queue_is_bounded_and_what_is_more_is_counted() {
    let traces = recording(TestExporter::Hang, &small());
    ended(&traces, 1000);
    let dropped = traces.counts().dropped;
    // The queue, and at most what the thread has taken out of it.
    assert!((1000 - 8 - 4..=1000 - 8).contains(&dropped), "{dropped}");
    let flushed = tokio::time::timeout(Duration::from_millis(20), traces.flush());
    flushed.await.unwrap_err();
}

#[tokio::test]
async fn an_export_that_takes_too_long_is_given_up() {
    let mut settings = small();
    settings.traces.export_timeout = crate::config::Span::millis(10);
    let traces = recording(TestExporter::Hang, &settings);
    ended(&traces, 2);
    traces.flush().await;
    assert_eq!(traces.counts().failed, 2);
}

#[tokio::test]
async fn a_full_batch_goes_at_once_and_the_rest_with_the_flush() {
    let spans = Arc::<Mutex<Vec<SpanData>>>::default();
    let traces = recording(TestExporter::Keep(spans.clone()), &small());
    ended(&traces, 6);
    traces.flush().await;
    assert_eq!(
        (spans.lock().unwrap().len(), traces.counts().exported),
        (6, 6)
    );
}

#[test]
fn auto_exports_only_where_a_collector_is_named() {
    let mut settings = TelemetrySettings::default();
    assert_eq!(exporter::chosen(&settings), TraceExporter::None);
    settings.otlp.endpoint = Some("http://collector:4318".into());
    assert_eq!(exporter::chosen(&settings), TraceExporter::Otlp);
    settings.disabled = true;
    assert_eq!(exporter::chosen(&settings), TraceExporter::None);
}

#[cfg(feature = "otlp")]
#[test]
fn an_endpoint_that_is_none_is_told_with_its_key() {
    let mut settings = TelemetrySettings::default();
    settings.otlp.endpoint = Some("collector:4318".into());
    let error = Traces::check(&settings).unwrap_err().to_string();
    assert!(
        error.contains("telemetry.otlp.endpoint") && error.contains("collector:4318"),
        "{error}"
    );
    settings.otlp.endpoint = Some("http://collector:4318".into());
    Traces::check(&settings).unwrap();
}
