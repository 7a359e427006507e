//! Log levels changed while a service runs. Alone in its process: the first service's logs are the process's.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::time::Duration;

use msa_core::clock;
use msa_core::config::LogSettings;
use msa_core::telemetry::{LevelError, Logs};

fn settings() -> LogSettings {
    let mut settings = LogSettings::default(); // it may get more fields
    "warn".clone_into(&mut settings.level);
    settings
}

fn debugs() -> bool {
    tracing::enabled!(target: "probe::inner", tracing::Level::DEBUG)
}

#[tokio::test(start_paused = true)]
async fn a_changed_level_takes_effect_at_once_and_ends_with_its_time() {
    let logs = Logs::install("svc", &settings()).unwrap();
    let now = clock::now();
    assert!(!debugs());
    let minute = Some(Duration::from_secs(60));
    logs.override_level("probe", "debug", minute, now).unwrap();
    assert!(debugs());
    assert!(logs.levels(now).changed.contains_key("probe"));
    logs.set_level("error").unwrap();
    assert!(debugs(), "a reload leaves it");
    logs.expire(now + Duration::from_secs(59));
    assert!(debugs());
    logs.expire(now + Duration::from_secs(61));
    assert!(!debugs());
    logs.override_level("root", "trace", None, now).unwrap();
    assert!(debugs());
    assert!(logs.forget_level("root") && !debugs());

    let second = Logs::install("other", &settings()).unwrap();
    let refused = second.override_level("probe", "debug", None, now);
    assert_eq!(refused, Err(LevelError::NotOurs));
}
