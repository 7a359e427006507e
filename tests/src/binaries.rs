//! Where the services' executables are, and how they get there.
//!
//! They lie beside the running test or demo, in the folder of its own profile. `cargo test --workspace` leaves them
//! there, since each example has tests that need its binaries. What is missing, or older than what it was made from, is
//! built by a cargo of our own, once per process; cargo's lock on the folder keeps processes from getting in each other's
//! way.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
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

/// What says how to build, relative to the repository.
const MANIFESTS: [&str; 4] = [
    "Cargo.toml",
    "Cargo.lock",
    "examples/banner-service/Cargo.toml",
    "examples/order-orchestrator/Cargo.toml",
];

/// A file whose time tells when we last built: cargo leaves a binary as it is when a manifest's change does not concern it.
const STAMP: &str = "msa-tests.stamp";

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
    if !status.success() {
        return Err(failed(format!("cargo ended with {status}")));
    }
    File::create(folder.join(STAMP)).map_err(Error::io("cannot note the time of the build"))?;
    Ok(())
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
    let stamp = changed(&folder.join(STAMP));
    let manifests = MANIFESTS
        .iter()
        .filter_map(|path| changed(&repository().join(path)));
    let manifests = manifests.max();
    PACKAGES
        .iter()
        .flat_map(|(_, binaries)| *binaries)
        .all(|name| {
            let built = changed(&folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
            let sources = newest_source(&folder.join(format!("{name}.d")));
            matches!((built, sources), (Some(built), Some(sources)) if built > sources)
                && built.max(stamp) > manifests
        })
}

/// When the youngest of the sources was changed that cargo wrote down for a binary: `binary: source source`, with a
/// backslash before each space of a name. `None` when one is gone, or nothing was written down.
fn newest_source(dep_info: &Path) -> Option<SystemTime> {
    let text = fs::read_to_string(dep_info).ok()?;
    let (_, sources) = text.split_once(": ")?;
    let escaped = sources.trim_end().replace("\\ ", "\0");
    let times = escaped
        .split(' ')
        .map(|source| changed(Path::new(&source.replace('\0', " "))));
    times.collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_binary_is_as_old_as_the_youngest_of_its_sources() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a b.rs");
        let other = dir.path().join("c.rs");
        let dep_info = dir.path().join("x.d");
        File::create(&other).unwrap();
        let later = changed(&other).unwrap() + Duration::from_secs(60);
        File::create(&source).unwrap().set_modified(later).unwrap();
        let escaped = source.display().to_string().replace(' ', "\\ ");
        fs::write(&dep_info, format!("/x: {escaped} {}\n", other.display())).unwrap();
        assert_eq!(newest_source(&dep_info), Some(later));
        fs::remove_file(other).unwrap();
        assert_eq!(
            newest_source(&dep_info),
            None,
            "a source that is gone is a change"
        );
    }
}
