//! `host0: 1x500,1x200,4x500`, `1 host(s): 5 fail, the rest 5 ok`, `each host: 200 ok`, `5x500`.

use msa_core::balance::Answer;

use crate::case::Trouble;
use crate::step;

/// Hosts by number, and what each of them answers, how many times.
type Told = (Vec<usize>, Vec<(u32, Answer)>);

/// Who answers what. `hosts` are those that are there.
pub(super) fn parse(step: &str, hosts: &[usize]) -> Result<Vec<Told>, Trouble> {
    let (step_of_some, rest) = match step.split_once(", the rest ") {
        Some((some, rest)) => (some, Some(rest)),
        None => (step, None),
    };
    let (some, answers) = match step_of_some.split_once(':') {
        Some((who, answers)) => (named(who.trim(), hosts, step)?, answers),
        // Without a name: the first, which is the only one as a rule.
        None => (hosts.iter().copied().take(1).collect(), step_of_some),
    };
    let mut told = vec![(some.clone(), answered(answers, step)?)];
    if let Some(rest) = rest {
        let others = hosts.iter().copied().filter(|host| !some.contains(host));
        told.push((others.collect(), answered(rest, step)?));
    }
    Ok(told)
}

fn named(who: &str, hosts: &[usize], step: &str) -> Result<Vec<usize>, Trouble> {
    if matches!(who, "each host" | "all hosts" | "every host" | "all") {
        return Ok(hosts.to_vec());
    }
    // `2 host(s)`: the last ones, as in gRPC's tests.
    let counted = ["host(s)", "hosts", "host"]
        .into_iter()
        .find_map(|noun| who.strip_suffix(noun));
    if let Some(count) = counted {
        let count: usize = step::number(count, step)?;
        return Ok(hosts.iter().rev().take(count).rev().copied().collect());
    }
    let mut named = Vec::new();
    for one in who.split(',').map(str::trim) {
        let one = one.strip_prefix("hosts").or(one.strip_prefix("host"));
        let one = one.ok_or_else(|| Trouble::unknown_event(step))?;
        match one.split_once("..") {
            Some((first, last)) => {
                let last = last.trim_start_matches('=').trim_start_matches("host");
                let (first, last) = (step::number(first, step)?, step::number(last, step)?);
                named.extend(
                    hosts
                        .iter()
                        .copied()
                        .filter(|host| (first..=last).contains(host)),
                );
            }
            None => named.push(step::number(one, step)?),
        }
    }
    Ok(named)
}

fn answered(answers: &str, step: &str) -> Result<Vec<(u32, Answer)>, Trouble> {
    answers
        .split(',')
        .map(str::trim)
        .filter(|answer| !answer.is_empty())
        .map(|answer| {
            let digits = answer.find(|c: char| !c.is_ascii_digit());
            let (count, what) = match digits {
                Some(end) if end > 0 => answer.split_at(end),
                // A number alone is a status.
                _ => ("1", answer),
            };
            let what = what.trim_start_matches(['x', ' ']);
            Ok((step::number(count, step)?, answer_of(what, step)?))
        })
        .collect()
}

fn answer_of(what: &str, step: &str) -> Result<Answer, Trouble> {
    if let Ok(status) = what.parse() {
        return Ok(Answer::of_status(status));
    }
    match what {
        "ok" | "success" | "successes" | "connect_ok" | "connect_success" | "local_ok" => {
            Ok(Answer::Success)
        }
        // What these tests mean by it: 503.
        "fail" | "failure" | "failures" | "gateway_failure" | "gateway_fail" => {
            Ok(Answer::GatewayFailure)
        }
        "local_fail"
        | "local_failure"
        | "local_origin_fail"
        | "local_origin_failure"
        | "connect_fail"
        | "connect_failed"
        | "connect_failure"
        | "reset"
        | "refused"
        | "timeout"
        | "local_timeout" => Ok(Answer::LocalFailure),
        _ => Err(Trouble::unknown_event(step)),
    }
}
