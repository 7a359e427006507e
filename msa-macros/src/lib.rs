//! The attributes of msa-core. Use them through `msa_core`, which re-exports each and documents what it expands to.

mod args;
mod krate;
mod literal;
