//! The time of a request, side by side.

use crate::Result;
use crate::args::Args;
use crate::instructions::run_once;
use crate::sides::{SIDES, Side};

pub(crate) fn run(args: &Args) -> Result<()> {
    let requests = args.requests_or(REQUESTS);
    println!(
        "{} pairs, {requests} requests a run, {} at a time; bare and msa in turn, the first of a pair changes each time\n",
        args.pairs, args.parallel
    );
    println!(
        "| side | bare, µs a request | msa, µs a request | msa / bare (quartiles) | bare / bare (quartiles) |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for side in SIDES.iter().filter(|side| side.name.contains(&args.only)) {
        if !side.is_bare() {
            row(side, args)?;
        }
    }
    Ok(())
}

const REQUESTS: usize = 160_000;

fn row(side: &Side, args: &Args) -> Result<()> {
    let bare = SIDES
        .iter()
        .find(|one| one.is_bare() && one.kind == side.kind);
    let base = bare.ok_or("each kind has a bare side")?;
    let (mut bare, mut msa) = (Vec::new(), Vec::new());
    let (mut ratios, mut same) = (Vec::new(), Vec::new());
    for pair in 0..args.pairs {
        let [a, b] = in_turn(base, side, pair, args)?;
        bare.push(a);
        msa.push(b);
        ratios.push(b / a);
        let [a, b] = in_turn(base, base, pair, args)?;
        same.push(b / a);
    }
    println!(
        "| {} | {:.2} | {:.2} | {} | {} |",
        side.name,
        Quartiles::of(bare).median,
        Quartiles::of(msa).median,
        Quartiles::of(ratios),
        Quartiles::of(same)
    );
    Ok(())
}

/// The base and the other, whichever is first.
fn in_turn(base: &Side, other: &Side, pair: usize, args: &Args) -> Result<[f64; 2]> {
    if pair.is_multiple_of(2) {
        let base = time(base, args)?;
        Ok([base, time(other, args)?])
    } else {
        let other = time(other, args)?;
        Ok([time(base, args)?, other])
    }
}

/// Microseconds a request.
fn time(side: &Side, args: &Args) -> Result<f64> {
    let requests = args.requests_or(REQUESTS);
    let seconds = run_once(side, requests, args, None)?;
    Ok(seconds * 1e6 / (requests / args.parallel * args.parallel) as f64)
}

struct Quartiles {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Quartiles {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = (values.len() - 1) * quarter;
            // Between two values the nearer one to the middle of the list is as good.
            values.get(place.div_ceil(4)).copied().unwrap_or(f64::NAN)
        };
        Self {
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }
}

impl std::fmt::Display for Quartiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.3} ({:.3} to {:.3})",
            self.median, self.lower, self.upper
        )
    }
}
