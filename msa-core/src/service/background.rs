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
    while settings.changed().await.is_ok() {
        let settings = settings.borrow_and_update().clone();
        layer.set_access_log(settings.log.access);
        if let Err(error) = logs.set_level(&settings.log.level) {
            tracing::warn!(target: "msa::config", %error, "the log level stays as it was");
        }
        if let Err(error) = fixed.update(endpoints(&settings)) {
            tracing::warn!(target: "msa::config", %error, "the endpoints stay as they were");
        }
    }
}
