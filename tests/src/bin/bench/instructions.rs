//! Instructions per request, counted by callgrind over the whole process.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::args::Args;
use crate::child::{Server, seconds};
use crate::sides::{Kind, SIDES, Side};

pub(crate) fn run(args: &Args) -> Result<()> {
    let most = args.requests_or(6000);
    let few = most / 6;
    let kept;
    let dir: PathBuf = match &args.keep {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            dir.clone()
        }
        None => {
            kept = tempfile::tempdir()?;
            kept.path().to_owned()
        }
    };
    println!(
        "user instructions of the process, ({most} requests - {few} requests) / {}, {} at a time\n",
        most - few,
        args.parallel
    );
    println!("| side | instructions a request | beside bare |");
    println!("| --- | --- | --- |");
    let mut bare = None;
    for side in SIDES.iter().filter(|side| side.name.contains(&args.only)) {
        let count = |requests| -> Result<u64> {
            let file = dir.join(format!("{}.{requests}", side.mode.concat()));
            run_once(side, requests, args, Some(&file))?;
            total(&file)
        };
        let each = count(most)?.saturating_sub(count(few)?) as f64 / (most - few) as f64;
        if side.is_bare() {
            bare = Some(each);
        }
        let beside = bare.map_or_else(String::new, |bare| {
            format!("{:+.1} %", (each / bare - 1.0) * 100.0)
        });
        println!("| {} | {each:.0} | {beside} |", side.name);
    }
    Ok(())
}

/// One run of a side, profiled when a file for it is named; the seconds that it took.
pub(crate) fn run_once(
    side: &Side,
    requests: usize,
    args: &Args,
    profile: Option<&Path>,
) -> Result<f64> {
    let collector = match side.exports() {
        true => Some(Server::start(&["collector"], None)?),
        false => None,
    };
    let to = collector
        .as_ref()
        .map(|collector| collector.addr.to_string());
    let mut mode = side.mode.to_vec();
    mode.extend(to.iter().flat_map(|to| ["--collector", to]));
    let (n, k) = (requests.to_string(), args.parallel.to_string());
    let many = ["--requests", &n, "--parallel", &k];
    let took = match side.kind {
        Kind::Server => {
            let server = Server::start(&mode, profile)?;
            let addr = server.addr.to_string();
            let took = seconds(&[&["load", &addr], &many[..]].concat(), None)?;
            server.stop()?;
            took
        }
        Kind::Client => {
            let upstream = Server::start(&["upstream"], None)?;
            let addr = upstream.addr.to_string();
            mode.insert(1, &addr);
            let took = seconds(&[&mode, &many[..]].concat(), profile)?;
            upstream.stop()?;
            took
        }
    };
    collector.map_or(Ok(()), Server::stop)?;
    Ok(took)
}

/// The sum that callgrind writes at the end of its file.
fn total(file: &Path) -> Result<u64> {
    let profile = std::fs::read_to_string(file)?;
    let sum = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let sum = sum.ok_or("callgrind's file has no line of totals")?;
    Ok(sum.trim().parse()?)
}
