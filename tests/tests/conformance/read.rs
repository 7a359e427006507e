//! The cases of a folder.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::case::Case;

/// A line that is no case.
#[derive(Debug)]
pub(crate) struct Unread {
    /// File and line.
    pub(crate) place: String,
    pub(crate) why: String,
}

/// Reads every `*.jsonl` of a folder, in the order of their names. Lines that are no case are told beside.
///
/// # Errors
/// The folder or a file of it cannot be read, or there is no such file.
pub(crate) fn folder(folder: &Path) -> io::Result<(Vec<Case>, Vec<Unread>)> {
    let mut files: Vec<PathBuf> = folder
        .read_dir()?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    if files.is_empty() {
        let why = "no *.jsonl file here";
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    let (mut cases, mut unread) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Line by line: a table may be larger than is good to hold twice. Bytes, since one bad line is not a bad file.
        for (line, bytes) in (1..).zip(BufReader::new(File::open(&file)?).split(b'\n')) {
            let bytes = bytes?;
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let place = format!("{name}:{line}");
            match serde_json::from_slice::<Case>(&bytes) {
                Ok(case) => cases.push(Case { place, ..case }),
                Err(error) => unread.push(Unread {
                    place,
                    why: error.to_string(),
                }),
            }
        }
    }
    Ok((cases, unread))
}
