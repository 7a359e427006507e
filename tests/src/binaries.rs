//! Where the services' executables are, and how they get there.
//!
//! They lie beside the running test or demo, in the folder of its own profile. `cargo test --workspace` leaves them
//! there, since each example has tests that need its binaries. What is missing, or older than its sources, is built by a
//! cargo of our own, once per process; cargo's lock on the folder keeps processes from getting in each other's way.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::{Error, environment};

/// The packages and their binaries.
const PACKAGES: [(&str, &[&str]); 2] = [
    ("banner-service", &["banner-service"]),
    (
        "order-orchestrator",
        &[
            "order-orchestrator",
            "user-service",
            "product-service",
            "order-service",
        ],
    ),
];

/// What a binary is made from, relative to the repository.
const SOURCES: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    "msa-core",
    "msa-macros",
    "examples",
];

/// The executable of a service, built when it is missing or older than its sources.
///
/// # Errors
/// When it cannot be built.
pub fn path(service: &str) -> Result<PathBuf, Error> {
    let dir = ensure()?;
    let path = dir.join(format!("{service}{}", env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::NoBinary {
        path,
        packages: arguments(),
    })
}

/// Whether [`path`] would have to build first.
///
/// # Errors
/// When the folder of the running program cannot be told.
pub fn stale() -> Result<bool, Error> {
    Ok(!is_fresh(&folder()?))
}

/// Builds what is missing or old, once per process, and returns the folder.
fn ensure() -> Result<PathBuf, Error> {
    static DONE: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = &*done {
        return Ok(folder.clone());
    }
    let folder = folder()?;
    if !is_fresh(&folder) {
        build(&folder)?;
    }
    *done = Some(folder.clone());
    Ok(folder)
}

fn build(folder: &Path) -> Result<(), Error> {
    let failed = |reason: String| Error::Build {
        reason,
        packages: arguments(),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut command = Command::new(&cargo);
    environment::forget_outer_cargo(&mut command);
    command
        .current_dir(repository())
        .arg("build")
        .args(PACKAGES.iter().flat_map(|(package, _)| ["-p", package]))
        .args(["--bins", "--profile", profile]);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    if !io::stderr().is_terminal() {
        command.arg("--quiet"); // on a terminal cargo's own progress bar says the most
    }
    let status = command
        .status()
        .map_err(|error| failed(format!("{} does not start: {error}", cargo.display())))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(format!("cargo ended with {status}")))
}

/// The folder of the running program's profile: `target/debug` for `target/debug/demo` and `target/debug/deps/a_test`.
fn folder() -> Result<PathBuf, Error> {
    let program = env::current_exe().map_err(Error::io("cannot tell where this program lies"))?;
    let mut folder = program.parent().unwrap_or(Path::new(".")).to_path_buf();
    if folder.ends_with("deps") {
        folder.pop();
    }
    Ok(folder)
}

fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

fn arguments() -> String {
    PACKAGES
        .map(|(package, _)| format!("-p {package}"))
        .join(" ")
}

fn is_fresh(folder: &Path) -> bool {
    let binaries = PACKAGES.iter().flat_map(|(_, binaries)| *binaries);
    let oldest = binaries
        .map(|name| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
        .map(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok())
        .min()
        .flatten(); // a missing one is the minimum
    let repository = repository();
    let newest = SOURCES
        .iter()
        .filter_map(|source| newest(&repository.join(source)))
        .max();
    matches!((oldest, newest), (Some(oldest), Some(newest)) if oldest > newest)
}

/// When the youngest source at or below `path` was changed. A folder's own time does not count: it moves with every
/// database that a service makes there.
fn newest(path: &Path) -> Option<SystemTime> {
    let meta = fs::metadata(path).ok()?;
    if !meta.is_dir() {
        return meta.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?.flatten();
    let inner = entries
        .filter(is_source)
        .filter_map(|entry| newest(&entry.path()));
    inner.max()
}

/// Databases of services that were run by hand, and builds of copies, change without being sources.
fn is_source(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    let dead = name == "target" || name == "tests" || name == "benches" || name.starts_with('.');
    !dead
        && ![".db", ".db-wal", ".db-shm", ".md"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn only_a_change_of_a_source_makes_binaries_old() {
        let dir = tempfile::tempdir().unwrap();
        File::create(dir.path().join("lib.rs")).unwrap();
        let later = newest(dir.path()).unwrap() + Duration::from_secs(60);
        for (name, counts) in [("data.db", false), ("README.md", false), ("main.rs", true)] {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_modified(later).unwrap();
            assert_eq!(newest(dir.path()).unwrap() == later, counts, "{name}");
        }
    }
}
