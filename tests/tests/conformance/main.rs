//! Other systems' tables of behaviour, played against the shipped types: see `tests/conformance/README.md`.
//!
//! A kind of case has one file here, whose `run` drives the real policy. To add a kind: write that file, and name it in
//! [`KINDS`]. A program of its own rather than a `#[test]`, so that the counts are printed when all is well, too.

mod calls;
mod case;
mod expect;
mod guards;
mod read;
mod report;
mod setting;
mod step;

mod adaptive_limit;
mod backoff;
mod breaker_calls;
mod bulkhead;
mod circuit_breaker;
mod error_classification;
mod failure_accrual;
mod fallback;
mod load_balancer;
mod outlier;
mod rate_limiter;
mod retry;
mod retry_budget;
mod retry_condition;
mod retry_script;
mod retry_throttle;
mod sliding_window;
mod timeout;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use case::{Case, Trouble, Verdict};
use report::Report;

type Driver = fn(&Case) -> Verdict;

/// Who plays which kind.
const KINDS: &[(&str, Driver)] = &[
    ("adaptive_limit", adaptive_limit::run),
    ("backoff", backoff::run),
    ("bulkhead", bulkhead::run),
    ("circuit_breaker", circuit_breaker::run),
    ("error_classification", error_classification::run),
    ("failure_accrual", failure_accrual::run),
    ("fallback", fallback::run),
    ("load_balancer", load_balancer::run),
    ("outlier", outlier::run),
    ("rate_limiter", rate_limiter::run),
    ("retry", retry::run),
    ("retry_budget", retry_budget::run),
    ("retry_condition", retry_condition::run),
    ("retry_throttle", retry_throttle::run),
    ("sliding_window", sliding_window::run),
    ("timeout", timeout::run),
];

fn main() -> ExitCode {
    let folder = std::env::var_os("MSA_CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance")),
        PathBuf::from,
    );
    let (cases, unread) = match read::folder(&folder) {
        Ok(read) => read,
        Err(error) => {
            println!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    // As with any test program: what is no option chooses the cases.
    let filters: Vec<String> = std::env::args().skip(1).collect();
    let filters: Vec<&str> = (filters.iter().map(String::as_str))
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let chosen = |case: &&Case| {
        filters.is_empty()
            || (filters.iter()).any(|part| case.id.contains(part) || case.kind.contains(part))
    };

    let mut report = Report::new(unread);
    for case in cases.iter().filter(chosen) {
        report.add(case, play(case));
    }
    println!("{report}");
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn play(case: &Case) -> Verdict {
    let Some((_, driver)) = KINDS.iter().find(|(kind, _)| *kind == case.kind) else {
        return Err(Trouble::NotExpressible(format!(
            "the kind `{}` is not known",
            case.kind
        )));
    };
    // A driver that panics is a failed case and not the end of the run.
    catch_unwind(AssertUnwindSafe(|| driver(case)))
        .unwrap_or_else(|panic| Err(Trouble::Failed(format!("panicked: {}", said(&*panic)))))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
