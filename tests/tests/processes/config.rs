//! Configuration: what is wrong is said before anything starts.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use msa_tests::{Log, Process, ProcessBuilder, SERVICES};

fn service(name: &str, dir: &tempfile::TempDir) -> ProcessBuilder {
    Process::builder(name).unwrap().dir(dir.path())
}

fn text(log: &Arc<Log>) -> String {
    log.tail(usize::MAX).join("\n")
}

#[test]
fn a_typo_in_the_environment_is_named_with_what_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    for name in SERVICES {
        let (status, log) = service(name, &dir)
            .env("MSA_SERVER__ADRR", "127.0.0.1:0")
            .run()
            .unwrap();
        let said = text(&log);
        assert_eq!(status.code(), Some(78), "{name}: {said}");
        for told in [
            "MSA_SERVER__ADRR",
            "server.adrr",
            "did you mean `MSA_SERVER__ADDR`",
        ] {
            assert!(said.contains(told), "{name}: {said}");
        }
    }
}

#[test]
fn every_typo_in_a_file_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let toml = "[server]\nbody_limit = \"2MiB\"\nbody_limt = \"1MiB\"\n\n[database]\nbusy_timeot = \"2s\"\n";
    fs::write(dir.path().join("msa.toml"), toml).unwrap();
    let (status, log) = service("user-service", &dir)
        .arg("--check-config")
        .run()
        .unwrap();
    let said = text(&log);
    assert_eq!(status.code(), Some(78), "{said}");
    for told in [
        "msa.toml:3",
        "body_limt",
        "server.body_limit",
        "msa.toml:6",
        "busy_timeot",
        "database.busy_timeout",
    ] {
        assert!(said.contains(told), "{told} is not in: {said}");
    }
}

#[test]
fn a_value_that_is_none_is_named_with_its_variable() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("PORT", "http"),
        ("MSA_ORDER__LEASE", "soon"),
        ("MSA_SERVER__BODY_LIMIT", "-1"),
    ] {
        let (status, log) = service("order-service", &dir)
            .env(name, value)
            .run()
            .unwrap();
        let said = text(&log);
        assert_eq!(status.code(), Some(78), "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn a_database_of_another_kind_is_refused_as_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let (status, log) = service("user-service", &dir)
        .env("DATABASE_URL", "mysql://db/x")
        .run()
        .unwrap();
    assert_eq!(status.code(), Some(78), "{}", text(&log));
    assert!(text(&log).contains("database.url"), "{}", text(&log));
}

#[test]
fn each_service_tells_its_configuration_and_how_to_use_it() {
    let dir = tempfile::tempdir().unwrap();
    for name in SERVICES {
        let asked = |argument: &str| {
            let (status, log) = service(name, &dir)
                .env("MSA_CLIENT__TIMEOUT", "7s")
                .arg(argument)
                .run()
                .unwrap();
            assert_eq!(status.code(), Some(0), "{name} {argument}: {}", text(&log));
            text(&log)
        };
        asked("--check-config");
        let printed = asked("--print-config");
        assert!(
            printed.contains("MSA_CLIENT__TIMEOUT") && printed.contains("7s"),
            "{name}: {printed}"
        );
        let help = asked("--help");
        assert!(help.contains("--print-config"), "{name}: {help}");
        assert_eq!(
            help.contains("migrate"),
            name != "order-orchestrator",
            "{name}: {help}"
        );
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "asking makes no database"
    );
}

#[test]
fn a_port_that_is_taken_is_said_and_ends_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for name in SERVICES {
        let (status, log) = service(name, &dir)
            .env("MSA_SERVER__ADDR", &addr)
            .run()
            .unwrap();
        assert_ne!(status.code(), Some(0), "{name}");
        assert!(status.code().is_some(), "{name} ended by itself");
        let said = text(&log);
        assert!(said.contains(&addr), "{name}: {said}");
        assert!(said.to_lowercase().contains("in use"), "{name}: {said}");
    }
}

#[test]
fn port_and_database_url_are_taken_as_everybody_expects() {
    let dir = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("sqlite://{}/mine.db", dir.path().display());
    let mut process = service("user-service", &dir)
        .env("PORT", free.to_string())
        .env("DATABASE_URL", url)
        .spawn()
        .unwrap();
    assert_eq!(process.wait_ready().unwrap().port(), free);
    assert!(dir.path().join("mine.db").is_file());
    process.terminate().unwrap();
    process.wait_drained().unwrap();
}
