//! Requests per second, side by side.

use crate::Result;
use crate::args::Args;
use crate::child::{Server, seconds};

/// One comparison: what is put beside what, and how a run of either is measured.
struct Comparison {
    name: &'static str,
    base: &'static [&'static str],
    other: &'static [&'static str],
    run: fn(&[&str], &Args) -> Result<f64>,
}

const COMPARISONS: [Comparison; 3] = [
    Comparison {
        name: "server, access log off",
        base: &["serve-bare"],
        other: &["serve-msa"],
        run: serve,
    },
    Comparison {
        name: "server, access log to /dev/null (bare axum has none)",
        base: &["serve-bare"],
        other: &["serve-msa", "--access-log"],
        run: serve,
    },
    Comparison {
        name: "client",
        base: &["call-bare"],
        other: &["call-msa"],
        run: call,
    },
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let requests = args.requests_or(REQUESTS);
    println!(
        "{} pairs, {requests} requests a run, {} at a time; bare and msa in turn, the first of a pair changes each time\n",
        args.pairs, args.parallel
    );
    println!(
        "| comparison | bare req/s | msa req/s | msa / bare (quartiles) | bare / bare (quartiles) |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for comparison in COMPARISONS {
        if comparison.name.contains(&args.only) {
            row(&comparison, args)?;
        }
    }
    Ok(())
}

const REQUESTS: usize = 160_000;

fn row(comparison: &Comparison, args: &Args) -> Result<()> {
    let (mut bare, mut msa) = (Vec::new(), Vec::new());
    let (mut ratios, mut same) = (Vec::new(), Vec::new());
    for pair in 0..args.pairs {
        let [a, b] = in_turn(comparison, comparison.other, pair, args)?;
        bare.push(a);
        msa.push(b);
        ratios.push(b / a);
        let [a, b] = in_turn(comparison, comparison.base, pair, args)?;
        same.push(b / a);
    }
    println!(
        "| {} | {:.0} | {:.0} | {} | {} |",
        comparison.name,
        Quartiles::of(bare).median,
        Quartiles::of(msa).median,
        Quartiles::of(ratios),
        Quartiles::of(same)
    );
    Ok(())
}

/// The base and the other, whichever is first.
fn in_turn(comparison: &Comparison, other: &[&str], pair: usize, args: &Args) -> Result<[f64; 2]> {
    let run = |mode| (comparison.run)(mode, args);
    if pair.is_multiple_of(2) {
        let base = run(comparison.base)?;
        Ok([base, run(other)?])
    } else {
        let other = run(other)?;
        Ok([run(comparison.base)?, other])
    }
}

fn serve(mode: &[&str], args: &Args) -> Result<f64> {
    let server = Server::start(mode, None)?;
    let rate = rate(&["load"], &server, args)?;
    server.stop()?;
    Ok(rate)
}

fn call(mode: &[&str], args: &Args) -> Result<f64> {
    let upstream = Server::start(&["upstream"], None)?;
    let rate = rate(mode, &upstream, args)?;
    upstream.stop()?;
    Ok(rate)
}

fn rate(mode: &[&str], server: &Server, args: &Args) -> Result<f64> {
    let requests = args.requests_or(REQUESTS);
    let (addr, n, k) = (
        server.addr.to_string(),
        requests.to_string(),
        args.parallel.to_string(),
    );
    let options = [&addr, "--requests", &n, "--parallel", &k];
    let seconds = seconds(&[mode, &options].concat(), None)?;
    Ok((requests / args.parallel * args.parallel) as f64 / seconds)
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
