//! The same rules with PostgreSQL, on a server that the test starts for itself and stops again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use banner_service::store::StoreError;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::fixture::Fixture;
use crate::rules;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_same_rules() {
    let Some(server) = Server::start() else {
        eprintln!("skipped: this machine has no PostgreSQL (initdb) to test with");
        return;
    };
    let service = server.database("life").await;
    assert!(matches!(
        service.store.check().await,
        Err(StoreError::NotMigrated)
    ));
    assert_eq!(service.get("/api/banners").await.status, 503);
    service.store.migrate().await.unwrap();
    service.store.migrate().await.unwrap();
    service.store.check().await.unwrap();
    rules::a_banner_lives_its_life(&service).await;

    rules::placements_that_only_touch_do_not_overlap(&server.migrated("touch").await).await;
    rules::lists_come_in_parts_and_can_be_narrowed(&server.migrated("lists").await).await;
    rules::of_a_hundred_that_want_one_slot_exactly_one_gets_it(&server.migrated("race").await)
        .await;
    rules::seeding_twice_adds_once(&server.migrated("seed").await).await;

    server.control(&["stop", "-m", "fast"]);
    assert!(matches!(
        service.store.check().await,
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(service.get("/api/banners").await.status, 503);
    server.control(&["start"]);
    service.store.check().await.unwrap();
    assert_eq!(service.get("/api/banners").await.status, 200);
}

/// A PostgreSQL server of our own, in a temporary folder and on a free port.
struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Server {
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self {
            programs,
            folder,
            port,
        };
        let create = [
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
        ];
        run(server
            .program("initdb")
            .args(create)
            .arg("-D")
            .arg(server.data()));
        server.control(&["start"]);
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs, which refuse to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    fn control(&self, arguments: &[&str]) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off",
            self.port
        );
        let log = self.folder.path().join("log");
        let mut command = self.program("pg_ctl");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-o")
            .arg(options)
            .arg("-l")
            .arg(log)
            .arg("-w");
        // The server would inherit pipes and hold them open for as long as it runs.
        let status = command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "pg_ctl {arguments:?}");
    }

    /// An empty database.
    async fn database(&self, name: &str) -> Fixture {
        let server = format!("postgres://postgres@127.0.0.1:{}", self.port);
        let mut connection = PgConnection::connect(&format!("{server}/postgres"))
            .await
            .unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(create).await.unwrap();
        let url = format!("{server}/{name}?sslmode=disable");
        Fixture::over(&url, tempfile::tempdir().unwrap())
    }

    async fn migrated(&self, name: &str) -> Fixture {
        let service = self.database(name).await;
        service.store.migrate().await.unwrap();
        service
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-D"])
            .arg(self.data());
        // A server that a failed test left stopped cannot be stopped again.
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).stdout == b"0\n"
}

/// Where PostgreSQL's programs are: on the path, or where Debian keeps them off it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten();
    std::env::split_paths(&path)
        .chain(debian.map(|version| version.path().join("bin")))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
