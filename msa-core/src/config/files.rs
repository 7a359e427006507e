//! What the disk holds: the TOML files and the secrets folder.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Problem, Source};

/// Larger files are refused before they are read: a log file mounted by mistake must not eat the memory.
const LARGEST: u64 = 4 << 20;

/// Where to look.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// The TOML files, the strongest last; the name is what messages call it.
    pub(super) toml: Vec<(Arc<str>, PathBuf)>,
    pub(super) secrets: Option<PathBuf>,
    /// Who asked for a profile. Its file is the last of the TOML files, and must be there.
    pub(super) profile: Option<Source>,
}

/// What was found. Two readings are equal when nothing changed, whatever became of inodes and times.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// Name and text.
    pub(super) toml: Vec<(Arc<str>, String)>,
    /// The file's path, its name and its text.
    pub(super) secrets: BTreeMap<Arc<str>, (String, String)>,
}

impl Places {
    /// Reads all. Follows links, so that a ConfigMap's swap of `..data` is one change of all files.
    pub(super) fn read(&self) -> Result<Files, Vec<Problem>> {
        let mut files = Files::default();
        let mut problems = Vec::new();
        for (name, path) in &self.toml {
            match read(path) {
                Ok(Some(text)) => files.toml.push((name.clone(), text)),
                Ok(None) => {}
                Err(reason) => problems.push(unreadable(name, &reason)),
            }
        }
        if let (Some(source), Some((name, _))) = (&self.profile, self.toml.last())
            && problems.is_empty()
            && files.toml.iter().all(|(found, _)| found != name)
        {
            let message = format!("there is no file {name} for this profile");
            problems.push(Problem::new(source.clone(), "", message));
        }
        if let Some(folder) = &self.secrets {
            read_secrets(folder, &mut files, &mut problems);
        }
        if problems.is_empty() {
            Ok(files)
        } else {
            Err(problems)
        }
    }
}

impl Files {
    /// Problems for what was there `before` and is not now: perhaps it is being replaced.
    pub(super) fn missing(&self, before: &Self) -> Vec<Problem> {
        let gone = |name: &Arc<str>| unreadable(name, "it is gone; restart to go on without it");
        let toml = before.toml.iter().map(|(name, _)| name);
        let toml = toml.filter(|name| self.toml.iter().all(|(known, _)| known != *name));
        let secrets = before.secrets.keys();
        let secrets = secrets.filter(|name| !self.secrets.contains_key(*name));
        toml.chain(secrets).map(gone).collect()
    }
}

fn read_secrets(folder: &Path, files: &mut Files, problems: &mut Vec<Problem>) {
    let shown: Arc<str> = folder.display().to_string().into();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let reason =
                format!("the secrets folder cannot be read: {error}; MSA_SECRETS_DIR names it");
            problems.push(unreadable(&shown, &reason));
            return;
        }
    };
    for entry in entries {
        let name = match entry {
            Ok(entry) => entry.file_name(),
            Err(error) => {
                problems.push(unreadable(&shown, &error.to_string()));
                continue;
            }
        };
        // A Kubernetes mount keeps its generations in `..data` and `..2026_11_21`, and links the files into them.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = folder.join(&name);
        let shown: Arc<str> = path.display().to_string().into();
        let Ok(name) = name.into_string() else {
            problems.push(unreadable(&shown, "its name is no UTF-8 text"));
            continue;
        };
        if path.is_dir() {
            continue;
        }
        match read(&path) {
            Ok(Some(text)) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text).to_owned();
                files.secrets.insert(shown, (name, text));
            }
            Ok(None) => {} // removed since it was listed
            Err(reason) => problems.push(unreadable(&shown, &reason)),
        }
    }
}

/// A file's text; `None` when there is no such file.
fn read(path: &Path) -> Result<Option<String>, String> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Somebody meant a file to be here.
            return match std::fs::read_link(path) {
                Ok(target) => Err(format!(
                    "it is a link to {}, which is not there",
                    target.display()
                )),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    if !meta.is_file() {
        return Err("it is no file".into());
    }
    if meta.len() > LARGEST {
        return Err(format!(
            "it has {} bytes, more than the {LARGEST} allowed",
            meta.len()
        ));
    }
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| "it is no UTF-8 text".into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("it cannot be read: {error}")),
    }
}

fn unreadable(name: &Arc<str>, reason: &str) -> Problem {
    let source = Source::File {
        file: name.clone(),
        line: 0,
        column: 0,
    };
    Problem::new(source, "", reason)
}
