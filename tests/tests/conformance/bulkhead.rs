//! The cases of kind `bulkhead`: whole calls.

pub(crate) use crate::calls::run;
