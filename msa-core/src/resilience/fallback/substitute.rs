//! What stands in for an answer.

use std::fmt;
use std::future::Future;

use super::StaleOf;
use crate::clock::Instant;

/// What came of asking for a substitute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stood<T, E> {
    /// This stands in: a value, or the failure of the fallback itself.
    In(Result<T, E>, &'static str),
    /// There is none: what came of the call stands.
    Not(Result<T, E>),
}

/// Something that may stand in for the answer of a failed call.
pub trait Substitute<T, E>: Sync {
    /// Learns of a good answer.
    fn keep(&self, answer: &T, now: Instant) {
        let _ = (answer, now); // most have no use for it
    }

    /// Stands in for what came of a call, or does not. The name beside what stands in says how: `value`, `function`, `stale`.
    fn stand_in(
        &self,
        outcome: Result<T, E>,
        now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send;

    /// Takes what came of a call: keeps what is good, stands in for what failed. The second part is how it stood in, when it did.
    fn settle(
        &self,
        outcome: Result<T, E>,
        now: Instant,
    ) -> impl Future<Output = (Result<T, E>, Option<&'static str>)> + Send
    where
        T: Send,
        E: Send,
    {
        async move {
            let failed = match outcome {
                Ok(answer) => {
                    self.keep(&answer, now);
                    return (Ok(answer), None);
                }
                Err(error) => Err(error),
            };
            match self.stand_in(failed, now).await {
                Stood::In(result, how) => (result, Some(how)),
                Stood::Not(outcome) => (outcome, None),
            }
        }
    }
}

/// Methods of each substitute, which need not know yet for what it stands in.
macro_rules! combines {
    ($(impl<$($generic:ident),+> $type:ty;)+) => {$(
        impl<$($generic),+> $type {
            /// This one, and what it does not stand in for, the other.
            pub fn or<S>(self, other: S) -> Or<Self, S> {
                Or(self, other)
            }

            /// This one, for failures that the condition, a function of `&E`, picks.
            pub fn only_when<P>(self, condition: P) -> OnlyWhen<Self, P> {
                OnlyWhen(self, condition)
            }
        }
    )+};
}

combines! {
    impl<T> Value<T>;
    impl<F> Function<F>;
    impl<K, V> StaleOf<K, V>;
    impl<A, B> Or<A, B>;
    impl<B, C> OnlyWhen<B, C>;
}

impl<T: Send, E: Send, S: Substitute<T, E>> Substitute<T, E> for &S {
    fn keep(&self, answer: &T, now: Instant) {
        (**self).keep(answer, now);
    }

    fn stand_in(
        &self,
        outcome: Result<T, E>,
        now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send {
        (**self).stand_in(outcome, now)
    }
}

/// Stands in for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFallback;

impl<T: Send, E: Send> Substitute<T, E> for NoFallback {
    #[inline]
    fn stand_in(
        &self,
        outcome: Result<T, E>,
        _now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send {
        std::future::ready(Stood::Not(outcome))
    }
}

/// This value stands in for every failure.
pub fn value<T: Clone + Send + Sync>(value: T) -> Value<T> {
    Value(value)
}

/// Made by [`value`].
#[derive(Debug, Clone, Copy)]
pub struct Value<T>(T);

impl<T: Clone + Send + Sync, E: Send> Substitute<T, E> for Value<T> {
    fn stand_in(
        &self,
        _outcome: Result<T, E>,
        _now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send {
        std::future::ready(Stood::In(Ok(self.0.clone()), "value"))
    }
}

/// What the function makes of the failure stands in for it.
pub fn function<F>(function: F) -> Function<F> {
    Function(function)
}

/// Made by [`function`].
#[derive(Clone, Copy)]
pub struct Function<F>(F);

impl<T, E, F, Fut> Substitute<T, E> for Function<F>
where
    T: Send,
    E: Send,
    F: Fn(E) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
{
    async fn stand_in(&self, outcome: Result<T, E>, _now: Instant) -> Stood<T, E> {
        match outcome {
            Ok(answer) => Stood::Not(Ok(answer)),
            Err(error) => Stood::In((self.0)(error).await, "function"),
        }
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}

/// The first of two that stands in; made by [`Value::or`] and its likes.
#[derive(Debug, Clone, Copy)]
pub struct Or<A, B>(A, B);

impl<A, B> Or<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Self(first, second)
    }
}

impl<T: Send, E: Send, A: Substitute<T, E>, B: Substitute<T, E>> Substitute<T, E> for Or<A, B> {
    fn keep(&self, answer: &T, now: Instant) {
        self.0.keep(answer, now);
        self.1.keep(answer, now);
    }

    async fn stand_in(&self, outcome: Result<T, E>, now: Instant) -> Stood<T, E> {
        match self.0.stand_in(outcome, now).await {
            Stood::Not(outcome) => self.1.stand_in(outcome, now).await,
            stood => stood,
        }
    }
}

/// Stands in for some failures; made by [`Value::only_when`] and its likes.
#[derive(Clone, Copy)]
pub struct OnlyWhen<S, P>(S, P);

impl<T, E, S, P> Substitute<T, E> for OnlyWhen<S, P>
where
    T: Send,
    E: Send,
    S: Substitute<T, E>,
    P: Fn(&E) -> bool + Sync,
{
    fn keep(&self, answer: &T, now: Instant) {
        self.0.keep(answer, now);
    }

    async fn stand_in(&self, outcome: Result<T, E>, now: Instant) -> Stood<T, E> {
        if outcome.as_ref().is_err_and(&self.1) {
            self.0.stand_in(outcome, now).await
        } else {
            Stood::Not(outcome)
        }
    }
}

impl<S: fmt::Debug, P> fmt::Debug for OnlyWhen<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnlyWhen")
            .field(&self.0)
            .finish_non_exhaustive()
    }
}
