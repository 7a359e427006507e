//! Whether to call again, or at all: the policies in the experiments that others published, and against their absence.

mod amplification;
mod hedging;
mod metastable;
mod overload;
mod workers;
mod world;

use std::error::Error;
use std::path::Path;

use amplification::Retries;

use crate::document::{Table, replace};
use crate::plot::{Frame, Line, lines};
use crate::summary::{Summary, median};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs all of them, and writes tables and pictures into the folder of the documents.
pub(crate) fn run(docs: &Path, seeds: u64) -> Result<()> {
    // For the timers of requests that wait: the clock is paused, and nothing drives them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let _entered = runtime.enter();
    amplify(docs, seeds)?;
    recover(docs, seeds)?;
    overload(docs, seeds)?;
    hedge(docs, seeds)
}

fn publish(docs: &Path, name: &str, table: &Table) -> Result<()> {
    println!("\n{name}\n\n{}", table.text());
    Ok(replace(
        &docs.join("resilience.md"),
        name,
        table.text(),
    )?)
}

/// The median and the worst of some figures, of which the highest is the worst.
fn median_and_highest(figures: Vec<f64>) -> (f64, f64) {
    let highest = figures.iter().copied().fold(f64::NAN, f64::max);
    (median(figures), highest)
}

fn amplify(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "requests at the edge",
        "hops",
        "3 attempts each",
        "4 attempts each",
        "budgets only",
        "msa, median",
        "msa, worst seed",
        "aim",
    ]);
    for rate in [500.0, 50.0] {
        for hops in 1..=3 {
            let of = |retries| {
                let runs = (0..seeds).map(|seed| amplification::run(retries, hops, rate, seed));
                median_and_highest(runs.collect())
            };
            // What has no budget is the same with every seed.
            let naive = |attempts| amplification::run(Retries::Naive(attempts), hops, rate, 0);
            let (ours, worst) = of(Retries::Ours);
            table.row([
                format!("{rate:.0}/s"),
                hops.to_string(),
                format!("{:.1}", naive(3)),
                format!("{:.1}", naive(4)),
                format!("{:.2}", of(Retries::Budgets).0),
                format!("{ours:.2}"),
                format!("{worst:.2}"),
                format!("{:.2}", amplification::bound(rate)),
            ]);
        }
    }
    publish(docs, "amplification", &table)
}

fn recover(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "callers and server have",
        "normal after, median",
        "worst seed",
        "answered meanwhile",
        "attempts a call",
    ]);
    let mut drawn = Vec::new();
    for case in &metastable::ALL {
        let runs: Vec<_> = (0..seeds).map(|seed| metastable::run(case, seed)).collect();
        let of = |figure: fn(&metastable::Course) -> f64| runs.iter().map(figure).collect();
        let (middle, worst) =
            median_and_highest(of(|run| run.recovery.unwrap_or(f64::INFINITY)));
        let seconds = |figure: f64| match figure.is_finite() {
            true => format!("{figure:.1} s"),
            false => format!("not in {:.0} s", metastable::WATCHED),
        };
        table.row([
            case.name.to_owned(),
            seconds(middle),
            seconds(worst),
            format!("{:.0} %", median(of(|run| run.meanwhile))),
            format!("{:.2}", median(of(|run| run.attempts))),
        ]);
        drawn.push(Line {
            name: case.name.to_owned(),
            points: runs.into_iter().next().map_or_else(Vec::new, |run| run.good),
        });
    }
    let frame = Frame {
        title: "Calls answered well; ten times slower from -20 to 0",
        x: "seconds since the server is as fast as before",
        y: "answered well, %",
        logarithmic: false,
    };
    lines(&docs.join("resilience-recovery.svg"), &frame, &drawn)?;
    publish(docs, "recovery", &table)
}

fn overload(docs: &Path, seeds: u64) -> Result<()> {
    const FACTORS: [f64; 8] = [0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
    let mut table = Table::new([
        "offered",
        "limit",
        "goodput, median",
        "worst seed",
        "p50 ms",
        "p99 ms",
        "p99 ms, worst seed",
    ]);
    let mut drawn: Vec<_> = (overload::ALL.iter())
        .map(|protection| Line {
            name: protection.name.to_owned(),
            points: Vec::new(),
        })
        .collect();
    for factor in FACTORS {
        for (protection, line) in overload::ALL.iter().zip(&mut drawn) {
            let (mut goodputs, mut tails) = (Vec::new(), Vec::new());
            let mut all = Summary::default();
            for seed in 0..seeds {
                let (goodput, mut answered) = overload::run(protection, factor, seed);
                goodputs.push(goodput);
                tails.push(answered.percentile(0.99));
                all.add(&answered);
            }
            let worst = goodputs.iter().copied().fold(f64::MAX, f64::min);
            let goodput = median(goodputs);
            line.points.push((factor, goodput));
            if [2.0, 5.0, 10.0].contains(&factor) {
                table.row([
                    format!("{factor:.0} times"),
                    protection.name.to_owned(),
                    format!("{goodput:.1} %"),
                    format!("{worst:.1} %"),
                    milliseconds(all.percentile(0.5)),
                    milliseconds(all.percentile(0.99)),
                    milliseconds(median_and_highest(tails).1),
                ]);
            }
        }
    }
    let frame = Frame {
        title: "Answers within 100 ms, as a share of what the server can do",
        x: "offered load, times the capacity",
        y: "goodput, %",
        logarithmic: false,
    };
    lines(&docs.join("resilience-goodput.svg"), &frame, &drawn)?;
    publish(docs, "overload", &table)?;
    let limits = overload::ALL.iter().filter(|it| it.name.contains("G") || it.name.contains("Vegas")|| it.name.contains("default"));
    for l in limits { let t=std::time::Instant::now(); let h=overload::hour(l, 1); println!("{} {:?} {:?}", l.name, t.elapsed(), h); }
    Ok(())
}

/// Without a figure when nothing was answered.
fn milliseconds(figure: f64) -> String {
    match figure.is_finite() {
        true => format!("{figure:.0}"),
        false => "none".to_owned(),
    }
}

fn hedge(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "second question",
        "more requests",
        "call p50 ms",
        "call p99.9 ms",
        "read p50 ms",
        "read p99 ms",
        "read p99.9 ms",
        "worst seed",
    ]);
    let mut drawn = Vec::new();
    for case in &hedging::ALL {
        let (mut calls, mut reads) = (Summary::default(), Summary::default());
        let (mut extra, mut tails) = (Vec::new(), Vec::new());
        for seed in 0..seeds {
            let mut outcome = hedging::run(case, seed);
            extra.push(outcome.extra);
            tails.push(outcome.reads.percentile(0.999));
            calls.add(&outcome.calls);
            reads.add(&outcome.reads);
        }
        table.row([
            case.name.to_owned(),
            format!("{:.1} %", median(extra)),
            format!("{:.0}", calls.percentile(0.5)),
            format!("{:.0}", calls.percentile(0.999)),
            format!("{:.0}", reads.percentile(0.5)),
            format!("{:.0}", reads.percentile(0.99)),
            format!("{:.0}", reads.percentile(0.999)),
            format!("{:.0}", median_and_highest(tails).1),
        ]);
        if case.slowness > 1.0 {
            continue;
        }
        let nines = (0..300).map(|step| 3.0 * f64::from(step) / 300.0);
        drawn.push(Line {
            name: case.name.to_owned(),
            points: nines
                .map(|nines| (nines, reads.percentile(1.0 - 10_f64.powf(-nines))))
                .collect(),
        });
    }
    let frame = Frame {
        title: "A read of a hundred servers: the slowest 1 in 10^x",
        x: "nines (3 is the 99.9th percentile)",
        y: "latency, ms",
        logarithmic: true,
    };
    lines(&docs.join("resilience-hedging.svg"), &frame, &drawn)?;
    publish(docs, "hedging", &table)
}
