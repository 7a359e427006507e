//! What is printed at the end.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::{Case, Trouble, Verdict};
use crate::read::Unread;

/// All verdicts, counted by family.
#[derive(Debug)]
pub(crate) struct Report {
    families: BTreeMap<String, Count>,
    failed: Vec<String>,
    not_expressible: Vec<String>,
    unread: Vec<Unread>,
}

#[derive(Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
    not_expressible: usize,
}

impl Report {
    pub(crate) fn new(unread: Vec<Unread>) -> Self {
        Self {
            families: BTreeMap::new(),
            failed: Vec::new(),
            not_expressible: Vec::new(),
            unread,
        }
    }

    pub(crate) fn add(&mut self, case: &Case, verdict: Verdict) {
        let count = self.families.entry(case.family()).or_default();
        let named = |what| format!("{} ({}): {what}", case.id, case.place);
        match verdict {
            Ok(()) => count.passed += 1,
            Err(Trouble::Failed(what)) => {
                count.failed += 1;
                self.failed.push(named(what));
            }
            Err(Trouble::NotExpressible(what)) => {
                count.not_expressible += 1;
                self.not_expressible.push(named(what));
            }
        }
    }

    /// Whether every line was read and no case failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed.is_empty() && self.unread.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, count: &Count| {
            let Count {
                passed,
                failed,
                not_expressible,
            } = count;
            writeln!(f, "{name:28} {passed:7} {failed:7} {not_expressible:16}")
        };
        writeln!(f, "{:28}  passed  failed  not expressible", "conformance")?;
        let mut total = Count::default();
        for (name, count) in &self.families {
            row(f, name, count)?;
            total.passed += count.passed;
            total.failed += count.failed;
            total.not_expressible += count.not_expressible;
        }
        row(f, "total", &total)?;
        let list = |f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]| {
            if !lines.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
        };
        list(f, "not expressible", &self.not_expressible)?;
        list(f, "failed", &self.failed)?;
        let unread: Vec<String> = (self.unread.iter())
            .map(|line| format!("{}: {}", line.place, line.why))
            .collect();
        list(f, "not read", &unread)
    }
}
