//! What is needed before the configuration can be loaded as a whole: how many threads are to load and serve it.
//!
//! The whole needs the service's name and its own sections, which the program says on a thread that runs already. So this one key is
//! read ahead, from where it can stand, and nothing is said of what is wrong: the loader says all of it a moment later.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::prelude::{Long, ValueExt as _};

const VARIABLE: &str = "MSA_RUNTIME__WORKER_THREADS";

/// `runtime.worker_threads`, from 1, if it is set.
pub(crate) fn worker_threads(
    arguments: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<usize> {
    if let Some(threads) = variable(VARIABLE).filter(|text| !text.is_empty()) {
        return count(threads.trim().parse().ok()?);
    }
    let (dir, profile) = places(arguments);
    let dir = dir.or_else(|| variable("MSA_CONFIG_DIR").map(PathBuf::from));
    let dir = dir.unwrap_or_default();
    let profile = profile.or_else(|| variable("MSA_PROFILE"));
    let ahead = profile.filter(|profile| !profile.is_empty());
    let ahead = ahead.and_then(|profile| of_file(&dir.join(format!("msa.{profile}.toml"))));
    ahead.or_else(|| of_file(&dir.join("msa.toml")))
}

/// As the service's command line has them; what else stands there is the service's to read.
fn places(arguments: impl IntoIterator<Item = OsString>) -> (Option<PathBuf>, Option<String>) {
    let (mut dir, mut profile) = (None, None);
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Ok(Some(argument)) = parser.next() {
        match argument {
            Long("config-dir") => dir = parser.value().ok().map(PathBuf::from),
            Long("profile") => profile = parser.value().ok().and_then(|name| name.string().ok()),
            _ => {}
        }
    }
    (dir, profile)
}

fn of_file(path: &Path) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let table: toml::Table = text.parse().ok()?;
    match table.get("runtime")?.get("worker_threads")? {
        toml::Value::Integer(threads) => count(*threads),
        toml::Value::String(threads) => count(threads.trim().parse().ok()?),
        _ => None,
    }
}

fn count(threads: i64) -> Option<usize> {
    usize::try_from(threads)
        .ok()
        .filter(|threads| (1..=1024).contains(threads))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(arguments: &[&str], variables: &[(&str, &str)]) -> Option<usize> {
        let arguments = ["svc"].iter().chain(arguments).map(OsString::from);
        worker_threads(arguments, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variable_wins_over_the_profile_and_that_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(
            threads(&["--config-dir", path], &[]),
            None,
            "no file at all"
        );
        write("msa.toml", "[runtime]\nworker_threads = 3");
        write(
            "msa.big.toml",
            "[runtime]\nworker_threads = 8\n[server]\nnonsense = 1",
        );
        assert_eq!(threads(&["migrate", "--config-dir", path], &[]), Some(3));
        assert_eq!(threads(&[], &[("MSA_CONFIG_DIR", path)]), Some(3));
        let by_profile = [("MSA_CONFIG_DIR", path), ("MSA_PROFILE", "big")];
        assert_eq!(threads(&[], &by_profile), Some(8));
        let equals = format!("--config-dir={path}");
        assert_eq!(
            threads(&[&equals, "--profile=big", "--unknown"], &[]),
            Some(8)
        );
        let variable = [("MSA_CONFIG_DIR", path), (VARIABLE, "2")];
        assert_eq!(threads(&[], &variable), Some(2));
    }

    #[test]
    fn what_is_wrong_is_left_to_the_loader() {
        for wrong in ["0", "-1", "many", "1.5", "1000000"] {
            assert_eq!(threads(&[], &[(VARIABLE, wrong)]), None);
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("msa.toml"), "runtime = 3").unwrap();
        assert_eq!(
            threads(&["--config-dir", dir.path().to_str().unwrap()], &[]),
            None
        );
    }
}
