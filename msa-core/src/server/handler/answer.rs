//! What a handler may return, and how it becomes an answer.
//!
//! `#[handler]` picks the reading of what the handler returned by `(&&&&&Returned(&output)).reading()`, which finds the first of these
//! that fits.
//!
//! | what the handler returns | the answer | read by |
//! | --- | --- | --- |
//! | `Result<T, E>` with `E: Into<Problem>`: [`Problem`], [`CallError`], an error of the service's own | the problem document | [`Stated`] |
//! | `Result<T, String>`, `Result<T, &str>` | 500; the text goes to the log. (axum would send it with status 200) | [`Text`] |
//! | anything that axum takes: `impl IntoResponse` | as axum has it | [`Native`] |
//! | `Result<T, E>` with `E: Into<Box<dyn Error + Send + Sync>>`: errors, `anyhow::Error` | a [`Problem`] or [`CallError`] among its causes, else 500; the error goes to the log | [`Failed`] |
//! | `Result<T, E>` with `E: Display` | 500; the error goes to the log | [`Plain`] |
//! | anything else | does not compile, and [`Answer`] says why | |
//!
//! Whatever goes to the log is in no answer.

use std::error::Error;
use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::client::CallError;
use crate::problem::Problem;

type Boxed = Box<dyn Error + Send + Sync>;

/// What a handler returned, to be read.
#[derive(Debug)]
pub struct Returned<'a, T>(pub &'a T);

/// Reads an error that knows its problem document.
pub trait Stated {
    /// How it is read.
    fn reading(&self) -> StatedReading {
        StatedReading
    }
}

impl<T: IntoResponse, E: Into<Problem>> Stated for &&&&Returned<'_, Result<T, E>> {}

/// The reading of [`Stated`].
#[derive(Debug, Clone, Copy)]
pub struct StatedReading;

impl StatedReading {
    /// The answer.
    pub fn answer<T: IntoResponse, E: Into<Problem>>(self, output: Result<T, E>) -> Response {
        output.map_err(Into::into).into_response()
    }
}

/// Reads an error that is a text for people.
pub trait Text {
    /// How it is read.
    fn reading(&self) -> TextReading {
        TextReading
    }
}

impl<T: IntoResponse> Text for &&&Returned<'_, Result<T, String>> {}
impl<T: IntoResponse> Text for &&&Returned<'_, Result<T, &'static str>> {}

/// The reading of [`Text`].
#[derive(Debug, Clone, Copy)]
pub struct TextReading;

impl TextReading {
    /// The answer.
    pub fn answer<T: IntoResponse, E: Into<Boxed>>(self, output: Result<T, E>) -> Response {
        output
            .map_err(|error| internal(error.into()))
            .into_response()
    }
}

/// Reads what axum takes by itself.
pub trait Native {
    /// How it is read.
    fn reading(&self) -> NativeReading {
        NativeReading
    }
}

impl<T: IntoResponse> Native for &&Returned<'_, T> {}

/// The reading of [`Native`].
#[derive(Debug, Clone, Copy)]
pub struct NativeReading;

impl NativeReading {
    /// The answer.
    pub fn answer<T: IntoResponse>(self, output: T) -> Response {
        output.into_response()
    }
}

/// Reads an error of any other kind, and refuses at compile time what cannot be read.
pub trait Failed {
    /// How it is read.
    fn reading(&self) -> FailedReading {
        FailedReading
    }
}

impl<T: IntoResponse, E: Into<Boxed>> Failed for &Returned<'_, Result<T, E>> {}

/// The reading of [`Failed`].
#[derive(Debug, Clone, Copy)]
pub struct FailedReading;

impl FailedReading {
    /// The answer.
    pub fn answer<T: IntoResponse, E: Into<Boxed>>(self, output: Result<T, E>) -> Response {
        output.map_err(|error| failed(error.into())).into_response()
    }
}

/// Reads what is left.
pub trait Plain {
    /// How it is read.
    fn reading(&self) -> PlainReading {
        PlainReading
    }
}

impl<T> Plain for Returned<'_, T> {}

/// The reading of [`Plain`].
#[derive(Debug, Clone, Copy)]
pub struct PlainReading;

impl PlainReading {
    /// The answer.
    pub fn answer<T: Answer>(self, output: T) -> Response {
        output.answer()
    }
}

/// What can be an answer at the least.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this is no answer",
    note = "return something that is a response (`Json(value)`, `String`, `StatusCode`, `impl IntoResponse`), or a `Result` of it",
    note = "the error of a `Result` needs `Into<Problem>` to be answered as you say, or `std::error::Error` (`Display` at the least) to be a 500"
)]
pub trait Answer {
    /// The answer.
    fn answer(self) -> Response;
}

#[diagnostic::do_not_recommend] // the message is about what was returned, not about what of it is missing
impl<T: IntoResponse, E: Display> Answer for Result<T, E> {
    fn answer(self) -> Response {
        self.map_err(|error| internal(error.to_string().into()))
            .into_response()
    }
}

/// What axum answers by itself: whatever is `IntoResponse`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this is no answer",
    note = "what stands in a `Json` needs `serde::Serialize`: derive it",
    note = "return something that is a response (`Json(value)`, `String`, `StatusCode`, `impl IntoResponse`), or a `Result` of it"
)]
pub trait Answers {}

#[diagnostic::do_not_recommend] // the message is about what was returned, not about what of it is missing
impl<T: IntoResponse> Answers for T {}

/// Nothing, for what axum answers by itself; for what it does not, `const _: fn() = answers::<R>;` is an error that says why.
pub const fn answers<R: Answers>() {}

/// An error that may wrap one of msa's, which knows its answer.
#[cold]
fn failed(error: Boxed) -> Problem {
    let error = match error.downcast::<Problem>() {
        Ok(problem) => return *problem,
        Err(error) => error,
    };
    let mut next: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(cause) = next {
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            return problem.clone();
        }
        next = cause.source();
    }
    match CallError::find(&*error).cloned() {
        Some(call) => Problem::from(call).caused_by(error),
        None => internal(error),
    }
}

#[cold]
fn internal(error: Boxed) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("the service met an error of its own; its log tells more under this GTXID")
        .caused_by(error)
}
