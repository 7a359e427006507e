//! What the mocks of `#[service_client]` are made of.
//!
//! `#[service_client(name = "user-service")] trait UserApi` has a `UserApiMock` beside its `UserApiClient` when the feature
//! `test-util` is on: it implements the trait, answers as a test tells it, and remembers its calls.
//!
//! ```
//! use msa_core::prelude::*;
//!
//! #[service_client(name = "user-service")]
//! trait UserApi {
//!     #[get("/users/{id}/name")]
//!     async fn name(&self, id: u64) -> Result<String, CallError>;
//! }
//!
//! async fn greeting(users: &impl UserApi, id: u64) -> Result<String, CallError> {
//!     Ok(format!("Hello, {}", users.name(id).await?))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let users = UserApiMock::new();
//! users.on_name(|id| match id {
//!     7 => Ok("Ada".to_owned()),
//!     _ => Err(CallError::new(CallErrorKind::DeadlineExceeded, "too late")),
//! });
//! assert_eq!(greeting(&users, 7).await?, "Hello, Ada");
//! assert!(greeting(&users, 8).await.is_err());
//! assert_eq!(users.calls(), ["name(7)", "name(8)"]);
//!
//! // An answer that takes its time, for who must not wait so long: with a paused clock the test does not.
//! users.async_on_name(|_id| async {
//!     tokio::time::sleep(std::time::Duration::from_millis(50)).await;
//!     Ok("Grace".to_owned())
//! });
//! assert_eq!(greeting(&users, 9).await?, "Hello, Grace");
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The calls of a mock, in their order.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Vec<String>>);

impl Calls {
    /// Remembers a call, and returns it as text: `user(7)`.
    pub fn record(&self, method: &str, arguments: &[String]) -> String {
        let call = format!("{method}({})", arguments.join(", "));
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call.clone());
        call
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }
}

/// How one method of a mock answers.
pub struct Answer<F: ?Sized> {
    mock: &'static str,
    setter: &'static str,
    function: Mutex<Option<Box<F>>>,
}

impl<F: ?Sized> Answer<F> {
    /// No answer yet. `setter` is the method of `mock` that gives one.
    #[must_use]
    pub fn new(mock: &'static str, setter: &'static str) -> Self {
        Self {
            mock,
            setter,
            function: Mutex::new(None),
        }
    }

    /// This function from now on.
    pub fn set(&self, function: Box<F>) {
        let mut known = self.function.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(function);
    }

    /// The function that answers this call. It is locked meanwhile: it runs for one call at a time, and cannot call its own method. The
    /// future that it returns is awaited without the lock.
    ///
    /// # Panics
    ///
    /// Nobody said how to answer.
    #[track_caller]
    pub fn called(&self, call: &str) -> Called<'_, F> {
        let known = self.function.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let Self { mock, setter, .. } = self;
            drop(known);
            // A test that meets a call it did not expect has failed.
            #[allow(clippy::panic)]
            {
                panic!(
                    "`{mock}` does not know how to answer `{call}`: tell it by `{setter}(|...| ...)` before"
                );
            }
        }
        Called(known)
    }
}

impl<F: ?Sized> fmt::Debug for Answer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("setter", &self.setter)
            .finish_non_exhaustive()
    }
}

/// The function that answers a call.
pub struct Called<'a, F: ?Sized>(MutexGuard<'a, Option<Box<F>>>);

impl<F: ?Sized> Deref for Called<'_, F> {
    type Target = F;

    fn deref(&self) -> &F {
        match &*self.0 {
            Some(function) => function,
            None => unreachable!("`called` looked"),
        }
    }
}

impl<F: ?Sized> DerefMut for Called<'_, F> {
    fn deref_mut(&mut self) -> &mut F {
        match &mut *self.0 {
            Some(function) => function,
            None => unreachable!("`called` looked"),
        }
    }
}

impl<F: ?Sized> fmt::Debug for Called<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Called").finish_non_exhaustive()
    }
}

/// An argument to be shown, by its `Debug` when it has one: `(&Argument(&value)).shown()`.
///
/// The method is that of [`Shown`] when the value has `Debug`, else that of [`Opaque`], which a reference more away finds.
pub struct Argument<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> fmt::Debug for Argument<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argument").finish_non_exhaustive()
    }
}

/// Shows what has `Debug`.
pub trait Shown {
    /// As text.
    fn shown(&self) -> String;
}

impl<T: fmt::Debug + ?Sized> Shown for Argument<'_, T> {
    fn shown(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// Shows what has no `Debug`, as `_`.
pub trait Opaque {
    /// As text.
    fn shown(&self) -> String;
}

impl<T: ?Sized> Opaque for &Argument<'_, T> {
    fn shown(&self) -> String {
        "_".to_owned()
    }
}
