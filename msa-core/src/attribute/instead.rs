//! What `#[fallback]` stands in with.

use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;

use super::Returned;
use crate::clock::Instant;
use crate::resilience::fallback::{Stood, Substitute};
use crate::resilience::policy::PolicyError;

/// A function that stands in for another: it takes the same arguments, perhaps the error as one more, and returns the same, `async` or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in for this function",
    label = "expected a function of `{Args}` that returns `{R}`, `async` or not",
    note = "a fallback takes the arguments of the function it stands in for, in their order, then the error if it wants it, and returns the same type"
)]
pub trait StandsIn<Args, R, M> {
    /// Stands in for a call with these arguments that failed with this error.
    fn stand_in(&self, args: Args, error: ErrorOf<R>) -> impl Future<Output = R> + Send
    where
        R: Returned;
}

type ErrorOf<R> = <R as Returned>::Error;

/// Markers that keep the four forms apart.
mod form {
    /// `fn(args) -> R`
    #[derive(Debug)]
    pub struct Plain;
    /// `async fn(args) -> R`
    #[derive(Debug)]
    pub struct Async;
    /// `fn(args, error) -> R`
    #[derive(Debug)]
    pub struct PlainTold;
    /// `async fn(args, error) -> R`
    #[derive(Debug)]
    pub struct AsyncTold;
}

macro_rules! stands_in {
    ($($arg:ident)*) => {
        impl<Func, R: Returned + Send, $($arg: Send,)*> StandsIn<($($arg,)*), R, form::Plain> for Func
        where
            Func: Fn($($arg,)*) -> R,
        {
            #[allow(non_snake_case)] // named as their types
            fn stand_in(&self, ($($arg,)*): ($($arg,)*), _error: R::Error) -> impl Future<Output = R> + Send {
                ready(self($($arg,)*))
            }
        }

        impl<Func, Fut, R: Returned + Send, $($arg: Send,)*> StandsIn<($($arg,)*), R, form::Async> for Func
        where
            Func: Fn($($arg,)*) -> Fut,
            Fut: Future<Output = R> + Send,
        {
            #[allow(non_snake_case)] // named as their types
            fn stand_in(&self, ($($arg,)*): ($($arg,)*), _error: R::Error) -> impl Future<Output = R> + Send {
                self($($arg,)*)
            }
        }

        impl<Func, R: Returned + Send, $($arg: Send,)*> StandsIn<($($arg,)*), R, form::PlainTold> for Func
        where
            Func: Fn($($arg,)* R::Error) -> R,
        {
            #[allow(non_snake_case)] // named as their types
            fn stand_in(&self, ($($arg,)*): ($($arg,)*), error: R::Error) -> impl Future<Output = R> + Send {
                ready(self($($arg,)* error))
            }
        }

        impl<Func, Fut, R: Returned + Send, $($arg: Send,)*> StandsIn<($($arg,)*), R, form::AsyncTold> for Func
        where
            Func: Fn($($arg,)* R::Error) -> Fut,
            Fut: Future<Output = R> + Send,
        {
            #[allow(non_snake_case)] // named as their types
            fn stand_in(&self, ($($arg,)*): ($($arg,)*), error: R::Error) -> impl Future<Output = R> + Send {
                self($($arg,)* error)
            }
        }
    };
}

stands_in!();
stands_in!(A1);
stands_in!(A1 A2);
stands_in!(A1 A2 A3);
stands_in!(A1 A2 A3 A4);
stands_in!(A1 A2 A3 A4 A5);
stands_in!(A1 A2 A3 A4 A5 A6);
stands_in!(A1 A2 A3 A4 A5 A6 A7);
stands_in!(A1 A2 A3 A4 A5 A6 A7 A8);
stands_in!(A1 A2 A3 A4 A5 A6 A7 A8 A9);
stands_in!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
stands_in!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
stands_in!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);

/// Made by [`Given::instead`].
pub struct Instead<F, A, R, M> {
    function: F,
    args: A,
    returns: PhantomData<fn() -> (R, M)>,
}

/// The arguments of a call, for who [stands in](Given::instead); made by [`given`].
pub struct Given<A>(A);

/// The arguments of a call, as a tuple that is made only when it is needed.
pub fn given<Args, A: Fn() -> Args>(args: A) -> Given<A> {
    Given(args)
}

impl<Args, A: Fn() -> Args> Given<A> {
    /// This function stands in, called with these arguments.
    pub fn instead<R, F, M>(self, function: F) -> Instead<F, A, R, M>
    where
        F: StandsIn<Args, R, M>,
    {
        Instead {
            function,
            args: self.0,
            returns: PhantomData,
        }
    }
}

impl<A> fmt::Debug for Given<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl<T, E, R, Args, M, F, A> Substitute<T, PolicyError<E>> for Instead<F, A, R, M>
where
    T: Send,
    E: Send,
    R: Returned<Answer = T, Error = E> + Send,
    F: StandsIn<Args, R, M> + Sync,
    A: Fn() -> Args + Sync,
    Args: Send,
    E: crate::resilience::policy::FromRefused,
{
    async fn stand_in(
        &self,
        outcome: Result<T, PolicyError<E>>,
        _now: Instant,
    ) -> Stood<T, PolicyError<E>> {
        let error = match outcome {
            Ok(answer) => return Stood::Not(Ok(answer)),
            Err(error) => error,
        };
        let policy = error.policy_shared();
        let returned = self.function.stand_in((self.args)(), error.flatten()).await;
        let result = returned.into_result();
        Stood::In(
            result.map_err(|error| PolicyError::failed(policy, error)),
            "function",
        )
    }
}

impl<F, A, R, M> fmt::Debug for Instead<F, A, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instead")
    }
}

/// Made by [`value`].
pub struct ValueOf<F>(F);

/// What this function gives stands in for every failure of a function that returns `R`. It is asked only when it is needed.
pub fn value<R: Returned, F: Fn() -> R::Answer>(value: F) -> ValueOf<F> {
    ValueOf(value)
}

impl<T: Send, E: Send, F: Fn() -> T + Sync> Substitute<T, E> for ValueOf<F> {
    fn stand_in(
        &self,
        _outcome: Result<T, E>,
        _now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send {
        ready(Stood::In(Ok((self.0)()), "value"))
    }
}

impl<F> fmt::Debug for ValueOf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueOf")
    }
}
