//! `prove` in small: what it shows in full takes minutes. Here only what must hold on any machine, however busy.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::process::{Command, Output};

fn prove(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prove"));
    command.args(arguments.split(' '));
    command.output().unwrap()
}

/// Runs it, and returns what it printed.
fn held(arguments: &str) -> String {
    let output = prove(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "prove {arguments}: {}\n{out}\n{err}",
        output.status
    );
    out
}

#[test]
fn rolling_restarts_lose_nothing_by_either_protocol() {
    let said = held("restarts --count 3 --workers 4");
    assert_eq!(said.matches(", 0 lost").count(), 2, "{said}");
}

#[test]
fn a_killed_instance_costs_no_call_and_gets_its_share_back() {
    let times = "--down 1s --ejection 3s --interval 200ms --slow-start 500ms";
    let said = held(&format!("kill --workers 4 {times}"));
    assert!(said.contains(", 0 failed"), "{said}");
}

#[test]
fn posts_at_the_end_of_idle_connections_are_not_lost() {
    let said = held("idle-close --posts 160 --lanes 16");
    assert!(
        said.contains("160 POSTs") && said.contains(", 0 lost"),
        "{said}"
    );
}

#[test]
fn hostile_connections_do_not_hold_up_the_end() {
    let options = "--connections 30 --http2 4 --lag 200ms --deadline 500ms --margin 30s";
    let said = held(&format!("hostile {options}"));
    assert!(said.contains("12 of 12 requests named as cut"), "{said}");
}

#[test]
fn no_header_breaks_a_rule() {
    let said = held("fuzz-headers --count 5000 --seed 11");
    assert!(said.contains("0 broke a rule"), "{said}");
}

#[test]
fn no_configuration_panics_or_shows_a_secret() {
    let said = held("fuzz-config --count 400 --seed 11");
    assert!(said.contains("0 broke a rule"), "{said}");
}

#[test]
fn a_start_is_measured() {
    let said = held(&format!(
        "start {} serve --count 1",
        env!("CARGO_BIN_EXE_prove")
    ));
    for figure in ["start to ready", "start to `listening`", "idle memory"] {
        assert!(said.contains(figure), "{said}");
    }
}

#[test]
fn a_command_line_that_is_not_understood_is_refused() {
    for (arguments, said) in [
        ("restrats", "unknown command `restrats`"),
        ("restarts --cuont 3", "unknown option `--cuont`"),
        ("hostile --lag 5", "--lag 5: "),
        ("start", "the path of a binary is missing"),
    ] {
        let output = prove(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(said), "{arguments}: {error}");
    }
}
