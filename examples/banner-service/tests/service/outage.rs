//! A database that is missing or locked: told as such, and forgotten once it is back.

use axum::http::Method;
use banner_service::settings::BannerSettings;
use banner_service::store::{Store, StoreError};
use msa_core::config::Secret;

use crate::fixture::{Answer, Fixture, banner, request};

#[track_caller]
fn assert_come_back_later(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.json);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_missing_folder_is_not_fatal() {
    let service = Fixture::unopened_sqlite("later/banner.db");
    assert!(matches!(
        service.store.check().await,
        Err(StoreError::Unavailable(_))
    ));
    assert_come_back_later(&service.get("/api/banners").await);

    std::fs::create_dir(service.folder.path().join("later")).unwrap();
    service.store.check().await.unwrap();
    assert_eq!(service.get("/api/banners").await.status, 200);
}

#[tokio::test]
async fn a_file_that_vanishes_is_missed_and_welcomed_back() {
    let service = Fixture::sqlite().await;
    let id = service.banner("Sale").await;
    let (file, away) = (
        service.folder.path().join("banner.db"),
        service.folder.path().join("away"),
    );
    service.store.close().await; // so that the file holds everything
    std::fs::rename(&file, &away).unwrap();

    assert!(matches!(
        service.store.check().await,
        Err(StoreError::Unavailable(_))
    ));
    assert_come_back_later(&service.post("/api/banners", &banner("Lost")).await);
    assert!(!file.exists(), "an empty file would hide the accident");

    std::fs::copy(&away, &file).unwrap(); // another file of that name
    service.store.check().await.unwrap();
    assert_eq!(service.get(&format!("/api/banners/{id}")).await.status, 200);
    assert_eq!(service.banner("Sale again").await, id + 1);
}

#[tokio::test]
async fn a_file_that_is_locked_at_the_start_is_opened_once_it_is_free() {
    let service = Fixture::unopened_sqlite("banner.db");
    let url = format!(
        "sqlite://{}?mode=rwc",
        service.folder.path().join("banner.db").display()
    );
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let lock = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    assert!(matches!(
        service.store.check().await,
        Err(StoreError::Unavailable(_))
    ));

    lock.rollback().await.unwrap();
    while service.store.check().await.is_err() {}
    service.banner("Sale").await;
}

// Takes as long as SQLite waits for a lock (5 s): a clock that SQLite reads itself cannot be paused.
#[tokio::test]
async fn a_locked_file_makes_the_service_unready_until_it_is_free() {
    let service = Fixture::sqlite().await;
    let url = format!(
        "sqlite://{}",
        service.folder.path().join("banner.db").display()
    );
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let lock = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();

    let Err(StoreError::Unavailable(reason)) = service.store.check().await else {
        panic!("a locked file is not ready")
    };
    assert!(reason.contains("locked"), "{reason}");
    assert_eq!(
        service.get("/api/banners").await.status,
        200,
        "readers do not wait for a writer"
    );
    assert_come_back_later(
        &service
            .send(request(Method::POST, "/api/banners", Some(&banner("Sale"))))
            .await,
    );

    lock.rollback().await.unwrap();
    while service.store.check().await.is_err() {}
    service.banner("Sale").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_on_a_new_file_agree_on_its_tables() {
    let service = Fixture::unopened_sqlite("banner.db");
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = Store::new(&service.settings).unwrap();
        starts.spawn(async move { store.migrate().await });
    }
    for started in starts.join_all().await {
        started.unwrap();
    }
}

// Takes as long as a check waits (0.8 s): the pool goes on trying.
#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_address() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap(); // nobody listens, and nobody else can
    let addr = socket.local_addr().unwrap();
    let settings = BannerSettings {
        database_url: Secret::new(format!("postgres://u:hush@{addr}/x")),
        ..BannerSettings::default()
    };
    let store = Store::new(&settings).unwrap();
    for result in [store.check().await, store.migrate().await] {
        let told = result.unwrap_err().to_string();
        assert!(told.contains(&addr.to_string()), "{told}");
        assert!(told.contains("refused"), "{told}");
        assert!(!told.contains("hush"), "{told}");
    }
}

#[test]
fn an_address_of_no_use_is_refused_without_repeating_it() {
    for url in [
        "",
        "mysql://root:hush@db/x",
        "sqlite://",
        "sqlite::memory:",
        "postgres://u:hush@h:port/x",
    ] {
        let settings = BannerSettings {
            database_url: Secret::new(url),
            ..BannerSettings::default()
        };
        let error = Store::new(&settings).unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
