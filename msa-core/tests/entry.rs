//! `#[msa_core::main]` as a process sees it: exit codes, what is printed, and how many threads there are. The program runs itself as a
//! child for each case, so it has no test harness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::process::{Command, ExitCode, Output};

const CHILD: &str = "ENTRY_TEST_CHILD";

mod nothing {
    #[msa_core::main]
    pub(super) async fn main() {
        println!("ran");
    }
}

mod threads {
    #[msa_core::main]
    pub(super) async fn main() -> Result<(), msa_core::Error> {
        let runtime = tokio::runtime::Handle::current();
        println!("{}", runtime.metrics().num_workers());
        Ok(())
    }
}

mod configured {
    #[msa_core::main]
    pub(super) async fn main() -> Result<(), msa_core::Error> {
        let _service = msa_core::Service::from_env("entry")?;
        Ok(())
    }
}

mod boxed {
    #[msa_core::main]
    pub(super) async fn main() -> Result<(), Box<dyn std::error::Error>> {
        let _service = msa_core::Service::from_env("entry")?;
        "x".parse::<u8>()?;
        Ok(())
    }
}

mod sent {
    #[msa_core::main]
    pub(super) async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let _service = msa_core::Service::from_env("entry")?;
        "x".parse::<u8>()?;
        Ok(())
    }
}

mod told {
    pub(super) struct Told;

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("told in words")
        }
    }

    #[msa_core::main]
    pub(super) async fn main() -> Result<(), Told> {
        Err(Told)
    }
}

fn main() -> ExitCode {
    match std::env::var(CHILD).as_deref() {
        Ok("nothing") => nothing::main(),
        Ok("threads") => threads::main(),
        Ok("configured") => configured::main(),
        Ok("boxed") => boxed::main(),
        Ok("sent") => sent::main(),
        Ok("told") => told::main(),
        Ok(other) => panic!("no child {other}"),
        Err(_) => {
            exit_codes_tell_what_happened();
            the_number_of_threads_is_configuration();
            ExitCode::SUCCESS
        }
    }
}

fn run(child: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for variable in ["TOKIO_WORKER_THREADS", "MSA_CONFIG_DIR", "MSA_PROFILE"] {
        command.env_remove(variable);
    }
    command.args(arguments).env(CHILD, child);
    command.envs(variables.iter().copied()).output().unwrap()
}

fn exit_codes_tell_what_happened() {
    let wrong = [("MSA_SERVER__ADRR", "x")];
    for (child, arguments, variables, code, said) in [
        ("nothing", &[][..], &[][..], 0, ""),
        ("configured", &[], &[], 0, ""),
        ("configured", &[], &wrong, 78, "server.adrr"),
        ("configured", &["--nonsense"], &[], 64, "--nonsense"),
        ("boxed", &[], &[], 1, "error: invalid digit"),
        ("boxed", &[], &wrong, 78, "server.adrr"),
        ("sent", &[], &[], 1, "error: invalid digit"),
        ("sent", &[], &wrong, 78, "server.adrr"),
        ("told", &[], &[], 1, "error: told in words"),
        (
            "configured",
            &[],
            &[("TOKIO_WORKER_THREADS", "0")],
            78,
            "TOKIO_WORKER_THREADS",
        ),
        (
            "configured",
            &[],
            &[("MSA_RUNTIME__WORKER_THREADS", "0")],
            78,
            "runtime.worker_threads",
        ),
    ] {
        let output = run(child, arguments, variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{child} {arguments:?} {variables:?}: {stderr}"
        );
        assert!(
            stderr.contains(said),
            "{child} {arguments:?} {variables:?}: {stderr}"
        );
    }
}

fn the_number_of_threads_is_configuration() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("msa.toml"), "runtime.worker_threads = 3").unwrap();
    let path = dir.path().to_str().unwrap();
    for (arguments, variables, expected) in [
        (&["--config-dir", path][..], &[][..], "3"),
        (&[], &[("MSA_CONFIG_DIR", path)], "3"),
        (&[], &[("MSA_RUNTIME__WORKER_THREADS", "2")], "2"),
        (
            &["--config-dir", path],
            &[
                ("MSA_RUNTIME__WORKER_THREADS", "5"),
                ("TOKIO_WORKER_THREADS", "4"),
            ],
            "4",
        ),
    ] {
        let output = run("threads", arguments, variables);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(stdout.trim(), expected, "{arguments:?} {variables:?}");
    }
}
