//! A service whose database is away.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use msa_tests::{Process, http, until};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const PATIENCE: Duration = Duration::from_secs(30);

/// A service with its database at `file`, that looks after it often.
fn start(service: &str, file: &Path) -> (Process, SocketAddr) {
    let builder = Process::builder(service)
        .unwrap()
        .dir(file.parent().and_then(Path::parent).unwrap());
    let mut process = builder
        .env("DATABASE_URL", format!("sqlite://{}", file.display()))
        .env("MSA_HEALTH__INTERVAL", "50ms")
        .spawn()
        .unwrap();
    let addr = process.wait_listening().unwrap();
    (process, addr)
}

fn wait_for_readiness(addr: SocketAddr, status: u16) {
    let seen = until(PATIENCE, || {
        let answer = http::get(addr, "/readyz").send().ok()?;
        (answer.status == status).then_some(())
    });
    assert!(seen.is_some(), "/readyz never was {status}");
    assert_eq!(
        http::get(addr, "/livez").send().unwrap().status,
        200,
        "it lives on"
    );
}

const SERVICES: [(&str, &str); 4] = [
    ("banner-service", "/api/banners"),
    ("user-service", "/users/1"),
    ("product-service", "/products"),
    ("order-service", "/orders/none"),
];

#[test]
fn a_database_that_cannot_be_made_yet_is_used_as_soon_as_it_can() {
    for (service, path) in SERVICES {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("later/data.db");
        let (process, addr) = start(service, &file);
        wait_for_readiness(addr, 503);
        let answer = http::get(addr, path).send().unwrap();
        assert_eq!(
            (answer.status, answer.is_problem()),
            (503, true),
            "{service}: {}",
            answer.text()
        );
        assert!(answer.header("retry-after").is_some(), "{service}");
        assert!(
            !answer.text().contains("later"),
            "no path of ours is told: {}",
            answer.text()
        );
        fs::create_dir(dir.path().join("later")).unwrap();
        wait_for_readiness(addr, 200);
        assert!(
            http::get(addr, path).send().unwrap().status < 500,
            "{service}"
        );
        drop(process);
    }
}

#[test]
fn a_locked_database_is_waited_for_and_told() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (service, _) in SERVICES {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("data/data.db");
        fs::create_dir(dir.path().join("data")).unwrap();
        let (_process, addr) = start(service, &file);
        wait_for_readiness(addr, 200);
        let mut lock = runtime.block_on(async {
            let mut lock = SqliteConnectOptions::new()
                .filename(&file)
                .connect()
                .await
                .unwrap();
            sqlx::query("BEGIN IMMEDIATE")
                .execute(&mut lock)
                .await
                .unwrap();
            lock
        });
        wait_for_readiness(addr, 503);
        runtime.block_on(async {
            sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
            lock.close().await.unwrap();
        });
        wait_for_readiness(addr, 200);
    }
}

#[test]
fn a_database_that_is_gone_is_missed_until_it_is_back() {
    for (service, _) in SERVICES {
        let dir = tempfile::tempdir().unwrap();
        let (file, away) = (dir.path().join("data/data.db"), dir.path().join("away.db"));
        fs::create_dir(dir.path().join("data")).unwrap();
        let (_process, addr) = start(service, &file);
        wait_for_readiness(addr, 200);
        fs::rename(&file, &away).unwrap();
        wait_for_readiness(addr, 503);
        fs::rename(&away, &file).unwrap();
        wait_for_readiness(addr, 200);
    }
}
