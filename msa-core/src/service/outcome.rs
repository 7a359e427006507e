//! What `main` may return: nothing, or a `Result` whose error can be told to people.
//!
//! [`run`](super::run) takes an error that is one (`std::error::Error`) or turns into one. `#[msa_core::main]` takes a little more, by the
//! way that its expansion picks the reading of what `main` returned: `(&&&&Outcome(&returned)).read()` finds the first of these that
//! fits.
//!
//! | what `main` returns | read by |
//! | --- | --- |
//! | `()` | [`Nothing`] |
//! | `Result<(), E>` with `E: Into<Box<dyn Error + Send + Sync>>`: [`Error`], errors, `anyhow::Error`, `String` | [`Failure`] |
//! | `Result<(), Box<dyn Error>>` | [`LocalFailure`] |
//! | `Result<(), E>` with `E: Display` | [`Told`] |
//! | anything else | does not compile: [`Outcome`] says why |

use std::error::Error as StdError;
use std::fmt::Display;

use super::Error;

/// An error on its way to `run`.
type Boxed = Box<dyn StdError + Send + Sync>;

/// What `main` returned, to be read.
#[derive(Debug)]
pub struct Outcome<'a, T>(pub &'a T);

/// `main` returned nothing: all is well.
pub trait Nothing {
    /// How it is read.
    fn read(&self) -> NothingRead {
        NothingRead
    }
}

impl Nothing for &&&Outcome<'_, ()> {}

/// The reading of [`Nothing`].
#[derive(Debug, Clone, Copy)]
pub struct NothingRead;

impl NothingRead {
    /// # Errors
    ///
    /// None.
    pub fn end(self, (): ()) -> Result<(), Boxed> {
        Ok(())
    }
}

/// `main` returned an error that is one, or turns into one.
pub trait Failure {
    /// How it is read.
    fn read(&self) -> FailureRead {
        FailureRead
    }
}

impl<E: Into<Boxed>> Failure for &&Outcome<'_, Result<(), E>> {}

/// The reading of [`Failure`].
#[derive(Debug, Clone, Copy)]
pub struct FailureRead;

impl FailureRead {
    /// # Errors
    ///
    /// The error that `main` returned.
    pub fn end<E: Into<Boxed>>(self, returned: Result<(), E>) -> Result<(), Boxed> {
        returned.map_err(Into::into)
    }
}

/// `main` returned an error that must stay on its thread.
pub trait LocalFailure {
    /// How it is read.
    fn read(&self) -> LocalRead {
        LocalRead
    }
}

impl LocalFailure for &Outcome<'_, Result<(), Box<dyn StdError>>> {}

/// The reading of [`LocalFailure`].
#[derive(Debug, Clone, Copy)]
pub struct LocalRead;

impl LocalRead {
    /// # Errors
    ///
    /// The error that `main` returned: its text with those of its causes, and its exit code.
    pub fn end(self, returned: Result<(), Box<dyn StdError>>) -> Result<(), Boxed> {
        returned.map_err(|error| match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => {
                let mut text = error.to_string();
                let mut cause = error.source();
                while let Some(inner) = cause {
                    text.push_str(&format!("\n  because: {inner}"));
                    cause = inner.source();
                }
                Boxed::from(text)
            }
        })
    }
}

/// `main` returned an error that can only be told.
pub trait Told {
    /// How it is read.
    fn read(&self) -> ToldRead {
        ToldRead
    }
}

impl<T> Told for Outcome<'_, T> {}

/// The reading of [`Told`].
#[derive(Debug, Clone, Copy)]
pub struct ToldRead;

impl ToldRead {
    /// # Errors
    ///
    /// The text of the error that `main` returned.
    pub fn end<T: Tellable>(self, returned: T) -> Result<(), Boxed> {
        returned.told().map_err(Boxed::from)
    }
}

/// What `main` can return at the least.
#[diagnostic::on_unimplemented(
    message = "`main` cannot return `{Self}`",
    label = "this is neither nothing nor a `Result<(), _>` whose error can be told",
    note = "write `async fn main() -> Result<(), msa_core::Error>`; another error needs `std::error::Error`, or `Display` at the least"
)]
pub trait Tellable {
    /// # Errors
    ///
    /// The error's text.
    fn told(self) -> Result<(), String>;
}

#[diagnostic::do_not_recommend] // the message is about what was returned, not about what of it is missing
impl<E: Display> Tellable for Result<(), E> {
    fn told(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
