//! The cases of kind `sliding_window`: [`SlidingWindow`] over time and over calls.

use std::time::Duration;

use msa_core::resilience::window::{SlidingWindow, Window};
use serde_json::json;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let kind = window(&setting)?;
    let slow_after = setting.time("slow")?;
    // Two libraries tell whole percent; both round half up.
    let whole = setting
        .text("rounding")?
        .is_some_and(|how| how.contains("whole percent"));
    setting.get("starts_at");
    setting.all_known()?;

    let mut clock = Clock::new();
    let window = SlidingWindow::new(kind).beginning(clock.now());
    case.play(|event, _| {
        step::each(event, |one| {
            if clock.step(one)? {
                return Ok(());
            }
            let record = |ok, elapsed: Duration| match slow_after {
                Some(limit) if elapsed >= limit => window.record_slow(ok, elapsed, clock.now()),
                _ => window.record(ok, elapsed, clock.now()),
            };
            let mut parts = one.splitn(3, ':');
            match (parts.next().unwrap_or_default(), parts.next()) {
                ("record", Some(outcome)) => {
                    let elapsed = match parts.next() {
                        Some(ms) => Duration::from_secs_f64(step::number::<f64>(ms, one)? / 1e3),
                        None => Duration::ZERO,
                    };
                    match outcome {
                        "ok" | "success" => record(true, elapsed),
                        "fail" | "timeout" | "error" => record(false, elapsed),
                        "slow" | "slow_ok" => window.record_slow(true, elapsed, clock.now()),
                        "slow_fail" => window.record_slow(false, elapsed, clock.now()),
                        "ignored" => {}
                        _ => return Err(Trouble::unknown_event(one)),
                    }
                }
                ("record_many", Some(counts)) => {
                    for part in counts.split(',') {
                        let (name, count) = part.split_once('=').unwrap_or((part, "1"));
                        let ok = match name.trim() {
                            "ok" | "success" => true,
                            "fail" | "failed" => false,
                            _ => return Err(Trouble::unknown_event(one)),
                        };
                        for _ in 0..step::number::<u32>(count, one)? {
                            record(ok, Duration::ZERO);
                        }
                    }
                }
                ("reset" | "clear", None) => window.reset(),
                ("metrics" | "state" | "observe", None) => {}
                _ => return Err(Trouble::unknown_event(one)),
            }
            Ok(())
        })?;
        let counts = window.counts(clock.now());
        let percent = |share: f64| {
            let percent = share * 100.0;
            json!(if whole {
                (percent + 0.5).floor()
            } else {
                percent
            })
        };
        let (total, sum) = (counts.total(), counts.time.as_secs_f64() * 1e3);
        let average = if total == 0 { 0.0 } else { sum / total as f64 };
        Ok(Seen::from([
            ("total", json!(total)),
            ("buffered", json!(total)),
            ("ok", json!(counts.ok)),
            ("failed", json!(counts.failed)),
            ("slow", json!(counts.slow)),
            ("sum_ms", json!(sum)),
            ("avg_ms", json!(average)),
            ("rate", percent(counts.failure_rate())),
            ("failure_rate", percent(counts.failure_rate())),
            ("slow_rate", percent(counts.slow_rate())),
            (
                "success_rate",
                percent(if total == 0 {
                    0.0
                } else {
                    1.0 - counts.failure_rate()
                }),
            ),
        ]))
    })
}

/// `{"type": "count", "size": calls}` or `{"type": "time", "size": ms, "bucket_ms": ms}`.
pub(crate) fn window(setting: &Setting<'_>) -> Result<Window, Trouble> {
    let size = setting.count("size")?.or(setting.count("size_ms")?);
    let size = size.ok_or_else(|| Trouble::inexpressible("the window has no `size`"))?;
    match setting.text("type")? {
        Some("count") => Ok(Window::Count {
            size: u32::try_from(size).map_err(|_| Trouble::inexpressible("too large a window"))?,
        }),
        Some("time") => {
            let length = Duration::from_millis(size);
            let buckets = match (setting.time("bucket")?, setting.count("buckets")?) {
                (Some(bucket), _) if !bucket.is_zero() => {
                    u64::try_from(length.as_nanos().div_ceil(bucket.as_nanos())).unwrap_or(1)
                }
                (_, buckets) => buckets.unwrap_or(10),
            };
            Ok(Window::Time {
                length,
                buckets: u32::try_from(buckets).unwrap_or(u32::MAX).max(1),
            })
        }
        other => Err(Trouble::inexpressible(format!(
            "a window of type {other:?} is not known"
        ))),
    }
}
