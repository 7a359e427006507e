//! The cases of kind `timeout`: whole calls.

pub(crate) use crate::calls::run;
