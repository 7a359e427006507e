//! The demo's chaos in small: what it ends with must hold on any machine, however busy.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::process::Command;

use serde_json::Value;

#[test]
fn orders_that_were_accepted_while_services_died_are_stored_once_and_edited_policies_hold() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.args(["--chaos", "--seconds", "5", "--rate", "10", "--json"]);
    let output = demo.output().unwrap();
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(out).unwrap_or_default();
    assert!(output.status.success(), "{report:#}\n{err}");
    let orders = &report["orders"];
    for count in ["asked", "accepted", "stored"] {
        assert_eq!(orders[count], 50, "{report:#}");
    }
    for count in ["lost", "twice", "shared", "refused", "unanswered"] {
        assert_eq!(orders[count], 0, "{report:#}");
    }
    let deeds = report["course"].as_array().unwrap().iter();
    let killed = deeds.filter(|deed| deed["what"].as_str().unwrap().starts_with("KILL "));
    assert_eq!(killed.count(), 6, "{report:#}");

    // What is edited in a running service holds from the next call on, and nothing else changes.
    let scenes = report["pages"].as_array().unwrap();
    let counted = |what: &str| -> Vec<bool> {
        let count = |scene: &Value| scene[what].as_u64().unwrap() > 0;
        scenes.iter().map(count).collect()
    };
    let (yes, no) = (true, false);
    let by_scene = counted("kept");
    assert_eq!(
        by_scene,
        [yes, no, no, no, no, yes],
        "cached.enabled {report:#}"
    );
    let by_scene = counted("retried");
    assert_eq!(
        by_scene[2..5],
        [yes, no, no],
        "retry.max_retries {report:#}"
    );
    let by_scene = counted("broken");
    assert_eq!(by_scene[2..5], [no, no, yes], "breaker.enabled {report:#}");
    let by_scene = counted("over_rate");
    assert_eq!(
        by_scene[..5],
        [no, yes, no, no, no],
        "rate_limit.enabled {report:#}"
    );
    for what in ["no_place", "late", "hedged", "stale"] {
        assert!(counted(what).contains(&yes), "{what} {report:#}");
    }
    assert_eq!(
        counted("failed"),
        [no; 6],
        "each page was answered {report:#}"
    );
}
