//! What the operating system and tokio tell of the process.

use std::time::Duration;

use super::catalog::*;
use super::exposition::Exposition;
use crate::clock::{self, Instant};

/// Linux tells times in hundredths of a second, whatever the kernel's own tick is (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Writes what Linux tells in `/proc`; elsewhere only the uptime.
pub(super) fn show(born: Instant, now: Instant, out: &mut Exposition) {
    if let Some(stat) = read("stat").as_deref().and_then(Stat::parse) {
        out.family(&PROCESS_CPU).counter_f64(&[], stat.cpu);
        out.gauge(&PROCESS_VIRTUAL, stat.virtual_memory);
        out.gauge(&PROCESS_THREADS, stat.threads);
    }
    let status = read("status").unwrap_or_default();
    if let Some(kib) = field(&status, "VmRSS:") {
        out.gauge(&PROCESS_RSS, kib * 1024.0);
    }
    if let Some(fds) = open_fds() {
        out.gauge(&PROCESS_FDS, fds);
    }
    if let Some(most) = field(&read("limits").unwrap_or_default(), "Max open files") {
        out.gauge(&PROCESS_MAX_FDS, most);
    }
    let uptime = now.saturating_duration_since(born);
    let started = Duration::from_millis(clock::unix_ms_at(born));
    out.gauge(&PROCESS_START, started.as_secs_f64());
    out.gauge(&PROCESS_UPTIME, uptime.as_secs_f64());
}

/// Writes what the runtime tells; nothing outside of one.
pub(super) fn show_runtime(out: &mut Exposition) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    out.gauge(&TOKIO_WORKERS, count(workers));
    out.gauge(&TOKIO_TASKS, count(metrics.num_alive_tasks()));
    out.gauge(&TOKIO_QUEUE, count(metrics.global_queue_depth()));
    #[cfg(target_has_atomic = "64")]
    {
        let busy: Duration = (0..workers)
            .map(|worker| metrics.worker_total_busy_duration(worker))
            .sum();
        out.family(&TOKIO_BUSY).counter_f64(&[], busy.as_secs_f64());
    }
}

fn count(count: usize) -> f64 {
    count as f64
}

fn read(file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/{file}")).ok()
}

fn open_fds() -> Option<f64> {
    // One is open for the look itself.
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count(open.saturating_sub(1)))
}

/// The first number of the line that begins so.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu: f64,
    threads: f64,
    virtual_memory: f64,
}

impl Stat {
    /// By proc_pid_stat(5). The name in brackets may hold anything, brackets too.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        // The first field after the name is the third.
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |nth: usize| fields.get(nth - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu: (number(14)? + number(15)?) / TICKS,
            threads: number(20)?,
            virtual_memory: number(23)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_with_brackets_and_blanks_shifts_no_field() {
        let text = "4242 (a ) b) (c) S 1 4242 4242 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 7 0 100 123456 789 1844";
        let expected = Stat {
            cpu: 2.0,
            threads: 7.0,
            virtual_memory: 123_456.0,
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("4242 (short) S 1"), None);
    }

    #[test]
    fn a_limit_that_is_none_is_left_out() {
        let text =
            "Max processes  1 2 processes\nMax open files            1024        4096   files\n";
        assert_eq!(field(text, "Max open files"), Some(1024.0));
        assert_eq!(
            field(
                "Max open files  unlimited unlimited files",
                "Max open files"
            ),
            None
        );
    }
}
