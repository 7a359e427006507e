//! Settings under the names that Envoy and gRPC give them.

use std::time::Duration;

use msa_core::balance::outlier::{Consecutive, FailurePercentage, OutlierConfig, SuccessRate};
use msa_core::config::Percent;

use crate::case::Trouble;
use crate::setting::Setting;

/// Rules are on when the case names them. `grpc` tells whose rules of the border cases hold.
pub(super) fn read(setting: &Setting<'_>, grpc: bool) -> Result<OutlierConfig, Trouble> {
    let mut config = OutlierConfig::off();
    let time = |key, default| Ok::<_, Trouble>(setting.time(key)?.unwrap_or(default));
    config.interval = time("interval", Duration::from_secs(10))?;
    config.base_ejection = time("base_ejection", Duration::from_secs(30))?;
    config.max_ejection = time("max_ejection", Duration::from_secs(300))?;
    config.jitter = time("max_ejection_jitter", Duration::ZERO)?;
    config.max_ejected = percent(setting, "max_ejection_percent")?.unwrap_or(Percent::new(10));
    // Both let the first one go whatever the share; later Envoys ask for it.
    config.max_ejected_rounds_up = setting.flag("always_eject_one_host")?.unwrap_or(true);
    config.panic_threshold = Percent::ZERO;
    config.split_local_origin = flags(
        setting,
        &[
            "split_external_local_origin_errors",
            "split_external_local_origin",
            "split",
        ],
    )?;

    if setting.text("consecutive")? != Some("off") {
        let rule = |names: &[&str]| consecutive(setting, names);
        config.server_errors = rule(&["consecutive_5xx"])?;
        config.gateway_failures = rule(&[
            "consecutive_gateway_failure",
            "consecutive_gateway_failures",
            "consecutive_gateway",
        ])?;
        config.local_failures = rule(&[
            "consecutive_local_origin_failure",
            "consecutive_local_origin_failures",
            "consecutive_local_origin",
        ])?;
    }
    if let Some(own) = setting.object("success_rate")? {
        let mut rule = SuccessRate::default();
        rule.stdev_factor = stdev_factor(&own)?.unwrap_or(rule.stdev_factor);
        rule.min_endpoints =
            count(&own, &["min_hosts", "minimum_hosts"])?.unwrap_or(rule.min_endpoints);
        rule.min_requests = requests(&own)?.unwrap_or(rule.min_requests);
        rule.enforcement = enforcement(setting, &own, "enforcing_success_rate")?;
        own.all_known()?;
        config.success_rate = Some(rule);
    }
    if let Some(own) = setting.object("failure_percentage")? {
        let mut rule = FailurePercentage::default();
        rule.threshold = percent(&own, "threshold")?.unwrap_or(rule.threshold);
        rule.at_threshold = !grpc;
        rule.min_endpoints =
            count(&own, &["min_hosts", "minimum_hosts"])?.unwrap_or(rule.min_endpoints);
        rule.min_requests = requests(&own)?.unwrap_or(rule.min_requests);
        rule.enforcement = enforcement(setting, &own, "enforcing_failure_percentage")?;
        own.all_known()?;
        config.failure_percentage = Some(rule);
    }
    Ok(config)
}

/// A factor, or the thousandths of one: both systems' settings are in thousandths, and no factor is as large as 50.
pub(super) fn stdev_factor(setting: &Setting<'_>) -> Result<Option<f64>, Trouble> {
    let factor = setting.number("stdev_factor")?;
    Ok(factor.map(|factor| {
        if factor >= 50.0 {
            factor / 1000.0
        } else {
            factor
        }
    }))
}

fn consecutive(setting: &Setting<'_>, names: &[&str]) -> Result<Option<Consecutive>, Trouble> {
    let mut rule = None;
    let mut enforcement = None;
    for name in names {
        if let Some(failures) = setting.count(name)? {
            rule = u32::try_from(failures)
                .ok()
                .filter(|failures| *failures > 0);
        }
        enforcement = enforcement.or(percent(setting, &format!("enforcing_{name}"))?);
    }
    Ok(rule.map(|failures| {
        let mut rule = Consecutive::new(failures);
        rule.enforcement = enforcement.unwrap_or(rule.enforcement);
        rule
    }))
}

fn enforcement(setting: &Setting<'_>, own: &Setting<'_>, outer: &str) -> Result<Percent, Trouble> {
    let inner = [percent(own, "enforcement")?, percent(own, "enforcing")?];
    let outer = percent(setting, outer)?;
    Ok(inner
        .into_iter()
        .flatten()
        .next()
        .or(outer)
        .unwrap_or(Percent::ALL))
}

fn flags(setting: &Setting<'_>, names: &[&str]) -> Result<bool, Trouble> {
    let mut on = false;
    for name in names {
        on |= setting.flag(name)?.unwrap_or(false);
    }
    Ok(on)
}

fn requests(own: &Setting<'_>) -> Result<Option<u32>, Trouble> {
    let count = count(own, &["request_volume", "min_requests", "minimum_requests"])?;
    Ok(count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
}

fn count(own: &Setting<'_>, names: &[&str]) -> Result<Option<usize>, Trouble> {
    let mut found = None;
    for name in names {
        found = found.or(own.count(name)?);
    }
    Ok(found.map(|count| usize::try_from(count).unwrap_or(usize::MAX)))
}

fn percent(setting: &Setting<'_>, key: &str) -> Result<Option<Percent>, Trouble> {
    let Some(number) = setting.number(key)? else {
        return Ok(None);
    };
    Percent::from_fraction(number / 100.0)
        .map(Some)
        .ok_or_else(|| Trouble::inexpressible(format!("`{key}` is no percentage: {number}")))
}
