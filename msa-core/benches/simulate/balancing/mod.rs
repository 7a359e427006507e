//! Which instance: every balancer in the experiments that others published, and in those that catch its faults.

mod algorithms;
mod antagonist;
mod beyond_round_robin;
mod churn;
mod cold_start;
mod fast_failer;
mod world;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use algorithms::{ALL, Algorithm};
use msa_core::balance::Balancer;

use crate::document::{Table, replace};
use crate::plot::{Frame, Legend, Line, lines};
use crate::summary::{Summary, median};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs all of them, and writes tables and pictures into the folder of the documents.
pub(crate) fn run(docs: &Path, seeds: u64) -> Result<()> {
    beyond(docs, seeds)?;
    antagonists(docs, seeds.min(3))?;
    failer(docs, seeds)?;
    cold(docs, seeds)?;
    churning(docs)?;
    Ok(())
}

fn publish(docs: &Path, name: &str, table: &Table) -> Result<()> {
    println!("\n{name}\n\n{}", table.text());
    Ok(replace(&docs.join("balancing.md"), name, table.text())?)
}

fn beyond(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "balancer",
        "within 1 s, median",
        "worst seed",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
    ]);
    let mut drawn = Vec::new();
    for algorithm in ALL {
        let mut shares = Vec::new();
        let mut all = Summary::default();
        for seed in 0..seeds {
            let run = beyond_round_robin::run(algorithm, seed);
            shares.push(run.within(beyond_round_robin::LIMIT));
            all.add(&run);
        }
        let worst = shares.iter().copied().fold(f64::MAX, f64::min);
        table.row([
            format!("`{}`", algorithm.name()),
            format!("{:.3} %", median(shares)),
            format!("{worst:.3} %"),
            format!("{:.0}", all.percentile(0.5)),
            format!("{:.0}", all.percentile(0.99)),
            format!("{:.0}", all.percentile(0.999)),
        ]);
        let nines = (0..400).map(|step| 4.0 * f64::from(step) / 400.0);
        drawn.push(Line {
            name: algorithm.name().to_owned(),
            points: nines
                .map(|nines| (nines, all.percentile(1.0 - 10_f64.powf(-nines))))
                .collect(),
        });
    }
    let frame = Frame {
        title: "Latency of the slowest 1 in 10^x requests, one slow server of eleven",
        x: "nines (2 is the 99th percentile)",
        y: "latency, ms",
        logarithmic: true,
        legend: Legend::UpperLeft,
    };
    lines(
        &docs.join("balancing-beyond-round-robin.svg"),
        &frame,
        &drawn,
    )?;
    publish(docs, "beyond-round-robin", &table)
}

fn antagonists(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "load", "balancer", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "errors",
    ]);
    let mut drawn: Vec<Line> = (ALL.iter())
        .map(|algorithm| Line {
            name: algorithm.name().to_owned(),
            points: Vec::new(),
        })
        .collect();
    for load in antagonist::LOADS {
        for (algorithm, line) in ALL.iter().zip(&mut drawn) {
            let mut all = Summary::default();
            for seed in 0..seeds {
                all.add(&antagonist::run(algorithm, load, seed));
            }
            line.points.push((load, all.percentile(0.99)));
            table.row([
                format!("{load:.2}"),
                format!("`{}`", algorithm.name()),
                format!("{:.1}", all.percentile(0.5)),
                format!("{:.1}", all.percentile(0.9)),
                format!("{:.1}", all.percentile(0.99)),
                format!("{:.1}", all.percentile(0.999)),
                format!("{:.2} %", all.error_share()),
            ]);
        }
    }
    let frame = Frame {
        title: "99th percentile under antagonists",
        x: "load, as a share of all allocations",
        y: "latency, ms",
        logarithmic: true,
        legend: Legend::UpperLeft,
    };
    lines(&docs.join("balancing-antagonists.svg"), &frame, &drawn)?;
    publish(docs, "antagonists", &table)
}

fn failer(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "balancer",
        "share in the first second",
        "over 30 s",
        "with outlier detection, over 30 s",
        "in the last second",
    ]);
    let mut drawn = Vec::new();
    for algorithm in ALL {
        let runs = |make: &dyn Fn(u64) -> Arc<dyn Balancer>| {
            let runs: Vec<_> = (0..seeds)
                .map(|seed| fast_failer::run(make, seed))
                .collect();
            middle(&runs)
        };
        let plain = runs(&|seed| algorithm.make(seed));
        let watched = runs(&|seed| algorithm.make_with_outliers(seed));
        let mean = |course: &[f64]| course.iter().sum::<f64>() / course.len().max(1) as f64;
        let of = |share: Option<&f64>| share.copied().unwrap_or(f64::NAN);
        table.row([
            format!("`{}`", algorithm.name()),
            format!("{:.2} %", of(plain.first())),
            format!("{:.2} %", mean(&plain)),
            format!("{:.2} %", mean(&watched)),
            format!("{:.2} %", of(watched.last())),
        ]);
        drawn.push(over_time(*algorithm, &watched));
    }
    let frame = Frame {
        title: "What one of ten instances draws that fails within 1 ms, with outlier detection",
        x: "seconds since it began to fail",
        y: "share of all requests, % (a fair share is 10)",
        logarithmic: false,
        legend: Legend::UpperLeft,
    };
    lines(&docs.join("balancing-fast-failer.svg"), &frame, &drawn)?;
    publish(docs, "fast-failer", &table)
}

fn cold(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "balancer",
        "newcomer's share after 1 s",
        "after 5 s",
        "after 15 s",
        "worst p99 of a second, ms",
        "p99 after 15 s, ms",
    ]);
    let (mut shares, mut latencies) = (Vec::new(), Vec::new());
    for algorithm in ALL {
        let courses: Vec<_> = (0..seeds)
            .map(|seed| cold_start::run(algorithm, seed))
            .collect();
        let (mut share, mut p99) = (Vec::new(), Vec::new());
        for course in courses {
            share.push(course.share);
            p99.push(course.p99);
        }
        let (share, p99) = (middle(&share), middle(&p99));
        let after = |course: &[f64], second: usize| course.get(second).copied().unwrap_or(f64::NAN);
        table.row([
            format!("`{}`", algorithm.name()),
            format!("{:.0} %", after(&share, 1)),
            format!("{:.0} %", after(&share, 5)),
            format!("{:.0} %", after(&share, 15)),
            format!("{:.0}", p99.iter().copied().fold(0.0, f64::max)),
            format!("{:.0}", after(&p99, 15)),
        ]);
        shares.push(over_time(*algorithm, &share));
        latencies.push(over_time(*algorithm, &p99));
    }
    let share = Frame {
        title: "What a new instance draws (100 % is a fair share)",
        x: "seconds since it joined",
        y: "share of a fair share, %",
        logarithmic: false,
        legend: Legend::UpperLeft,
    };
    lines(
        &docs.join("balancing-cold-start-share.svg"),
        &share,
        &shares,
    )?;
    let latency = Frame {
        title: "99th percentile of all requests while an instance warms up",
        x: "seconds since it joined",
        y: "latency, ms",
        logarithmic: true,
        legend: Legend::UpperLeft,
    };
    lines(
        &docs.join("balancing-cold-start-latency.svg"),
        &latency,
        &latencies,
    )?;
    publish(docs, "cold-start", &table)
}

fn churning(docs: &Path) -> Result<()> {
    let mut table = Table::new([
        "balancer",
        "one change, ms",
        "busiest endpoint",
        "picks astray",
        "left in flight",
    ]);
    for algorithm in ALL {
        let churned = churn::run(algorithm, 1);
        table.row([
            format!("`{}`", algorithm.name()),
            format!("{:.1}", churned.update),
            format!("{:.2} × mean", churned.most),
            churned.astray.to_string(),
            churned.leaked.to_string(),
        ]);
    }
    publish(docs, "churn", &table)
}

fn over_time(algorithm: Algorithm, course: &[f64]) -> Line {
    Line {
        name: algorithm.name().to_owned(),
        points: (course.iter().enumerate())
            .map(|(second, figure)| (second as f64, *figure))
            .collect(),
    }
}

/// The median of many courses, point by point.
fn middle(courses: &[Vec<f64>]) -> Vec<f64> {
    let longest = courses.iter().map(Vec::len).max().unwrap_or_default();
    (0..longest)
        .map(|point| {
            median(
                courses
                    .iter()
                    .filter_map(|course| course.get(point).copied())
                    .collect(),
            )
        })
        .collect()
}
