//! What is true of the whole process.

use std::sync::OnceLock;

use crate::config::TelemetrySettings;
use crate::txn::{Hex, Minter};

/// Attributes by key: the service's name and version, an id of this very process, and what `telemetry.resource_attributes` adds.
/// Spans and metrics have the same one.
#[derive(Debug, Clone)]
pub(crate) struct Resource(Vec<(String, String)>);

/// One process has one, however many of its parts export.
static INSTANCE: OnceLock<String> = OnceLock::new();

impl Resource {
    pub(crate) fn of(service: &str, version: Option<&str>, settings: &TelemetrySettings) -> Self {
        let instance = INSTANCE.get_or_init(|| {
            let id = Hex::of_span(Minter::default().span_id());
            id.as_str().to_owned()
        });
        let pid = std::process::id().to_string();
        let own = [
            ("service.name", Some(service)),
            ("service.version", version),
            ("service.instance.id", Some(instance)),
            (PID, Some(&pid)),
            ("telemetry.sdk.name", Some("opentelemetry")),
            ("telemetry.sdk.language", Some("rust")),
            ("telemetry.distro.name", Some("msa")),
            ("telemetry.distro.version", Some(env!("CARGO_PKG_VERSION"))),
        ];
        let own = own
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
        let named = settings.service_name.iter();
        let named = named.map(|name| ("service.name".to_owned(), name.clone()));
        let told = pairs(&settings.resource_attributes);
        let mut resource = Self(Vec::new());
        for (key, value) in own.chain(told).chain(named) {
            resource.set(key, value);
        }
        resource
    }

    /// Of one key the last counts.
    fn set(&mut self, key: String, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        (self.0.iter()).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// What the service is called.
    pub(crate) fn service_name(&self) -> &str {
        let name = self.attributes().find(|(key, _)| *key == "service.name");
        name.map_or("", |(_, name)| name)
    }
}

/// The one that is a number.
pub(crate) const PID: &str = "process.pid";

/// `key=value,key=value`, values percent-encoded as in W3C Baggage; what is not a pair is left out.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
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

    fn told(resource: &Resource, key: &str) -> String {
        let found = resource.attributes().find(|(known, _)| *known == key);
        found.unwrap().1.to_owned()
    }

    #[test]
    fn what_the_variables_say_counts_more_than_the_services_own_name() {
        let mut settings = TelemetrySettings::default();
        let of = |settings: &TelemetrySettings| Resource::of("greeter", Some("1.2"), settings);
        assert_eq!(of(&settings).service_name(), "greeter");
        settings.resource_attributes = "team=a%20b, service.name=shop,broken".into();
        assert_eq!(of(&settings).service_name(), "shop");
        settings.service_name = Some("named".into());
        let resource = of(&settings);
        assert_eq!(resource.service_name(), "named");
        assert_eq!(told(&resource, "team"), "a b");
        assert_eq!(told(&resource, "service.version"), "1.2");
    }

    #[test]
    fn all_that_one_process_exports_has_the_same_instance() {
        let settings = TelemetrySettings::default();
        let id = |service| {
            told(
                &Resource::of(service, None, &settings),
                "service.instance.id",
            )
        };
        assert_eq!(id("a"), id("b"));
        assert_eq!(id("a").len(), 16);
    }
}
