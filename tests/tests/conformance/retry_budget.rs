//! The cases of kind `retry_budget`: [`Budget`], mostly its [`WindowBudget`].

use msa_core::resilience::budget::{Budget, WindowBudget, WindowConfig};
use serde_json::json;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    // Said for the reader: a case's clock stands still until an event moves it.
    setting.get("clock");
    let mut config = WindowConfig::default();
    if let Some(window) = setting.time("ttl")?.or(setting.time("window")?) {
        config = config.window(window);
    }
    if let Some(retries) = setting.count("min_retries_per_s")? {
        config = config.min_per_second(u32::try_from(retries).unwrap_or(u32::MAX));
    }
    if let Some(share) = setting.number("percent")? {
        config = config.per_call(share);
    }
    let budget = match setting.text("type")? {
        None | Some("token" | "window") => Budget::Window(WindowBudget::new(config)),
        Some("infinite") => Budget::Unlimited,
        Some("empty") => Budget::Window(WindowBudget::new(config.per_call(0.0).min_per_second(0))),
        Some(other) => {
            let what = format!("the budget `{other}` is not known");
            return Err(Trouble::inexpressible(what));
        }
    };
    setting.all_known()?;

    let mut clock = Clock::new();
    case.play(|event, _| {
        let (mut withdrawn, mut last) = (0_u64, None);
        step::each(event, |one| {
            let now = clock.now();
            match one {
                "balance" => {}
                "deposit" => budget.deposit(now),
                "try_withdraw" | "withdraw" => {
                    let granted = budget.try_withdraw(now).is_some();
                    withdrawn += u64::from(granted);
                    last = Some(granted);
                }
                one if clock.step(one)? => {}
                _ => return Err(Trouble::unknown_event(one)),
            }
            Ok(())
        })?;
        let mut seen = Seen::from([
            ("withdrawn", json!(withdrawn)),
            ("granted", json!(last)),
            ("ok", json!(last)),
        ]);
        if let Budget::Window(window) = &budget {
            let balance = json!(window.balance(clock.now()));
            seen.extend([("n", balance.clone()), ("balance", balance)]);
        }
        Ok(seen)
    })
}
