//! How fast a service is ready, and what it takes while idle.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use msa_core::clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Error;
use crate::options::Options;

const PATIENCE: Duration = Duration::from_secs(30);

/// Idle memory is taken so long after the service was ready.
const SETTLED: Duration = Duration::from_secs(1);

/// One start.
#[derive(Debug)]
struct Start {
    ready: Duration,
    /// From the spawn to the log line that says `listening`, by the line's own timestamp.
    listening: Option<Duration>,
    rss_kib: u64,
}

/// Prints the figures; holds when every start succeeds.
pub(crate) fn run(mut options: Options) -> Result<bool, Error> {
    let path = PathBuf::from(options.word("the path of a binary")?).canonicalize()?;
    let arguments = options.rest();
    let count: usize = options.value("count", 21)?;
    let variables: Vec<String> = options.values("env")?;
    options.finish()?;
    let mut starts = Vec::new();
    for _ in 0..count.max(1) {
        starts.push(start(&path, &arguments, &variables)?);
    }
    let size = std::fs::metadata(&path)?.len();
    println!(
        "{} starts of {}, {:.1} MiB",
        count,
        path.display(),
        mib(size)
    );
    let ready = starts.iter().map(|start| start.ready);
    show("start to ready (200 on /readyz)", ready, |time| {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    });
    let listening = starts.iter().filter_map(|start| start.listening);
    show("start to `listening` in its log", listening, |time| {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    });
    show(
        "idle memory (VmRSS)",
        starts.iter().map(|start| start.rss_kib),
        |kib| format!("{:.1} MiB", mib(kib * 1024)),
    );
    Ok(true)
}

fn start(path: &Path, arguments: &[String], variables: &[String]) -> Result<Start, Error> {
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("MSA_SERVER__ADDR", "127.0.0.1:0")
        .env("PORT", port.to_string())
        .env("MSA_ADMIN__ADDR", "127.0.0.1:0")
        .env("MSA_SERVER__DRAIN__LAG", "0s")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for variable in variables {
        let (name, value) = variable
            .split_once('=')
            .ok_or_else(|| format!("--env {variable}: write NAME=VALUE"))?;
        command.env(
            name,
            value.replace("{dir}", &folder.path().display().to_string()),
        );
    }
    let wall = Timestamp::try_from(clock::system())?;
    let begun = clock::now();
    let mut running = Running(command.spawn()?);
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while !is_ready(addr) {
        if let Some(status) = running.0.try_wait()? {
            return Err(format!("it ended with {status} before it was ready").into());
        }
        if clock::since(begun) > PATIENCE {
            return Err("it was not ready in time".into());
        }
        thread::sleep(Duration::from_micros(100));
    }
    let ready = clock::since(begun);
    thread::sleep(SETTLED);
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.0.id()))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let rss = rss.and_then(|rss| rss.split_whitespace().next());
    let rss_kib = rss.ok_or("no VmRSS in /proc")?.parse()?;

    let pid = Pid::from_raw(i32::try_from(running.0.id())?).ok_or("no process id")?;
    kill_process(pid, Signal::TERM)?;
    let mut log = String::new();
    if let Some(stdout) = &mut running.0.stdout {
        stdout.read_to_string(&mut log)?;
    }
    running.0.wait()?;
    Ok(Start {
        ready,
        listening: listening_at(&log).and_then(|at| at.duration_since(wall).try_into().ok()),
        rss_kib,
    })
}

fn is_ready(addr: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

fn listening_at(log: &str) -> Option<Timestamp> {
    let line = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line.get("message").and_then(Value::as_str) == Some("listening"))?;
    line.get("timestamp")?.as_str()?.parse().ok()
}

fn show<T: Copy + Ord>(what: &str, values: impl Iterator<Item = T>, text: impl Fn(T) -> String) {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let at = |part: usize| values.get((values.len().saturating_sub(1)) * part / 10);
    if let (Some(least), Some(median), Some(p90), Some(most)) = (at(0), at(5), at(9), at(10)) {
        println!(
            "  {what:<34} median {:>9}   least {:>9}   90 % {:>9}   most {:>9}",
            text(*median),
            text(*least),
            text(*p90),
            text(*most)
        );
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
