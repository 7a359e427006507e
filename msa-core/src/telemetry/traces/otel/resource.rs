//! What is true of the whole process.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::config::TelemetrySettings;
use crate::txn::{Hex, Minter};

/// The service's name, an id of this very process, and what `telemetry.resource_attributes` adds.
pub(super) fn of(service: &str, settings: &TelemetrySettings) -> Resource {
    let instance = Hex::of_span(Minter::default().span_id());
    let own = [
        KeyValue::new("service.name", service.to_owned()),
        KeyValue::new("service.instance.id", instance.as_str().to_owned()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.distro.name", "msa"),
        KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
    ];
    let named = settings.service_name.iter();
    let named = named.map(|name| KeyValue::new("service.name", name.clone()));
    let told = pairs(&settings.resource_attributes);
    let told = told
        .into_iter()
        .map(|(key, value)| KeyValue::new(key, value));
    // Of one key the last counts.
    Resource::builder_empty()
        .with_attributes(own.into_iter().chain(told).chain(named))
        .build()
}

/// What the resource says that the service is called.
pub(super) fn service_name(resource: &Resource) -> String {
    let name = resource.get(&opentelemetry::Key::new("service.name"));
    name.map(|name| name.to_string()).unwrap_or_default()
}

/// `key=value,key=value`, values percent-encoded as in W3C Baggage; what is not a pair is left out.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.trim().to_owned(), decoded(value.trim())))
        .filter(|(key, _)| !key.is_empty())
        .collect()
}

fn decoded(value: &str) -> String {
    crate::txn::percent_decoded(value).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variables_say_counts_more_than_the_services_own_name() {
        let name = |settings: &TelemetrySettings| {
            let resource = of("greeter", settings);
            service_name(&resource)
        };
        let mut settings = TelemetrySettings::default();
        assert_eq!(name(&settings), "greeter");
        settings.resource_attributes = "team=a%20b, service.name=shop,broken".into();
        assert_eq!(name(&settings), "shop");
        settings.service_name = Some("named".into());
        assert_eq!(name(&settings), "named");
        let team = opentelemetry::Key::new("team");
        let resource = of("greeter", &settings);
        assert_eq!(resource.get(&team).unwrap().to_string(), "a b");
    }
}
