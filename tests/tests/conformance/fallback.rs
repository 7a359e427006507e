//! The cases of kind `fallback`: whole calls.

pub(crate) use crate::calls::run;
