//! Who is out and why: the decisions of a detector, taken one at a time.

use std::sync::Arc;
use std::time::Duration;

use super::change::{Change, Rule};
use super::config::OutlierConfig;
use super::detector::Counts;
use super::statistics::Rates;
use crate::balance::{Chance, Mark, Slot};
use crate::clock::Instant;
use crate::config::Percent;

/// What stands behind a detector's lock.
#[derive(Debug)]
pub(super) struct State {
    config: OutlierConfig,
    next_sweep: Instant,
    chance: Chance,
    counts: [Counts; Rule::COUNT],
    pub(super) rates: Option<Rates>,
    pub(super) local_rates: Option<Rates>,
}

impl State {
    pub(super) fn new(config: OutlierConfig, seed: u64, now: Instant) -> Self {
        Self {
            next_sweep: now + config.interval,
            config,
            chance: Chance::new(seed),
            counts: [Counts::default(); Rule::COUNT],
            rates: None,
            local_rates: None,
        }
    }

    pub(super) fn config(&self) -> &OutlierConfig {
        &self.config
    }

    pub(super) fn next_sweep(&self) -> Instant {
        self.next_sweep
    }

    pub(super) fn swept(&mut self, now: Instant) {
        self.next_sweep = now + self.config.interval;
    }

    pub(super) fn counts(&self, rule: Rule) -> Counts {
        self.counts.get(rule as usize).copied().unwrap_or_default()
    }

    pub(super) fn configure(
        &mut self,
        config: OutlierConfig,
        members: &[Arc<Slot>],
        now: Instant,
    ) -> Vec<Change> {
        // The time that has passed of this interval counts for the next.
        self.next_sweep = (self.next_sweep + config.interval)
            .checked_sub(self.config.interval)
            .unwrap_or(now);
        self.config = config;
        if self.config.has_rules() && !self.config.dark {
            return Vec::new();
        }
        (members.iter())
            .filter_map(|slot| release(slot, &[Mark::Ejected], now))
            .collect()
    }

    /// Sets a member aside, or tells that it would have been.
    pub(super) fn eject(
        &mut self,
        members: &[Arc<Slot>],
        slot: &Slot,
        rule: Rule,
        time: Option<Duration>,
        now: Instant,
    ) -> Option<Change> {
        let is_member = members.iter().any(|member| member.id() == slot.id());
        if !is_member || slot.is(Mark::Ejected) {
            return None;
        }
        let room = self.has_room(members, slot, now);
        let enforced = room && self.drawn(rule) && !self.config.dark;
        if let Some(counts) = self.counts.get_mut(rule as usize) {
            counts.detected += 1;
            counts.enforced += u64::from(enforced);
            counts.overflow += u64::from(!room);
        }
        let mut sentence = slot.health().sentence();
        // As Envoy has it: the count stops growing once it has reached the longest time.
        let (base, most) = (self.config.base_ejection, self.config.max_ejection);
        let may_grow = base.saturating_mul(sentence.times) < most.saturating_add(base);
        let times = sentence.times + u32::from(may_grow);
        let time = time.unwrap_or_else(|| self.config.ejection(times));
        if enforced {
            sentence.kept_in_until = None;
            let time = time + self.jitter();
            sentence.ejected_until = now.checked_add(time);
            sentence.healthy_since = None;
            sentence.by_accrual = rule == Rule::Accrual;
            if !sentence.by_accrual {
                sentence.times = times;
            }
            slot.mark(Mark::Ejected, true);
        } else {
            // Were it out, no rule would find it before its time is over: so it is told once in that time.
            if sentence.kept_in_until.is_some_and(|until| now < until) {
                return None;
            }
            sentence.kept_in_until = now.checked_add(time);
        }
        Some(Change::Ejected {
            endpoint: slot.endpoint().clone(),
            rule,
            time,
            enforced,
        })
    }

    /// Whether one more may be out: those that are ejected, unhealthy or broken count; those that are draining or carry no
    /// weight are no part of the whole.
    fn has_room(&self, members: &[Arc<Slot>], one: &Slot, now: Instant) -> bool {
        if !counts(one) {
            return true;
        }
        let whole = members.iter().filter(|slot| counts(slot)).count() as u64;
        let cap = self.config.cap(whole);
        // Marks first: when many endpoints fail at once, they alone say no.
        let others = || {
            members
                .iter()
                .filter(|slot| counts(slot) && slot.id() != one.id())
        };
        let marked = others().filter(|slot| is_marked(slot)).count() as u64;
        marked < cap && (others().filter(|slot| !takes_calls(slot, now)).count() as u64) < cap
    }

    /// Whether the share of available endpoints is below the panic threshold.
    pub(super) fn too_few(&self, members: &[Arc<Slot>], now: Instant) -> bool {
        let (mut whole, mut available) = (0, 0);
        for slot in members.iter().filter(|slot| counts(slot)) {
            whole += 1;
            available += u64::from(takes_calls(slot, now));
        }
        !self.config.panic_threshold.reached_by(available, whole)
    }

    pub(super) fn drain(&self, slot: &Slot, now: Instant) -> Option<Change> {
        let until = now.checked_add(self.config.drain_time);
        // Once more: a sweep may have come in between.
        slot.mark(Mark::Draining, true);
        let before = std::mem::replace(&mut slot.health().sentence().draining_until, until);
        before.is_none().then(|| Change::Draining {
            endpoint: slot.endpoint().clone(),
        })
    }

    pub(super) fn checked(
        &mut self,
        slot: &Slot,
        healthy: bool,
        time: Duration,
        now: Instant,
    ) -> Option<Change> {
        if healthy {
            let all = [Mark::Ejected, Mark::Draining, Mark::Unhealthy];
            slot.health().sentence().kept_in_until = None;
            return release(slot, &all, now);
        }
        if !slot.mark(Mark::Unhealthy, true) {
            return None;
        }
        if let Some(counts) = self.counts.get_mut(Rule::ActiveHealth as usize) {
            counts.detected += 1;
            counts.enforced += 1;
        }
        Some(Change::Ejected {
            endpoint: slot.endpoint().clone(),
            rule: Rule::ActiveHealth,
            time,
            enforced: true,
        })
    }

    fn drawn(&self, rule: Rule) -> bool {
        let config = &self.config;
        let enforcement = match rule {
            Rule::GatewayFailures => config.gateway_failures.map(|rule| rule.enforcement),
            Rule::ServerErrors => config.server_errors.map(|rule| rule.enforcement),
            Rule::LocalFailures => config.local_failures.map(|rule| rule.enforcement),
            Rule::SuccessRate | Rule::LocalSuccessRate => {
                config.success_rate.map(|rule| rule.enforcement)
            }
            Rule::FailurePercentage | Rule::LocalFailurePercentage => {
                config.failure_percentage.map(|rule| rule.enforcement)
            }
            Rule::Latency => config.latency.map(|rule| rule.enforcement),
            Rule::Accrual | Rule::ActiveHealth => None,
        };
        let share = enforcement.unwrap_or(Percent::ALL).millionths();
        self.chance.draw() % u64::from(Percent::ALL.millionths()) < u64::from(share)
    }

    fn jitter(&self) -> Duration {
        let most = u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.chance.draw() % most.saturating_add(1).max(1))
    }
}

/// Takes marks from a slot, and starts its record anew; `None` if it had none of them.
pub(super) fn release(slot: &Slot, marks: &[Mark], now: Instant) -> Option<Change> {
    let mut had_any = false;
    for mark in marks.iter().copied().filter(|mark| slot.is(*mark)) {
        had_any = true;
        let health = slot.health();
        let mut sentence = health.sentence();
        match mark {
            Mark::Ejected => {
                sentence.ejected_until = None;
                // Else its next failure could be the one that was missing.
                health.forget_failures();
                if sentence.by_accrual {
                    health.put_on_probation();
                } else {
                    sentence.healthy_since = Some(now);
                }
            }
            Mark::Draining => sentence.draining_until = None,
            Mark::Unhealthy => {}
        }
        slot.mark(mark, false);
    }
    had_any.then(|| {
        slot.start_ramp(now);
        Change::Returned {
            endpoint: slot.endpoint().clone(),
        }
    })
}

/// Whether a slot is part of the whole of which a share may be out.
fn counts(slot: &Slot) -> bool {
    slot.weight() > 0 && !slot.is(Mark::Draining)
}

fn is_marked(slot: &Slot) -> bool {
    slot.is(Mark::Ejected) || slot.is(Mark::Unhealthy)
}

fn takes_calls(slot: &Slot, now: Instant) -> bool {
    !is_marked(slot) && slot.gate_admits(now)
}
