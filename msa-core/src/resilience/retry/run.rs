//! The face around any `async fn`.

use super::{Circumstances, Judge, OnErr, Retry};
use crate::clock::{self, Instant};
use crate::event::Observers;
use crate::txn::Txn;

impl Retry {
    /// Retries around a function; `name` is what events call it.
    ///
    /// ```
    /// use msa_core::resilience::retry::Retry;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    ///
    /// let stock = Retry::default()
    ///     .around("stock")
    ///     .run(|attempt| async move { if attempt < 3 { Err("busy") } else { Ok(7) } })
    ///     .await;
    /// assert_eq!(stock, Ok(7));
    /// # });
    /// ```
    pub fn around<'a>(&'a self, name: &'a str) -> Around<'a, OnErr> {
        Around {
            retry: self,
            name,
            judge: OnErr,
            observers: None,
            circumstances: Circumstances::default(),
        }
    }
}

/// Retries around a function: made by [`Retry::around`].
#[derive(Debug)]
#[must_use = "nothing happens before it is run"]
pub struct Around<'a, J> {
    retry: &'a Retry,
    name: &'a str,
    judge: J,
    observers: Option<&'a Observers>,
    circumstances: Circumstances<'a>,
}

impl<'a, J> Around<'a, J> {
    /// After which results. Defaults to [`OnErr`].
    pub fn judged_by<K>(self, judge: K) -> Around<'a, K> {
        Around {
            retry: self.retry,
            name: self.name,
            judge,
            observers: self.observers,
            circumstances: self.circumstances,
        }
    }

    /// Who is told. Defaults to nobody.
    pub fn observers(mut self, observers: &'a Observers) -> Self {
        self.observers = Some(observers);
        self
    }

    /// No retry starts after it. Defaults to none.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.circumstances.deadline = Some(deadline);
        self
    }

    /// Retries are paid from the transaction's budget too. Defaults to no: what stays inside this service does not multiply through
    /// hops. For a function that calls another service.
    pub fn within(mut self, txn: &'a Txn) -> Self {
        self.circumstances.txn = Some(txn);
        self
    }

    /// Calls the function until its result is not worth another attempt, or there is to be none. It gets the number of the attempt,
    /// from 1. Its last result is returned.
    ///
    /// # Errors
    ///
    /// Those of the function.
    pub async fn run<T, E, F, Fut>(self, mut attempt: F) -> Result<T, E>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<(), T, E>,
    {
        let mut call = self.retry.begin(clock::now());
        loop {
            call.started();
            let number = call.attempt();
            let result = attempt(number).await;
            let ending = self.judge.judge(&result, &self.retry.on);
            let decision = call.after(&ending, &self.circumstances, clock::now);
            if let Some(observers) = self.observers {
                decision.tell(observers, self.name, number, &ending);
            }
            match decision.delay() {
                None => return result,
                Some(delay) if delay.is_zero() => {}
                Some(delay) => tokio::time::sleep(delay).await,
            }
        }
    }
}
