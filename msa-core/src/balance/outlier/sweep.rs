//! What is judged by the interval.

use std::sync::Arc;

use super::change::{Change, Rule};
use super::state::{State, release};
use super::statistics::{Rates, median};
use super::tally::Counted;
use crate::balance::{Mark, Slot};
use crate::clock::Instant;

/// The answers of the interval from one member that was in.
struct Interval<'m> {
    member: &'m Slot,
    counted: Counted,
}

impl State {
    /// One sweep, in Envoy's order: those whose time is over return, then the last interval is judged, then whoever is in
    /// and healthy is forgiven one ejection.
    pub(super) fn sweep(&mut self, members: &[Arc<Slot>], now: Instant) -> Vec<Change> {
        self.swept(now);
        let mut changes = Vec::new();
        let (mut answers, mut reached) = (Vec::new(), Vec::new());
        for member in members {
            let was_out = member.is(Mark::Ejected);
            changes.extend(back(member, now));
            let health = member.health();
            // Emptied in any case: what was counted before or while it was out must not send it out again.
            let (counted, counted_reached) = (health.answers.empty(), health.reached.empty());
            {
                let mut sentence = health.sentence();
                (sentence.rate, sentence.local_rate) = (None, None);
            }
            if !was_out {
                answers.push(Interval { member, counted });
                reached.push(Interval {
                    member,
                    counted: counted_reached,
                });
            }
        }
        self.judge(members, &answers, Origin::Remote, now, &mut changes);
        self.judge(members, &reached, Origin::Local, now, &mut changes);
        self.judge_latency(members, &answers, now, &mut changes);
        let in_service = (members.iter()).filter(|member| !member.is(Mark::Ejected));
        for member in in_service {
            let interval = self.config().interval;
            member.health().sentence().heal(interval, now);
        }
        changes
    }

    fn judge(
        &mut self,
        members: &[Arc<Slot>],
        intervals: &[Interval<'_>],
        origin: Origin,
        now: Instant,
        changes: &mut Vec<Change>,
    ) {
        let (by_rate, by_share) = (self.config().success_rate, self.config().failure_percentage);
        let least = [
            by_rate.map(|rule| rule.min_requests),
            by_share.map(|rule| rule.min_requests),
        ];
        if let Some(least) = least.into_iter().flatten().min() {
            for Interval { member, counted } in intervals {
                let mut sentence = member.health().sentence();
                let rate = match origin {
                    Origin::Remote => &mut sentence.rate,
                    Origin::Local => &mut sentence.local_rate,
                };
                *rate = counted.success_rate(least);
            }
        }
        let mut found = None;
        if let Some(rule) = by_rate {
            let rated = rated(intervals, rule.min_requests);
            if rated.len() >= rule.min_endpoints {
                let rates: Vec<f64> = rated.iter().map(|(_, rate)| *rate).collect();
                found = Rates::of(&rates, rule.stdev_factor);
            }
            for (member, rate) in rated {
                if found.is_some_and(|rates| rate < rates.threshold) {
                    let rule = origin.success_rate();
                    changes.extend(self.eject(members, member, rule, None, now));
                }
            }
        }
        match origin {
            Origin::Remote => self.rates = found,
            Origin::Local => self.local_rates = found,
        }
        if let Some(rule) = by_share {
            let threshold = rule.threshold.fraction() * 100.0;
            let rated = rated(intervals, rule.min_requests);
            let enough = rated.len() >= rule.min_endpoints;
            for (member, rate) in rated {
                let failed = 100.0 - rate;
                if enough && (failed > threshold || rule.at_threshold && failed >= threshold) {
                    let rule = origin.failure_percentage();
                    changes.extend(self.eject(members, member, rule, None, now));
                }
            }
        }
    }

    fn judge_latency(
        &mut self,
        members: &[Arc<Slot>],
        intervals: &[Interval<'_>],
        now: Instant,
        changes: &mut Vec<Change>,
    ) {
        let Some(rule) = self.config().latency else {
            return;
        };
        let timed: Vec<(&Slot, f64)> = (intervals.iter())
            .filter_map(|one| Some((one.member, one.counted.latency(rule.min_requests)?)))
            .collect();
        // Of two nobody can say which is the outlier.
        if timed.len() < rule.min_endpoints.max(3) {
            return;
        }
        let mut times: Vec<f64> = timed.iter().map(|(_, time)| *time).collect();
        let Some(median) = median(&mut times) else {
            return;
        };
        let bound = (median * rule.factor).max(median + rule.min_excess.as_secs_f64());
        for (member, time) in timed {
            if time > bound {
                changes.extend(self.eject(members, member, Rule::Latency, None, now));
            }
        }
    }
}

/// Whose failures are judged: what the endpoints answered, or whether they could be reached.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Remote,
    Local,
}

impl Origin {
    fn success_rate(self) -> Rule {
        match self {
            Self::Remote => Rule::SuccessRate,
            Self::Local => Rule::LocalSuccessRate,
        }
    }

    fn failure_percentage(self) -> Rule {
        match self {
            Self::Remote => Rule::FailurePercentage,
            Self::Local => Rule::LocalFailurePercentage,
        }
    }
}

fn rated<'m>(intervals: &[Interval<'m>], least: u32) -> Vec<(&'m Slot, f64)> {
    (intervals.iter())
        .filter_map(|one| Some((one.member, one.counted.success_rate(least)?)))
        .collect()
}

/// Brings a slot back whose time is over.
fn back(slot: &Slot, now: Instant) -> Option<Change> {
    let over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
    let (ejected, draining) = {
        let sentence = slot.health().sentence();
        (over(sentence.ejected_until), over(sentence.draining_until))
    };
    let marks = [(Mark::Ejected, ejected), (Mark::Draining, draining)];
    let over: Vec<Mark> = (marks.into_iter())
        .filter_map(|(mark, over)| over.then_some(mark))
        .collect();
    release(slot, &over, now)
}
