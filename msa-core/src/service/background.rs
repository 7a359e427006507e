//! What a service does beside its requests.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::clock;
use crate::config::Settings;
use crate::discovery::FixedSource;
use crate::server::MsaLayer;
use crate::telemetry::Logs;
use crate::txn::JoinSet;

/// How often the wall clock is set by the system's again.
const RESYNC: Duration = Duration::from_secs(60);

/// The endpoints that the configuration names, by service.
pub(super) fn endpoints(settings: &Settings) -> impl Iterator<Item = (&str, &[String])> {
    settings
        .clients
        .iter()
        .map(|(name, client)| (name.as_str(), client.endpoints.as_slice()))
}

/// The services whose list of endpoints became empty.
fn lost<'s>(before: &'s Settings, now: &Settings) -> Vec<&'s str> {
    let still = |name: &str| endpoints(now).any(|(other, list)| other == name && !list.is_empty());
    endpoints(before)
        .filter(|(name, list)| !list.is_empty() && !still(name))
        .map(|(name, _)| name)
        .collect()
}

/// Starts everything; dropping the set ends it.
pub(super) fn start(service: &Service) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(service.config.clone().run_reloader(std::future::pending()));
    tasks.spawn(follow_settings(
        service.config.watch(),
        service.logs.clone(),
        service.layer.clone(),
        service.fixed.clone(),
    ));
    if let Some(file) = &service.file {
        let every = service.config.settings().discovery.file_interval.get();
        tasks.spawn(file.follow(every));
    }
    tasks.spawn(async {
        loop {
            tokio::time::sleep(RESYNC).await;
            clock::resync();
        }
    });
    tasks
}

/// Hands live settings to those who do not look by themselves.
async fn follow_settings(
    mut settings: tokio::sync::watch::Receiver<Arc<Settings>>,
    logs: Logs,
    layer: MsaLayer,
    fixed: Arc<FixedSource>,
) {
    let mut before = settings.borrow_and_update().clone();
    while settings.changed().await.is_ok() {
        let settings = settings.borrow_and_update().clone();
        for service in lost(&before, &settings) {
            tracing::warn!(
                target: "msa::config", service,
                "the configuration lists no endpoints for it any more; unless another source knows it, calls to it fail"
            );
        }
        before = settings.clone();
        layer.set_access_log(settings.log.access);
        if let Err(error) = logs.set_level(&settings.log.level) {
            tracing::warn!(target: "msa::config", %error, "the log level stays as it was");
        }
        if let Err(error) = fixed.update(endpoints(&settings)) {
            tracing::warn!(target: "msa::config", %error, "the endpoints stay as they were");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClientSettings;

    fn settings(services: &[(&str, &[&str])]) -> Settings {
        let mut settings = Settings::default();
        for (name, urls) in services {
            let mut client = ClientSettings::default();
            client.endpoints = urls.iter().map(|url| (*url).to_owned()).collect();
            settings.clients.insert((*name).to_owned(), client);
        }
        settings
    }

    #[test]
    fn a_service_is_lost_when_its_list_becomes_empty_or_is_gone() {
        let before = settings(&[
            ("a", &["http://a"]),
            ("b", &["http://b"]),
            ("c", &["http://c"]),
            ("d", &[]),
        ]);
        let now = settings(&[("a", &[]), ("c", &["http://other"])]);
        assert_eq!(lost(&before, &now), ["a", "b"]);
    }
}
