//! What the function's policies did, by the service's own metrics.

use std::fmt;
use std::net::SocketAddr;

use msa_tests::{Error, http};
use serde::Serialize;

use super::scene::FUNCTION;

/// How often each did something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Pages that were asked for.
    pub(super) pages: u64,
    /// `#[cached]`: found the answer kept.
    pub(super) kept: u64,
    /// `#[cached]`: waited for another's call.
    pub(super) shared: u64,
    /// `#[bulkhead]`: refused.
    pub(super) no_place: u64,
    /// `#[rate_limit]`: refused.
    pub(super) over_rate: u64,
    /// `#[timeout]`: cut off.
    pub(super) late: u64,
    /// `#[retry]`: tried again.
    pub(super) retried: u64,
    /// `#[hedge]`: asked another beside it.
    pub(super) hedged: u64,
    /// `#[circuit_breaker]`: refused.
    pub(super) broken: u64,
    /// `#[fallback]`: an old answer stood in.
    pub(super) stale: u64,
    /// Pages that were answered with an error.
    pub(super) failed: u64,
}

impl Counts {
    pub(super) const HEADING: &str = "  pages | cached shared | bulkhead | rate limit | timeout | retry | hedge | breaker | fallback | failed";

    /// What was added since.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            pages: self.pages - before.pages,
            kept: self.kept - before.kept,
            shared: self.shared - before.shared,
            no_place: self.no_place - before.no_place,
            over_rate: self.over_rate - before.over_rate,
            late: self.late - before.late,
            retried: self.retried - before.retried,
            hedged: self.hedged - before.hedged,
            broken: self.broken - before.broken,
            stale: self.stale - before.stale,
            failed: self.failed - before.failed,
        }
    }

    fn add(&mut self, line: &str) {
        let Some((series, count)) = line.rsplit_once(' ') else {
            return;
        };
        let Some((metric, labels)) = series.split_once('{') else {
            return;
        };
        let has = |label: &str, value: &str| labels.contains(&format!("{label}=\"{value}\""));
        if !has("service", FUNCTION) {
            return;
        }
        let count: u64 = count.parse().unwrap_or(0);
        let place = match metric {
            "msa_cache_hits_total" => &mut self.kept,
            "msa_coalesced_total" => &mut self.shared,
            "msa_refusals_total" if has("policy", "bulkhead") => &mut self.no_place,
            "msa_refusals_total" if has("policy", "rate_limit") => &mut self.over_rate,
            "msa_refusals_total" if has("policy", "circuit_breaker") => &mut self.broken,
            "msa_timeouts_total" => &mut self.late,
            "msa_retries_total" => &mut self.retried,
            "msa_hedges_total" => &mut self.hedged,
            "msa_fallbacks_total" => &mut self.stale,
            _ => return,
        };
        *place += count;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:7} | {:6} {:6} | {:8} | {:10} | {:7} | {:5} | {:5} | {:7} | {:8} | {:6}",
            self.pages,
            self.kept,
            self.shared,
            self.no_place,
            self.over_rate,
            self.late,
            self.retried,
            self.hedged,
            self.broken,
            self.stale,
            self.failed
        )
    }
}

/// Asks the management listener.
pub(super) fn read(admin: SocketAddr) -> Result<Counts, Error> {
    let metrics = http::get(admin, "/metrics").send()?.text();
    let mut counts = Counts::default();
    metrics.lines().for_each(|line| counts.add(line));
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_function_did_is_counted() {
        let mut counts = Counts::default();
        for line in [
            "# TYPE msa_retries_total counter".to_owned(),
            format!(r#"msa_retries_total{{service="{FUNCTION}",reason="503",dark="false"}} 2"#),
            format!(r#"msa_retries_total{{service="{FUNCTION}",reason="timeout",dark="false"}} 3"#),
            r#"msa_retries_total{service="product-service",reason="503",dark="false"} 9"#
                .to_owned(),
            format!(
                r#"msa_refusals_total{{service="{FUNCTION}",policy="bulkhead",dark="false"}} 4"#
            ),
        ] {
            counts.add(&line);
        }
        let expected = Counts {
            retried: 5,
            no_place: 4,
            ..Counts::default()
        };
        assert_eq!(counts, expected);
        assert_eq!(counts.since(counts), Counts::default());
    }
}
