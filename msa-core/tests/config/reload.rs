//! Files that change while the service runs.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msa_core::config::{Config, Loader, Span};
use msa_core::event::{Event, Observer, Observers};

use super::Banner;

fn load(dir: &Path) -> Config {
    let none: [(&str, &str); 0] = [];
    Loader::new("s")
        .section::<Banner>("banner")
        .dir(dir)
        .env(none)
        .load()
        .unwrap()
}

#[derive(Default)]
struct Seen(Mutex<Vec<bool>>);

impl Observer for Seen {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::ConfigReloaded { accepted } = event {
            self.0.lock().unwrap().push(*accepted);
        }
    }
}

#[test]
fn a_bad_file_is_refused_and_the_last_good_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("msa.toml");
    fs::write(&file, "client.timeout = '1s'\n").unwrap();
    let config = load(dir.path());
    let seen = Arc::new(Seen::default());
    config.observe(Observers::none().with(seen.clone()));

    fs::write(&file, "client.timeout = '2s'\nbanner.slots = 3\n").unwrap();
    assert_eq!(
        config.reload().unwrap().live,
        ["banner.slots", "client.timeout"]
    );
    assert_eq!(config.settings().client.timeout, Span::secs(2));
    assert_eq!(config.section::<Banner>("banner").unwrap().slots, 3);

    fs::write(&file, "client.timeout = 3\nbaner.slots = 3\n").unwrap();
    let error = config.reload().unwrap_err();
    assert_eq!(error.problems().len(), 2);
    assert_eq!(config.last_error(), Some(error.to_string()));
    assert_eq!(config.settings().client.timeout, Span::secs(2));

    fs::remove_file(&file).unwrap();
    let error = config.reload().unwrap_err().to_string();
    assert!(
        error.contains("msa.toml: it is gone; restart to go on without it"),
        "{error}"
    );
    assert_eq!(config.settings().client.timeout, Span::secs(2));

    fs::write(&file, "client.timeout = '4s'\n").unwrap();
    assert_eq!(
        config.reload().unwrap().live,
        ["banner.slots", "client.timeout"]
    );
    assert_eq!(config.last_error(), None);
    assert_eq!(config.settings().client.timeout, Span::secs(4));
    assert!(config.reload().unwrap().is_empty());
    assert_eq!(*seen.0.lock().unwrap(), [true, false, false, true, true]);
}

#[test]
fn what_needs_a_restart_keeps_its_value_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("msa.toml");
    fs::write(&file, "server.addr = '127.0.0.1:1'\n").unwrap();
    let config = load(dir.path());
    fs::write(
        &file,
        "log.level = 'debug'\nserver.addr = '127.0.0.1:2'\nbanner.storage = { kind = 'disk', path = 'p', sync = true }\n",
    )
    .unwrap();
    for live in [vec!["log.level"], vec![]] {
        let changed = config.reload().unwrap();
        assert_eq!(changed.live, live);
        assert_eq!(
            changed.restart,
            [
                "banner.storage.kind",
                "banner.storage.path",
                "banner.storage.sync",
                "server.addr"
            ]
        );
    }
    assert_eq!(config.settings().server.addr.port(), 1);
    assert_eq!(config.settings().log.level, "debug");
    assert_eq!(
        *config.section::<Banner>("banner").unwrap(),
        Banner::default()
    );
    assert!(
        config
            .source_of("server.addr")
            .unwrap()
            .to_string()
            .ends_with("msa.toml:1:8")
    );
    assert_eq!(config.source_of("banner.storage.path"), None);
}

#[tokio::test(start_paused = true)]
async fn the_reloader_takes_a_changed_file_over_by_itself_and_ends_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("msa.toml");
    fs::write(&file, "client.timeout = '1s'\n").unwrap();
    let config = load(dir.path());
    let mut watch = config.watch();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let reloader = tokio::spawn(config.clone().run_reloader(async {
        stopped.await.ok();
    }));

    // As editors and ConfigMaps do it: a new file takes the old one's name.
    let new = dir.path().join("new");
    fs::write(&new, "client.timeout = '2s'\n").unwrap();
    fs::rename(&new, &file).unwrap();
    watch.changed().await.unwrap();
    assert_eq!(watch.borrow_and_update().client.timeout, Span::secs(2));
    assert_eq!(config.settings().client.timeout, Span::secs(2));

    fs::write(&file, "client.timeout = 'x'\n").unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(
        config
            .last_error()
            .unwrap()
            .contains("`client.timeout` needs a time")
    );
    assert!(!watch.has_changed().unwrap());

    // Back to what is in effect: nothing changes, but the error goes.
    fs::write(&file, "client.timeout = '2s'\n").unwrap();
    watch.changed().await.unwrap();
    assert_eq!(config.last_error(), None);

    stop.send(()).unwrap();
    reloader.await.unwrap();
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_swapped_config_map_is_one_change() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (generation, timeout) in [("..1", "1s"), ("..2", "2s")] {
        fs::create_dir(at(generation)).unwrap();
        fs::write(
            at(generation).join("msa.toml"),
            format!("client.timeout = '{timeout}'"),
        )
        .unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/msa.toml", at("msa.toml")).unwrap();
    let config = load(dir.path());
    let mut watch = config.watch();
    let reloader = tokio::spawn(config.clone().run_reloader(std::future::pending()));
    symlink("..2", at("..new")).unwrap();
    fs::rename(at("..new"), at("..data")).unwrap();
    watch.changed().await.unwrap();
    assert_eq!(config.settings().client.timeout, Span::secs(2));
    reloader.abort();
}

#[cfg(unix)]
#[tokio::test]
async fn sighup_reloads_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = load(dir.path());
    let mut watch = config.watch();
    let reloader = tokio::spawn(config.clone().run_reloader(std::future::pending()));
    tokio::task::yield_now().await; // it listens now
    let kill = "kill -HUP $PPID";
    assert!(
        std::process::Command::new("sh")
            .args(["-c", kill])
            .status()
            .unwrap()
            .success()
    );
    // Nothing changed on the disk, so only the signal can have done it.
    watch.changed().await.unwrap();
    reloader.abort();
}
