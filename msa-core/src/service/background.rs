//! What a service does beside its requests.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Service;
use crate::clock;
use crate::config::Settings;
use crate::discovery::FixedSource;
use crate::resilience::policy::Policies;
use crate::server::MsaLayer;
use crate::telemetry::Logs;
use crate::telemetry::journal::Journal;
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
    let reloader = service.config.clone().run_reloader(std::future::pending());
    tasks.spawn(noticed("configuration", reloader));
    let follower = follow_settings(
        service.config.watch(),
        service.logs.clone(),
        service.layer.clone(),
        service.fixed.clone(),
        service.policies.clone(),
        service.journal.clone(),
    );
    tasks.spawn(noticed("settings", follower));
    if let Some(file) = &service.file {
        let every = service.config.settings().discovery.file_interval.get();
        tasks.spawn(noticed("discovery", file.follow(every)));
    }
    let resync = async {
        loop {
            tokio::time::sleep(RESYNC).await;
            clock::resync();
        }
    };
    tasks.spawn(noticed("clock", resync));
    tasks
}

/// Tells when a task panics: the service goes on, and without it grows stale in silence.
async fn noticed(task: &'static str, run: impl Future<Output = ()> + Send) {
    if AssertUnwindSafe(run).catch_unwind().await.is_err() {
        tracing::error!(
            target: "msa::lifecycle", task,
            "a background task panicked; what it keeps up to date stays as it is until a restart"
        );
    }
}

/// Overrides the policies as the settings say, and tells what does nothing.
pub(super) fn override_policies(policies: &Policies, settings: &Settings) {
    policies.apply(settings);
    for warning in policies.warnings() {
        tracing::warn!(target: "msa::config", "{warning}");
    }
}

/// Hands live settings to those who do not look by themselves.
async fn follow_settings(
    mut settings: tokio::sync::watch::Receiver<Arc<Settings>>,
    logs: Logs,
    layer: MsaLayer,
    fixed: Arc<FixedSource>,
    policies: Policies,
    journal: Journal,
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
        override_policies(&policies, &settings);
        journal.configure(&settings.telemetry.journal);
        if let Err(error) = layer.configure(&settings) {
            tracing::warn!(target: "msa::config", %error, "the faults stay as they were");
        }
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
            let client = ClientSettings {
                endpoints: urls.iter().map(|url| (*url).to_owned()).collect(),
                ..ClientSettings::default()
            };
            settings.clients.insert((*name).to_owned(), client);
        }
        settings
    }

    /// Everything that is logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_told_by_its_name() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let logging = tracing::subscriber::set_default(subscriber);
        noticed("fine", async {}).await;
        noticed("unlucky", async { panic!("no luck") }).await;
        drop(logging);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("ERROR") && text.contains("unlucky"), "{text}");
        assert!(!text.contains("fine"), "{text}");
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
