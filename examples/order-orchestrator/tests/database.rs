//! The embedded database: what it does while its file is away, locked or replaced.

// Helpers of tests are tests too; clippy takes only the functions marked so.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::Path;

use axum::http::StatusCode;
use msa_core::config::Span;
use msa_core::problem::Problem;
use shop::database::{Database, DatabaseError, DatabaseSettings, Migrations, SqliteUrl};

const MIGRATIONS: Migrations = &[(1, "t", "CREATE TABLE t (n INTEGER NOT NULL) STRICT")];

fn database(file: &Path) -> Database {
    let mut settings = DatabaseSettings::default();
    settings.url = Some(SqliteUrl::file(file));
    settings.busy_timeout = Span::new(std::time::Duration::from_millis(50));
    Database::new(&settings, "test", MIGRATIONS)
}

async fn insert(database: &Database) -> Result<(), DatabaseError> {
    let mut write = database.write().await?;
    sqlx::query("INSERT INTO t (n) VALUES (1)")
        .execute(write.connection())
        .await?;
    write.commit().await
}

async fn count(database: &Database) -> i64 {
    let pool = database.read().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn it_makes_itself_and_migrates_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    insert(&database(&file)).await.unwrap();
    assert_eq!(count(&database(&file)).await, 1);
}

#[tokio::test]
async fn a_folder_that_comes_later_is_used_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(&dir.path().join("later/a.db"));
    let error = database.check().await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    std::fs::create_dir(dir.path().join("later")).unwrap();
    database.check().await.unwrap();
    insert(&database).await.unwrap();
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_then_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let (database, other) = (database(&file), database(&file));
    insert(&database).await.unwrap();
    let lock = other.write().await.unwrap();
    let error = database.check().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Busy), "{error:?}");
    assert_eq!(count(&database).await, 1, "readers go on");
    let problem = Problem::from(insert(&database).await.unwrap_err());
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    lock.commit().await.unwrap();
    insert(&database).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_file_that_is_locked_before_its_tables_are_made_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let lock = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let database = database(&file);
    let error = database.migrate().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Busy), "{error:?}");
    assert!(error.to_string().contains("try again"), "{error}");
    lock.rollback().await.unwrap();
    database.migrate().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_is_missed_and_never_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (file, away) = (dir.path().join("a.db"), dir.path().join("away.db"));
    let database = database(&file);
    insert(&database).await.unwrap();
    std::fs::rename(&file, &away).unwrap();
    for _ in 0..2 {
        let error = database.check().await.unwrap_err();
        assert!(matches!(error, DatabaseError::Missing { .. }), "{error:?}");
    }
    assert!(!file.exists());
    std::fs::rename(&away, &file).unwrap();
    database.check().await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn nothing_is_said_to_be_written_to_a_file_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let database = database(&file);
    insert(&database).await.unwrap();
    let mut begun = database.write().await.unwrap();
    sqlx::query("INSERT INTO t (n) VALUES (1)")
        .execute(begun.connection())
        .await
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    for error in [
        begun.commit().await.unwrap_err(),
        insert(&database).await.unwrap_err(), // no health check has noticed it
        database.read().await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, DatabaseError::Missing { .. }), "{error:?}");
        assert!(error.is_unavailable(), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (file, backup) = (dir.path().join("a.db"), dir.path().join("backup.db"));
    let other = database(&backup);
    insert(&other).await.unwrap();
    insert(&other).await.unwrap();
    other.close().await;
    let database = database(&file);
    insert(&database).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{end}", file.display())).unwrap();
    }
    std::fs::rename(&backup, &file).unwrap();
    database.check().await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[test]
fn an_url_that_would_lose_everything_is_refused() {
    for url in [
        "sqlite::memory:",
        "sqlite://a.db?mode=memory",
        "postgres://db/shop",
    ] {
        let error = url.parse::<SqliteUrl>().unwrap_err();
        assert!(error.to_string().contains("sqlite:///path"), "{error}");
    }
    for url in [
        "sqlite:a.db",
        "sqlite://a.db",
        "sqlite:///var/a.db?mode=rwc",
    ] {
        assert!(url.parse::<SqliteUrl>().is_ok(), "{url}");
    }
}
