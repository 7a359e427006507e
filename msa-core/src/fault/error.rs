//! Why settings of faults cannot be used.

/// Settings of faults cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// `header` names no header.
    #[error(
        "`fault.header` is `{0}`: write a header's name, `x-chaos`, or with a value, `x-chaos: yes`"
    )]
    Header(String),
    /// `abort` is not a status of an error.
    #[error("`fault.abort` is {0}: an aborted request is answered with a status from 400 to 599")]
    Abort(u16),
}
