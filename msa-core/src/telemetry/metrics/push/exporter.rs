//! Who takes the numbers.

use super::console::Console;
use super::series::Batch;
use crate::config::{MetricsExporter, TelemetrySettings};
use crate::telemetry::export::{ExportError, Resource};

/// One of those that a setting can name.
#[derive(Debug)]
pub(super) enum Exporter {
    Console(Console),
    #[cfg(feature = "otlp")]
    Otlp(Box<super::otlp::Otlp>),
    #[cfg(test)]
    Test(super::tests::TestExporter),
}

/// What came of a message.
#[derive(Debug)]
pub(super) enum Answer {
    Taken,
    /// It arrived, and some of it was refused: sent again, it would be again.
    #[cfg_attr(not(feature = "otlp"), allow(dead_code))] // only a collector answers so
    Partly(String),
    Failed(String),
}

impl Exporter {
    /// Those that the settings name. Inside the runtime that they will run in.
    pub(super) fn all(
        settings: &TelemetrySettings,
        resource: &Resource,
    ) -> Result<Vec<Self>, ExportError> {
        let mut all = Vec::new();
        if wants_otlp(settings) {
            all.push(otlp(settings, resource)?);
        }
        if wants_console(settings) {
            all.push(Self::Console(Console::of(resource)));
        }
        Ok(all)
    }

    /// Whether the settings name any.
    pub(super) fn is_named(settings: &TelemetrySettings) -> bool {
        let is_on = settings.metrics.enabled && !settings.disabled;
        is_on && (wants_otlp(settings) || wants_console(settings))
    }

    pub(super) async fn export(&self, batch: &Batch) -> Answer {
        match self {
            Self::Console(console) => console.export(batch),
            #[cfg(feature = "otlp")]
            Self::Otlp(otlp) => otlp.export(batch).await,
            #[cfg(test)]
            Self::Test(test) => test.export(batch).await,
        }
    }
}

fn wants_console(settings: &TelemetrySettings) -> bool {
    let named = &settings.metrics.exporters;
    named.contains(&MetricsExporter::Console)
}

fn wants_otlp(settings: &TelemetrySettings) -> bool {
    let own = &settings.metrics.otlp.endpoint;
    let has_collector = settings.otlp.endpoint.is_some() || own.is_some();
    // Without the feature, a collector that is configured takes nothing: that is asked for only by name.
    let auto = has_collector && cfg!(feature = "otlp");
    settings.metrics.exporters.iter().any(|one| match one {
        MetricsExporter::Otlp => true,
        MetricsExporter::Auto => auto,
        _ => false,
    })
}

#[cfg(feature = "otlp")]
fn otlp(settings: &TelemetrySettings, resource: &Resource) -> Result<Exporter, ExportError> {
    let otlp = super::otlp::Otlp::of(settings, resource)?;
    Ok(Exporter::Otlp(Box::new(otlp)))
}

#[cfg(not(feature = "otlp"))]
fn otlp(_settings: &TelemetrySettings, _resource: &Resource) -> Result<Exporter, ExportError> {
    Err(ExportError::Feature { feature: "otlp" })
}
