//! Instructions per request, counted by callgrind over the whole process.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::args::Args;
use crate::child::{Server, seconds};

type Run = fn(&[&str], usize, &Args, &Path) -> Result<()>;

const SIDES: [(&str, &[&str], Run); 6] = [
    ("server: bare axum", &["serve-bare"], serve),
    (
        "server: msa, access log and journal off",
        &["serve-msa", "--no-journal"],
        serve,
    ),
    ("server: msa, access log off", &["serve-msa"], serve),
    (
        "server: msa, access log to /dev/null",
        &["serve-msa", "--access-log"],
        serve,
    ),
    ("client: bare reqwest", &["call-bare"], call),
    ("client: msa", &["call-msa"], call),
];

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
    for (name, mode, run) in SIDES {
        if !name.contains(&args.only) {
            continue;
        }
        let count = |requests| -> Result<u64> {
            let file = dir.join(format!("{}.{requests}", mode.concat()));
            run(mode, requests, args, &file)?;
            total(&file)
        };
        let each = count(most)?.saturating_sub(count(few)?) as f64 / (most - few) as f64;
        if name.contains("bare") {
            bare = Some(each);
        }
        let beside = bare.map_or_else(String::new, |bare| {
            format!("{:+.1} %", (each / bare - 1.0) * 100.0)
        });
        println!("| {name} | {each:.0} | {beside} |");
    }
    Ok(())
}

fn serve(mode: &[&str], requests: usize, args: &Args, file: &Path) -> Result<()> {
    let server = Server::start(mode, Some(file))?;
    run_against(&["load"], &server, requests, args, None)?;
    server.stop()
}

fn call(mode: &[&str], requests: usize, args: &Args, file: &Path) -> Result<()> {
    let upstream = Server::start(&["upstream"], None)?;
    run_against(mode, &upstream, requests, args, Some(file))?;
    upstream.stop()
}

fn run_against(
    mode: &[&str],
    server: &Server,
    requests: usize,
    args: &Args,
    profile: Option<&Path>,
) -> Result<()> {
    let (addr, n, k) = (
        server.addr.to_string(),
        requests.to_string(),
        args.parallel.to_string(),
    );
    let options = [&addr, "--requests", &n, "--parallel", &k];
    seconds(&[mode, &options].concat(), profile)?;
    Ok(())
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
