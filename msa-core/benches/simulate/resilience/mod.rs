//! Whether to call again, or at all: the policies in the experiments that others published, and against their absence.

mod amplification;
mod hedging;
mod metastable;
mod overload;
mod workers;
mod world;

use std::error::Error;
use std::path::Path;

use amplification::{Amplified, Retries};

use crate::document::{Table, replace};
use crate::plot::{Frame, Legend, Line, lines};
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
    Ok(replace(&docs.join("resilience.md"), name, table.text())?)
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
        "allowed, median",
        "of what is allowed, worst seed",
    ]);
    for rate in [500.0, 50.0] {
        for hops in 1..=3 {
            let runs = |retries| {
                let run = |seed| amplification::run(retries, hops, rate, seed);
                (0..seeds).map(run).collect::<Vec<_>>()
            };
            let factors = |runs: &[Amplified]| runs.iter().map(|run| run.factor).collect();
            // What has no budget is the same with every seed.
            let naive =
                |attempts| amplification::run(Retries::Naive(attempts), hops, rate, 0).factor;
            let ours = runs(Retries::Ours);
            let of_aim = ours.iter().map(|run| 100.0 * run.factor / run.aim);
            let (_, of_aim) = median_and_highest(of_aim.collect());
            table.row([
                format!("{rate:.0}/s"),
                hops.to_string(),
                format!("{:.1}", naive(3)),
                format!("{:.1}", naive(4)),
                format!("{:.2}", median(factors(&runs(Retries::Budgets)))),
                format!("{:.2}", median(factors(&ours))),
                format!("{:.2}", median(ours.iter().map(|run| run.aim).collect())),
                format!("{of_aim:.1} %"),
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
        let (middle, worst) = median_and_highest(of(|run| run.recovery.unwrap_or(f64::INFINITY)));
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
        // One seed's course: a median of many would show none.
        if let (true, Some(run)) = (case.drawn, runs.into_iter().next()) {
            drawn.push(Line {
                name: case.name.to_owned(),
                points: run.good,
            });
        }
    }
    let frame = Frame {
        title: "Calls answered well; ten times slower from -20 to 0",
        x: "seconds since the server is as fast as before",
        y: "answered well, %",
        logarithmic: false,
        legend: Legend::MiddleRight,
    };
    lines(&docs.join("resilience-recovery.svg"), &frame, &drawn)?;
    publish(docs, "recovery", &table)
}

fn overload(docs: &Path, seeds: u64) -> Result<()> {
    const FACTORS: [f64; 11] = [0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0];
    let mut table = Table::new([
        "limit",
        "offered",
        "goodput, median",
        "worst seed",
        "p50 ms",
        "p99 ms",
        "p99 ms, worst seed",
    ]);
    let (mut goodput_lines, mut tail_lines) = (Vec::new(), Vec::new());
    for protection in &overload::ALL {
        let line = |points| Line {
            name: protection.name.to_owned(),
            points,
        };
        let (mut goodput_points, mut tail_points) = (Vec::new(), Vec::new());
        for factor in FACTORS {
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
            let tail = all.percentile(0.99);
            if factor <= 3.0 {
                goodput_points.push((factor, goodput));
            }
            if tail.is_finite() {
                tail_points.push((factor, tail));
            }
            if [2.0, 5.0, 10.0].contains(&factor) {
                table.row([
                    protection.name.to_owned(),
                    format!("{factor:.0} times"),
                    format!("{goodput:.1} %"),
                    format!("{worst:.1} %"),
                    milliseconds(all.percentile(0.5)),
                    milliseconds(tail),
                    milliseconds(median_and_highest(tails).1),
                ]);
            }
        }
        if protection.drawn {
            goodput_lines.push(line(goodput_points));
            tail_lines.push(line(tail_points));
        }
    }
    let frame = Frame {
        title: "Answers within 100 ms, as a share of what the server can do",
        x: "offered load, times the capacity",
        y: "goodput, %",
        logarithmic: false,
        legend: Legend::MiddleRight,
    };
    let file = docs.join("resilience-goodput.svg");
    lines(&file, &frame, &goodput_lines)?;
    let frame = Frame {
        title: "99th percentile of what is answered",
        x: "offered load, times the capacity",
        y: "latency, ms",
        logarithmic: true,
        legend: Legend::MiddleRight,
    };
    lines(&docs.join("resilience-tail.svg"), &frame, &tail_lines)?;
    publish(docs, "overload", &table)?;
    stay(docs, seeds.min(3))
}

/// Whether a limit that adapts is still right after half an hour.
fn stay(docs: &Path, seeds: u64) -> Result<()> {
    let mut table = Table::new([
        "limit",
        "goodput in the first minute",
        "the third",
        "the tenth",
        "the thirtieth",
    ]);
    let mut drawn = Vec::new();
    for protection in overload::ALL.iter().filter(|it| it.adapts) {
        let runs: Vec<_> = (0..seeds)
            .map(|seed| overload::long(protection, seed))
            .collect();
        let minute = |number: usize| {
            let of = |run: &Vec<f64>| run.get(number - 1).copied().unwrap_or(f64::NAN);
            median(runs.iter().map(of).collect())
        };
        let row = [1, 3, 10, 30].map(|number| format!("{:.1} %", minute(number)));
        table.row(std::iter::once(protection.name.to_owned()).chain(row));
        drawn.push(Line {
            name: protection.name.to_owned(),
            points: (1..=30)
                .map(|number| (f64::from(number), minute(number as usize)))
                .collect(),
        });
    }
    let frame = Frame {
        title: "Answers within 100 ms at 1.5 times the capacity, as a share of it",
        x: "minutes",
        y: "goodput, %",
        logarithmic: false,
        legend: Legend::MiddleRight,
    };
    lines(&docs.join("resilience-drift.svg"), &frame, &drawn)?;
    publish(docs, "drift", &table)
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
        legend: Legend::UpperLeft,
    };
    lines(&docs.join("resilience-hedging.svg"), &frame, &drawn)?;
    publish(docs, "hedging", &table)
}
