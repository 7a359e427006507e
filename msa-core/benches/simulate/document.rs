//! Puts results into the documents: what stands between two marks is replaced.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// A table in Markdown.
#[derive(Debug)]
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new<S: AsRef<str>>(heads: impl IntoIterator<Item = S>) -> Self {
        let mut table = Self {
            text: String::new(),
        };
        let columns = table.line(heads);
        table.line(std::iter::once("---").chain(std::iter::repeat_n("---:", columns - 1)));
        table
    }

    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.line(cells);
    }

    fn line<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) -> usize {
        let mut columns = 0;
        for cell in cells {
            columns += 1;
            // Writing to a string cannot fail.
            let _ = write!(self.text, "| {} ", cell.as_ref());
        }
        self.text.push_str("|\n");
        columns
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Writes `text` between `<!-- NAME -->` and `<!-- end of NAME -->` of a document.
pub(crate) fn replace(file: &Path, name: &str, text: &str) -> io::Result<()> {
    let old = fs::read_to_string(file)?;
    let (from, to) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let missing = || io::Error::other(format!("{} has no place for `{name}`", file.display()));
    let (before, rest) = old.split_once(&from).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&to).ok_or_else(missing)?;
    fs::write(file, format!("{before}{from}\n{text}\n{to}{after}"))
}
